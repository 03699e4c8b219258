"""What the person is setting up: an experiment in the making."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from workbench.config import (
    ONE_VALUE,
    TRIED,
    AlgorithmConfig,
    ConfigError,
    Experiment,
    NetworkConfig,
    TaskConfig,
    admitted,
)
from workbench.problems import Problem
from workbench.settings import Path, Section
from workbench.settings.draft import Table, TableDraft, cleaned, table_of
from workbench.settings.fields import UNSET, label_of
from workbench.words import marked, tr

ALGORITHM, FAMILY, NAME = ("algorithm",), ("task", "family"), ("name",)
DOMAINS = ("task", "domain")
SWEEP = ("sweep",)
NOTHING_TICKED = marked("tick at least one algorithm")


def blank() -> Table:
    """What is held at first: one algorithm is ticked."""
    return {"algorithm": {"maml": {"kind": "maml", "on": True, "kinds": {}}}}


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _renamed(tried: Table, other: Callable[[str], object]) -> str:
    """The field of a range, with another name for its algorithm, if it is of one."""
    parts = str(tried.get("field")).replace("[", ".").replace("]", "").split(".")
    if parts[0] != ALGORITHM[0] or len(parts) < 2:
        return ".".join(parts)
    return ".".join([parts[0], str(other(parts[1])), *parts[2:]])


class Draft(QObject, TableDraft):
    """An experiment in the making.

    An algorithm's key is its kind, or for a variant the kind and a number: ``("algorithm", "maml-2",
    "inner_lr")``. Nothing but ``to_json`` may be called before the kinds are known (see
    :meth:`Experiment.from_table`).

    Attributes
    ----------
    changed : some value is another one.
    shown : an undo or a redo changed this path.
    """

    changed = Signal()
    shown = Signal(object)
    root = Experiment

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = blank()
        self._validated: tuple[Experiment | None, dict[Path, str]] | None = None

    # --- values ------------------------------------------------------------------------------------

    @property
    def state(self) -> Table:
        return self._state

    def assume(self, state: Table) -> None:
        """Become another state."""
        if state != self._state:
            self._state, self._validated = state, None
            self.changed.emit()

    def with_value(self, path: Path, value: object) -> Table:
        """The state in which a field has another value; UNSET for the default."""
        return self.placed(self._state, path, value)

    def set(self, path: Path, value: object) -> None:
        """Change a field; :class:`~workbench.gui.setup.edits.Edits` does so undoably."""
        self.assume(self.with_value(path, value))

    def unset(self, path: Path) -> None:
        """Back to the default."""
        self.assume(self.with_value(path, UNSET))

    def with_source(self, task: Mapping[str, object]) -> Table:
        """The state whose task learns from other data, divided as it comes; the rest stays.

        Parameters
        ----------
        task : the family, the source (a path, or the name of a registered set) and what suits it.
        """
        state = self.placed(self._state, FAMILY, task["family"])
        for field in ("path", "split", "dataset"):
            state = self.placed(state, ("task", field), task.get(field, UNSET))
        for field in task.keys() - {"family", "path", "split", "dataset"}:
            state = self.placed(state, ("task", field), task[field])
        return state

    def begun_with(self, task: Mapping[str, object], name: str) -> Table:
        """The state of a new experiment: other data as it suits its family, and the ticked algorithms
        that can learn from it.
        """
        gives = self.gives_of(self.loaded({"task": task}))
        kinds = dict.fromkeys(map(self.kind, self.ticked()))
        able = [{"kind": kind} for kind in kinds if AlgorithmConfig.kinds[kind].needs <= gives]
        return self.loaded({"name": name, "task": task, "algorithm": able})

    # --- what the tables are of --------------------------------------------------------------------

    def gives_of(self, state: Table) -> frozenset[str]:
        family = self._task_class(state)
        return family.gives() if family in TaskConfig.kinds.values() else frozenset()

    @property
    def problem(self) -> type[Problem]:
        """What kind of task is set up."""
        return self._task_class(self.state).problem

    def suited(self, state: Table, section: type[Section]) -> Mapping[str, object]:
        return self._task_class(state).suits.of(section)

    def usual_kind_of(self, state: Table, path: Path) -> str:
        return "sinusoid" if path == FAMILY[:1] else self._task_class(state).default_network

    def present(self, path: Path) -> Sequence[str]:
        return self.ticked() if path == ALGORITHM else ()

    def _task_class(self, state: Table) -> type[TaskConfig]:
        family = table_of(state.get("task")).get("kind", "sinusoid")
        found: type[TaskConfig] = TaskConfig.kinds.get(str(family), TaskConfig)
        return found

    # --- algorithms --------------------------------------------------------------------------------

    def algorithms(self) -> list[str]:
        """Every algorithm there is, each followed by its variants."""
        variants = [key for key in self._entries() if key not in AlgorithmConfig.kinds]
        return [
            key
            for kind in sorted(AlgorithmConfig.kinds)
            for key in [kind, *(each for each in variants if self.kind(each) == kind)]
        ]

    def _entries(self) -> Table:
        return table_of(self._state.get("algorithm"))

    def kind(self, key: str) -> str:
        """The algorithm behind a key."""
        return self.spot((*ALGORITHM, key)).kind

    def able(self, key: str) -> bool:
        """Whether the task gives what it needs."""
        kind = AlgorithmConfig.kinds.get(self.kind(key))
        return kind is not None and kind.needs <= self.gives

    def is_on(self, key: str) -> bool:
        """Whether the person ticked it, able or not."""
        return self.value((*ALGORITHM, key, "on")) is True

    def ticked(self) -> list[str]:
        """What will run, in the order in which it was ticked."""
        return [key for key in self._entries() if self.is_on(key) and self.able(key)]

    def title(self, key: str) -> str:
        """What charts and tables call it."""
        from workbench.algorithms import ALGORITHMS

        kind, label = self.kind(key), self.value((*ALGORITHM, key, "label"))
        return str(label or (ALGORITHMS[kind].title if kind in ALGORITHMS else kind))

    def privilege(self, key: str) -> str:
        """What it knows or uses of a test task that others do not, as it is set; empty: nothing."""
        try:
            config: AlgorithmConfig = AlgorithmConfig.resolve(self._kind_in_file((*ALGORITHM, key)))
        except ValueError:  # a ValidationError is one too
            kind: type[AlgorithmConfig] = AlgorithmConfig.kinds[self.kind(key)]
            return kind.privileged(self.problem)
        return config.privileges(self.problem)

    def with_variant(self, key: str) -> tuple[Table, str]:
        """The state with a copy of an algorithm, under a name of its own, and the copy's key."""
        kind, number = self.kind(key), 2
        titles = {self.title(each) for each in self.algorithms()}
        while f"{kind}-{number}" in self._entries() or f"{self.title(kind)} {number}" in titles:
            number += 1
        new = f"{kind}-{number}"
        node = {"kinds": {}} | table_of(self._entries().get(key)) | {"kind": kind, "on": True}
        state = self._state | {"algorithm": self._entries() | {new: node}}
        return self.placed(state, (*ALGORITHM, new, "label"), f"{self.title(kind)} {number}"), new

    def without(self, key: str) -> Table:
        """The state without a variant."""
        return self._state | {"algorithm": {k: each for k, each in self._entries().items() if k != key}}

    # --- what a sweep tries ------------------------------------------------------------------------

    def ranges(self) -> list[Table]:
        """What is tried, as in a file, but for the keys of algorithms in place of their numbers."""
        held = table_of(self._state.get(SWEEP[0])).get("ranges")
        return [table_of(each) for each in held] if isinstance(held, list) else []

    def range_of(self, path: Path) -> Table | None:
        """What is tried of a field; None where it has one value."""
        return next((each for each in self.ranges() if each.get("field") == _dotted(path)), None)

    def with_range(self, path: Path, tried: Table | None) -> Table:
        """The state in which this is tried of a field, or nothing."""
        held, name = self.ranges(), _dotted(path)
        others = [each for each in held if each.get("field") != name]
        if tried is not None:
            at = next((number for number, each in enumerate(held) if each.get("field") == name), len(held))
            others.insert(at, {"field": name} | tried)
        sweep = table_of(self._state.get(SWEEP[0])) | {"ranges": others}
        return self.placed(self._state, SWEEP, sweep if others else UNSET)

    def first_range(self, path: Path) -> Table | None:
        """What a person may mean to try of a field; None where nothing can be tried."""
        field = self.field(path)
        if field is None or path[0] not in TRIED or field.shape not in ONE_VALUE or field.incidental:
            return None
        now = self.value(path)
        match field.shape:
            case "switch":
                return {"values": [False, True]}
            case "choice":
                return {"values": list(field.choices)} if len(field.choices) > 1 else None
            case "number" if isinstance(now, int) and not isinstance(now, bool):
                low = max(field.low, 1, now // 2)
                return {"low": int(low), "high": int(min(field.high, max(low + 1, 2 * now)))}
            case "number" if isinstance(now, float) and now > 0:
                low, high = max(field.low, now / 10), min(field.high, 10 * now)
                return {"low": float(f"{low:.6g}"), "high": float(f"{high:.6g}"), "log": True}
            case "list" if isinstance(now, list) and now and field.item is int:
                return {"values": [now, [2 * each for each in now]]}
        return None

    def table(self) -> Table:
        found = super().table()
        sweep, ticked = table_of(found.get(SWEEP[0])), self.ticked()
        ranges = [each for each in map(table_of, self.ranges()) if self._is_tried(each)]
        if not ranges:
            return {name: each for name, each in found.items() if name != SWEEP[0]}
        numbered = [each | {"field": _renamed(each, lambda key: ticked.index(key))} for each in ranges]
        return found | {SWEEP[0]: sweep | {"ranges": numbered}}

    def _is_tried(self, tried: Table) -> bool:
        """Whether its algorithm runs, if it is of one."""
        head, key, *_ = (*str(tried.get("field")).split("."), "")
        return head != ALGORITHM[0] or key in self.ticked()

    # --- what it amounts to ------------------------------------------------------------------------

    def experiment(self) -> Experiment | None:
        """The experiment, if nothing is wrong with it."""
        return self._validate()[0]

    def complaints(self) -> dict[Path, str]:
        """What is wrong, by path."""
        return dict(self._validate()[1])

    def task_config(self) -> TaskConfig | None:
        """The task's section without other domains, which change nothing of it, if nothing is wrong with
        it."""
        task = table_of(self.table()["task"])
        try:
            config: TaskConfig = TaskConfig.resolve({k: v for k, v in task.items() if k != DOMAINS[-1]})
        except ValueError:  # a ValidationError is one too
            return None
        return config

    def load(self, source: Experiment | Mapping[str, object]) -> None:
        """Take over an experiment, or the table of one."""
        self.assume(self.loaded(source))

    def loaded(self, source: Experiment | Mapping[str, object]) -> Table:
        """The state that an experiment, or the table of one, amounts to."""
        table = source.in_full() if isinstance(source, Experiment) else source
        state: Table = {}
        for name in ("task", *table):  # the others' defaults depend on it
            if name in table and name != "format":
                state = self.placed(state, (name,), table[name])
        sweep, keys = table_of(state.get(SWEEP[0])), list(table_of(state.get(ALGORITHM[0])))
        if isinstance(ranges := sweep.get("ranges"), list):
            named = [
                each | {"field": _renamed(each, lambda at: keys[int(at)])} for each in map(table_of, ranges)
            ]
            state = state | {SWEEP[0]: sweep | {"ranges": named}}
        return state

    def to_json(self) -> Table:
        """Everything, those parts included that the experiment does not use at present."""
        return copy.deepcopy(self._state)

    def from_json(self, data: object) -> None:
        """Take over what :meth:`to_json` gave; what does not look like it is passed over."""
        earlier = isinstance(data, Mapping) and "algorithms" in data
        state = self._of_earlier(table_of(data)) if earlier else cleaned(Experiment, data)
        self.assume(blank() | state)

    def describe(self, path: Path) -> str:
        """A field in words: ``inner learning rate of MAML``."""
        first, last = path[0], str(path[-1])
        spot, field = self.spot(path[:-1]), self.field(path)
        if len(path) > 2 and last == spot.selector:
            return self.describe(path[:-1])
        name = field.label if field else label_of(last)
        name = name if name[:2].isupper() else name[:1].lower() + name[1:]
        if first == "algorithm" and len(path) > 1:
            whose = self.title(str(path[1])) + (f"'s {path[-2]}" if len(path) > 3 else "")
            return tr("{} of {}", name, whose) if len(path) > 2 else whose
        if first in ("network", "evaluation") or len(path) > 2:
            return tr("{} of {}", name, str(path[-2]).replace("_", " "))
        return name

    # --- inside ------------------------------------------------------------------------------------

    def _validate(self) -> tuple[Experiment | None, dict[Path, str]]:
        if self._validated is None:
            experiment, found = None, self._names_used_twice()
            try:
                experiment = admitted(Experiment.from_table(self.table()))
            except ConfigError as error:
                for each in error.complaints:
                    message = tr(NOTHING_TICKED) if each.place == ALGORITHM else each.message
                    found.setdefault(self.at(each), message)
            self._validated = None if found else experiment, found
        return self._validated

    def _names_used_twice(self) -> dict[Path, str]:
        titles = {key: self.title(key) for key in self.ticked()}
        first = {title: key for key, title in reversed(titles.items())}
        return {
            (*ALGORITHM, key, "label"): tr("{!r} names two algorithms; give each its own name", title)
            for key, title in titles.items()
            if first[title] != key
        }

    def _of_earlier(self, data: Table) -> Table:
        """What a draft of the first edition held, where kinds were not held alike."""
        state = cleaned(Experiment, {name: data.get(name) for name in ("name", "training", "evaluation")})
        for place, base, chosen, kinds in (
            ("task", TaskConfig, data.get("family"), table_of(data.get("tasks"))),
            ("network", NetworkConfig, data.get("network"), table_of(data.get("networks"))),
        ):
            held = {
                kind: self._table_held(state, (place,), base.kinds.get(kind, base), table_of(table))
                for kind, table in kinds.items()
            }
            state[place] = {"kinds": held} | ({"kind": chosen} if isinstance(chosen, str) else {})
        entries: Table = {}
        for key, each in data["algorithms"].items() if isinstance(data["algorithms"], dict) else ():
            kind, values = str(table_of(each).get("kind", key)), table_of(each).get("values")
            section = AlgorithmConfig.kinds.get(kind, AlgorithmConfig)
            said = self._table_held(state, (*ALGORITHM, key), section, table_of(values))
            entries[key] = {"kind": kind, "on": table_of(each).get("on") is True, "kinds": {kind: said}}
        return state | {"algorithm": entries}
