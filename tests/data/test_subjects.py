"""Long tables: what each column is taken for, doses, missing values, and what is refused where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from workbench.data.found import FoundSubjects
from workbench.data.look import look
from workbench.data.reading import Columns, Reading
from workbench.errors import DataError

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _kept_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that are imported here are known to nobody else."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "kept"))


def written(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(tmp_path: Path, lines: Iterable[str], **columns: object) -> FoundSubjects:
    said = Columns(**columns) if columns else None  # type: ignore[arg-type]
    found = look(written(tmp_path / "table.csv", lines), Reading(columns=said))
    assert isinstance(found, FoundSubjects)
    return found


def sibling(head: str, row: Callable[[int, float], str], subjects: int = 4, samples: int = 5) -> list[str]:
    """A table by its header and a row of a subject at a time."""
    return [head, *(row(who, float(at)) for who in range(1, subjects + 1) for at in range(samples))]


def values(who: int, at: float) -> str:
    return f"{who + 10 * np.exp(-at / 3):.3f}"


LIKE: dict[str, tuple[list[str], tuple[str, str, str, str, list[str]]]] = {
    "theophylline": (
        sibling(
            "rownames,Subject,Wt,Dose,Time,conc",
            lambda s, t: f"{s}{t:.0f},{s},{70 + s},{4 + s / 10},{t},{values(s, t)}",
        ),
        ("Subject", "Time", "conc", "Dose", ["Wt"]),
    ),
    "units in names": (
        sibling("patient,hours,dose_mg,level,kg", lambda s, t: f"{s},{t},{300 + s},{values(s, t)},{70 + s}"),
        ("patient", "hours", "level", "dose_mg", ["kg"]),
    ),
    "chickens": (
        sibling(
            "rownames,weight,Time,Chick,Diet",
            lambda s, t: f"{5 * s + t - 4:.0f},{values(s, t)},{t},{s},{s % 2}",
        ),
        ("Chick", "Time", "weight", "", ["Diet"]),
    ),
    "boys": (
        sibling(
            "rownames,Subject,age,height,Occasion",
            lambda s, t: f"{5 * s + t - 4:.0f},{s},{t - 2.5},{values(s, t)},{t + 1:.0f}",
        ),
        ("Subject", "age", "height", "", []),
    ),
    "sleep": (
        sibling(
            "rownames,Reaction,Days,Subject",
            lambda s, t: f"{5 * s + t - 4:.0f},{values(s, t)},{t},{300 + s}",
        ),
        ("Subject", "Days", "Reaction", "", []),
    ),
    "newborns": (
        sibling(
            "rownames,Subject,Wt,ApgarInd,time,dose,conc",
            lambda s, t: (
                f"{5 * s + t - 4:.0f},{s},{s / 2},{'>= 5' if s > 2 else '< 5'},{t},"
                + (f"{10 * s}," if t in (0, 3) else f",{values(s, t)}")
            ),
        ),
        ("Subject", "time", "conc", "dose", ["Wt", "ApgarInd = >= 5"]),
    ),
    "nonmem": (
        sibling(
            "C,ID,TIME,AMT,DV,EVID,MDV,CMT,WT",
            lambda s, t: (
                f".,{s},{t},"
                + (f"{100 * s},.,1,1,1,{60 + s}" if t == 0 else f".,{values(s, t)},0,0,2,{60 + s}")
            ),
        ),
        ("ID", "TIME", "DV", "AMT", ["WT"]),
    ),
}
"""Siblings of published tables, and what their columns are."""


@pytest.mark.parametrize("name", LIKE)
def test_columns_are_recognised_by_name_and_content(name: str, tmp_path: Path) -> None:
    lines, (subject, time, outcome, dose, covariates) = LIKE[name]
    found = read(tmp_path, lines)
    told = found.told
    assert (told["time"], told["outcome"], told["dose"], told["covariates"]) == (
        time,
        outcome,
        dose,
        covariates,
    )
    bare = re.sub(r" \([^)]*\)", "", found.findings[0].text)
    assert bare.startswith(f"subject {subject}; time {time}; outcome {outcome}")
    assert len(found.names) == 4
    assert found.covariates.shape == (4, len(covariates))
    assert found.unreadable == ()


def test_units_are_taken_from_names(tmp_path: Path) -> None:
    told = read(tmp_path, LIKE["units in names"][0]).told
    assert (told["time_unit"], told["dose_unit"], told["unit"]) == ("h", "mg", "")
    assert read(tmp_path, LIKE["sleep"][0]).told["time_unit"] == "days"


def test_doses_in_rows_of_their_own_are_taken_at_their_times(tmp_path: Path) -> None:
    newborns, nonmem = (read(tmp_path, LIKE[name][0]) for name in ("newborns", "nonmem"))
    assert newborns.doses[:4].tolist() == [[0, 0, 10], [0, 3, 10], [1, 0, 20], [1, 3, 20]]
    assert newborns.counts == (3,) * 4
    assert nonmem.doses.tolist() == [[at, 0, 100 * (at + 1)] for at in range(4)]
    assert nonmem.counts == (4,) * 4


def test_a_dose_that_stands_in_every_row_is_one_at_time_0(tmp_path: Path) -> None:
    found = read(tmp_path, LIKE["theophylline"][0])
    np.testing.assert_allclose(found.doses, [[at, 0, 4 + (at + 1) / 10] for at in range(4)])
    assert "one at time 0 of each" in found.findings[0].text


def test_more_doses_at_an_interval_are_written_out(tmp_path: Path) -> None:
    lines = sibling(
        "ID,TIME,AMT,ADDL,II,DV,EVID",
        lambda s, t: f"{s},{t},{'50,2,8' if t == 0 else '0,0,0'},1,{int(t == 0)}",
    )
    assert read(tmp_path, lines).doses[:3].tolist() == [[0, 0, 50], [0, 8, 50], [0, 16, 50]]


def test_rows_of_another_event_and_without_measurement_are_told(tmp_path: Path) -> None:
    lines = sibling(
        "ID,TIME,AMT,DV,EVID,MDV", lambda s, t: f"{s},{t},0,{values(s, t)},{2 if t == 1 else 0},{int(t == 2)}"
    )
    found = read(tmp_path, lines)
    assert found.counts == (3,) * 4
    assert any("EVID 2" in each.text and "4 rows" in each.text for each in found.findings)


def test_one_of_several_outcomes_is_taken_and_the_others_are_told(tmp_path: Path) -> None:
    lines = sibling("ID,TIME,DVID,DV", lambda s, t: f"{s},{t},{1 + int(t) % 2},{values(s, t)}", samples=6)
    first, second = read(tmp_path, lines), read(tmp_path, lines, which="2")
    assert set(first.time.tolist()) == {0, 2, 4}
    assert set(second.time.tolist()) == {1, 3, 5}
    assert any("1 (12), 2 (12), 1 is taken" in each.text for each in first.findings)
    with pytest.raises(DataError, match=r"which: DVID is nowhere '3'; it is 1 \(12\), 2 \(12\)"):
        read(tmp_path, lines, which="3")


def test_what_is_missing_is_missing_and_counted(tmp_path: Path) -> None:
    gaps = ["", ".", "NA", "nan"]
    lines = sibling("id,time,conc", lambda s, t: f"{s},{t},{gaps[s - 1] if t == 2 else values(s, t)}")
    found = read(tmp_path, lines)
    assert found.counts == (4,) * 4
    assert any(each.text.startswith("4 rows: nothing measured") for each in found.findings)
    limit = sibling("id,time,conc", lambda s, t: f"{s},{t},{'<0.5' if t == 4 else values(s, t)}")
    found = read(tmp_path, limit)
    assert found.counts == (4,) * 4
    assert any("limit of quantification" in each.text for each in found.findings)


def test_covariates_that_some_lack_are_told_by_name(tmp_path: Path) -> None:
    lines = sibling(
        "id,time,conc,wt,sex",
        lambda s, t: f"{s},{t},{values(s, t)},{'.' if s == 2 else 60 + s},{'fm'[s % 2]}",
    )
    found = read(tmp_path, lines)
    np.testing.assert_array_equal(found.covariates[:, 0], [61, np.nan, 63, 64])
    np.testing.assert_array_equal(found.covariates[:, 1], [1, 0, 1, 0])
    assert any(each.text.endswith("the mean is taken: 2") for each in found.findings)
    assert read(tmp_path, lines, covariates=("sex",)).told["covariates"] == ["sex = m"]
    assert read(tmp_path, lines, covariates=()).covariates.shape == (4, 0)
    with pytest.raises(DataError, match="covariates: no column is called 'age'"):
        read(tmp_path, lines, covariates=("age",))
    with pytest.raises(DataError, match=r"covariates: .*changes within subject 1"):
        read(
            tmp_path,
            [line + f",{at}" if at else line + ",x" for at, line in enumerate(lines)],
            covariates=("x",),
        )


def test_units_are_read_from_names_and_cells_or_said(tmp_path: Path) -> None:
    heads = sibling("ID,Time [h],Conc (mg/L),Dose (mg)", lambda s, t: f"{s},{t},{values(s, t)},{s}")
    told = read(tmp_path, heads).told
    assert (told["time_unit"], told["unit"], told["dose_unit"]) == ("h", "mg/L", "mg")
    cells = read(tmp_path, sibling("ID,Time,Conc", lambda s, t: f"{s},{t} h,{values(s, t)} ng/mL")).told
    assert (cells["time_unit"], cells["unit"]) == ("h", "ng/mL")
    column = read(tmp_path, sibling("ID,Time,Conc,Unit", lambda s, t: f"{s},{t},{values(s, t)},mg/L")).told
    assert column["unit"] == "mg/L"
    assert read(tmp_path, heads, unit="µg/mL").told["unit"] == "µg/mL"


def test_decimal_commas_are_read_and_told(tmp_path: Path) -> None:
    lines = sibling("ID;Time;Conc", lambda s, t: f"{s};{t};{values(s, t)}".replace(".", ","))
    found = read(tmp_path, lines)
    assert found.y[0] == pytest.approx(11)
    assert any("a comma before the decimals" in each.text for each in found.findings)


def test_rows_of_subjects_may_be_mixed_as_long_as_times_go_on(tmp_path: Path) -> None:
    lines = sibling("ID,Time,Conc", lambda s, t: f"{s},{t},{values(s, t)}")
    by_time = [lines[0], *sorted(lines[1:], key=lambda line: float(line.split(",")[1]))]
    one, other = read(tmp_path, lines), read(tmp_path, by_time)
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.time, other.time)


GOOD = sibling("ID,Time,Conc,Dose", lambda s, t: f"{s},{t},{values(s, t)},{s}")
"""Lines 2 to 6 are of subject 1, 7 to 11 of subject 2."""


def changed(line: int, column: int, cell: str, lines: list[str] = GOOD) -> list[str]:
    cells = lines[line - 1].split(",")
    cells[column] = cell
    return [*lines[: line - 1], ",".join(cells), *lines[line:]]


REFUSED = {
    "no subject": (
        sibling("a,time,conc", lambda s, t: f"{7 * s + t},{t},{values(s, t)}"),
        r"no column of subjects",
    ),
    "no time": (sibling("ID,conc,wt", lambda s, t: f"{s},{values(s, t)},{s}"), r"no column of times"),
    "no outcome": (sibling("ID,time,wt", lambda s, t: f"{s},{t},{s}"), r"no column of what was measured"),
    "two outcomes": (
        sibling("ID,time,a,b", lambda s, t: f"{s},{t},{values(s, t)},{values(s, 2 * t)}"),
        r"2 columns may be what was measured: a, b; say which",
    ),
    "times go back": (
        changed(5, 1, "0.5"),
        r"line 5, column Time: 0.5 after 2 \(line 4\) of the same subject, 1; times must not go back",
    ),
    "mixed units": (
        changed(9, 2, "3 ng/mL", [line.replace(",", ",", 1) for line in GOOD]),
        r"line 9, column Conc: in ng/mL, and without a unit in line 2",
    ),
    "begins anew": (
        sibling("ID,TIME,DV,EVID", lambda s, t: f"{s},{t},{values(s, t)},{4 if t == 3 else 0}"),
        r"line 5, column EVID: EVID 4 begins anew",
    ),
    "two splits": (
        sibling("ID,time,conc,split", lambda s, t: f"{s},{t},{values(s, t)},{'train' if t < 3 else 'test'}"),
        r"line 5, column split: subject 1 is in test here and in train in line 2",
    ),
    "two subjects": (GOOD[:11], r"2 subjects with samples; at least 3 are needed"),
    "one sample each": (["ID,time,conc", "1,0,3", "2,0,4", "3,0,5", "4,0,6"], "no subject has two"),
    "no rows": (GOOD[:1], "names its columns, but has no rows"),
}


NAMED = {
    name: {"subject": "ID", "time": "time", "outcome": "conc"} for name in ("one sample each", "no rows")
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    lines, says = REFUSED[name]
    with pytest.raises(DataError, match=says) as caught:
        read(tmp_path, lines, subject="ID") if name in ("one sample each", "no rows") else read(
            tmp_path, lines
        )
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "column", "cell", "says"),
    [
        (8, 2, "-0.3", "column Conc (-0.3 is below 0, which no concentration is)"),
        (8, 2, "low", "column Conc ('low' is no number)"),
        (8, 1, "noon", "column Time ('noon' is no number)"),
        (8, 1, "", "column Time (no time)"),
        (8, 0, "NA", "column ID (no subject)"),
        (8, 2, "1e40", "column Conc (1e40 is beyond 1e+30)"),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_only_where_somebody_agrees(
    line: int, column: int, cell: str, says: str, tmp_path: Path, call: Call
) -> None:
    path = written(tmp_path / "table.csv", changed(line, column, cell))
    code, out, err = call("import", path, "--name", "mine")
    assert (code, out) == (2, "")
    assert f"line {line}, {says}" in err
    assert err.count("\n") == 1
    code, out, _ = call("import", path, "--name", "mine", "--skip-unreadable")
    assert code == 0
    assert "4 subjects, 19 samples" in out


def test_growth_may_be_below_zero(tmp_path: Path) -> None:
    lines = sibling("id,time,change", lambda s, t: f"{s},{t},{t - s}")
    assert read(tmp_path, lines).y.min() < 0


def test_texts_with_labels_stay_texts(tmp_path: Path) -> None:
    lines = ["id,time,text,label", *(f"{at % 4},{at},some words {at},{'abc'[at % 3]}" for at in range(40))]
    assert look(written(tmp_path / "a.csv", lines)).kind == "text"
    plain = [f"some words {at},{'abc'[at % 3]}" for at in range(40)]
    assert look(written(tmp_path / "b.csv", plain)).kind == "text"


def test_an_import_says_what_it_took_and_names_the_columns_that_are_asked_for(
    tmp_path: Path, call: Call
) -> None:
    lines = sibling("who,when,a,b,kg", lambda s, t: f"{s},{t},{values(s, t)},{values(s, 2 * t)},{60 + s}")
    path = written(tmp_path / "table.csv", lines)
    code, _, err = call("import", path, "--name", "mine")
    assert code == 2
    assert "no column of times" in err
    asked = ("--subject", "who", "--time", "when", "--outcome", "b", "--unit", "mg/L", "--covariates", "kg")
    code, out, err = call("import", path, "--name", "mine", *asked)
    assert code == 0, err
    assert "table of subjects" in out
    assert "subject who; time when; outcome b (mg/L); covariates kg; not read a (not chosen)" in out
    assert 'family = "subjects", dataset = "mine"' in out
