"""What the person is setting up: plain values, of which the widgets are mere views."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from workbench.config import (
    AlgorithmConfig,
    ConfigError,
    Evaluation,
    Experiment,
    NetworkConfig,
    TaskConfig,
    Training,
    admitted,
)
from workbench.gui.setup.draft_state import State, blank, by_path, cleaned, put_or_drop
from workbench.gui.setup.specs import UNSET, FieldSpec, plain, specs
from workbench.settings import Kind, Section, fields_of
from workbench.settings.fields import label_of


class Draft(QObject):
    """An experiment in the making.

    A *path* names a field: ``name``, ``task.shots``, ``task.split.seed``, ``network.kind``,
    ``algorithm.maml.inner_lr``, ``algorithm.maml-2.on``, ``training.iterations``. An algorithm's key is
    its kind, or for a variant the kind and a number. Only values that differ from the default are held.
    Nothing but ``to_json`` and ``from_json`` may be called before the kinds are known (see
    :meth:`Experiment.from_table`).

    Attributes
    ----------
    changed : some value is another one.
    shown : an undo or a redo changed this path.
    """

    changed = Signal()
    shown = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = blank()
        self._validated: tuple[Experiment | None, dict[str, str]] | None = None

    # --- values ------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """All values; not to be changed."""
        return self._state

    def assume(self, state: State) -> None:
        """Become another state."""
        if state != self._state:
            self._state, self._validated = state, None
            self.changed.emit()

    def value(self, path: str) -> Any:
        """What a field holds: the person's value, or the default (for the present problem)."""
        own = self._own(path)
        return self.default(path) if own is UNSET else own

    def is_set(self, path: str) -> bool:
        """Whether the person changed a field from its default, or ticked a section that may be left out."""
        own = self._own(path)
        return own is not UNSET and not (self._is_kind(path) and own == self.default(path))

    def default(self, path: str) -> Any:
        """The value of a field that the person left alone; None if it has none."""
        match path.split("."):
            case ["name"]:
                return blank()["name"]
            case ["task", "family"]:
                return blank()["family"]
            case ["network", "kind"]:
                return self.task_class().default_network
            case ["algorithm", _, "on"]:
                return False
        outer, _, name = path.rpartition(".")
        if self._is_kind(path):
            return self._usual_kind(outer)
        found = self.spec(path)
        usual = found.default if found else None
        if len(self._home(path)[1]) > 1 and self._own(outer) is UNSET:
            table = self.default(outer)  # once the table says anything, the class's defaults hold in it
            return table.get(name, usual) if isinstance(table, dict) else usual
        return usual

    def set(self, path: str, value: Any) -> None:
        """Change a field; :class:`~workbench.gui.setup.edits.Edits` does so undoably."""
        self.assume(self.with_value(path, value))

    def unset(self, path: str) -> None:
        """Back to the default."""
        self.assume(self.with_value(path, UNSET))

    def with_value(self, path: str, value: Any) -> State:
        """The state in which a field has another value."""
        state = copy.deepcopy(self._state)
        value = plain(value)
        match path.split("."):
            case ["name"]:
                state["name"] = blank()["name"] if value is UNSET else value
            case ["task", "family"]:
                self._turn_to_family(state, self.default(path) if value is UNSET else str(value))
            case ["network", "kind"]:
                state["network"] = None if value in (UNSET, self.default(path)) else value
            case ["algorithm", key, "on"]:
                self._entry(state, key)["on"] = value is True
            case [*_] if self._is_kind(path):
                self._turn_to_kind(state, path.rpartition(".")[0], value)
            case _:
                self._put(state, path, value)
        return state

    def with_task(self, table: Mapping[str, Any]) -> State:
        """The state with another task, given as in a file."""
        state = copy.deepcopy(self._state)
        state["family"] = str(table["family"])
        state["tasks"][state["family"]] = {}
        return _filled(state, f"task.{state['family']}", table, skip="family")

    def with_registered(self, family: str, name: str) -> State:
        """The state whose task learns from a registered set, divided as it was imported."""
        state = self.with_value("task.family", family)
        values = {key: each for key, each in state["tasks"][family].items() if key not in ("path", "split")}
        state["tasks"][family] = values | {"dataset": name}
        return state

    # --- algorithms --------------------------------------------------------------------------------

    def algorithms(self) -> list[str]:
        """Every algorithm there is, each followed by its variants."""
        variants = [key for key in self._state["algorithms"] if key not in AlgorithmConfig.kinds]
        return [
            key
            for kind in sorted(AlgorithmConfig.kinds)
            for key in [kind, *(each for each in variants if self.kind(each) == kind)]
        ]

    def kind(self, key: str) -> str:
        """The algorithm behind a key."""
        return str(self._state["algorithms"].get(key, {}).get("kind", key))

    def is_on(self, key: str) -> bool:
        """Whether the person ticked it, able or not."""
        return bool(self._state["algorithms"].get(key, {}).get("on", False))

    def able(self, key: str) -> bool:
        """Whether the task gives what it needs."""
        kind = AlgorithmConfig.kinds.get(self.kind(key))
        return kind is not None and kind.needs <= self.gives

    def ticked(self) -> list[str]:
        """What will run, in the order in which it was ticked."""
        return [key for key in self._state["algorithms"] if self.is_on(key) and self.able(key)]

    def title(self, key: str) -> str:
        """What charts and tables call it."""
        from workbench.algorithms import ALGORITHMS

        kind = self.kind(key)
        label = self._state["algorithms"].get(key, {}).get("values", {}).get("label")
        return str(label or (ALGORITHMS[kind].title if kind in ALGORITHMS else kind))

    def with_variant(self, key: str) -> tuple[State, str]:
        """The state with a copy of an algorithm, under a name of its own, and the copy's key."""
        state, kind, number = copy.deepcopy(self._state), self.kind(key), 2
        titles = {self.title(each) for each in self.algorithms()}
        while f"{kind}-{number}" in state["algorithms"] or f"{self.title(kind)} {number}" in titles:
            number += 1
        new = f"{kind}-{number}"
        values = copy.deepcopy(state["algorithms"].get(key, {}).get("values", {}))
        values["label"] = f"{self.title(kind)} {number}"
        state["algorithms"][new] = {"kind": kind, "on": True, "values": values}
        return state, new

    def without(self, key: str) -> State:
        """The state without a variant."""
        state = copy.deepcopy(self._state)
        state["algorithms"].pop(key, None)
        return state

    # --- what it amounts to ------------------------------------------------------------------------

    def table(self) -> dict[str, Any]:
        """The experiment as in its TOML file."""
        state = self._state
        network = {"kind": self.value("network.kind")}
        return copy.deepcopy(
            {
                "name": state["name"],
                "task": {"family": state["family"]} | state["tasks"].get(state["family"], {}),
                "network": network | state["networks"].get(network["kind"], {}),
                "algorithm": [self._entry_table(key) for key in self.ticked()],
                "training": state["training"],
                "evaluation": state["evaluation"],
            }
        )

    def _entry_table(self, key: str) -> State:
        """An algorithm without what means nothing for the present family; the draft holds on to that."""
        kind, values = self.kind(key), self._state["algorithms"][key]["values"]
        return {"kind": kind} | {n: values[n] for n in values if n in self.meant(AlgorithmConfig.kinds[kind])}

    def meant(self, section: type[Section]) -> list[str]:
        """The fields of a section that mean something for the present family."""
        return [name for name, each in fields_of(section).items() if each.needs <= self.gives]

    def experiment(self) -> Experiment | None:
        """The experiment, if nothing is wrong with it."""
        return self._validate()[0]

    def complaints(self) -> dict[str, str]:
        """What is wrong, by path."""
        return dict(self._validate()[1])

    def task_config(self) -> TaskConfig | None:
        """The task's section, if nothing is wrong with it."""
        try:
            config: TaskConfig = TaskConfig.resolve(self.table()["task"])
        except ValueError:  # a ValidationError is one too
            return None
        return config

    def load(self, source: Experiment | Mapping[str, Any]) -> None:
        """Take over an experiment, or the table of one."""
        self.assume(self.loaded(source))

    def loaded(self, source: Experiment | Mapping[str, Any]) -> State:
        """The state that an experiment, or the table of one, amounts to."""
        table = source.as_table() if isinstance(source, Experiment) else dict(source)
        state = blank() | {"name": table.get("name", "Experiment"), "algorithms": {}}
        task = table.get("task", {})
        state["family"] = str(task.get("family", state["family"]))
        state = _filled(state, f"task.{state['family']}", task, skip="family")
        network = table.get("network", {})
        default = TaskConfig.kinds.get(state["family"], TaskConfig).default_network
        kind = str(network.get("kind", default))
        state["network"] = None if kind == default else kind
        state = _filled(state, f"network.{kind}", network, skip="kind")
        for entry in table.get("algorithm", ()):
            kind, number = str(entry.get("kind", "")), 2
            key = kind
            while key in state["algorithms"]:
                key, number = f"{kind}-{number}", number + 1
            state["algorithms"][key] = {"kind": kind, "on": True, "values": {}}
            state = _filled(state, f"algorithm.{key}", entry, skip="kind")
        for section in ("training", "evaluation"):
            state = _filled(state, section, table.get(section, {}))
        return state

    def to_json(self) -> dict[str, Any]:
        """Everything, those parts included that the experiment does not use at present."""
        return copy.deepcopy(self._state)

    def from_json(self, data: Any) -> None:
        """Take over what :meth:`to_json` gave; what does not look like it is passed over."""
        self.assume(cleaned(data))

    # --- classes behind the paths ------------------------------------------------------------------

    def task_class(self) -> type[TaskConfig]:
        """The present family's section."""
        found: type[TaskConfig] = TaskConfig.kinds.get(self._state["family"], TaskConfig)
        return found

    @property
    def gives(self) -> frozenset[str]:
        """What the present family's tasks have; nothing for an unknown family."""
        return self.task_class().gives() if self._state["family"] in TaskConfig.kinds else frozenset()

    def section(self, path: str) -> type[Section] | None:
        """The class of a section, by the path of the section or of a field in it."""
        match path.split("."):
            case ["task", *_]:
                return self.task_class()
            case ["network", *_]:
                return NetworkConfig.kinds.get(self.value("network.kind"), NetworkConfig)
            case ["algorithm", key, *_]:
                return AlgorithmConfig.kinds.get(self.kind(key), AlgorithmConfig)
            case ["training", *_]:
                return Training
            case ["evaluation", *_]:
                return Evaluation
        return None

    def owner(self, path: str) -> type[Section] | None:
        """The class of the section that a field stands in, also where that is in another section."""
        section, names = self.section(path), _names(path)
        at = path.split(".")[: -len(names)] if names else []
        for name in names[:-1]:
            at.append(name)
            section = None if section is None else self._inside(".".join(at), self._spec_in(section, name))
        return section

    def spec(self, path: str) -> FieldSpec | None:
        """What is known of the field at a path."""
        section, names = self.owner(path), _names(path)
        return self._spec_in(section, names[-1]) if section is not None and names else None

    def describe(self, path: str) -> str:
        """A field in words: ``inner learning rate of MAML``."""
        parts = path.split(".")
        found = self.spec(path)
        name = found.label if found else label_of(parts[-1])
        name = name if name[:2].isupper() else name[:1].lower() + name[1:]
        if self._is_kind(path) and parts[0] != "network":
            return self.describe(path.rpartition(".")[0])
        if parts[0] == "algorithm" and len(parts) > 1:
            whose = self.title(parts[1]) + (f"'s {parts[-2]}" if len(parts) > 3 else "")
            return f"{name} of {whose}" if len(parts) > 2 else whose
        if parts[0] in ("network", "evaluation") or len(parts) > 2:
            return f"{name} of {parts[-2].replace('_', ' ')}"
        return name

    # --- inside ------------------------------------------------------------------------------------

    def _own(self, path: str) -> Any:
        match path.split("."):
            case ["name"]:
                return self._state["name"]
            case ["task", "family"]:
                return self._state["family"]
            case ["network", "kind"]:
                return self._state["network"] or UNSET
            case ["algorithm", key, "on"]:
                return self.is_on(key)
        home, names = self._home(path)
        found: Any = self._state
        for name in [*home, *names]:
            if not isinstance(found, Mapping) or name not in found:
                return UNSET
            found = found[name]
        return found

    def _home(self, path: str) -> tuple[list[str], list[str]]:
        """Where a section's values are in the state, and the names of the field in it."""
        first, *rest = path.split(".")
        if first == "algorithm":
            return ["algorithms", rest[0], "values"], rest[1:]
        if first == "task":
            return ["tasks", self._state["family"]], rest
        if first == "network":
            return ["networks", self.value("network.kind")], rest
        return [first], rest

    def _entry(self, state: State, key: str) -> dict[str, Any]:
        entry: dict[str, Any] = state["algorithms"].setdefault(
            key, {"kind": self.kind(key), "on": False, "values": {}}
        )
        return entry

    def _put(self, state: State, path: str, value: Any) -> None:
        home, names = self._home(path)
        if home[0] == "algorithms":
            self._entry(state, home[1])
        table = state
        for name in home:
            table = table.setdefault(name, {})
        *outer, last = names
        above = path.split(".")[: -len(names)]
        self._put_in(table, [*above], outer, last, value)

    def _put_in(self, table: State, at: list[str], outer: list[str], last: str, value: Any) -> None:
        """Put a value into a table, or into one in it: that is written out once it says anything."""
        name = outer[0] if outer else last
        spec = self.spec(".".join([*at, name]))
        usual = spec.default if spec else None
        if outer:
            held = table.get(name)
            inside = copy.deepcopy(held if isinstance(held, dict) else usual or {})
            self._put_in(inside, [*at, name], outer[1:], last, value)
            value = inside
        put_or_drop(table, name, value, usual)

    def _is_kind(self, path: str) -> bool:
        """Whether a path names the kind of a section in a section, as ``algorithm.fusion.base.kind``."""
        outer, _, name = path.rpartition(".")
        if len(_names(path)) < 2:
            return False
        spec = self.spec(outer)
        return spec is not None and spec.has_kinds and getattr(spec.section, "selector", "") == name

    def _usual_kind(self, path: str) -> Any:
        """The kind that a section in a section has unless another is chosen."""
        spec = self.spec(path)
        usual = spec.default if spec else None
        return usual.get(getattr(spec.section, "selector", "")) if spec and isinstance(usual, dict) else None

    def _turn_to_kind(self, state: State, path: str, kind: Any) -> None:
        """Another kind begins with its own defaults."""
        name = getattr(getattr(self.spec(path), "section", None), "selector", "kind")
        if kind != self.value(f"{path}.{name}"):
            usual = kind in (UNSET, self._usual_kind(path))
            self._put(state, path, UNSET if usual else {name: kind})

    def _inside(self, path: str, spec: FieldSpec | None) -> type[Section] | None:
        """The class of the section that a field holds: of the kind that is chosen."""
        section = spec.section if spec else None
        if section is None or not issubclass(section, Kind):
            return section
        kind = self.value(f"{path}.{section.selector}")
        found: type[Section] = section.kinds.get(str(kind), section)
        return found

    def _spec_in(self, section: type[Section], name: str) -> FieldSpec | None:
        return next((each for each in specs(section, self.gives) if each.name == name), None)

    def _turn_to_family(self, state: State, family: str) -> None:
        """What both families have keeps its values; the rest is as it was in the family's last visit."""
        old, new = self.task_class(), TaskConfig.kinds.get(family, TaskConfig)
        common = next(each for each in old.__mro__ if issubclass(new, each))
        shared = set(common.model_fields) if issubclass(common, TaskConfig) else set()
        values = state["tasks"].get(state["family"], {})
        carried = {
            name: _fitting(value, self._spec_in(new, name))
            for name, value in values.items()
            if name in shared
        }
        state["tasks"][family] = state["tasks"].get(family, {}) | carried
        state["family"] = family

    def _validate(self) -> tuple[Experiment | None, dict[str, str]]:
        if self._validated is None:
            try:
                self._validated = (admitted(Experiment.from_table(self.table())), {})
            except ConfigError as error:
                self._validated = (None, by_path(error, self.ticked()))
            twice = self._names_used_twice()
            if twice:
                self._validated = (None, twice | self._validated[1])
        return self._validated

    def _names_used_twice(self) -> dict[str, str]:
        first: dict[str, str] = {}
        found = {}
        for key in self.ticked():
            title = self.title(key)
            if first.setdefault(title, key) != key:
                found[f"algorithm.{key}.label"] = f"{title!r} names two algorithms; give each its own name"
        return found


def _filled(state: State, section: str, table: Mapping[str, Any], skip: str = "") -> State:
    """The state with what a section's table says, defaults left out."""
    draft = Draft()
    draft.assume(copy.deepcopy(state))
    kind, _, name = section.partition(".")
    if kind == "network":
        draft.assume(draft.state | {"network": name})
    prefix = section if kind == "algorithm" else kind
    for field, value in table.items():
        if field != skip:
            _fill(draft, f"{prefix}.{field}", value)
    return draft.state | {"network": state["network"]}


def _fill(draft: Draft, path: str, value: Any) -> None:
    """Take over a value of a file; of a section that is chosen or ticked, field by field."""
    spec = draft.spec(path)
    selector = getattr(spec.section, "selector", "") if spec else ""
    chosen = spec is not None and (spec.has_kinds or (spec.optional and spec.section is not None))
    if not chosen or not isinstance(value, Mapping) or (selector and selector not in value):
        draft.set(path, value)
        return
    draft.set(path, {selector: value[selector]} if selector else {})
    for field, each in value.items():
        if field != selector:
            _fill(draft, f"{path}.{field}", each)


def _names(path: str) -> list[str]:
    """A field's name, after those of the sections in a section that it stands in."""
    return path.split(".")[2 if path.startswith("algorithm.") else 1 :]


def _fitting(value: Any, spec: FieldSpec | None) -> Any:
    """What of a table another section in its place has, too."""
    if not isinstance(value, dict) or spec is None or spec.section is None:
        return value
    return {name: each for name, each in value.items() if name in spec.section.model_fields}
