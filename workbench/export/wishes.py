"""What can be chosen of an export; dialogs and the command line's options are made from these sections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.settings import Section, setting

WIDTHS: dict[str, float] = {"one": 85.0, "two": 175.0}
"""Millimetres of a paper's columns."""


class Style(Section):
    """How a figure is drawn."""

    width: Literal["one", "two"] | Annotated[float, Field(ge=30, le=400)] = setting(
        "one", unit="mm", help="Of a figure: columns or millimetres."
    )
    height: Annotated[float, Field(ge=10, le=400)] | None = setting(
        None, unit="mm", help="Of a figure.", empty="as its panels need"
    )
    font_size: float = setting(8.0, ge=4, le=24, unit="pt", help="Of a figure's text, as printed.")
    black: bool = setting(False, help="A figure in black and white.")
    dots_per_inch: int = setting(300, ge=50, le=1200, unit="dots", help="Resolution of a PNG.")

    @property
    def width_mm(self) -> float:
        """The width in millimetres."""
        return WIDTHS[self.width] if isinstance(self.width, str) else self.width


class Wish(Style):
    """What is wanted; what is empty is chosen by the maker. Each kind of document uses some of it."""

    measure: str = setting("", help="What is compared: loss, accuracy …")
    step: int | None = setting(None, ge=0, help="After this inner step.", empty="the last")
    runs: tuple[int, ...] | None = setting(
        None, help="These runs.", empty="those that are shown (of rows and configurations: all)"
    )
    x: str = setting(
        "",
        help="The horizontal axis: seconds, operations, memory, energy (of whole processors, other programs' "
        "included, where the platform tells), parameters, epsilon, environment_steps, or a setting.",
    )
    smoothing: int = setting(1, ge=1, unit="points", help="Moving average, over the raw curve.")
    order: str = setting(
        "",
        help='Algorithms in this order, under new names where given ("…" around a name that has , or =); '
        "the others follow.",
    )
    prevalence: float = setting(2.0, ge=0.001, le=99.9, unit="%", help="People who are ill, of 100.")
    first: int = setting(1, ge=1, le=1000, help="The first task that is looked at, by its number.")
    tasks: int = setting(3, ge=1, le=8, help="How many tasks are looked at; fewer where they fill a page.")
    rows: str = setting("", help="Rows of a pivot table, as algorithm or task.shots.")
    columns: str = setting("", help="Columns of a pivot table.")
