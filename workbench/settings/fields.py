"""What there is to know of a setting: forms, files, options, complaints and help are made from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from workbench.settings.sections import Kind, Section, Shown, usual
from workbench.words import marked, tr

Shape = Literal[
    "number", "switch", "choice", "list", "text", "path",
    "section", "list of sections", "kinds", "list of kinds",
]  # fmt: skip

_WORDS = {"lr": "learning rate", "tf32": "TF32"}
_NUMBERS: tuple[dict[type, str], ...] = marked((
    {int: "a whole number", float: "a number"},
    {int: "a list of whole numbers", float: "a list of numbers"},
))  # fmt: skip
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Unset:
    """The value of a field that says nothing."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


def text_of(value: object) -> str:
    """A value as a person would type it."""
    if value is None or isinstance(value, Unset):
        return ""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(f'"{text}"' if "," in text else text for text in map(text_of, value))
    return str(value)


@dataclass(frozen=True)
class Field:
    """One field of a section.

    Attributes
    ----------
    label : what a form calls it.
    shape : what its value is; ``kinds`` is a section in one of several kinds.
    item : type of a number or of a list's items.
    choices : allowed values that are spelled out; for a number, beside the numbers.
    titles : what choices are called where they are shown; see :meth:`title_of`.
    optional : whether it may be left empty.
    default : the value where nothing is said; None where there is none.
    where : the defaults by what a problem gives, where they differ; see :func:`~workbench.settings.setting`.
    needs : what a problem must give for the field to mean anything.
    empty : what an empty field means, in words.
    allowed : the values that it allows, in words: ``a number > 0 and ≤ 100``; empty where any will do.
    low, high : the limits of a number or of a list's items.
    incidental : whether results mean the same whatever it is.
    rare : whether few people ever change it.
    is_name : whether its text is shown in tables, charts and files.
    section : the class of the section that it holds, of the base where that comes in several kinds.
    """

    name: str
    label: str
    shape: Shape
    item: type[int] | type[float] | type[str]
    choices: tuple[object, ...]
    titles: Mapping[str, str]
    optional: bool
    required: bool
    default: object
    where: Mapping[str, object] | None
    needs: frozenset[str]
    help: str
    empty: str
    unit: str
    symbol: str
    allowed: str
    low: float
    high: float
    incidental: bool
    rare: bool
    is_name: bool
    section: type[Section] | None

    def usual(self, gives: frozenset[str]) -> object:
        """The default in an experiment whose tasks give this."""
        return self.default if self.where is None else usual(self.where, gives)

    def title_of(self, value: object) -> str:
        """A value as it is shown among others to choose from."""
        return self.titles.get(str(value)) or text_of(value)

    def kind(self, name: object) -> type[Section] | None:
        """The class of the section that it holds where that is of the kind of a name."""
        if self.section is not None and issubclass(self.section, Kind):
            return self.section.kinds.get(str(name), self.section)
        return self.section


@cache
def fields_of(section: type[Section]) -> Mapping[str, Field]:
    """The fields of a section by name, in the order of their declaration; a kind's selector is none."""
    selector = section.selector if issubclass(section, Kind) else ""
    return {name: _field(name, info) for name, info in section.model_fields.items() if name != selector}


def label_of(name: str) -> str:
    """``inner_lr`` as ``Inner learning rate``."""
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def _field(name: str, info: FieldInfo) -> Field:
    said = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    where, needs, titles = said.get("where"), said.get("needs"), said.get("titles")
    found = _Anatomy()
    found.add(info.annotation, info.metadata)
    shape: Shape = "path" if said.get("path") else found.shape()
    return Field(
        name=name,
        label=tr(str(said.get("label") or label_of(name))),
        shape=shape,
        item=found.item,
        choices=(*found.choices, *((True, False) if shape == "choice" and found.switch else ())),
        titles={value: tr(str(title)) for value, title in titles.items()} if isinstance(titles, dict) else {},
        optional=found.optional,
        required=info.is_required(),
        default=None if info.is_required() else info.get_default(call_default_factory=True),
        where=where if isinstance(where, dict) else None,
        needs=needs if isinstance(needs, frozenset) else frozenset(),
        help=tr(info.description or ""),
        empty=tr(str(said.get("empty", ""))),
        unit=tr(str(said.get("unit", ""))),
        symbol=str(said.get("symbol", "")),
        allowed=found.allowed(),
        low=max([-math.inf, *(bound for sign, bound in found.limits if sign in "≥>")]),
        high=min([math.inf, *(bound for sign, bound in found.limits if sign in "≤<")]),
        incidental=bool(said.get("incidental")),
        rare=bool(said.get("rare")),
        is_name=found.is_name,
        section=found.section,
    )


@dataclass
class _Anatomy:
    """What an annotation is made of."""

    item: type[int] | type[float] | type[str] = str
    choices: list[object] = field(default_factory=list)
    limits: list[tuple[str, float]] = field(default_factory=list)
    optional: bool = False
    several: bool = False
    switch: bool = False
    is_name: bool = False
    section: type[Section] | None = None

    def add(self, annotation: object, rules: Iterable[object] = ()) -> None:
        """Take in an annotation with the rules that are attached to it."""
        for rule in rules:
            for each in getattr(rule, "metadata", [rule]):
                self._limit(each)
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            self.choices += parts
        elif origin is Annotated:
            self.add(parts[0], parts[1:])
        elif annotation is type(None):
            self.optional = True
        elif annotation is bool:
            self.switch = True
        elif annotation is int or annotation is float:
            self.item = int if annotation is int else float
        elif isinstance(annotation, type) and issubclass(annotation, Section):
            self.section = annotation
        else:
            self.several |= origin is tuple
            for part in parts:
                self.add(part)

    def _limit(self, rule: object) -> None:
        self.is_name |= isinstance(rule, Shown)
        for name, sign in _SIGNS.items():
            bound = getattr(rule, name, None)
            if bound is not None:
                self.limits.append((sign, bound))

    def shape(self) -> Shape:
        if self.section is not None and issubclass(self.section, Kind):
            return "list of kinds" if self.several else "kinds"
        if self.section is not None:
            return "list of sections" if self.several else "section"
        if self.several:
            return "list"
        if self.item is not str:
            return "number"
        return "choice" if self.choices else "switch" if self.switch else "text"

    def allowed(self) -> str:
        number = tr(_NUMBERS[self.several].get(self.item, ""))
        limits = tr(" and ").join(f"{sign} {bound}" for sign, bound in self.limits)
        words = " ".join(filter(None, [number, limits]))
        return tr(" or ").join(filter(None, [words, *map(repr, self.choices)]))
