"""A subject of somebody's own put to use: what is read, what is asked for, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.test_subjects import written
from tests.export.test_using import text
from tests.gui.finished import project_of
from tests.tasks.test_subjects import lines
from workbench.errors import DataError
from workbench.export.predicting import Predictor
from workbench.export.using import Used

HEAD = "TIME (h),DV (mg/L),AMT (mg),WT"
PATIENT = [HEAD, "0,,20,66", "0.5,12,,66", "1.5,8,,66", "2.5,6,,66"]
"""A dose, and three samples."""

Use = Callable[..., Used]


def user(folder: Path, family: str = "subjects", learner: str = "cnp", more: str = "") -> Use:
    """Uses a run on the rows of one case."""
    table, project = written(folder / "table.csv", lines()), folder / "p.mlwb"
    toml = text(family, table, f"shots = 3\n{more}")
    if family != "subjects":
        toml = toml.replace(f'path = "{table.as_posix()}"\n', "")
    (run,) = project_of(project, learner, seeds=1, text=toml)
    predictor = Predictor()

    def use(rows: list[str], *asked: str) -> Used:
        support = written(folder / "s.csv", rows)
        query = written(folder / "q.csv", asked) if asked else None
        return predictor.use(project, run, support, query, lambda done, words: None)

    return use


@pytest.fixture(scope="module")
def use(tmp_path_factory: pytest.TempPathFactory) -> Use:
    return user(tmp_path_factory.mktemp("subjects"))


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Use:
    return user(tmp_path_factory.mktemp("simulated"), "pharmacokinetics")


def test_without_queries_the_rest_of_the_course_is_asked_for_and_all_of_it_is_drawn(use: Use) -> None:
    found = use(PATIENT)
    rows = found.rows()
    times = [row["TIME"] for row in rows]
    assert 20 <= len(times) <= 51
    assert 2.5 < times[0] < 2.8
    assert {*rows[0]} == {"query", "TIME", "DV_predicted", "DV_low", "DV_high"}
    assert all(0 <= row["DV_low"] <= row["DV_predicted"] <= row["DV_high"] for row in rows)
    panel = found.figure().panels[0]
    (band,) = (each for each in panel.curves if each.low is not None)
    assert band.x[0] == pytest.approx(0, abs=1e-5)  # from the dose on
    assert len(band.x) == len(times) + 120
    assert (panel.x_label, panel.y_label) == ("TIME (h)", "DV (mg/L)")
    assert found.notes == ()
    assert ". Area " in found.words()
    assert found.said().startswith("CNP, seed 0, after 4 meta-iterations, on 3 support examples and ")


def test_times_may_be_asked_for_in_the_same_table_or_another(use: Use) -> None:
    alone = use([*PATIENT, "4,,,66", "5,,,66"])
    apart = use(PATIENT, "TIME", "4", "5")
    assert alone.rows() == apart.rows()
    assert [row["TIME"] for row in alone.rows()] == pytest.approx([4, 5])
    later = use(PATIENT, HEAD, "3,,5,66", "4,,,66", "5,,,66")  # another dose
    assert later.rows() != apart.rows()
    assert [row["TIME"] for row in later.rows()] == pytest.approx([4, 5])


def test_what_is_right_may_be_known(use: Use) -> None:
    found = use(PATIENT, "TIME,DV", "4,5.5", "5,5")
    assert [row["DV_true"] for row in found.rows()] == pytest.approx([5.5, 5])
    error = [row["DV_true"] - row["DV_predicted"] for row in found.rows()]
    assert found.found.measured["rmse"][-1, 0] == pytest.approx(
        (sum(e * e for e in error) / 2) ** 0.5, rel=1e-5
    )
    partly = use(PATIENT, "TIME,DV", "4,5.5", "5,")
    assert partly.found.measured == {}
    assert any("not known in every row" in note for note in partly.notes)


def test_what_lies_outside_of_the_training_is_named(use: Use) -> None:
    notes = use(
        [HEAD.replace("mg/L", "ug/mL") + ",sex", "0,,900,166,f", "0.5,400,,166,f"], "TIME", "400"
    ).notes
    for told in (
        "columns that this run does not know are not read: sex",
        "s.csv: last dose lies outside of what was trained on (",
        "s.csv: WT lies outside",
        "s.csv: DV lies outside",
        "q.csv: TIME lies outside",
        "1 support example; the tasks of this run have 3",
    ):
        assert any(told in note for note in notes), told
    assert any("line 3, 400" in note for note in notes)
    assert (
        "WT is not said; the mean of the training subjects is taken"
        in use(["time,DV,AMT", "0,.,20", "1,9,."]).notes
    )


BAD = {
    "no number": (["TIME,DV,AMT", "0,,20", "1,much,"], (), "s.csv, line 3, column DV: 'much' is no number"),
    "no covariate": (
        [HEAD, "0,,20,heavy", "1,9,,heavy"],
        (),
        "line 2, column WT: 'heavy' is no number",
    ),
    "time goes back": (
        [HEAD, "1,9,,66", "0.5,8,,66"],
        (),
        "line 3, column TIME: 0.5 after 1 (line 2)",
    ),
    "below zero": ([HEAD, "0,,20,66", "1,-9,,66"], (), "s.csv, line 3, column DV: -9 is below 0"),
    "no sample": ([HEAD, "0,,20,66"], (), "s.csv: has no sample: no row with TIME and DV"),
    "no time": (["DV", "3"], (), "s.csv, line 1: has no column TIME"),
    "two subjects": (["ID,TIME,DV", "1,1,3", "2,1,3"], (), "s.csv: has rows of 2 subjects, 1, 2"),
    "another unit": (
        ["TIME,DV (ng/L)", "1,3"],
        (),
        "DV is in ng/L, but this run was trained on mg/L",
    ),
    "another time": (["TIME (min),DV", "1,3"], (), "TIME is in min, but this run was trained on h"),
    "not the same": (PATIENT, ("TIME,WT", "4,99"), "q.csv, line 2, column WT: 99, but 66 in"),
    "changes": ([HEAD, "0,,20,66", "1,9,,67"], (), "WT changes within subject"),
    "a row too short": ([HEAD, "0,,20,66", "1,9"], (), "s.csv, line 3: 2 fields; the first line has 4"),
    "too far": (PATIENT, ("TIME", "4", "1e31"), "q.csv, line 3, column TIME: 1e31 is beyond 1e+30"),
    "nothing asked": (PATIENT, ("TIME,AMT", "4,20", "5,20"), "q.csv: asks for no time"),
    "no rows": ([HEAD], (), "s.csv: names its columns, but has no rows"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_table_is_refused_by_row_and_column(what: str, use: Use) -> None:
    rows, asked, message = BAD[what]
    with pytest.raises(DataError) as refused:
        use(rows, *asked)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_simulated_patients_learner_takes_one_dose_at_any_time(patient: Use) -> None:
    head = "time (h),concentration (mg/L),dose (mg/kg)"
    found = patient([head, "8,,4", "9,5,", "10,6,", "12,4,"])
    same = patient([head, "0,,4", "1,5,", "2,6,", "4,4,"])
    assert [row["concentration_predicted"] for row in found.rows()] == pytest.approx(
        [row["concentration_predicted"] for row in same.rows()], rel=1e-5
    )
    each = patient([head, "1,5,4", "2,6,4", "4,4,4"])  # as long tables have it
    assert each.rows() == same.rows()
    assert any("the dose stands in every row; taken as one at time 0" in note for note in each.notes)
    with pytest.raises(DataError, match="has 2 doses; patients of this run have one"):
        patient([head, "0,,4", "1,5,", "2,,4"])
    with pytest.raises(DataError, match="asks for time 1, before the dose at 2"):
        patient([head, "1,5,", "2,,4"])


def test_in_folds_one_of_the_learners_is_named(tmp_path: Path) -> None:
    use = user(tmp_path, learner="population", more="[task.split]\nfolds = 3")
    first = use(PATIENT)
    (note,) = first.notes
    assert note.startswith("this run has 3 learners, one for each fold; the first is used")
    rows = [PATIENT[0] + ",fold", *(f"{row},3" for row in PATIENT[1:])]
    third = use(rows)
    assert third.notes == ()
    assert third.rows() != first.rows()
    with pytest.raises(DataError, match="column fold: 4; allowed: 1 to 3"):
        use([row.replace(",3", ",4") if row.endswith(",3") else row for row in rows])
