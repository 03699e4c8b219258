"""What is wrong with a configuration, in words a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workbench.errors import InputError
from workbench.settings.fields import Field, fields_of
from workbench.settings.sections import Kind, Section
from workbench.words import shown, unfit_name

Path = tuple[int | str, ...]
"""A place in a configuration: names of tables and fields, and numbers in lists."""


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with a configuration: where, what, and what would be right."""

    place: Path
    message: str

    @property
    def path(self) -> str:
        """The place as a person writes it: ``algorithm[0].inner_lr``."""
        text = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in self.place)
        return text.removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.place else self.message


class ConfigError(InputError):
    """A configuration that cannot be used.

    Attributes
    ----------
    complaints : tuple of Complaint
        Every problem found, in the order of the file.
    """

    def __init__(self, complaints: Iterable[Complaint], source: str = "") -> None:
        self.complaints = tuple(complaints)
        text = "; ".join(str(complaint) for complaint in self.complaints)
        super().__init__(f"{source}: {text}" if source else text)


def unfit_names(section: Section, inside: Path = ()) -> list[Complaint]:
    """What is wrong with the names in a section and in those inside it.

    For what is new: an experiment that a project holds keeps the names that it had, and so its hash.
    """
    found = []
    for name, field in fields_of(type(section)).items():
        value, place = getattr(section, name), (*inside, name)
        wrong = unfit_name(value) if field.is_name and isinstance(value, str) else ""
        found += [Complaint(place, wrong)] if wrong else []
        inner = [(place, value)]
        if isinstance(value, tuple):
            inner = [((*place, index), each) for index, each in enumerate(value)]
        for where, each in inner:
            found += unfit_names(each, where) if isinstance(each, Section) else []
    return found


def complaints(error: ValidationError, model: type[Section], table: Mapping[str, object]) -> list[Complaint]:
    """Pydantic's errors about ``table`` in our words, one for each place."""
    found: dict[Path, Complaint] = {}
    for detail in error.errors(include_url=False):
        place, section, field = _walk(model, table, detail["loc"])
        found.setdefault(place, Complaint(place, _message(detail, section, field)))
    # a list whose items were refused is also called too short: say the first only
    lists = {place[:index] for place in found for index, part in enumerate(place) if isinstance(part, int)}
    return [each for each in found.values() if each.place not in lists]


def _walk(section: type[Section], value: object, location: Path) -> tuple[Path, type[Section], Field | None]:
    """Follow an error's location: the place in the file, the section and the field it is in."""
    place: Path = ()
    inner: type[Section] | None = section
    field = None
    for part in location:
        if isinstance(part, int):
            place += (part,)
            value = value[part] if isinstance(value, Sequence) and part < len(value) else None
            continue
        if inner is None:  # pydantic goes on with the names of a union's members
            break
        section = _kind_of(inner, value)
        place += (part,)
        field = fields_of(section).get(part)
        value = value.get(part) if isinstance(value, Mapping) else None
        if field is None:
            break
        inner = field.section
    return place, section, field


def _kind_of(section: type[Section], value: object) -> type[Section]:
    if issubclass(section, Kind) and isinstance(value, Mapping):
        return section.kinds.get(str(value.get(section.selector)), section)
    return section


_WHAT = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
}
_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


def _message(detail: ErrorDetails, section: type[Section], field: Field | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    value = shown(repr(detail.get("input")))
    allowed = field.allowed if field is not None else ""
    hint = f"; allowed: {allowed}" if allowed else ""
    if kind == "extra_forbidden":
        key, known = str(detail["loc"][-1]), list(section.model_fields)
        if key in section.refused:
            return section.refused[key]
        close = difflib.get_close_matches(key, known, n=1)
        return (
            f"unknown key; did you mean {close[0]!r}?"
            if close
            else f"unknown key; allowed: {', '.join(known)}"
        )
    if kind == "missing":
        return "is missing"
    if kind == "misfit":
        return str(context["message"])
    if kind == "value_error":
        return str(context["error"])
    if kind in _WHAT:
        return f"{value} is not {_WHAT[kind]}{hint}"
    if kind in _OUT_OF_RANGE:
        return f"{value} is out of range{hint}"
    if kind == "literal_error":
        return f"{value} is not allowed; allowed: {allowed or context['expected']}"
    if kind == "string_pattern_mismatch" and field is not None:
        return f"{value} is not allowed; allowed: {field.help}"
    if kind in ("too_short", "string_too_short"):
        return f"needs at least {context['min_length']}" + (" letter" if kind == "string_too_short" else "")
    if kind == "string_too_long":
        return f"has {len(detail['input']):,} letters; allowed: up to {context['max_length']}"
    return f"{detail['msg']}{hint}"
