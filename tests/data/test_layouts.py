"""Every layout, read, registered and learned from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data import sources
from workbench import importing, runs
from workbench.config import parse
from workbench.data import registry
from workbench.data.cached import prepared_at
from workbench.data.found import Found
from workbench.data.look import look
from workbench.data.prepared import Prepared, prepare
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.errors import DataError
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.images import Images, ImagesConfig

SMALL = """
[training]
iterations = 3
meta_batch = 2
threads = 1
chunk = 2
[evaluation]
episodes = 4
validation_episodes = 4
inner_steps = 1
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))


def imported(path: Path, name: str = "mine") -> importing.Plan:
    planned = importing.plan(prepare(look(path)))
    importing.register(planned, name)
    return planned


def trains(task: str, algorithm: str, network: str = "") -> None:
    experiment = parse(f'[task]\n{task}\n{network}\n[[algorithm]]\nkind = "{algorithm}"\n{SMALL}')
    family = runs.open_family(experiment)
    runs.check(experiment, family)
    *_, last = Trainer(experiment, experiment.algorithm[0], 0, family).events()
    assert isinstance(last, Finished), last


CLASSIFIED = "ways = 2\nshots = 1\nqueries = 2"
NETWORK = '[network]\nkind = "conv4"\nwidth = 4\nstride = 2'


def test_split_files_in_the_form_of_mini_imagenet_import_and_train(tmp_path: Path) -> None:
    planned = imported(sources.mini_imagenet(tmp_path / "mini"))
    assert planned.prepared.layout == "split files and images"
    assert planned.split.train == ("train0", "train1", "train2", "train3")
    assert planned.split_counts()["test"] == {"classes": 2, "examples": 10}
    assert planned.prepared.arrays["pixels"].shape == (40, 3, 12, 12)  # in colour, as they are
    trains(f'family = "images"\ndataset = "mine"\n{CLASSIFIED}', "protonet", NETWORK)


def test_a_path_may_name_split_files_too(tmp_path: Path) -> None:
    path = sources.mini_imagenet(tmp_path / "mini")
    trains(f'family = "images"\npath = {json.dumps(str(path))}\n{CLASSIFIED}', "protonet", NETWORK)


def test_a_path_and_an_import_divide_a_source_as_it_says(tmp_path: Path) -> None:
    path = sources.write(tmp_path / "folders", sources.in_three_folders(classes=9))
    imported(path)
    settings = {"ways": 2, "queries": 2, "size": 12}
    by_path = Images(ImagesConfig(path=str(path), **settings))
    assert by_path.describe()["groups"] == {"train": ["train"], "validation": ["val"], "test": ["test"]}
    assert by_path.data_hash() == Images(ImagesConfig(dataset="mine", **settings)).data_hash()
    drawn = Images(
        ImagesConfig(
            path=str(path), split=ClassSplit(seed=0, by="class", fractions=(0.3, 0.3, 0.4)), **settings
        )
    )
    assert drawn.data_hash() != by_path.data_hash()


def test_the_medmnist_layout_imports_and_trains(tmp_path: Path) -> None:
    planned = imported(sources.medmnist(tmp_path / "medmnist.npz"))
    assert planned.prepared.names == tuple("012345678")
    assert planned.prepared.given_split() is None  # its splits share the labels
    assert planned.split.by == "class"
    assert planned.prepared.arrays["pixels"].shape == (9 * 24, 1, 28, 28)
    with np.load(tmp_path / "medmnist.npz") as arrays:
        assert np.array_equal(planned.prepared.arrays["pixels"][0, 0], arrays["train_images"][0])
    trains(
        f'family = "images"\ndataset = "mine"\n{CLASSIFIED}',
        "maml",
        NETWORK,
    )


def test_functions_of_a_file_import_and_train(tmp_path: Path) -> None:
    path = sources.functions(tmp_path / "lines.npz")
    planned = imported(path)
    assert importing.summary(planned.prepared) == "12 tasks, 360 points (30 in each task)"
    for source in ('dataset = "mine"', f"path = {json.dumps(str(path))}"):
        trains(f'family = "functions"\n{source}\nshots = 5\nqueries = 5', "maml")


def test_texts_by_split_import_and_train(tmp_path: Path) -> None:
    path = sources.clinc(tmp_path / "intents.json")
    planned = imported(path)
    assert importing.summary(planned.prepared) == "8 classes, 96 texts (12 in each class)"
    assert next(iter(planned.findings)).what == "left out"
    for source in ('dataset = "mine"', f"path = {json.dumps(str(path))}"):
        trains(f'family = "text"\n{source}\n{CLASSIFIED}\ndimensions = 8', "protonet")


def as_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("text,label\n" + "".join(f'"{t}",{c}\n' for t, c in rows), encoding="utf-8")
    return path


def as_lines(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("".join(json.dumps({"text": t, "label": c}) + "\n" for t, c in rows), encoding="utf-8")
    return path


def as_bare_table(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{c}\t{t}\n" for t, c in rows), encoding="utf-8")
    return path


def as_list(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text(json.dumps([list(row) for row in rows]), encoding="utf-8")
    return path


def as_lists_by_label(path: Path, rows: list[tuple[str, str]]) -> Path:
    by_label: dict[str, list[str]] = {}
    for text, label in rows:
        by_label.setdefault(label, []).append(text)
    path.write_text(json.dumps(by_label), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.csv", as_csv), ("a.jsonl", as_lines), ("a.tsv", as_bare_table), ("a.json", as_list),
        ("b.json", as_lists_by_label),
    ],
)  # fmt: skip
def test_texts_are_the_same_whatever_file_they_come_in(
    tmp_path: Path, name: str, make: Callable[[Path, list[tuple[str, str]]], Path]
) -> None:
    rows = sources.sentences()
    assert read(make(tmp_path / name, rows)).hash() == read(as_csv(tmp_path / "same.csv", rows)).hash()


def test_lines_of_json_are_not_cut_within_a_text(tmp_path: Path) -> None:
    rows = [(f"{text} and\u2028so\x85on", label) for text, label in sources.sentences()]
    lines = [json.dumps({"text": t, "label": c}, ensure_ascii=False) for t, c in rows]
    path = tmp_path / "a.jsonl"
    path.write_bytes("\r\n".join(lines).encode())
    assert read(path).texts()[0] == " ".join(rows[0][0].split())


def test_tabs_part_the_fields_of_a_tsv_whatever_else_is_in_them(tmp_path: Path) -> None:
    rows = [(f"first, second, {text}; third", label) for text, label in sources.sentences()]
    found = read(as_bare_table(tmp_path / "a.tsv", rows))
    assert len(found.names) == 8
    assert found.texts()[0] == rows[0][0]


def test_a_first_line_that_may_name_the_columns_is_said_to_be_an_example(tmp_path: Path) -> None:
    rows = sources.sentences()
    path = as_csv(tmp_path / "a.csv", rows)
    assert not [each for each in look(path).findings if each.what == "first line"]
    path.write_text(path.read_text().replace("text,label", "review,sentiment"))
    (finding,) = (each for each in importing.plan(read(path)).findings if each.what == "first line")
    assert "the first line (review, sentiment) is read as an example" in finding.text
    assert "call them text and label" in finding.text
    path.write_text(path.read_text().partition("\n")[2])
    assert not look(path).findings


def read(path: Path) -> Prepared:
    return prepare(look(path))


def test_tables_of_texts_by_split_keep_their_splits(tmp_path: Path) -> None:
    rows = sources.sentences(classes=6)
    folder = sources.write(tmp_path / "texts", {})
    folder.mkdir()
    for split, part in (("train", rows[:36]), ("valid", rows[36:48]), ("test", rows[48:])):
        as_csv(folder / f"{split}.csv", part)
    planned = importing.plan(read(folder))
    assert planned.split.test == ("topic 4", "topic 5")


def test_folders_of_splits_are_the_splits(tmp_path: Path) -> None:
    own = {
        f"{s}/{s}{c}/{i}.png": sources.png(9 * c + i)
        for s in ("train", "val", "test")
        for c in (0, 1)
        for i in (0, 1)
    }
    assert look(sources.write(tmp_path / "own", own)).given_split() == {
        "train": ["train"], "validation": ["val"], "test": ["test"],
    }  # fmt: skip
    shared = {
        f"{s}/c{c}/{i}.png": sources.png(9 * c + i)
        for s in ("train", "test")
        for c in (0, 1, 2)
        for i in (0, 1)
    }
    found = look(sources.write(tmp_path / "shared", shared))
    assert found.names == ("c0", "c1", "c2")
    assert found.counts == (4, 4, 4)
    assert found.given_split() is None
    assert [each.what for each in found.findings] == ["shared classes"]


@pytest.mark.parametrize(
    "parts",
    [
        ("base", "val", "novel_all"),
        ("miniImagenet_train", "miniImagenet_val", "miniImagenet_test"),
        ("trainset", "valset", "testset"),
        ("Train images", "dev images", "TEST images"),
        ("1_training", "2_validation", "3_testing"),
        ("seen", "dev", "unseen"),
    ],
)
def test_splits_are_found_within_longer_names(tmp_path: Path, parts: tuple[str, str, str]) -> None:
    """Dividing by groups would put any of them into any split."""
    content = {
        f"{parts[c // 2]}/class{c}/{i}.png": sources.png(9 * c + i) for c in range(6) for i in range(4)
    }
    split = look(sources.write(tmp_path / "in", content)).given_split()
    assert split == {"train": [parts[0]], "validation": [parts[1]], "test": [parts[2]]}


def test_names_that_only_begin_like_splits_are_classes(tmp_path: Path) -> None:
    names = ("base ball", "steam train", "test tube", "evaluation", "sofa")
    content = {f"{name}/{i}.png": sources.png(9 * c + i) for c, name in enumerate(names) for i in range(4)}
    found = look(sources.write(tmp_path / "in", content))
    assert found.names == tuple(sorted(names))
    assert found.given_split() is None


@pytest.mark.parametrize("own_folder", [True, False])
def test_zips_in_a_folder_are_read_together(tmp_path: Path, own_folder: bool) -> None:
    """As Omniglot is published: each holds a folder of its own name."""
    (tmp_path / "in").mkdir()
    for part, alphabets in (("images_background", range(8)), ("images_evaluation", range(8, 12))):
        within = f"{part}/" if own_folder else ""
        content = {
            f"{within}Alphabet_{a}/character{c}/{i}.png": sources.png(100 * a + 10 * c + i)
            for a in alphabets
            for c in range(2)
            for i in range(3)
        }
        sources.zipped(tmp_path / "in" / f"{part}.zip", content)
    (tmp_path / "in" / "README.txt").write_text("Lake, Salakhutdinov, Tenenbaum, Science 2015")
    planned = imported(tmp_path / "in")
    assert planned.prepared.names[0] == "images_background/Alphabet_0/character0"
    counts = {part: each["classes"] for part, each in planned.split_counts().items()}
    assert counts == {"train": 12, "validation": 4, "test": 8}
    test = {planned.prepared.groups[index] for index in planned.members["test"]}
    assert test == {f"images_evaluation/Alphabet_{a}" for a in range(8, 12)}
    assert planned.findings[0].text == (
        "2 zips are read together: images_background.zip, images_evaluation.zip"
    )
    assert any("passed over (no pictures): README.txt" in each.text for each in planned.findings)
    size = "ways = 2\nshots = 1\nqueries = 1"
    trains(f'family = "images"\npath = "{tmp_path / "in"}"\n{size}', "protonet", NETWORK)
    before = prepared_at(tmp_path / "in")
    assert len(before.names) == 24
    sources.zipped(
        tmp_path / "in" / "images_evaluation.zip", {"Alphabet_20/character0/0.png": sources.png(1)}
    )
    assert len(prepared_at(tmp_path / "in").names) == 17


def test_a_registered_set_gives_the_episodes_of_its_file(tmp_path: Path) -> None:
    path = sources.zipped(tmp_path / "a.zip", sources.class_folders())
    imported(path)
    settings = {"ways": 2, "queries": 2, "size": 12}
    by_name = Images(ImagesConfig(dataset="mine", **settings))
    by_path = Images(ImagesConfig(path=str(path), **settings))
    assert by_name.data_hash() == by_path.data_hash()
    assert (
        by_name.sample("test", 3, torch.Generator()).hash()
        == by_path.sample("test", 3, torch.Generator()).hash()
    )


def test_images_of_a_set_are_scaled_to_what_an_experiment_asks_for(tmp_path: Path) -> None:
    imported(sources.zipped(tmp_path / "a.zip", sources.class_folders()))
    family = Images(ImagesConfig(dataset="mine", ways=2, queries=2, size=8, channels=3))
    assert family.shape.input_shape == (3, 8, 8)


@pytest.mark.parametrize("how", ["group", "class", "as-given"])
def test_a_split_that_cannot_be_is_refused(tmp_path: Path, how: importing.How) -> None:
    prepared = read(sources.zipped(tmp_path / "a.zip", sources.class_folders(classes=2)))
    with pytest.raises(DataError, match=r"groups|three classes|names no three splits"):
        importing.plan(prepared, how)


def test_examples_that_return_in_another_split_are_named(tmp_path: Path) -> None:
    content = sources.class_folders(classes=3)
    content["class1/copy.png"] = content["class0/0.png"]
    content["class2/again.png"] = content["class2/1.png"]
    content["class2/flat.png"] = sources.png(0)
    planned = importing.plan(read(sources.zipped(tmp_path / "a.zip", content)))
    texts = {each.what: each for each in planned.findings}
    assert texts["duplicates across splits"].count == 1
    assert "class0/0.png = class1/copy.png" in texts["duplicates across splits"].text
    assert texts["duplicates"].count == 1
    assert texts["small classes"].count == 3


def test_images_that_show_nothing_are_named(tmp_path: Path) -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (12, 12), 255).save(file, "PNG")
    content = sources.class_folders() | {"class3/blank.png": file.getvalue()}
    findings = read(sources.zipped(tmp_path / "a.zip", content)).findings
    assert [each.examples for each in findings if each.what == "constant"] == [("class3/blank.png",)]


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    content = sources.class_folders()
    first = read(sources.zipped(tmp_path / "a.zip", content)).hash()
    assert read(sources.write(tmp_path / "a", dict(reversed(content.items())))).hash() == first
    assert (
        read(sources.zipped(tmp_path / "b.zip", content | {"class0/new.png": sources.png(9)})).hash() != first
    )


# --- names ----------------------------------------------------------------------------------------------


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "a.csv", sources.sentences())
    imported(path, "Mine")
    with pytest.raises(DataError, match="registered already"):
        imported(path, "mine")
    importing.register(importing.plan(read(as_csv(path, sources.sentences(9)))), "mine", replace=True)
    assert registry.registered() == ["Mine"]
    assert len(registry.manifest_of("Mine").names) == 9


@pytest.mark.parametrize(
    "name",
    ["", "..", "a/b", "a\\b", "/etc", "C:x", "con", "NUL.txt", "a\n", "-x", " a", "a.", "x" * 65, "\x00"],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="cannot name a data set"):
        registry.check_name(name)


@pytest.mark.parametrize("name", ["omniglot", "Мои данные 2", "データ", "mini-ImageNet_84.v2"])
def test_names_may_be_in_any_script(tmp_path: Path, name: str) -> None:
    imported(as_csv(tmp_path / "a.csv", sources.sentences()), name)
    assert registry.registered() == [name]
    assert registry.load(name, "text").manifest.name == name


def test_an_unknown_name_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    imported(as_csv(tmp_path / "a.csv", sources.sentences()), "intents")
    with pytest.raises(DataError, match="did you mean 'intents'"):
        registry.load("intent", "text")
    with pytest.raises(DataError, match="holds text, and images are needed"):
        registry.load("intents", "images")


def test_a_set_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    imported(as_csv(tmp_path / "a.csv", sources.sentences()))
    path = tmp_path / "data" / "datasets" / "mine" / "content.npz"
    with np.load(path) as arrays:
        changed = dict(arrays)
    changed["text"] = changed["text"].copy()
    changed["text"][0] ^= 1
    np.savez(path, **changed)
    with pytest.raises(DataError, match="is not what was registered"):
        registry.load("mine", "text")
    (path.parent / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match="damaged"):
        registry.load("mine", "text")


def test_what_is_cancelled_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = importing.plan(read(as_csv(tmp_path / "a.csv", sources.sentences())))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "save_own", interrupted)
    with pytest.raises(KeyboardInterrupt):
        importing.register(planned, "mine")
    assert list((tmp_path / "data" / "datasets").iterdir()) == []


def test_cancelling_while_reading_ends_it(tmp_path: Path) -> None:
    found: Found = look(sources.zipped(tmp_path / "a.zip", sources.class_folders()))

    def cancel(done: float, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(found, progress=cancel)


def test_a_name_may_be_composed_either_way(tmp_path: Path) -> None:
    imported(as_csv(tmp_path / "a.csv", sources.sentences()), "caf\u00e9")
    assert registry.load("cafe\u0301", "text").manifest.name == "caf\u00e9"


def test_folders_with_letters_in_parts_are_said_to_be_put_together(tmp_path: Path) -> None:
    content = {
        f"{name}/{i}.png": sources.png(9 * c + i)
        for c, name in enumerate(("cafe\u0301", "the\u0301", "eau"))
        for i in range(3)
    }
    found = look(sources.zipped(tmp_path / "a.zip", content))
    assert found.names == ("café", "eau", "thé")
    (told,) = (each.text for each in found.findings if each.what == "composed")
    assert told.endswith("put together (NFC): café, thé")
