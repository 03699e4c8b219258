"""What there is to know of a run, or of several: in words, row by row."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.analysis import quantities, results
from workbench.analysis.costs import PHASES
from workbench.analysis.naming import NONE, worded
from workbench.analysis.numerals import count, duration, span
from workbench.analysis.reached import measures, over_seeds, reached
from workbench.gui.run_columns import RunColumns, moment, rounded
from workbench.gui.run_data import RunData
from workbench.gui.runs_tree import RunsTree, differing
from workbench.problems import measure_of
from workbench.project import RunRecord
from workbench.summaries import Summary, TestSummary
from workbench.words import listed, plural, tr

Rows = list[tuple[str, str]]
MOST_TOLD = 6
HASH = 8
"""Letters of a hash that tell it from others."""


class RunFacts:
    """Tells of the runs of a project."""

    def __init__(self, data: RunData, tree: RunsTree, says: RunColumns) -> None:
        self._data, self._tree, self._says = data, tree, says

    def title(self, runs: Sequence[RunRecord]) -> str:
        """What they are called."""
        if len(runs) == 1:
            return runs[0].name
        labels = list(dict.fromkeys(run.label for run in runs))
        return f"{listed(labels, 3)}: {plural(len(runs), 'run')}"

    def of_one(self, run: RunRecord) -> Rows:
        """A run: what it is, how far it is, and what it reached."""
        test, environment = self._data.result(run.id), run.environment
        validations = self._data.evaluations(run.id)
        did = tr("{} of {} meta-iterations", count(run.iterations), count(run.iterations_planned))
        if run.meta_iterations_per_second:
            did += tr(", {} a second", rounded(run.meta_iterations_per_second))
        rows = [
            (tr("Why"), run.failure),
            (tr("Differs by"), self._differs(run)),
            (tr("Trained"), did),
            (tr("Time"), _time(run, test)),
            (tr("Started"), moment(run.started)),
            (tr("On"), _machine(environment)),
            (tr("Validation"), _validated(validations)),
            (tr("Test"), results.told(test) if test else ""),
            (tr("Weights"), results.told_weights(test)),
            (tr("If shifted"), results.told_shifted(test) if test and test.get("shift") else ""),
            (tr("Elsewhere"), "; ".join(results.in_domains(test))),
            (tr("Knows more"), results.privilege(environment)),
            (tr("Privacy"), results.privacy(environment)),
        ]
        return [(title, text) for title, text in rows if text]

    def of_several(self, runs: Sequence[RunRecord]) -> Rows:
        """Several runs: what they have in common, and what they reached together."""
        seeds = sorted({run.seed for run in runs})
        whole = seeds == list(range(seeds[0], seeds[-1] + 1))
        rows = [(tr("Seeds"), span(seeds[0], seeds[-1]) if whole else listed([*map(str, seeds)], 12))]
        by_state: dict[str, int] = {}
        for run in runs:
            state = "diverged" if self._data.diverged_at(run) is not None else run.status
            by_state[state] = by_state.get(state, 0) + 1
        rows.append((tr("State"), ", ".join(f"{number} {tr(state)}" for state, number in by_state.items())))
        names = differing([self._tree.settings(run) for run in runs])
        rows.append((tr("Differ by"), listed([name.rpartition(".")[2] for name in names], MOST_TOLD)))
        seconds = sum(run.seconds for run in runs)
        rows.append((tr("Training time"), duration(seconds) if seconds else ""))
        tests = [test for run in runs if (test := self._data.result(run.id)) and run.status == "finished"]
        alike = not names and len({test["episodes_hash"] for test in tests}) == 1
        if alike and len(seeds) == len(runs):
            found = over_seeds(tests)
            if found.mean is not None:
                row = measure_of(found.measure, tests[0])
                text = quantities.text(row, found.mean, found.half)
                rows.append(
                    (tr("Test"), tr("{} {}, mean over {}", row.quantity, text, plural(found.seeds, "seed")))
                )
        return [(title, text) for title, text in rows if text]

    def configuration(self, runs: Sequence[RunRecord]) -> Rows:
        """The settings that they share, by dotted names."""
        known = [self._tree.settings(run) for run in runs]
        told = set(differing(known)) | {"data"}
        return [(name, worded(value)) for name, value in known[0].items() if name not in told]

    def hashes(self, run: RunRecord) -> Rows:
        """What tells whether two runs are of the same configuration, data and test tasks."""
        test = self._data.result(run.id)
        told = test["episodes_hash"] if test else ""
        rows = [(tr("configuration"), run.config_hash), (tr("data"), run.data_hash), (tr("test tasks"), told)]
        return [(title, text) for title, text in rows if text]

    def by_step(self, run: RunRecord) -> list[list[str]]:
        """A table of what it reached after each inner step, with its heading."""
        summary = self._says.newest(run)
        if summary is None or not summary.get("inner_steps"):
            return []
        found = list(measures(summary).items())[:2]
        rows = {name: measure_of(name, summary) for name, _ in found}
        table = [["step", *(row.quantity for row in rows.values())]]
        for place, step in enumerate(summary["inner_steps"]):
            cells = [
                NONE
                if (mean := each["mean"][place]) is None
                else quantities.text(rows[name], mean, each["ci95"][place])
                for name, each in found
            ]
            table.append([str(step), *cells])
        return table

    def _differs(self, run: RunRecord) -> str:
        """In which settings, and by its seed, it differs from others of its algorithm in the experiment."""
        key = self._tree.experiment_of(run)
        others = [
            each
            for together in self._data.experiments()
            if together.key == key
            for each in together.runs
            if each.label == run.label and each.id != run.id
        ]
        settings = [self._tree.settings(each) for each in (run, *others)]
        told = []
        for name in differing(settings):
            values = dict.fromkeys(worded(each.get(name)) for each in settings)
            own, *rest = values
            told.append(tr("{} {} (others {})", name.rpartition(".")[2], own, listed(rest, 3)))
        seeds = len({each.seed for each in (run, *others)})
        return listed(
            [*told, tr("seed {}", run.seed) + tr(" of {}", seeds) * (seeds > 1)], MOST_TOLD, sign="; "
        )


def _time(run: RunRecord, test: TestSummary | None) -> str:
    """Seconds by phase, and from its start to its end."""
    seconds = test.get("cost", {}).get("seconds", {}) if test else {}
    phases = [f"{name} {duration(seconds[name])}" for name in PHASES if name in seconds]
    if not phases and run.seconds:
        phases = [tr("training {}", duration(run.seconds))]
    if run.started is not None and run.ended is not None:
        phases.append(tr("{} from start to end", duration(run.ended - run.started)))
    return ", ".join(phases)


def _machine(environment: dict[str, object]) -> str:
    device = str(environment.get("device_name") or environment.get("device") or "")
    threads = environment.get("threads")
    told = [device, plural(threads, "thread") if isinstance(threads, int) else ""]
    told += [f"{name} {environment[name]}" for name in ("torch", "chunk") if environment.get(name)]
    return ", ".join(filter(None, told))


def _validated(validations: Sequence[tuple[int, Summary]]) -> str:
    """The newest, and the best."""
    if not validations:
        return ""
    at, newest = validations[-1]
    text = tr("{} at {}", results.told(newest), count(at))
    measure = reached(newest).measure
    row = measure_of(measure, newest) if measure else None
    known = [(each.mean, at) for at, told in validations if (each := reached(told, measure)).mean is not None]
    if row is None or row.better == "neither" or len(known) < 2:
        return text
    mean, where = (max if row.better == "higher" else min)(known)
    best = tr("; best {} at {}", quantities.text(row, mean), count(where))
    return f"{text}{best}" if where != at else tr("{}, the best", text)
