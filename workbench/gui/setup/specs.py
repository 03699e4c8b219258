"""What a form needs to know of a field, read from the section's class; texts to values and back."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

from workbench.gui.plain import Markup, joined, rich
from workbench.settings import Kind, Problem, Section, describe_range

Shape = Literal["bool", "choice", "number", "list", "text", "path", "section"]
MOST_IN_A_RANGE = 10_000

_WORDS = {"lr": "learning rate", "tf32": "TF32"}
_NAMES = {  # which say too little alone
    "every": "Validate every",
    "by": "Drawn by",
    "drift": "Drifting stream",
}


class Unset:
    """The value of a field that says nothing."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


@dataclass(frozen=True)
class FieldSpec:
    """One field of a section.

    Attributes
    ----------
    shape : decides which widget it gets.
    item : type of a number or of a list's items.
    choices : allowed values that are spelled out; for a number, beside the numbers.
    default : JSON types; None where there is none.
    empty : what an empty field means, in words.
    """

    name: str
    shape: Shape
    item: type
    choices: tuple[Any, ...]
    optional: bool
    default: Any
    allowed: str
    help: str
    unit: str
    symbol: str
    rare: bool
    low: float
    high: float
    section: type[Section] | None

    @property
    def label(self) -> str:
        return label_of(self.name)

    @property
    def has_kinds(self) -> bool:
        """Whether it holds a section that comes in several kinds, one of which is chosen."""
        return self.section is not None and issubclass(self.section, Kind)

    @property
    def empty(self) -> str:
        found = re.search(r"empty: (.+?)\.?$", self.help)
        return found[1] if found else ""

    def tooltip(self, path: str) -> Markup:
        """Everything about the field."""
        default = self.format(self.default) or self.empty or "none"
        unit = rich(" <i>({})</i>", self.unit) if self.unit else ""
        lines: list[Markup | None] = [
            rich("<b>{}</b> {}{}", self.label, self.symbol, unit),
            rich("{}", self.help),
            rich("Allowed: {}", self.allowed) if self.allowed else None,
            rich("Default: {}", default) if self.shape != "section" else None,
            rich("In a file: <code>{}</code>", path),
        ]
        return rich("<p>{}</p>", joined(rich("<br>"), filter(None, lines)))

    def format(self, value: Any) -> str:
        """A value as a person would type it."""
        if value is None or isinstance(value, Unset):
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            return f"{value:.10g}"
        if isinstance(value, list | tuple):
            return ", ".join(_quoted(self.format(each)) for each in value)
        return str(value)

    def parse(self, text: str) -> Any:
        """The value of a text; what cannot be read stays text, and the validation says what is wrong."""
        text = text.strip()
        if self.shape in ("text", "path"):
            return text if text or not self.optional else UNSET
        if not text:
            return UNSET
        if self.shape == "list":
            return self._parse_list(text)
        return text if text in self.choices else _number(text, self.item)

    def _parse_list(self, text: str) -> list[Any]:
        if self.item is str:
            (row,) = csv.reader(io.StringIO(text.replace("\n", " ")), skipinitialspace=True)
            return [each.strip() for each in row if each.strip()]
        values: list[Any] = []
        for part in re.split(r"[,;\s]+", re.sub(r"\s*(\.\.|–)\s*", "–", text).strip("[](),; ")):
            span = re.fullmatch(r"(\d+)[–-](\d+)", part)
            if span and self.item is int and 0 <= int(span[2]) - int(span[1]) < MOST_IN_A_RANGE:
                values += range(int(span[1]), int(span[2]) + 1)
            elif part:
                values.append(_number(part, self.item))
        return values

    def stepped(self, value: Any, up: bool) -> Any:
        """The next value up or down: 1, 2, 5, 10 … for rates, one in the second digit for counts."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            value = self.default if isinstance(self.default, int | float) else max(self.low, 1)
            if not math.isfinite(value):
                value = 1
        new = _step_count(int(value), up) if self.item is int else _step_rate(float(value), up)
        return self.item(min(max(new, self.low), self.high))


def label_of(name: str) -> str:
    """``inner_lr`` as ``Inner learning rate``."""
    if name in _NAMES:
        return _NAMES[name]
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


@lru_cache(maxsize=256)
def specs(section: type[Section], problem: Problem | None = None) -> tuple[FieldSpec, ...]:
    """The fields of a section that a person may set, in the order of their declaration."""
    found = []
    for name, field in section.model_fields.items():
        extra = field.json_schema_extra
        if not isinstance(extra, dict) or "unit" not in extra:  # the selector
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        by_problem = extra.get("by_problem")
        if isinstance(by_problem, dict):
            default = by_problem.get(problem) if problem else None
        parts = _Parts()
        parts.add(field.annotation, field.metadata)
        found.append(
            FieldSpec(
                name=name,
                shape="path" if name == "path" else parts.shape(),
                item=parts.item,
                choices=tuple(parts.choices),
                optional=parts.optional,
                default=plain(default),
                allowed=describe_range(field),
                help=field.description or "",
                unit=str(extra["unit"]),
                symbol=str(extra["symbol"]),
                rare=bool(extra.get("rare")),
                low=parts.low,
                high=parts.high,
                section=parts.section,
            )
        )
    return tuple(found)


def plain(value: Any) -> Any:
    """JSON types: a section as the table of what it says, tuples as lists."""
    if isinstance(value, Kind):  # what is not said is the kind's own default
        said = value.model_dump(exclude_none=True, exclude_defaults=True)
        return plain({value.selector: value.name} | said)
    if isinstance(value, Section):
        return plain(value.model_dump(exclude_none=True))
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


class _Parts:
    """What an annotation is made of."""

    def __init__(self) -> None:
        self.choices: list[Any] = []
        self.optional = self.several = self.boolean = False
        self.item: type = str
        self.section: type[Section] | None = None
        self.low, self.high = -math.inf, math.inf

    def shape(self) -> Shape:
        if self.section is not None:
            return "section"
        if self.several:
            return "list"
        if self.item in (int, float):
            return "number"
        if self.boolean and self.choices:
            self.choices += [True, False]
            return "choice"
        if self.choices:
            return "choice"
        return "bool" if self.boolean else "text"

    def add(self, annotation: Any, metadata: Any = ()) -> None:
        for rule in metadata:
            for each in getattr(rule, "metadata", [rule]):
                self._limit(each)
        origin = get_origin(annotation)
        if origin is Literal:
            self.choices += get_args(annotation)
        elif origin is Annotated:
            inner, *rules = get_args(annotation)
            self.add(inner, rules)
        elif origin is tuple:
            self.several = True
            self.add(get_args(annotation)[0])
        elif annotation is type(None):
            self.optional = True
        elif annotation is bool:
            self.boolean = True
        elif annotation in (int, float):
            self.item = annotation
        elif isinstance(annotation, type) and issubclass(annotation, Section):
            self.section = annotation
        else:
            for part in get_args(annotation):
                self.add(part)

    def _limit(self, rule: Any) -> None:
        for name in ("ge", "gt"):
            if getattr(rule, name, None) is not None:
                self.low = float(getattr(rule, name))
        for name in ("le", "lt"):
            if getattr(rule, name, None) is not None:
                self.high = float(getattr(rule, name))


def _number(text: str, item: type) -> Any:
    if re.fullmatch(r"[+-]?\d+,\d+", text):  # a decimal comma
        text = text.replace(",", ".")
    try:
        if item is int and re.fullmatch(r"[+-]?\d+", text):
            return int(text)
        value = float(text)
    except ValueError:  # also for a whole number of thousands of digits
        return text
    if not math.isfinite(value):  # neither a file nor a form holds it
        return text
    return int(value) if item is int and value.is_integer() and abs(value) < 2**53 else value


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


def _step_count(value: int, up: bool) -> int:
    size = abs(value) - (0 if up == (value >= 0) else 1)
    step = 1 if size < 10 else 10 ** (len(str(size)) - 2)
    return value + step if up else value - step


def _step_rate(value: float, up: bool) -> float:
    if value <= 0:
        return value + 1 if up else value - 1
    exponent = math.floor(math.log10(value) + 1e-9)
    ladder = [float(f"{digit}e{power}") for power in range(exponent - 1, exponent + 2) for digit in (1, 2, 5)]
    if up:
        return next(each for each in ladder if each > value * (1 + 1e-9))
    return next(each for each in reversed(ladder) if each < value * (1 - 1e-9))
