"""Predictions taken away without a window: a figure, its data, and an animation."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.gui.finished import project_of
from workbench.analysis import predictions as grid
from workbench.errors import InputError
from workbench.export import documents
from workbench.export.animation import to_gif
from workbench.export.wishes import Wish
from workbench.pictures import RUNS, Curve, Figure, Head, Panel
from workbench.project import Project

WISH = Wish(dots_per_inch=60)
BANDITS = """
name = "bandits"
[task]
family = "bandits"
arms = 3
pulls = 4
[training]
iterations = 2
meta_batch = 4
threads = 1
[evaluation]
episodes = 4
validation_episodes = 2
every = 2
"""


@pytest.fixture(scope="module")
def bandits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recurrent learners, of two seeds each."""
    path = tmp_path_factory.mktemp("bandits") / "p.mlwb"
    two = f'{BANDITS}[[algorithm]]\nkind = "rl2"\nlabel = "small"\nhidden = 4\n'
    project_of(path, "rl2", seeds=2, text=two)
    return path


def saved(project: Path, path: Path, form: str, **wish: int) -> str:
    with Project.open(project, read_only=True) as opened:
        return documents.save(opened, "predictions", form, Wish(font_size=6, dots_per_inch=50, **wish), path)


def test_an_animation_has_a_frame_for_each_step(bandits: Path, tmp_path: Path) -> None:
    said = saved(bandits, tmp_path / "a.gif", "gif", tasks=1)
    with Image.open(tmp_path / "a.gif") as film:
        frames = []
        for number in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(number)
            frames.append(film.convert("RGB").tobytes())
    assert len(frames) == 4
    assert len(set(frames)) == 4
    assert "meta-test task 1 by " in said
    assert "small, seed 0" in said


def test_a_figure_is_of_the_step_that_is_asked_for(bandits: Path, tmp_path: Path) -> None:
    saved(bandits, tmp_path / "a.csv", "csv", step=1, tasks=2, first=3)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8"))))
    panels = {row["panel"].rsplit(" · ", 1)[0] for row in rows}
    assert panels == {f"{name} · Task {task}" for name in ("small", "RL²") for task in (3, 4)}
    highest = [max(float(row["y"] or 0) for row in rows if (row["panel"], row["curve"]) == (panel, "pulls"))
               for panel in {row["panel"] for row in rows}]  # fmt: skip
    assert set(highest) <= {0.5, 1.0}  # two pulls


def test_learners_stand_above_and_tasks_beside(bandits: Path, tmp_path: Path) -> None:
    saved(bandits, tmp_path / "a.svg", "svg", tasks=2)
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    for words in (">small<", ">RL²<", "after 3 pulls", ">Task 1<", ">Task 2<", "arms pay"):
        assert words in drawn


def test_what_has_learned_nothing_yet_is_said(tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "rl2", seeds=1, text=BANDITS, done=0)
    with pytest.raises(InputError, match="no run that is shown has a checkpoint"):
        saved(path, tmp_path / "a.png", "png")


def test_of_very_many_steps_some_are_shown(bandits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.export.predicting import Predictor, Request

    iteration, found = Predictor().predict(bandits, 1, Request(tasks=1), lambda done, text: None)
    monkeypatch.setattr(grid, "MOST_FRAMES", 2)
    first, last = grid.film([grid.Seen("A", "run 1", iteration, found)])
    assert ["in the first pull" in first.caption, "after 3 pulls" in last.caption] == [True, True]
    labels = [
        list(dict.fromkeys(curve.label for panel in each.panels for curve in panel.curves if curve.label))
        for each in (first, last)
    ]
    assert labels[0] == labels[1]


def test_what_is_drawn_stays_in_its_place_when_a_head_takes_a_line_more() -> None:
    line = Panel(curves=(Curve("way", RUNS[0], np.arange(4.0), np.arange(4.0)),))
    heads = ("before adaptation", "after 3 updates of 20 episodes each in the same unseen world")
    figures = [
        Figure("f", (line, line), "", columns=2, column_heads=(Head("A", text), Head("B", text)))
        for text in heads
    ]
    with Image.open(io.BytesIO(to_gif(figures, Wish(dots_per_inch=60)))) as film:
        frames = []
        for number in range(2):
            film.seek(number)
            frames.append(np.asarray(film.convert("L")).astype(int))
    differ = np.abs(frames[0] - frames[1]).max(axis=1) > 40  # by row; palettes may differ a little
    assert differ[: len(differ) // 2].any()
    assert not differ[len(differ) // 2 :].any()


def test_what_moves_goes_along_its_way_within_each_figure() -> None:
    way = Curve("way", RUNS[0], np.arange(5.0), np.arange(5.0))
    still = Panel(curves=(way,), x_range=(-1.0, 5.0), y_range=(-1.0, 5.0))
    walks = replace(still, moving=replace(way, kind="markers", label=""))
    with Image.open(io.BytesIO(to_gif([Figure("f", (walks, still), columns=2)] * 2, WISH))) as film:
        frames, shown = [], []
        for number in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(number)
            frames.append(np.asarray(film.convert("L")).astype(int))
            assert film.convert("RGB").getpixel((0, 0)) == (255, 255, 255)  # the paper
            shown.append(film.info["duration"])
    half = frames[0].shape[1] // 2
    assert all((frame[:, half:] == frames[0][:, half:]).all() for frame in frames)  # nothing moves there
    changed = [np.argwhere(np.abs(a - b)[:, :half] > 40) for a, b in pairwise(frames)]
    places = [each.mean(0) for each in changed if len(each)]
    assert len(places) == 9  # from each of five places to the next, twice, and back once
    assert all(then[0] < now[0] and then[1] > now[1] for now, then in pairwise(places[:4]))  # up, and right
    assert 2 * 2000 < sum(shown) < 2 * 4000
