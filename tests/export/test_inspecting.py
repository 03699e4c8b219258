"""A view inside a run from the command line: pictures, tables, one line where something lacks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.gui.finished import project_of, stop_half_way
from workbench.engine.inside import VIEWS, Asked, View
from workbench.export import kept_figures
from workbench.export.predicting import Predictor
from workbench.pictures import Curve, Figure, Panel, Picture, Text
from workbench.words import visible

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of MAML that is over, one of CNP, and one of MAML that was stopped half-way."""
    path = tmp_path_factory.mktemp("inside") / "p.mlwb"
    ids = project_of(path, "maml", "cnp", seeds=2, done=0)
    stop_half_way(path, ids[0])
    return path


def silent(done: float, text: str) -> None:
    """Nobody listens."""


def test_a_stopped_run_is_looked_into_and_left_as_it_was(call: Call, project: Path, tmp_path: Path) -> None:
    before = project.read_bytes()
    files = [tmp_path / f"reuse.{form}" for form in ("svg", "csv", "json")]
    outputs = [word for file in files for word in ("-o", str(file))]
    code, _, said = call("inspect", str(project), "1", "--what", "reuse", "--tasks", "4", *outputs)
    assert code == 0
    assert "MAML, seed 0, after" in said
    assert b"debiased linear CKA" in files[0].read_bytes()
    rows = list(csv.DictReader(io.StringIO(files[1].read_text(encoding="utf-8"))))
    assert [row["layer"] for row in rows] == ["body.2", "head"]
    told = json.loads(files[2].read_text(encoding="utf-8"))
    assert told["view"] == "reuse"
    assert told["caption"].endswith(VIEWS["reuse"].limits)
    assert told["rows"][0]["cka"] == pytest.approx(float(rows[0]["cka"]))
    assert project.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1", "--what", "dreams", "-o", "x.png"], "allowed: moved, reuse, path, examples"),
        (["1", "--what", "moved", "-o", "x.gif"], "a view cannot be written as gif; allowed: png, svg"),
        (["9", "--what", "moved", "-o", "x.png"], "9"),
        (["3", "--what", "moved", "-o", "x.png"], "has no checkpoint yet"),
        (["1", "--what", "learned", "-o", "x.png"], "MAML has learned no rates"),
        (["1", "--what", "moved", "--first", "99", "-o", "x.png"], "there is no meta-test task 99"),
        (["1", "--what", "moved", "--steps", "0", "-o", "x.png"], "no inner step to look at"),
        (["1", "--what", "path", "--steps", "1", "-o", "x.png"], "one inner step is a line"),
        (["1", "--what", "tasks", "--tasks", "2", "-o", "x.png"], "ask for 4 or more"),
    ],
)
def test_what_lacks_is_one_line(
    call: Call, project: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    arguments = [str(tmp_path / each) if each.startswith("x.") else each for each in arguments]
    code, _, said = call("inspect", str(project), *arguments)
    assert (code, len(said.splitlines())) == (2, 1)
    assert words in said
    assert not list(tmp_path.iterdir())


def test_a_view_is_computed_once_for_a_checkpoint(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    view = VIEWS["tasks"]

    def counting(inside: object) -> Figure:
        counted.append(inside)
        return view.draw(inside)  # type: ignore[arg-type]

    monkeypatch.setitem(VIEWS, "tasks", View(view.title, view.sees, view.limits, (6, 6), counting))
    first, again = (Predictor().look_inside(project, 1, "tasks", Asked(), silent) for _ in range(2))
    assert len(counted) == 1
    assert again.caption == first.caption
    assert again.table == first.table
    assert np.array_equal(again.panels[0].curves[0].x, first.panels[0].curves[0].x)
    Predictor().look_inside(project, 1, "tasks", Asked(first=1), silent)
    assert len(counted) == 2


def test_a_figure_is_kept_whole_and_a_damaged_one_is_computed_anew() -> None:
    numbers = np.array([1.0, np.nan])
    curve = Curve("a", "ink", numbers, numbers, low=numbers, points=("one", "two"), shade=0.5)
    panels = (
        Panel("curves", curves=(curve,), texts=(Text(1.0, 2.0, "word"),), x_range=(0.0, 1.0)),
        Panel("pictures", pictures=((Picture(np.zeros((1, 2, 2)), "caption"),),), row_names=("row",)),
    )
    figure = Figure("inside_test", panels, "said", columns=2, table=({"a": 1, "b": float("inf"), "c": None},))
    kept_figures.keep(("key",), figure)
    assert visible(repr(kept_figures.find(("key",)))) == visible(repr(figure))
    (file,) = [each for each in kept_figures.folder().iterdir() if "inside_test" in each.read_text("utf-8")]
    file.write_text('{"name": 1}', encoding="utf-8")
    assert kept_figures.find(("key",)) is None


def test_a_view_is_computed_without_threads_of_torch(project: Path) -> None:
    """They wait for each other: beside other work a view of a Conv4 run took 200 seconds, not five."""
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        asked = Asked(first=2, tasks=4)
        Predictor().look_inside(
            project, 1, "moved", asked, lambda done, _: seen.append((done, torch.get_num_threads()))
        )
    finally:
        torch.set_num_threads(before)
    assert {threads for done, threads in seen if done > 0} == {1}
