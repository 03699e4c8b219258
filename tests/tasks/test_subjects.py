"""A person's own table of subjects: who is in which split, what is known and asked, in which units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.test_subjects import Call, sibling, values, written
from workbench import importing
from workbench.config import SPLITS, ConfigError, parse
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.errors import DataError
from workbench.problems.courses import DOSES
from workbench.runs import open_family
from workbench.tasks.base import FOLD
from workbench.tasks.subjects import Subjects, SubjectsConfig, SubjectSplit

SAMPLES = {1: 8, 2: 6, 3: 6, 4: 5, 5: 7, 6: 6, 7: 2, 8: 9}
"""Of each subject; subject 7 has too few for three shots."""


def lines() -> list[str]:
    rows = ["ID,TIME (h),AMT (mg),DV (mg/L),WT"]
    for who, count in SAMPLES.items():
        rows.append(f"{who},0,{10 * who},.,{60 + who if who != 2 else '.'}")
        rows += [
            f"{who},{at + 0.5},.,{values(who, at)},{60 + who if who != 2 else '.'}" for at in range(count)
        ]
        rows.insert(-2, f"{who},{max(0.2, count - 2.2):.1f},5,.,.")
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "table.csv", lines())


def family(path: Path, **settings: object) -> Subjects:
    return Subjects(SubjectsConfig(path=str(path), **settings))  # type: ignore[arg-type]


def drawn(subjects: Subjects, split: str = "test", count: int = 6) -> tuple[dict, dict]:  # type: ignore[type-arg]
    episode = subjects.sample(split, count, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    return episode.support, episode.query


def test_splits_share_no_subject_and_who_has_too_few_samples_is_named(path: Path) -> None:
    subjects = family(path)
    members = [set(each.tolist()) for each in subjects._members.values()]
    assert sum(map(len, members)) == len(set().union(*members)) == 7
    assert subjects.left_out == ["7"]
    assert subjects.notes[-1] == ("1 of 8 subjects are left out, which have not 4 samples (shots + 1): 7")


def test_the_support_set_is_the_first_samples_and_the_queries_are_all_others(path: Path) -> None:
    subjects = family(path)
    support, query = drawn(subjects, "train", 40)
    course = subjects.problem.course  # type: ignore[attr-defined]
    counts = set()
    for task in range(40):
        known, asked = (course.times(each["x"][task]) for each in (support, query))
        torch.testing.assert_close(known, torch.tensor([0.5, 1.5, 2.5]), rtol=0, atol=1e-4)
        real = query["weight"][task].bool()
        count = int(real.sum())
        counts.add(count + 3)
        torch.testing.assert_close(asked[real], torch.arange(3, count + 3) + 0.5, rtol=0, atol=1e-4)
        who = round(float(support[DOSES][task, 0, 0, 1]) / 10)
        assert count + 3 == SAMPLES[who]
        y = course.values(query["y"][task])[real]
        expected = [float(values(who, at)) for at in range(3, SAMPLES[who])]
        np.testing.assert_allclose(y, expected, rtol=1e-4)
        assert set(asked[~real].tolist()) <= set(asked[real].tolist())
    trained = {SAMPLES[int(subjects.table.names[at])] for at in subjects._members["train"].tolist()}
    assert counts == trained


def test_known_is_what_was_measured_until_a_time(path: Path) -> None:
    subjects = family(path, until=2.0)
    assert subjects.left_out == ["7"]  # has nothing from then on
    support, query = drawn(subjects, "train", 10)
    course = subjects.problem.course  # type: ignore[attr-defined]
    assert course.times(support["x"])[support["weight"].bool()].max() < 2
    assert course.times(query["x"])[query["weight"].bool()].min() > 2


def test_doses_enter_as_the_last_the_time_since_and_the_total(path: Path) -> None:
    table = family(path).table
    amount, since, total = table.dose_columns().T
    first = table.counts[0]
    assert first == SAMPLES[1]
    np.testing.assert_allclose(table.doses_of(0), [[0, 10], [5.8, 5]])
    np.testing.assert_allclose(amount[:first], [10] * 6 + [5] * 2)
    np.testing.assert_allclose(since[:first], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 0.7, 1.7])
    np.testing.assert_allclose(total[:first], [10] * 6 + [15] * 2)


def test_inputs_are_standardised_by_the_training_subjects_and_what_is_missing_is_their_mean(
    path: Path,
) -> None:
    subjects = family(path)
    rows = np.isin(subjects.table.subject, subjects._members["train"].numpy())
    x, y = subjects._x.numpy(), subjects._y.numpy()
    np.testing.assert_allclose(x[rows].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(x[rows].std(0), 1, atol=1e-5)
    np.testing.assert_allclose((y[rows].mean(), y[rows].std()), (0, 1), atol=1e-5)
    assert subjects.input_names[-1] == "WT"
    of_the_second = subjects.table.subject == subjects.table.names.index("2")
    known = (subjects.table.covariates[subjects.table.subject, 0])[rows]
    weight = subjects.standards.x.undone(x[of_the_second])[:, -1]  # type: ignore[union-attr]
    np.testing.assert_allclose(weight, np.nanmean(known), rtol=1e-5)


def test_measures_are_in_the_units_of_the_table(path: Path) -> None:
    rows = {row.name: row.unit for row in family(path, threshold=5).problem.measures}
    assert (rows["rmse"], rows["auc_error"], rows["time_above_error"]) == ("mg/L", "mg/L·h", "h")
    said = {row.name: row.unit for row in family(path, unit="µg/mL").problem.measures}
    assert said["rmse"] == "µg/mL"


def test_every_subject_that_is_measured_is_measured_equally_often(path: Path) -> None:
    subjects = family(
        path, split=SubjectSplit(train=("1", "2", "3"), validation=("4",), test=("5", "6", "8"))
    )
    support, _ = drawn(subjects, "test", 9)
    who = (support[DOSES][:, 0, 0, 1] / 10).round().int().tolist()
    assert sorted(who) == [5, 5, 5, 6, 6, 6, 8, 8, 8]


def test_named_splits_must_share_no_subject_and_hold_some_that_serve(path: Path) -> None:
    with pytest.raises(DataError, match="'2' is in train and in test"):
        family(path, split=SubjectSplit(train=("1", "2"), validation=("3",), test=("2",)))
    with pytest.raises(DataError, match=r"task\.split\.test: none of its subjects has 4 samples"):
        family(path, split=SubjectSplit(train=("1", "2"), validation=("3",), test=("7",)))
    with pytest.raises(DataError, match="is named '9'"):
        family(path, split=SubjectSplit(train=("1", "2"), validation=("3",), test=("9",)))


def test_in_folds_every_subject_is_measured_once_by_who_never_saw_it(path: Path) -> None:
    subjects = family(path, split=SubjectSplit(folds=3))
    assert subjects.shape.folds == 3

    def met(split: str, count: int) -> list[tuple[int, int]]:
        """Who is drawn, by the first dose, and the fold of the learner that it is for."""
        support, query = drawn(subjects, split, count)
        assert (support[FOLD] == support[FOLD][:, :1]).all()
        assert (query[FOLD][:, 0] == support[FOLD][:, 0]).all()
        who = (support[DOSES][:, 0, 0, 1] / 10).round().int().tolist()
        return list(zip(who, support[FOLD][:, 0].tolist(), strict=True))

    tested, chosen = dict(met("test", 7)), dict(met("validation", 7))
    assert sorted(tested) == sorted(chosen) == [1, 2, 3, 4, 5, 6, 8]
    trained = met("train", 300)
    for fold in range(3):
        learned = {who for who, each in trained if each == fold}
        own, next_ = ({who for who, each in found.items() if each == fold} for found in (tested, chosen))
        assert not learned & (own | next_)
        assert learned | own | next_ == set(tested)
    assert [fold for _, fold in trained] == [at % 3 for at in range(300)]


def test_subjects_are_looked_at_one_after_the_other_with_their_whole_course(path: Path) -> None:
    subjects = family(path, split=SubjectSplit(folds=3), shots=3)
    course, g = subjects.problem.course, torch.Generator()  # type: ignore[attr-defined]
    seen = [subjects.looked_at("validation", number, g, subjects.size) for number in range(7)]
    names = [course.subjects[int(each.query["subject"][0, 0])] for each in seen]
    assert names == list(subjects.table.names)
    assert subjects.most_looked_at("validation") == 7
    query = seen[0].one(0).query
    counts = query["weight"] > 0
    alone = {name: each[counts] for name, each in query.items()}
    times = course.times(query["x"])[~counts]
    assert (float(times.min()), float(times.max())) == pytest.approx((0, 7.5), abs=1e-3)  # from the dose on
    for name in ("rmse", "loss"):
        found = (subjects.problem.measured(lambda x: x[:, :1] * 0, each)[name] for each in (query, alone))
        torch.testing.assert_close(next(found), next(found))


def test_folds_that_cannot_be_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"task\.split\.folds: 8 folds of 7 subjects; allowed: 3 to 7"):
        family(path, split=SubjectSplit(folds=8))
    task = f'algorithm = "all"\n[task]\nfamily = "subjects"\npath = "{path}"\n[task.split]\n'
    with pytest.raises(ConfigError, match=r"task\.split\.folds: takes all subjects; leave train"):
        parse(f"{task}folds = 3\nfractions = [0.5, 0.3, 0.2]")
    for wrong in ("2", '"some"'):
        with pytest.raises(ConfigError, match=r"task\.split\.folds: .*3"):
            parse(f"{task}folds = {wrong}")
    assert parse(f'{task}folds = "all"').task.split.folds == "all"  # type: ignore[attr-defined]


def test_fewer_than_three_subjects_that_serve_are_refused(path: Path) -> None:
    with pytest.raises(DataError, match=r"2 subjects of 8 have 8 samples \(shots \+ 1\); at least 3"):
        family(path, shots=7)


def test_an_imported_table_is_the_same_data(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "kept"))
    importing.register(importing.plan(prepare(look(path))), "mine")
    assert Subjects(SubjectsConfig(dataset="mine")).data_hash() == family(path).data_hash()
    assert family(path, shots=2).data_hash() != family(path, until=2.0).data_hash()
    with pytest.raises(ConfigError, match=r"task\.time: belongs to a path"):
        parse('algorithm = "all"\n[task]\nfamily = "subjects"\ndataset = "mine"\ntime = "TIME"')


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    texts = written(
        tmp_path / "t.csv", ["text,label", *(f"some words {at},{'abc'[at % 3]}" for at in range(9))]
    )
    with pytest.raises(DataError, match="no column of times"):
        family(texts)
    with pytest.raises(DataError, match=r"is a \.csv or \.tsv file"):
        family(written(tmp_path / "t.json", ["[]"]))


@pytest.mark.parametrize(
    "name", ["cnp", "anp", "tnp", "maml", "population", "individual_fit", "empirical_bayes", "r2d2"]
)
def test_every_learner_learns_from_a_table(name: str, path: Path) -> None:
    text = f"""
    [task]
    family = "subjects"
    path = "{path}"
    threshold = 4
    [network]
    hidden = [8]
    [[algorithm]]
    kind = "{name}"
    [training]
    iterations = 4
    meta_batch = 4
    threads = 1
    chunk = 4
    compile = false
    [evaluation]
    episodes = 4
    validation_episodes = 2
    inner_steps = 1
    """
    e = parse(text, ["algorithm.0.iterations=4"] if name == "empirical_bayes" else [])
    *_, last = Trainer(e, e.algorithm[0], 0, open_family(e)).events()
    assert isinstance(last, Finished), last
    measures = last.summary["measures"]
    sure = name in ("cnp", "anp", "tnp", "population", "empirical_bayes")
    assert (measures["coverage_90"]["mean"][-1] is not None) == sure
    assert all(measures[each]["mean"][-1] is not None for each in ("rmse", "auc_error", "time_above_error"))


def test_a_table_is_imported_and_run_by_command(
    path: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "kept"))
    code, out, err = call("import", path, "--name", "mine")
    assert code == 0, err
    experiment = tmp_path / "e.toml"
    experiment.write_text(
        '[task]\nfamily = "subjects"\ndataset = "mine"\n[[algorithm]]\nkind = "cnp"\nwidth = 8\n[training]\n'
        "iterations = 3\nthreads = 1\ncompile = false\nchunk = 16\n[evaluation]\nepisodes = 4\n"
        "validation_episodes = 2\n"
    )
    project = tmp_path / "p.mlwb"
    code, _, err = call("run", experiment, "--project", project)
    assert code == 0, err
    code, out, err = call("export", project, "-o", "-", "--what", "table", "--format", "markdown")
    assert code == 0, err
    assert "RMSE (mg/L)" in out


def test_splits_of_the_table_are_kept(tmp_path: Path) -> None:
    part = {1: "train", 2: "train", 3: "val", 4: "test"}
    table = sibling("id,time,conc,split", lambda s, t: f"{s},{t},{values(s, t)},{part[s]}")
    subjects = family(written(tmp_path / "t.csv", table))
    assert [[subjects.table.names[at] for at in subjects._members[each].tolist()] for each in SPLITS] == [
        ["1", "2"],
        ["3"],
        ["4"],
    ]
