"""What a form needs to know of a field, read from the section's class; texts to values and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.gui.plain import Markup, joined, rich
from workbench.settings import Field, Kind, Section, fields_of
from workbench.settings.fields import UNSET, Unset, text_of
from workbench.settings.texts import read, stepped

__all__ = ["UNSET", "FieldSpec", "Unset", "plain", "specs"]


@dataclass(frozen=True)
class FieldSpec:
    """A field, with its default for the problem at hand.

    Attributes
    ----------
    default : JSON types; None where there is none.
    """

    field: Field
    default: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.field, name)

    @property
    def has_kinds(self) -> bool:
        """Whether it holds a section that comes in several kinds, one of which is chosen."""
        return self.field.shape == "kinds"

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
        return text_of(value)

    def parse(self, text: str) -> Any:
        """The value of a text; what cannot be read stays text, and the validation says what is wrong."""
        return read(self.field, text)

    def stepped(self, value: Any, up: bool) -> Any:
        """The next value up or down."""
        return stepped(self.field, value, up)


@lru_cache(maxsize=256)
def specs(section: type[Section], gives: frozenset[str] = frozenset()) -> tuple[FieldSpec, ...]:
    """The fields of a section, in the order of their declaration, for a problem that gives this."""
    return tuple(FieldSpec(field, plain(field.usual(gives))) for field in fields_of(section).values())


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
