"""Sections of a configuration file, and what is wrong with them in words a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from workbench.errors import InputError
from workbench.words import shown, unfit_name

Problem = Literal["regression", "classification"]


class Shown:
    """Marks a text that is shown in tables, charts and files: a name, not a piece of writing."""


Name = Annotated[str, Shown()]
"""A name that somebody gives; :func:`unfit_names` says which cannot be one."""


def setting(
    default: Any = ...,
    *,
    help: str,
    unit: str = "",
    symbol: str = "",
    by_problem: Mapping[str, Any] | None = None,
    rare: bool = False,
    **constraints: Any,
) -> Any:
    """A field that forms, help texts and tables can be generated from.

    Parameters
    ----------
    default : the value used where the file is silent (the paper's, where there is one).
    help : one line that says what the field does.
    unit, symbol : the unit and the symbol that the paper uses, if any.
    by_problem : the default for ``regression`` and ``classification`` where they differ; the field
        then reads None until the experiment, which knows the task, fills it in.
    rare : whether few people ever change it; forms keep it apart.
    constraints : ``gt``, ``ge``, ``lt``, ``le``, ``min_length``…, as in pydantic.
    """
    extra: dict[str, Any] = {"unit": unit, "symbol": symbol, "rare": rare}
    if by_problem is not None:
        extra["by_problem"] = dict(by_problem)
        default = None
    field: Any = Field(default, description=help, json_schema_extra=extra, **constraints)
    return field


class Section(BaseModel):
    """A table of the configuration: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )


class Kind(Section):
    """A section that comes in several kinds, told apart by one key (``kind`` or ``family``).

    A direct subclass is a base that collects its kinds by name; importing the module of a kind makes
    it known.
    """

    selector: ClassVar[str] = "kind"
    kinds: ClassVar[dict[str, type[Any]]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Kind in cls.__bases__:
            cls.kinds = {}
        elif cls.selector in cls.model_fields:
            cls.kinds[cls.model_fields[cls.selector].default] = cls

    @property
    def name(self) -> str:
        """The kind's name in a file."""
        return str(getattr(self, self.selector))

    @classmethod
    def resolve(cls, value: Any) -> Any:
        """Turn a table into the section that its selector names."""
        if isinstance(value, cls):
            return value
        allowed = f"allowed: {', '.join(sorted(cls.kinds))}"
        if not isinstance(value, Mapping):
            raise ValueError(f"{value!r} is not a table with the key {cls.selector!r}; {allowed}")
        name = value.get(cls.selector)
        if name is None:
            raise misfit((cls.selector,), f"is missing; {allowed}")
        if not isinstance(name, str) or name not in cls.kinds:
            raise misfit((cls.selector,), f"{name!r} is not known; {allowed}")
        return cls.kinds[name].model_validate(dict(value))

    def for_problem(self, problem: Problem) -> Self:
        """The section with the defaults filled in that depend on the problem."""
        defaults = {
            name: field.json_schema_extra["by_problem"][problem]  # type: ignore[index,call-overload]
            for name, field in type(self).model_fields.items()
            if isinstance(field.json_schema_extra, dict)
            and "by_problem" in field.json_schema_extra
            and getattr(self, name) is None
        }
        inner = {
            name: value.for_problem(problem)
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), Kind)
        }
        return type(self).model_validate(self.model_dump() | defaults | inner)


# --- what is wrong, in words ----------------------------------------------------------------------


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with a configuration: where, what, and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


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


def misfit(location: tuple[int | str, ...], message: str) -> ValidationError:
    """An error at a place below the value that is being validated."""
    error = PydanticCustomError("misfit", "{message}", {"message": message})
    return ValidationError.from_exception_data("", [InitErrorDetails(type=error, loc=location, input=None)])


def unfit_names(section: Section, inside: str = "") -> list[Complaint]:
    """What is wrong with the names in a section and in those inside it.

    For what is new: an experiment that a project holds keeps the names that it had, and so its hash.
    """
    found = []
    for name, field in type(section).model_fields.items():
        value, path = getattr(section, name), inside + name
        if isinstance(value, str):
            marks = [*field.metadata, *_anatomy(field.annotation)[2]]
            wrong = unfit_name(value) if any(isinstance(each, Shown) for each in marks) else ""
            found += [Complaint(path, wrong)] if wrong else []
        inner = [(path, value)] if isinstance(value, Section) else []
        if isinstance(value, tuple):
            inner = [(f"{path}[{i}]", each) for i, each in enumerate(value) if isinstance(each, Section)]
        for where, each in inner:
            found += unfit_names(each, f"{where}.")
    return found


def complaints(error: ValidationError, model: type[Section], table: Mapping[str, Any]) -> list[Complaint]:
    """Pydantic's errors about ``table`` in our words, one for each place."""
    found: dict[str, Complaint] = {}
    for detail in error.errors(include_url=False):
        path, section, field = _walk(model, table, detail["loc"])
        found.setdefault(path, Complaint(path, _message(detail, section, field)))
    # a list whose items were refused is also called too short: say the first only
    return [each for each in found.values() if not any(path.startswith(f"{each.path}[") for path in found)]


def _walk(
    section: type[Section], table: Any, location: Sequence[int | str]
) -> tuple[str, type[Section], FieldInfo | None]:
    """Follow an error's location: its path as a person writes it, the section and the field it is in."""
    path, value, field = "", table, None
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            value = value[part] if isinstance(value, Sequence) and part < len(value) else None
            continue
        inner = section if field is None else section_in(field.annotation)
        if inner is None:  # pydantic goes on with the names of a union's members
            break
        section = _kind_of(inner, value)
        path += f".{part}" if path else part
        field = section.model_fields.get(part)
        value = value.get(part) if isinstance(value, Mapping) else None
        if field is None:
            break
    return path, section, field


def section_in(annotation: Any) -> type[Section] | None:
    """The class of the section that a field holds; None for any other field."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for each in get_args(annotation) if (found := section_in(each))), None)


def _kind_of(section: type[Section], value: Any) -> type[Section]:
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
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def _message(detail: Any, section: type[Section], field: FieldInfo | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    value = shown(repr(detail.get("input")))
    allowed = describe_range(field) if field is not None else ""
    hint = f"; allowed: {allowed}" if allowed else ""
    if kind == "extra_forbidden":
        known = list(section.model_fields)
        close = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
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
        return f"{value} is not allowed; allowed: {field.description}"
    if kind in ("too_short", "string_too_short"):
        return f"needs at least {context['min_length']}" + (" letter" if kind == "string_too_short" else "")
    if kind == "string_too_long":
        return f"has {len(detail['input']):,} letters; allowed: up to {context['max_length']}"
    return f"{detail['msg']}{hint}"


def describe_range(field: FieldInfo) -> str:
    """The values that a field allows, in words: ``a number > 0 and ≤ 100``; empty where any will do."""
    names, choices, rules = _anatomy(field.annotation)
    limits = [
        f"{sign} {getattr(rule, name)}"
        for rule in [*field.metadata, *rules]
        for name, sign in _SIGNS.items()
        if getattr(rule, name, None) is not None
    ]
    number = "a whole number" if int in names else "a number" if float in names else ""
    if tuple in names and number:
        number = number.replace("a ", "a list of ", 1) + "s"
    words = " ".join(filter(None, [number, " and ".join(limits)]))
    return " or ".join(filter(None, [words, *choices]))


def _anatomy(annotation: Any) -> tuple[set[type], list[str], list[Any]]:
    """The plain types, the literal choices and the constraints inside an annotation."""
    origin = get_origin(annotation)
    if origin is Literal:
        return set(), [repr(choice) for choice in get_args(annotation)], []
    names: set[type] = {each for each in (annotation, origin) if each in (int, float, tuple)}
    choices: list[str] = []
    rules: list[Any] = []
    parts = get_args(annotation)
    if origin is Annotated:
        parts, rules = parts[:1], [rule for meta in parts[1:] for rule in getattr(meta, "metadata", [meta])]
    for part in parts:
        inner = _anatomy(part)
        names, choices, rules = names | inner[0], choices + inner[1], rules + inner[2]
    return names, choices, rules
