"""A sweep in a project: which of its runs are due, from those that are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench import config
from workbench.config import Experiment, Sweep
from workbench.engine import building
from workbench.errors import InputError
from workbench.measures import Measure
from workbench.project import ExperimentRecord, Project, RunFields, RunRecord, Tried, Tuned, best_of
from workbench.project.tuned import OVER
from workbench.runs.experiments import Run, known_of, queue
from workbench.runs.experiments import check as check_runs
from workbench.runs.proposing import Proposer, SweepError, ends
from workbench.settings.fields import text_of
from workbench.tasks.base import TaskFamily
from workbench.words import plural

OF_THE_DATA = "reading", "problem", "domains"
"""What records of one experiment's runs have in common."""


def proposers(experiment: Experiment, sign: int) -> list[Proposer]:
    """What a sweep tries of each algorithm."""
    sweep = experiment.sweep
    assert sweep is not None
    found = []
    for number, each in enumerate(experiment.algorithm):
        trained = building.planned_iterations(experiment, each) > 0
        mine = []
        for tried in sweep.ranges:
            field = experiment.field_at(tried.field)
            table, *rest = tried.field.replace("[", ".").replace("]", "").split(".")
            concerned = rest[0] == str(number) if table == "algorithm" else trained
            if concerned and field is not None:
                mine.append((tried, field.item is int))
        found.append(Proposer(sweep, mine, number, sign))
    return found


def check(experiment: Experiment, family: TaskFamily) -> None:
    """Refuse a sweep that cannot be, or is not the same effort for every algorithm.

    Raises
    ------
    SweepError
        One line.
    """
    sweep = experiment.sweep
    if sweep is None:
        raise SweepError("there is no [sweep] in it, which says what is tried; 'workbench run' does its runs")
    each = proposers(experiment, measure_of(sweep, family).sign)
    counts = {proposer.trials for proposer in each} - {0}
    if not counts:
        raise SweepError("sweep.ranges: no algorithm has any of these settings")
    if len(counts) > 1:
        told = ", ".join(f"{experiment.algorithm[p.algorithm].name} {p.trials}" for p in each if p.trials)
        raise SweepError(
            f"sweep.ranges: not as many trials for every algorithm ({told}): some would be tuned more; "
            'give them grids of one size, or method = "random" or "tpe"'
        )
    if max(counts) > sweep.trials:
        raise SweepError(f"sweep.trials: the grid has {max(counts):,}, more than {sweep.trials:,}")
    for tried, whole in dict.fromkeys(pair for proposer in each for pair in proposer.ranges):
        for value in ends(tried, whole):
            try:
                check_runs(experiment.with_values({tried.field: value}), family)
            except InputError as error:
                raise SweepError(f"sweep.ranges: {tried.field} = {text_of(value)}: {error}") from None
    for proposer in each:
        proposer.propose(1, ())


def measure_of(sweep: Sweep, family: TaskFamily) -> Measure:
    """What a sweep chooses by.

    Raises
    ------
    SweepError
        If it is not measured.
    """
    rows = [row for row in family.problem.measures if row.sign]
    found = rows[0] if sweep.objective is None else family.problem.row(sweep.objective)
    if found is None or found not in rows:
        names = ", ".join(row.name for row in rows)
        raise SweepError(f"sweep.objective: {sweep.objective!r} is not measured; allowed here: {names}")
    return found


class Sweeping:
    """A sweep in a project.

    Which run is due, and what it tries, follows from the runs of the project that are over, whoever did them
    and when: trial n from trials 1 … n − width of its algorithm. When all of them are over, what was best is
    tested with every seed of the experiment.

    Parameters
    ----------
    project : open for writing.
    owner : the experiment's record; ``experiment`` is what it says.
    known : what records of its runs say of their data.
    """

    def __init__(
        self, project: Project, owner: ExperimentRecord, experiment: Experiment, known: RunFields
    ) -> None:
        self._project, self._owner, self._experiment, self._known = project, owner, experiment, known
        assert experiment.sweep is not None
        self._sweep, self._tables = experiment.sweep, experiment.as_table()
        self._over: dict[int, Tried] = {}
        self._sign = 0
        self._refused = False

    @classmethod
    def started(
        cls, project: Project, experiment: Experiment, family: TaskFamily
    ) -> tuple[Sweeping, list[int]]:
        """A new one in a project, with the ids of its first trials."""
        with project.transaction():
            owner = project.add_experiment(experiment.name, experiment.to_toml(), experiment.hash())
            record = next(each for each in project.experiments() if each.id == owner)
            sweeping = cls(project, record, experiment, known_of(family))
            return sweeping, sweeping.due()

    @classmethod
    def all_of(cls, project: Project) -> list[Sweeping]:
        """Those of a project that this version can read."""
        found, runs = [], {each.experiment_id: each for each in project.runs() if Tuned.of(each) is not None}
        for owner in project.experiments() if runs else ():
            run = runs.get(owner.id)
            try:
                experiment = config.parse(owner.toml) if run is not None else None
            except config.ConfigError:
                continue
            if run is not None and experiment is not None and experiment.sweep is not None:
                told = {name: run.environment[name] for name in OF_THE_DATA if name in run.environment}
                known: RunFields = {"data_hash": run.data_hash, "environment": told}
                found.append(cls(project, owner, experiment, known))
        return found

    @classmethod
    def go_on(cls, project: Project, run: int | None = None) -> list[int]:
        """Queue what is due now that a run is over (None: in all sweeps of a project); the new ids."""
        record = None if run is None else project.run(run)
        if record is not None and Tuned.of(record) is None:
            return []
        sweeps = cls.all_of(project)
        wanted = [each for each in sweeps if record is None or each.experiment_id == record.experiment_id]
        return [new for each in wanted for new in each.due()]

    @property
    def experiment_id(self) -> int:
        """Of its experiment's record."""
        return self._owner.id

    def due(self) -> list[int]:
        """Queue what can be proposed by now; the ids of the new runs that are to be done.

        Raises
        ------
        SweepError
            If Optuna is needed and not installed.
        """
        trials, tests = self._runs()
        for each in (record for mine in trials for record in mine.values()):
            if each.id not in self._over and (tried := self._tried(each)) is not None:
                self._over[each.id], self._sign = tried, tried.sign or self._sign
        new: list[int] = []
        with self._project.transaction():
            for proposer, mine, tested in zip(
                proposers(self._experiment, self._sign or -1), trials, tests, strict=True
            ):
                over = {number: self._over[each.id] for number, each in mine.items() if each.id in self._over}
                new += self._new_trials(proposer, set(mine), over)
                if len(over) >= proposer.trials:
                    new += self._new_tests(proposer, best_of(over.values()), tested)
        refused, self._refused = self._refused, False
        return new + self.due() if refused else new  # what has failed is over at once

    def chosen(self) -> list[tuple[str, int, Tried | None]]:
        """Of each algorithm that is tuned, its label, how many trials are over, and the best."""
        trials, _ = self._runs()
        found = []
        for proposer, mine in zip(proposers(self._experiment, self._sign or -1), trials, strict=True):
            over = [self._over[each.id] for each in mine.values() if each.id in self._over]
            if over:
                each = self._experiment.algorithm[proposer.algorithm]
                label = Run(self._experiment, each, self._sweep.seed).label
                found.append((label, len(over), best_of(over)))
        return found

    def words(self) -> list[str]:
        """What was chosen: a line for each algorithm."""
        said = []
        for label, over, best in self.chosen():
            if best is None or best.value is None:
                said.append(f"{label}: none of {plural(over, 'trial')} came to an end; nothing is tested")
                continue
            values = ", ".join(f"{name} = {text_of(value)}" for name, value in best.values.items())
            said.append(f"{label}: chosen of {plural(over, 'trial')}, by {best.value:.4g}: {values}")
        return said

    def _runs(self) -> tuple[list[dict[int, RunRecord]], list[set[int]]]:
        """Of every algorithm, the trials by number, and the seeds that are tested."""
        count = len(self._experiment.algorithm)
        trials: list[dict[int, RunRecord]] = [{} for _ in range(count)]
        tests: list[set[int]] = [set() for _ in range(count)]
        for record in self._project.runs():
            tuned = Tuned.of(record) if record.experiment_id == self._owner.id else None
            if tuned is not None and 0 <= tuned.algorithm < count:
                if tuned.tests:
                    tests[tuned.algorithm].add(record.seed)
                else:
                    trials[tuned.algorithm].setdefault(tuned.trial, record)
        return trials, tests

    def _tried(self, record: RunRecord) -> Tried | None:
        if record.status not in OVER:
            return None
        return Tried.of(record, self._project.evaluations(record.id, "validation"), self._tables)

    def _new_trials(self, proposer: Proposer, known: set[int], over: Mapping[int, Tried]) -> Iterator[int]:
        for number in range(1, proposer.trials + 1):
            before = range(1, number - self._sweep.width + 1)
            if any(each not in over for each in before):
                return
            if number not in known:
                earlier = [over[each] for each in before]
                values, limits = proposer.propose(number, earlier), proposer.limits(earlier)
                tuned = Tuned(proposer.algorithm, number, False, values, limits)
                yield from self._queue(tuned, self._sweep.seed)

    def _new_tests(self, proposer: Proposer, chosen: Tried | None, tested: set[int]) -> Iterator[int]:
        if chosen is None and proposer.trials:
            return
        number, values = (chosen.number, chosen.values) if chosen else (0, {})
        for seed in self._experiment.training.seeds:
            if seed not in tested:
                yield from self._queue(Tuned(proposer.algorithm, number, True, values), seed)

    def _queue(self, tuned: Tuned, seed: int) -> Iterator[int]:
        """Queue a run; of one that cannot be set up, only that it has failed is kept."""
        why = ""
        try:
            experiment = self._experiment.with_values(tuned.values)
        except config.ConfigError as error:  # each value may be, but not all of them together
            experiment, why = self._experiment.with_values({}), str(error)
        run = Run(experiment, experiment.algorithm[tuned.algorithm], seed, tuned)
        known = self._known | {"environment": {**self._known["environment"], **tuned.kept}}
        name = ""
        if not tuned.tests:
            name = f"{run.label}, trial {tuned.trial}"
            known |= {"label": f"{run.label}, trials"}
        added = queue(self._project, self._owner.id, run, known, name)
        if why:
            self._project.update_run(added, status="failed", failure=why)
            self._refused = True
        else:
            yield added
