"""A section in the making, as plain tables: what is said, what is usual, what a file of it would hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, cast

from workbench.settings.complaints import Complaint, Path
from workbench.settings.fields import UNSET, Field, fields_of
from workbench.settings.sections import Kind, Section

Table = dict[str, object]
"""What is held of a section, by field: only what differs from its defaults. Never changed in place, so that
undo can keep the former ones.

A section in one of several kinds is held as ``{"kind": name, "kinds": {name: table}}``, so that each kind
keeps its values while another is chosen; without ``kind`` it is of its usual kind. In a list of kinds each
has a key, and is ``on`` or left out.
"""

NOTHING: Table = {"kinds": {}}


@dataclass(frozen=True)
class Spot:
    """A section in a draft.

    Attributes
    ----------
    section : its class, of the present kind where there are several; None where there is no section.
    said : what is held of it; None where nothing is.
    usual : what its default says beside the defaults of its class: holds while nothing is said.
    optional : whether it may be left out; it is there once anything is held of it, be it nothing.
    node : of one in several kinds: what is held of all of them.
    kind, usual_kind : of one in several kinds: the present one, and that where none is chosen.
    selector : the name of the key that tells the kind; empty where there is one kind only.
    listed : whether it is a list of kinds, by key.
    """

    section: type[Section] | None
    said: Table | None = None
    usual: Table = dataclasses.field(default_factory=dict)
    optional: bool = False
    node: Table = dataclasses.field(default_factory=dict)
    kind: str = ""
    usual_kind: str = ""
    selector: str = ""
    listed: bool = False

    @property
    def table(self) -> Table:
        """What it says: what is held, or what is usual."""
        return self.said if self.said is not None else self.usual

    def holding(self, table: Table) -> object:
        """What is held where this is its table; UNSET where that says nothing new."""
        if self.selector:
            kinds = table_of(self.node.get("kinds")) | {self.kind: table}
            return self.node | {"kinds": {name: each for name, each in kinds.items() if each}}
        return UNSET if table == self.usual and not self.optional else table


class TableDraft:
    """What a person sets up, of which widgets are mere views.

    A path is a tuple: names of fields, and in a list of kinds the key of one. ``(…, "kind")`` (or what else
    the selector is called) is the kind of a section, ``(…, key, "on")`` whether one in a list is there.
    """

    root: ClassVar[type[Section]]
    _spots: tuple[Table, dict[Path, Spot]] = {}, {}

    @property
    def state(self) -> Table:
        """All that is held; not to be changed."""
        raise NotImplementedError

    def gives_of(self, state: Table) -> frozenset[str]:
        """What the tasks that are set up have: decides on defaults, and on which fields there are."""
        raise NotImplementedError

    def suited(self, state: Table, section: type[Section]) -> Mapping[str, object]:
        """The defaults of a section's fields that are not its own, by name."""
        return {}

    def usual_kind_of(self, state: Table, path: Path) -> str:
        """The kind of a section that has no default."""
        raise NotImplementedError

    def present(self, path: Path) -> Sequence[str]:
        """The keys of a list of kinds that are in the file, in its order."""
        raise NotImplementedError

    # --- reading -----------------------------------------------------------------------------------

    @property
    def gives(self) -> frozenset[str]:
        """What the tasks that are set up have."""
        return self.gives_of(self.state)

    def value(self, path: Path) -> object:
        """What a field holds: the person's value, or the default."""
        spot, name = self.spot(path[:-1]), str(path[-1])
        if name == "on":
            return spot.node.get("on") is True
        if name == spot.selector:
            return spot.kind
        return spot.said[name] if spot.said is not None and name in spot.said else self.default(path)

    def is_set(self, path: Path) -> bool:
        """Whether a field is not as it is by default, or a section that may be left out is there."""
        spot, name = self.spot(path[:-1]), str(path[-1])
        if name == spot.selector:
            return spot.kind != spot.usual_kind
        return name in (spot.said or {})

    def default(self, path: Path) -> object:
        """The value of a field that the person left alone; None if it has none."""
        spot, name = self.spot(path[:-1]), str(path[-1])
        if name == spot.selector:
            return spot.usual_kind
        field = self._field(self.state, spot, name)
        usual = None if field is None else field.default
        return usual if spot.said is not None else spot.table.get(name, usual)

    def section(self, path: Path) -> type[Section] | None:
        """The class of the section at a path, of the kind that is chosen."""
        return self.spot(path).section

    def field(self, path: Path) -> Field | None:
        """What is known of the field at a path, with its present default."""
        return self._field(self.state, self.spot(path[:-1]), str(path[-1]))

    def fields(self, path: Path) -> list[Field]:
        """The fields of the section at a path that mean something at present."""
        section = self.section(path)
        fields = self._fields_of(self.state, section).values() if section is not None else ()
        return [each for each in fields if each.needs <= self.gives]

    def spot(self, path: Path) -> Spot:
        """The section at a path."""
        if self._spots[0] is not self.state:  # a form asks for the same ones again and again
            self._spots = self.state, {}
        known = self._spots[1]
        if path not in known:
            known[path] = self._spot(self.state, path)
        return known[path]

    def table(self) -> Table:
        """All of it as in its file."""
        empty: Table = {
            name: {} if each.shape == "section" else NOTHING
            for name, each in fields_of(self.root).items()
            if each.shape in ("section", "kinds", "list of kinds") and not each.optional
        }
        return self._in_file(self.root, empty | self.state, ())

    def at(self, complaint: Complaint) -> Path:
        """The path of a draft at which it is told what is wrong with its file."""
        path: Path = ()
        for part in complaint.place:
            if isinstance(part, int) and not self.spot(path).listed:
                field = self.field(path)
                if field is None or field.shape != "list of sections":
                    break
                path = (*path, part)
                continue
            path = (*path, self.present(path)[part] if isinstance(part, int) else part)
        return path

    # --- changing ----------------------------------------------------------------------------------

    def placed(self, state: Table, path: Path, value: object) -> Table:
        """The state in which a field has another value: one as in a file, or UNSET."""
        spot, name = self._spot(state, path[:-1]), str(path[-1])
        if name == spot.selector:
            return self._of_kind(state, path[:-1], value)
        if name == "on":
            entry: Table = {"kind": spot.kind, "kinds": {}}
            return self._put(state, path[:-1], entry | spot.node | {"on": value is True})
        held = self._held(state, path, self._field(state, spot, name), value)
        if isinstance(held, dict) and "kinds" in held:  # other kinds keep their values
            spot = self._spot(state, path)
            others = dict(table_of(spot.node.get("kinds")))
            others.pop(str(held.get("kind", spot.usual_kind)), None)
            held = held | {"kinds": others | table_of(held["kinds"])}
        return self._put(state, path, held)

    def _of_kind(self, state: Table, path: Path, kind: object) -> Table:
        """Another kind has the values that it had when it was left, and what both share if they are akin."""
        spot = self._spot(state, path)
        if kind is UNSET:
            return self._put(state, path, UNSET)
        node: Table = {"kinds": {}} | {name: each for name, each in spot.node.items() if name != "kind"}
        after = self._put(state, path, node if kind == spot.usual_kind else node | {"kind": str(kind)})
        new = self._spot(after, path)
        shared = _shared(spot.section, new.section)
        carried = {name: _fitting(each, shared[name]) for name, each in spot.table.items() if name in shared}
        return self._put(after, path, new.holding(new.table | carried)) if carried else after

    def _put(self, state: Table, path: Path, held: object) -> Table:
        """The state in which this is held at a path."""
        if not path:
            return table_of(held)
        spot, name = self._spot(state, path[:-1]), str(path[-1])
        table = {each: value for each, value in (spot.table | {name: held}).items() if value is not UNSET}
        return self._put(state, path[:-1], spot.holding(table))

    # --- inside ------------------------------------------------------------------------------------

    def _spot(self, state: Table, path: Path) -> Spot:
        if not path:
            return Spot(self.root, state)
        outer, name = self._spot(state, path[:-1]), str(path[-1])
        held = outer.table.get(name)
        if outer.listed:
            return _spot_of_kind(outer.section, held, {}, name)
        field = self._field(state, outer, name)
        if field is None or field.section is None:
            return Spot(None)
        usual = table_of(field.default)
        if field.shape == "kinds":
            return _spot_of_kind(field.section, held, usual, self._usual_kind(state, path, field))
        said, listed = None if held is None else table_of(held), field.shape == "list of kinds"
        return Spot(field.section, said, usual, field.optional or listed, listed=listed)

    def _usual_kind(self, state: Table, path: Path, field: Field) -> str:
        selector = cast(type[Kind], field.section).selector
        return str(table_of(plain(field.default)).get(selector) or self.usual_kind_of(state, path))

    def _fields_of(self, state: Table, section: type[Section]) -> Mapping[str, Field]:
        return _fields(section, self.gives_of(state), tuple(self.suited(state, section).items()))

    def _field(self, state: Table, spot: Spot, name: str) -> Field | None:
        if spot.section is None or spot.listed:
            return None
        return self._fields_of(state, spot.section).get(name)

    def _held(self, state: Table, path: Path, field: Field | None, value: object) -> object:
        """How a value of a file is held: a default not at all, the values of a kind under its name."""
        value = UNSET if value is None else plain(value)
        if field is None or field.section is None or not isinstance(value, dict | list):
            return UNSET if field is not None and same(value, field.default) else value
        if isinstance(value, list):
            return self._entries_held(state, path, field, value) if field.shape == "list of kinds" else value
        if field.shape == "section":
            table = self._table_held(state, path, field.section, value)
            return UNSET if same(table, field.default) else table
        base = cast(type[Kind], field.section)
        name, usual = value.get(base.selector), self._usual_kind(state, path, field)
        if not isinstance(name, str):
            return value
        table = self._table_held(state, path, base.kinds.get(name, base), value)
        return {"kinds": {name: table} if table else {}} | ({} if name == usual else {"kind": name})

    def _entries_held(self, state: Table, path: Path, field: Field, values: list[object]) -> Table:
        base, found = cast(type[Kind], field.section), Table()
        for each in map(table_of, values):
            kind, number = str(each.get(base.selector, "")), 2
            key = kind
            while key in found:
                key, number = f"{kind}-{number}", number + 1
            table = self._table_held(state, (*path, key), base.kinds.get(kind, base), each)
            found[key] = {"kind": kind, "on": True, "kinds": {kind: table}}
        return found

    def _table_held(self, state: Table, path: Path, section: type[Section], values: Table) -> Table:
        selector = section.selector if issubclass(section, Kind) else ""
        held = {
            name: self._held(state, (*path, name), self._field(state, Spot(section), name), each)
            for name, each in values.items()
            if name != selector
        }
        return {name: each for name, each in held.items() if each is not UNSET}

    def _in_file(self, section: type[Section], said: Table, path: Path) -> Table:
        fields, found = fields_of(section), Table()
        for name, held in said.items():
            field = fields.get(name)
            if field is None or (field.needs <= self.gives and (field.required or held != NOTHING)):
                found[name] = self._value_in_file(field, held, (*path, name))
        return found

    def _value_in_file(self, field: Field | None, held: object, path: Path) -> object:
        if field is None or field.section is None or not isinstance(held, dict):
            return held
        if field.shape == "section":
            return self._in_file(field.section, held, path)
        if field.shape == "list of kinds":
            return [self._kind_in_file((*path, key)) for key in self.present(path)]
        return self._kind_in_file(path) if "kinds" in held else held

    def _kind_in_file(self, path: Path) -> Table:
        spot = self.spot(path)
        assert spot.section is not None
        return {spot.selector: spot.kind} | self._in_file(spot.section, spot.table, path)


@lru_cache(maxsize=512)
def _fields(
    section: type[Section], gives: frozenset[str], suited: tuple[tuple[str, object], ...]
) -> Mapping[str, Field]:
    """The fields of a section with their defaults, in JSON types: what suits, or what is usual for tasks that
    have this."""
    known = dict(suited)
    return {
        name: replace(each, default=plain(known.get(name, each.usual(gives))))
        for name, each in fields_of(section).items()
    }


def cleaned(section: type[Section], data: object) -> Table:
    """What is held of a section, out of JSON that a stranger may have written; what is unfit is left out."""
    fields = fields_of(section)
    return {
        name: each
        for name, each in table_of(data).items()
        if name in fields and isinstance(each, dict if fields[name].section else str)
    }


def plain(value: object) -> object:
    """JSON types: a section as the table of what differs from its class's defaults, tuples as lists."""
    if isinstance(value, Section):
        said = value.model_dump(exclude_none=True, exclude_defaults=True)
        return plain({value.selector: value.name} | said if isinstance(value, Kind) else said)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def same(value: object, other: object) -> bool:
    """Whether two values of a field are one; 1 is not True."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def table_of(value: object) -> Table:
    """A table; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def _spot_of_kind(base: type[Section] | None, held: object, usual: Table, usual_kind: str) -> Spot:
    base, node = cast(type[Kind], base), table_of(held)
    kind = str(node.get("kind", usual_kind))
    said = table_of(table_of(node.get("kinds")).get(kind)) if node else None
    usual = {name: each for name, each in usual.items() if name != base.selector}
    section = base.kinds.get(kind, base)
    return Spot(section, said, usual, node=node, kind=kind, usual_kind=usual_kind, selector=base.selector)


def _shared(old: type[Section] | None, new: type[Section] | None) -> Mapping[str, Field]:
    """The fields of akin kinds that are the same in both, as the new one has them."""
    if old is None or new is None or not issubclass(old, Kind) or not old.akin:
        return {}
    common = [each for each in old.__mro__ if issubclass(new, each) and issubclass(each, Section)]
    names = {name for each in common for name in fields_of(each)}
    return {name: field for name, field in fields_of(new).items() if name in names}


def _fitting(held: object, field: Field) -> object:
    """What of a table another section in its place has, too."""
    if not isinstance(held, dict) or field.section is None:
        return held
    return {name: each for name, each in held.items() if name in fields_of(field.section)}
