"""Files of an earlier format: what they mean by not saying what there was not yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.settings.fields import Field, fields_of
from workbench.settings.sections import Section

Table = Mapping[str, object]


def spelled(section: type[Section], table: Table) -> dict[str, object]:
    """A table of an earlier format, with what its newer fields had been before there were such."""

    def filled(section: type[Section], table: Table) -> Table:
        return {**_before(section), **table}

    return _everywhere(section, table, filled)


def unspelled(section: type[Section], table: Table) -> dict[str, object]:
    """The table as an earlier format says it: the inverse of :func:`spelled`."""

    def emptied(section: type[Section], table: Table) -> Table:
        before = _before(section)
        return {name: value for name, value in table.items() if name not in before or value != before[name]}

    return _everywhere(section, table, emptied)


def _before(section: type[Section]) -> dict[str, Any]:
    said = {name: each.json_schema_extra for name, each in section.model_fields.items()}
    return {
        name: each["before"] for name, each in said.items() if isinstance(each, dict) and "before" in each
    }


def _everywhere(
    section: type[Section], table: Table, change: Callable[[type[Section], Table], Table]
) -> dict[str, object]:
    """A table with a change made to it, and to every table in it that stands for a section."""
    found = dict(change(section, table))
    for name, field in fields_of(section).items():
        if field.section is None or name not in found:
            continue
        selector = getattr(field.section, "selector", "")

        def changed(value: object, field: Field = field, selector: str = selector) -> object:
            kind = field.kind(value.get(selector)) if isinstance(value, Mapping) else None
            return value if kind is None else _everywhere(kind, value, change)  # type: ignore[arg-type]

        value = found[name]
        found[name] = [changed(each) for each in value] if isinstance(value, list) else changed(value)
    return found
