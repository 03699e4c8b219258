"""Runs that a diagnosis was asked of: what they keep, show, export, and mean for people."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot
from sklearn.metrics import roc_auc_score

from tests.gui.finished import DIGITS, project_of
from workbench import runs
from workbench.analysis.diagnosis import thinned
from workbench.analysis.frequencies import natural
from workbench.cli import main
from workbench.config import ConfigError, parse
from workbench.engine import evaluation
from workbench.engine.building import evaluation_size
from workbench.engine.episodes import FrozenEpisodes
from workbench.gui.charts.compare import CompareView
from workbench.gui.run_data import RunData
from workbench.gui.worker import Worker
from workbench.problems.diagnosis import Looked, Roc, operating_point, roc
from workbench.project import Project
from workbench.words import NO_MEDICAL_DEVICE

ASKED = '[task.diagnosis]\noperating_point = "sensitive"\nat_least = 0.8\n[network]'
TEXT = DIGITS.replace("[network]", ASKED).replace("episodes = 6", "episodes = 12")
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("diagnosed") / "p.mlwb"
    project_of(path, "maml", "protonet", seeds=1, text=TEXT)
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


def test_what_is_measured_is_that_of_what_is_kept(project: Path) -> None:
    with Project.open(project, read_only=True) as opened:
        assert not opened.damaged()
        found = opened.result(1, "test")
    assert found is not None
    shares, label = found.arrays["class_probability"], found.arrays["label"]
    assert shares.shape == (12, 8, 2)
    areas = [roc_auc_score(y, each[:, 1]) for each, y in zip(shares, label, strict=True)]
    assert found.arrays["auc_roc"][-1] == pytest.approx(areas, abs=1e-12)
    told = found.summary["measures"]["auc_roc"]
    assert told["mean"][-1] == pytest.approx(np.mean(areas))
    assert told["ci95"][-1] is not None
    assert found.summary["calibration_error"] is not None


def test_the_operating_point_is_chosen_on_validation_and_measured_on_the_test(project: Path) -> None:
    with Project.open(project, read_only=True) as opened:
        experiment = runs.of_record(opened, opened.run(1)).experiment
        family = runs.open_family(experiment)
        learned, result = runs.learned(opened, 1, family), opened.result(1, "test")
    assert result is not None
    settings, size = experiment.evaluation, evaluation_size(experiment, family)
    episodes = FrozenEpisodes(family, "validation", size, settings.validation_episodes, settings.seed)
    curves = evaluation.evaluate(learned.algorithm, learned.meta, episodes, settings.inner_steps)
    curve = roc(Looked.of(curves.details))
    assert curve is not None
    point = result.summary["operating_point"]
    assert point is not None
    assert point["threshold"] == operating_point(curve, "sensitive", 0.8)[0]
    assert point["sensitivity"] >= 0.8
    assert (point["rule"], point["episodes"]) == ("sensitive", settings.validation_episodes)
    assert point["episodes_hash"] == episodes.hash != result.episodes_hash
    reached = Looked.of(result.arrays).reached(point["threshold"])
    for name, each in reached.items():
        assert result.arrays[f"operating point/{name}"] == pytest.approx(each)
        assert result.summary["report"]["operating point"][name]["mean"] == pytest.approx(each.mean())


def test_who_did_not_ask_has_what_there_was_before(tmp_path: Path) -> None:
    project_of(tmp_path / "p.mlwb", "protonet", seeds=1, text=DIGITS)
    with Project.open(tmp_path / "p.mlwb", read_only=True) as opened:
        found = opened.result(1, "test")
        assert "diagnosis" not in opened.experiments()[0].toml
    assert found is not None
    assert list(found.summary["measures"]) == ["accuracy", "loss"]
    assert "operating_point" not in found.summary
    assert sorted(found.arrays) == ["accuracy", "confidence", "correct", "loss"]


def test_show_and_export_tell_it(call: Call, project: Path, tmp_path: Path) -> None:
    code, out, _ = call("show", project, "--json")
    test = json.loads(out)["runs"][1]["test"]
    assert {"auc_roc", "sensitivity", "specificity", "balanced_accuracy"} <= test["measures"].keys()
    code, out, said = call(
        "export", project, "--what", "diagnosis", "--format", "json", "--prevalence", 5, "-o", "-"
    )
    assert code == 0, said
    (first, second) = json.loads(out)["diagnosis"]
    assert first["learner"] == "MAML"
    assert (second["people"], second["ill"]) == (1000, 50)
    assert second["ill_found"] + second["ill_missed"] == 50
    assert second["sensitivity"] == test["report"]["operating point"]["sensitivity"]["mean"]
    assert NO_MEDICAL_DEVICE in said
    for what in ("roc", "reliability"):
        for form, start in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")):
            path = tmp_path / f"{what}.{form}"
            code, _, said = call("export", project, "--what", what, "-o", path)
            assert (code, path.read_bytes()[: len(start)]) == (0, start), said
            assert NO_MEDICAL_DEVICE in said
    _, out, _ = call("export", project, "--what", "roc", "--format", "csv", "-o", "-")
    points = [(float(row["x"]), float(row["y"])) for row in csv.DictReader(io.StringIO(out))
              if row["curve"].startswith("ProtoNet")]  # fmt: skip
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
    assert points == sorted(points)


def test_nobody_asked_is_said(call: Call, tmp_path: Path) -> None:
    project_of(tmp_path / "p.mlwb", "protonet", seeds=1, text=DIGITS)
    code, _, said = call("export", tmp_path / "p.mlwb", "--what", "roc", "-o", tmp_path / "roc.png")
    assert code == 2
    assert "no finished run was asked for a diagnosis; say so by [task.diagnosis]" in said


@pytest.fixture
def view(qtbot: QtBot, project: Path) -> Iterator[CompareView]:
    worker = Worker()
    with Project.open(project) as opened:
        data = RunData()
        data.open(opened)
        view = CompareView(data, worker)
        data.setParent(view)
        qtbot.addWidget(view)
        view.restore({"view": "roc", "prevalence": 10.0})
        view.resize(760, 560)
        view.show()
        qtbot.waitUntil(lambda: view._question is not None and view.ready, timeout=60_000)
        yield view
        worker.close()


def test_the_window_draws_the_curves_and_speaks_of_people(view: CompareView) -> None:
    figure = view.figure()
    assert figure is not None
    assert figure.name == "roc"
    assert view.board.plots[0].panel.x_label.startswith("1 − specificity")
    box = view.findChild(QComboBox, "comparison_view")
    assert [box.itemData(at) for at in range(box.count())][-2:] == ["roc", "reliability"]
    page = view.diagnoses
    assert view.tabs.isTabVisible(view.tabs.indexOf(page))
    assert page.table.model().rowCount() == 2
    assert "Of 1\u202f000 people, 100 are ill:" in page.words.text()
    assert page.words.text().endswith(NO_MEDICAL_DEVICE)
    page.prevalence.setValue(0.1)
    assert "Of 1\u202f000 people, 1 is ill:" in page.words.text()
    page.table.setCurrentIndex(page.table.model().index(1, 0))
    assert page.words.text().startswith(str(page.table.model().index(1, 0).data()))
    assert view.state()["prevalence"] == 0.1
    box.setCurrentIndex(box.findData("reliability"))
    box.activated.emit(box.currentIndex())
    shown = view.figure()
    assert shown is not None
    assert shown.name == "reliability"


def test_people_are_counted_so_that_they_add_up() -> None:
    told = natural(0.02, 0.9, 0.95)
    assert (told.people, told.ill, told.found, told.missed, told.alarms, told.called) == (
        1000,
        20,
        18,
        2,
        49,
        67,
    )
    assert told.words == (
        "Of 1\u202f000 people, 20 are ill: 18 of them found, 2 missed. Of the 980 others, 49 are called "
        "ill, too; so of 67 who are called ill, 18 are (27%)."
    )
    assert natural(0.0002, 1, 1).people == 10_000
    assert natural(0.5, 0, 1).right is None
    assert "nobody is called ill" in natural(0.5, 0, 1).words


def test_a_long_curve_is_drawn_by_as_many_points_as_can_be_seen() -> None:
    rises = np.linspace(0, 1, 10_001)
    x, y = thinned(Roc(rises, np.sqrt(rises), rises))
    assert len(x) <= 400
    assert np.interp(rises, x, y) == pytest.approx(np.sqrt(rises), abs=3e-3)
    x, y = thinned(Roc(np.array([0, 0, 0, 0.5, 1]), np.array([0, 0.4, 1, 1, 1]), np.zeros(5)))
    assert (x.tolist(), y.tolist()) == ([0, 0, 1], [0, 1, 1])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("ill = []", "task.diagnosis.ill"),
        ('operating_point = "best"', "task.diagnosis.operating_point"),
        ("at_least = 1.0", "task.diagnosis.at_least"),
    ],
)
def test_what_cannot_be_asked_is_refused(table: str, why: str) -> None:
    text = DIGITS.replace("[network]", f"[task.diagnosis]\n{table}\n[network]")
    with pytest.raises(ConfigError, match=why):
        parse(f'{text}\n[[algorithm]]\nkind = "maml"\n')
