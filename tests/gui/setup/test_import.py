"""The import wizard with every kind of data."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from tests.data import sources
from tests.gui.setup.conftest import Stage, at
from tests.gui.setup.test_panel import opened_import
from tests.sequences.some import pairs, table
from workbench.data import registry
from workbench.data.found import BETWEEN
from workbench.gui.setup.import_dialog import CHECK, LOOK, ImportDialog
from workbench.gui.setup.import_notes import ImportNotes
from workbench.gui.setup.preview import elided

Open = Callable[[Path], ImportDialog]


@pytest.fixture
def wizard(stage: Stage) -> Open:
    """Opens the wizard on a path, and waits until it has looked and checked."""

    def open_(path: Path) -> ImportDialog:
        stage.panel.import_path(path)
        dialog = opened_import(stage)
        stage.qtbot.waitUntil(lambda: not stage.worker.waits_for(CHECK), timeout=60_000)
        return dialog

    return open_


def press_import(stage: Stage, dialog: ImportDialog) -> None:
    assert dialog.accept_button.isEnabled(), dialog.error.text()
    with stage.qtbot.waitSignal(dialog.finished, timeout=60_000):
        stage.qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)


def test_texts_become_the_task(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    path = sources.clinc(tmp_path / "intents.json")
    dialog = wizard(path)
    assert dialog.found.text() == "8 classes, 96 texts (12 in each class)"
    assert dialog.pictures.item(0).text().startswith("topic 0:  red green")
    assert "oos_train (1 examples)" in dialog.findings.item(0).text()
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 3)
    assert dialog.error.text() == "Classes: train 4, validation 2, test 2"
    press_import(stage, dialog)
    task = stage.draft.table()["task"]
    assert task == {"family": "text", "path": str(path), "ways": 2, "queries": 3}
    stage.settle()
    assert not stage.panel.data.error


def test_pairs_of_sentences_become_the_task(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    dialog = wizard(sources.sentence_pairs(tmp_path / "pairs.tsv"))
    assert dialog.found.text() == "5 groups, 15 classes, 180 pairs (12 in each class)"
    assert (
        dialog.pictures.item(0).text()
        == f"lang 0/A:  red0 green0 blue0 round0 fine{BETWEEN}red0 green0 blue0"
    )
    assert dialog.pictures.accessibleName() == "Sample pairs"
    dialog.draft.set(at("task.queries"), 3)
    assert dialog.error.text() == "Classes: train 9, validation 3, test 3"
    press_import(stage, dialog)
    assert stage.draft.table()["task"]["family"] == "sentence_pairs"
    stage.settle()
    assert not stage.panel.data.error
    metrics = stage.panel.fontMetrics()
    long = BETWEEN.join(("a premise " * 9, "hypothesis " * 9))
    first, second = elided(metrics, long, 200).split(BETWEEN)
    assert first.startswith("a prem")
    assert second.startswith("hyp")
    assert metrics.horizontalAdvance(elided(metrics, long, 200)) <= 200
    assert elided(metrics, BETWEEN.join("ab"), 200) == BETWEEN.join("ab")


def test_pairs_with_a_language_become_the_task(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    dialog = wizard(table(tmp_path / "pairs.tsv", pairs()))
    assert dialog.found.text() == "5 languages, 60 pairs (12 in each language)"
    assert dialog.pictures.item(0).text() == "l0:  one red cat → un0 rouge0 chat0"
    assert "task 'l" in dialog.error.text()  # 10 pairs and 5 queries are more than 12
    assert "12 pairs" in dialog.error.text()
    dialog.draft.set(at("task.shots"), 6)
    assert dialog.error.text() == "Languages: train 3, validation 1, test 1"
    press_import(stage, dialog)
    assert stage.draft.table()["task"]["family"] == "translation"
    stage.settle()
    assert not stage.panel.data.error


def test_functions_become_the_task(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    dialog = wizard(sources.functions(tmp_path / "lines.npz"))
    assert dialog.found.text() == "12 tasks, 360 points (30 in each task)"
    assert dialog.pictures.count() == 5
    assert dialog.error.text() == "Tasks: train 8, validation 2, test 2"
    press_import(stage, dialog)
    stage.settle()
    assert stage.draft.table()["task"]["family"] == "functions"
    stage.qtbot.mouseClick(stage.widget("group_data"), Qt.MouseButton.LeftButton)
    facts = [each.text() for each in stage.widget("data_summary").findChildren(QLabel) if each.isVisible()]
    assert facts[facts.index("Notes") + 1] == "1 on how it is read"
    assert not stage.panel.data.error


def test_a_name_keeps_a_checked_copy_with_its_given_split(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    dialog = wizard(sources.mini_imagenet(tmp_path / "mini"))
    assert dialog.mode.currentText() == "Split as given"
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 2)
    stage.qtbot.keyClicks(dialog.name, "mini")
    press_import(stage, dialog)
    task = stage.draft.table()["task"]
    assert task["dataset"] == "mini"
    assert "path" not in task
    assert task["split"]["test"] == ["test0", "test1"]
    assert registry.manifest_of("mini").split["test"] == ["test0", "test1"]
    assert registry.load("mini", "images").arrays["pixels"].shape == (40, 1, 28, 28)
    stage.settle()
    assert not stage.panel.data.error


def test_what_cannot_be_read_is_left_out_only_on_consent(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    content = sources.class_folders() | {"class4/2.png": b"no image"}
    dialog = wizard(sources.zipped(tmp_path / "a.zip", content))
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 2)
    listed = [dialog.findings.item(row).text() for row in range(dialog.findings.count())]
    assert any(text.startswith("cannot be read: class4/2.png") for text in listed)
    assert "agree to leave that out" in dialog.error.text()
    assert not dialog.accept_button.isEnabled()
    dialog.consent.setChecked(True)
    assert "Give it a name" in dialog.error.text()
    stage.qtbot.keyClicks(dialog.name, "whole")
    press_import(stage, dialog)
    assert sum(registry.manifest_of("whole").counts) == 35


def test_a_name_that_is_taken_is_replaced_only_on_consent(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    path = sources.functions(tmp_path / "lines.npz")
    dialog = wizard(path)
    stage.qtbot.keyClicks(dialog.name, "lines")
    press_import(stage, dialog)
    stage.undo.clear()
    dialog = wizard(path)
    stage.qtbot.keyClicks(dialog.name, "LINES")
    assert "registered already" in dialog.error.text()
    assert not dialog.accept_button.isEnabled()
    dialog.replace.setChecked(True)
    press_import(stage, dialog)
    assert registry.registered() == ["lines"]
    assert stage.draft.table()["task"]["dataset"] == "lines"


@pytest.mark.parametrize("name", ["../up", "a/b"])
def test_a_bad_name_is_refused_while_typing(stage: Stage, wizard: Open, tmp_path: Path, name: str) -> None:
    dialog = wizard(sources.functions(tmp_path / "lines.npz"))
    stage.qtbot.keyClicks(dialog.name, name)
    assert "cannot name a data set" in dialog.error.text()
    assert not dialog.accept_button.isEnabled()


def test_hostile_data_is_one_line_in_the_dialog(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    content = sources.class_folders() | {"../evil.png": sources.png(1)}
    dialog = wizard(sources.zipped(tmp_path / "a.zip", content))
    assert "leads outside" in dialog.error.text()
    assert not dialog.accept_button.isEnabled()


def test_checking_can_be_stopped(stage: Stage, tmp_path: Path) -> None:
    stage.panel.import_path(sources.zipped(tmp_path / "a.zip", sources.class_folders(each=40)))
    dialog = opened_import(stage)
    if stage.worker.waits_for(CHECK):  # a fast machine may be done
        stage.qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    assert not stage.worker.waits_for(CHECK)
    assert dialog.progress.isHidden() or not dialog._progress_row.isVisible()
    dialog.draft.set(at("task.queries"), 5)
    dialog.draft.set(at("task.ways"), 2)
    assert dialog.accept_button.isEnabled()
    dialog.reject()
    assert registry.registered() == []


@pytest.mark.parametrize("cleared", [False, True])
def test_a_draw_that_was_chosen_holds_against_a_given_split(
    stage: Stage, wizard: Open, tmp_path: Path, cleared: bool
) -> None:
    dialog = wizard(sources.write(tmp_path / "folders", sources.in_three_folders(classes=9)))
    assert dialog.mode.currentText() == "Split as given"
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 2)
    assert dialog.error.text() == "Classes: train 5, validation 2, test 2"
    dialog.mode.setCurrentText("Split drawn by seed")
    dialog.mode.activated.emit(dialog.mode.currentIndex())
    dialog.draft.set(at("task.split.by"), "class")
    dialog.draft.set(at("task.split.fractions"), [0.3, 0.3, 0.4])
    counts = dialog.error.text()
    assert counts == "Classes: train 2, validation 3, test 4"
    if cleared:
        for name in ("seed", "by", "fractions"):
            dialog.draft.unset(at(f"task.split.{name}"))
    press_import(stage, dialog)
    split = stage.draft.table()["task"]["split"]
    assert split == ({"seed": 0} if cleared else {"seed": 0, "by": "class", "fractions": [0.3, 0.3, 0.4]})


def test_a_first_line_that_may_name_the_columns_is_shown(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in sources.sentences())
    path = tmp_path / "imdb.csv"
    path.write_text(f"review,sentiment\n{rows}")
    dialog = wizard(path)
    assert "review, sentiment" in dialog.findings.item(0).text()


def deep_films(folder: Path) -> Path:
    """Films of 14 bits in a zip whose names are in cp866."""
    content = {}
    rng = np.random.default_rng(0)
    for c, name in enumerate(
        ["кошка", "собака", "лошадь", "корова", "птица", "рыба", "змея", "мышь", "волк"]
    ):
        for i in range(3):
            pages = [Image.fromarray(rng.integers(0, 16384, (12, 12)).astype(np.uint16)) for _ in range(2)]
            file = io.BytesIO()
            pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
            content[f"{name}/{c}{i}.tif".encode("cp866").decode("cp437")] = file.getvalue()
    return sources.zipped(folder / "films.zip", content)


def test_choices_are_offered_where_they_apply_and_hold_for_the_copy(
    stage: Stage, wizard: Open, tmp_path: Path
) -> None:
    dialog = wizard(deep_films(tmp_path))
    listed = [dialog.findings.item(row).text() for row in range(dialog.findings.count())]
    assert any("read as cp866" in text for text in listed)
    assert any("the range in use" in text for text in listed)
    assert any("films of several pages" in text for text in listed)
    assert str(len(listed)) in dialog.counted.text()
    offered = dialog.reading
    assert not any(each.parentWidget().isHidden() for each in (offered.encoding, offered.low))
    assert not offered.pages.isHidden()
    assert offered.merge.isHidden()
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 2)
    offered.pages.setChecked(True)
    stage.qtbot.keyClicks(offered.low, "0")
    stage.qtbot.keyClicks(offered.high, "16383")
    stage.qtbot.waitUntil(lambda: "54 images" in dialog.found.text(), timeout=60_000)
    stage.qtbot.waitUntil(lambda: not stage.worker.waits_for(CHECK), timeout=60_000)
    assert "Give it a name" in dialog.error.text()
    stage.qtbot.keyClicks(dialog.name, "films")
    press_import(stage, dialog)
    kept = registry.manifest_of("films")
    assert sum(kept.counts) == 54
    assert any("0 becomes black, 16383 white (the range asked for)" in each for each in kept.findings)
    shown = ImportNotes(kept)
    stage.qtbot.addWidget(shown)
    assert [shown.notes.item(row).text() for row in range(shown.notes.count())] == list(kept.findings)


def test_labels_are_merged_and_texts_decoded_as_the_dialog_was_told(
    stage: Stage, wizard: Open, tmp_path: Path
) -> None:
    rows = [
        f"{text} straße,{label.upper() if n % 3 else label}\n"
        for n, (text, label) in enumerate(sources.sentences())
    ]
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(rows), encoding="cp1252")
    dialog = wizard(path)
    assert dialog.found.text().startswith("16 classes")
    assert not dialog.reading.encoding.parentWidget().isHidden()
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 2)
    dialog.reading.merge.setChecked(True)
    stage.qtbot.keyClicks(dialog.reading.encoding, "cp1252")
    stage.qtbot.waitUntil(lambda: dialog.found.text().startswith("8 classes"), timeout=60_000)
    stage.qtbot.waitUntil(lambda: not stage.worker.waits_for(CHECK), timeout=60_000)
    stage.qtbot.keyClicks(dialog.name, "merged")
    press_import(stage, dialog)
    assert registry.manifest_of("merged").names == tuple(f"TOPIC {n}" for n in range(8))
    kept = registry.load("merged", "text")
    assert "straße" in kept.arrays["text"].tobytes().decode()


def test_what_the_chosen_split_has_on_both_sides_is_shown(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    content = sources.class_folders() | {f"class{c}/0.png": sources.png(7) for c in range(9)}
    dialog = wizard(sources.zipped(tmp_path / "a.zip", content))

    def listed() -> list[str]:
        return [dialog.findings.item(row).text() for row in range(dialog.findings.count())]

    assert any("1 examples occur in more than one split: class0/0.png" in each for each in listed())
    members = {"train": ["class0", "class1"], "validation": ["class2"], "test": ["class3"]}
    content = sources.class_folders() | {f"class{c}/0.png": sources.png(7) for c in (0, 1)}
    dialog = wizard(sources.zipped(tmp_path / "b.zip", content))
    dialog.draft.set(at("task.split"), members)
    assert not any("more than one split" in each for each in listed())
    dialog.draft.set(at("task.split"), members | {"train": ["class0"], "test": ["class1"]})
    assert any(
        "more than one split: class0/0.png = class1/0.png (test and train)" in each for each in listed()
    )


def test_nothing_is_offered_where_there_is_nothing_to_choose(
    stage: Stage, wizard: Open, tmp_path: Path
) -> None:
    dialog = wizard(sources.zipped(tmp_path / "plain.zip", sources.class_folders()))
    assert dialog.reading.isHidden()


def test_a_range_of_one_number_is_refused_beside_it(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    dialog = wizard(deep_films(tmp_path))
    stage.qtbot.keyClicks(dialog.reading.low, "5")
    stage.qtbot.waitUntil(lambda: "needs two numbers" in dialog.error.text(), timeout=60_000)
    assert not dialog.accept_button.isEnabled()


def test_classes_of_a_published_test_folder_are_shown_as_test(
    stage: Stage, wizard: Open, tmp_path: Path
) -> None:
    content = {
        f"{part}/kind{kind}/{i}.png": sources.png(100 * kind + i)
        for part, kinds in (("meta_train", range(8)), ("meta_test", range(8, 12)))
        for kind in kinds
        for i in range(4)
    }
    dialog = wizard(sources.write(tmp_path / "parts", content))
    units = [dialog.split.units.topLevelItem(i) for i in range(dialog.split.units.topLevelItemCount())]
    shown = {unit.text(0): unit.text(1) for unit in units if unit is not None}
    assert {shown[f"meta_test/kind{kind}"] for kind in range(8, 12)} == {"test"}
    assert {shown[f"meta_train/kind{kind}"] for kind in range(8)} == {"train", "validation"}


def test_notes_are_seen_whole_where_there_is_room(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    dialog = wizard(sources.write(tmp_path / "few", sources.class_folders(each=4)))
    notes = dialog.findings
    last = notes.visualItemRect(notes.item(notes.count() - 1))
    assert notes.count() > 1
    assert last.bottom() <= notes.viewport().height()
    assert not any("(--" in notes.item(row).text() for row in range(notes.count()))


def samples(path: Path, head: str = "ID,TIME,DV,WT") -> Path:
    """A table of six subjects, who were measured five times each."""
    rows = [f"{who},{at},{who + 10 / (at + 1):.3f},{60 + who}" for who in range(1, 7) for at in range(5)]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_a_table_of_subjects_is_recognised_and_becomes_the_task(
    stage: Stage, wizard: Open, tmp_path: Path
) -> None:
    path = samples(tmp_path / "patients.csv")
    dialog = wizard(path)
    assert dialog.found.text() == "6 subjects, 30 samples (5 in each subject)"
    assert dialog.pictures.count() == 5
    taken = {role: box.currentText() for role, box in dialog.columns.boxes.items()}
    assert taken == {
        "subject": "ID (recognised)",
        "time": "TIME (recognised)",
        "outcome": "DV (recognised)",
        "dose": "recognised",
    }
    assert "covariates WT" in dialog.findings.item(0).text()
    assert dialog.error.text() == "Subjects: train 4, validation 1, test 1"
    dialog.draft.set(at("task.shots"), 5)
    assert "0 subjects of 6 have 6 samples" in dialog.error.text()
    dialog.draft.set(at("task.shots"), 2)
    dialog.draft.set(at("task.split.folds"), 7)
    assert "7 folds of 6 subjects" in dialog.error.text()
    dialog.draft.set(at("task.split.folds"), "all")
    assert dialog.error.text().startswith("Subjects: 6 in 6 folds")
    press_import(stage, dialog)
    split = {"folds": "all"}
    assert stage.draft.table()["task"] == {
        "family": "subjects",
        "path": str(path),
        "shots": 2,
        "split": split,
    }
    stage.settle()
    assert not stage.panel.data.error


def test_columns_that_are_not_recognised_are_chosen(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    path = samples(tmp_path / "patients.csv", "who,when,what,kg")
    dialog = wizard(path)
    assert "no column of times" in dialog.error.text()
    assert not dialog.accept_button.isEnabled()

    def choose(role: str, column: str) -> None:
        box = dialog.columns.boxes[role]
        box.setCurrentIndex(box.findText(column))
        box.activated.emit(box.currentIndex())
        stage.qtbot.waitUntil(lambda: not dialog.columns._timer.isActive())
        stage.qtbot.waitUntil(
            lambda: (
                not any(stage.worker.waits_for(key) for key in (LOOK, CHECK)) and not dialog._timer.isActive()
            ),
            timeout=60_000,
        )

    choose("time", "when")
    assert dialog.listing is not None
    assert dialog.columns.boxes["subject"].currentText() == "who (recognised)"
    assert dialog.columns.boxes["time"].currentText() == "when"
    stage.qtbot.keyClicks(dialog.columns.lines["unit"], "mg/L")
    stage.qtbot.waitUntil(
        lambda: dialog.findings.count() > 0 and "what (mg/L)" in dialog.findings.item(0).text(),
        timeout=60_000,
    )
    press_import(stage, dialog)
    task = stage.draft.table()["task"]
    assert task == {"family": "subjects", "path": str(path), "time": "when", "unit": "mg/L"}
    again = wizard(path)
    assert again.columns.chosen() == {"time": "when", "unit": "mg/L"}
    assert again.listing is not None
    stage.qtbot.keyClicks(again.name, "patients")
    press_import(stage, again)
    assert stage.draft.table()["task"] == {"family": "subjects", "dataset": "patients"}
    stage.settle()
    assert not stage.panel.data.error


def test_no_more_classes_are_asked_for_than_a_split_has(stage: Stage, wizard: Open, tmp_path: Path) -> None:
    for name in "abcdefghij":
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(18):
            shade = 20 * (ord(name) - 96) + number
            Image.new("L", (8, 8), shade).save(tmp_path / "own" / name / f"{number}.png")
    stage.draft.set(at("evaluation.queries"), 100)  # as suits sine waves
    dialog = wizard(tmp_path / "own")
    assert dialog.error.text() == "Classes: train 6, validation 2, test 2"
    press_import(stage, dialog)
    assert stage.draft.table()["task"]["ways"] == 2
    stage.settle()
    assert not stage.panel.why_not()
