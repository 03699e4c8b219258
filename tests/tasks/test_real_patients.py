"""Learners of simulated patients are tested on real ones: who serves, what is known, in which units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.test_subjects import written
from workbench import importing
from workbench.config import Split
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.errors import DataError
from workbench.problems.courses import DOSES
from workbench.tasks.pharmacokinetics import Pharmacokinetics, PharmacokineticsConfig

HEAD = "id,time (h),dose (mg/kg),conc (mg/L),wt"
TIMES = (0, 0.5, 1, 2, 4, 6, 9, 12, 24, 30)


def rows(who: int, dose: str = "4", scale: float = 1.0) -> list[str]:
    given = [f"{who},0,{dose},.,{50 + who}"]
    return given + [f"{who},{at * scale:g},.,{who + at / 100:g},{50 + who}" for at in TIMES]


@pytest.fixture(autouse=True)
def _kept_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "kept"))


def family(tmp_path: Path, lines: list[str], head: str = HEAD, **settings: object) -> Pharmacokinetics:
    found = look(written(tmp_path / "real.csv", [head, *lines]))
    importing.register(importing.plan(prepare(found)), "real", replace=True)
    return Pharmacokinetics(PharmacokineticsConfig(test="real", **settings))  # type: ignore[arg-type]


def test_the_test_is_of_real_patients_and_all_else_is_simulated(tmp_path: Path) -> None:
    lines = [line for who in range(1, 5) for line in rows(who, dose=f"{2 + who}")]
    real, plain = family(tmp_path, lines), Pharmacokinetics(PharmacokineticsConfig())
    course = real.problem.course  # type: ignore[attr-defined]
    assert course.subjects == ("1", "2", "3", "4")
    assert not course.exact
    g = torch.Generator
    episode = real.sample("test", 8, g().manual_seed(0))
    known, asked = (course.times(each["x"]) for each in (episode.support, episode.query))
    # the 2nd, 4th and last but one of .5 … 6 h: evenly among the early ones
    np.testing.assert_allclose(known[0], [0.5, 2, 6], atol=1e-5)
    np.testing.assert_allclose(asked[0], [1, 4, 9, 12, 24], atol=1e-5)
    who = course.values(episode.support["y"])[:, 0].round()
    assert sorted(who.tolist()) == [1, 1, 2, 2, 3, 3, 4, 4]
    np.testing.assert_allclose(course.values(episode.query["y"]), who[:, None] + asked / 100, rtol=1e-5)
    np.testing.assert_allclose(episode.query[DOSES][:, 0, 0, 1], 2 + who)
    np.testing.assert_allclose(episode.support["x"][:, 0, 2], (2 + who - 4.5) / 1.5, rtol=1e-5)
    splits: tuple[Split, ...] = ("train", "validation")
    for split in splits:
        one, other = (each.sample(split, 3, g().manual_seed(1)) for each in (real, plain))
        torch.testing.assert_close(one.support, other.support, rtol=0, atol=0)
        assert not torch.equal(one.query["y"], other.query["y"])  # which have the error of real ones
    assert real.data_hash() != plain.data_hash()
    looked = [real.looked_at("test", number, g(), real.size).one(0).query for number in range(4)]
    assert [int(each["subject"][0]) for each in looked] == [0, 1, 2, 3]
    assert [int(each["weight"].sum()) for each in looked] == [5] * 4


def test_who_does_not_serve_is_named_and_what_is_assumed_is_said(tmp_path: Path) -> None:
    several = rows(5)
    several.insert(4, "5,1.2,4,.,55")
    lines = [*rows(1), *rows(2), *rows(3, dose="9"), *rows(4)[:3], *several]
    notes = "\n".join(family(tmp_path, lines).notes)
    assert "left out, since they have several doses, 1 of 5 patients: 5" in notes
    assert "since they have not 3 samples from 0.25 to 8 h (shots), 1 of 5 patients: 4" in notes
    assert "7 samples outside of 0.25 to 25 h after the dose are not used" in notes
    assert "the doses of 1 patient lie outside of the simulated 3 to 6 mg/kg: 3" in notes
    notes = "\n".join(
        family(tmp_path, [line for w in (1, 2, 3) for line in rows(w)], "id,t,dose,conc,wt").notes
    )
    assert "units are not said; taken are conc in mg/L, t in h, dose in mg/kg" in notes
    with pytest.raises(
        DataError, match=r"2 patients of 3 serve as a test; at least 3 .*1 have not 3 samples"
    ):
        family(tmp_path, [*rows(1), *rows(2), *rows(4)[:3]])


def test_units_are_converted_or_refused(tmp_path: Path) -> None:
    lines = [line for who in (1, 2, 3) for line in rows(who, dose="300", scale=60)]
    real = family(tmp_path, lines, "id,time (min),dose (mg),conc (µg/mL),wt")
    episode = real.sample("test", 3, torch.Generator().manual_seed(0))
    course = real.problem.course  # type: ignore[attr-defined]
    who = course.values(episode.support["y"])[:, 0].round()
    np.testing.assert_allclose(episode.query[DOSES][:, 0, 0, 1], 300 / (50 + who))
    np.testing.assert_allclose(course.times(episode.support["x"])[0], [0.5, 2, 6], atol=1e-4)
    for head, why in (
        ("id,time (h),dose (mg/kg),conc (ng/mL),wt", r"conc is in ng/mL, but .* in mg/L; convert it"),
        ("id,time (weeks),dose (mg/kg),conc,wt", "time is in weeks, but .* in hours"),
        ("id,time (h),dose (g),conc,wt", r"dose is in g, but .* in mg/kg"),
        ("id,time (h),dose (mg),conc,size", "dose is in mg, and no column of weights"),
    ):
        with pytest.raises(DataError, match=why):
            family(tmp_path, lines, head)
    with pytest.raises(DataError, match="has no doses"):
        family(tmp_path, lines, "id,time (h),given,conc,wt")
    with pytest.raises(DataError, match="no data set named 'other'"):
        Pharmacokinetics(PharmacokineticsConfig(test="other"))
