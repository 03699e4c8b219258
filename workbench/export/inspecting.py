"""A view inside a run as a file."""

from __future__ import annotations

from workbench.analysis.figure import as_csv
from workbench.analysis.tables import as_json
from workbench.export.wishes import Style
from workbench.pictures import Figure

FORMS = ("png", "svg", "pdf", "csv", "json")


def written(figure: Figure, form: str, style: Style | None = None) -> bytes:
    """A file's content: the picture, or its rows (as JSON with what is said of them)."""
    if form == "csv":
        return as_csv(figure, table=True).encode()
    if form == "json":
        told = {"view": figure.name.removeprefix("inside_"), "caption": figure.caption, "rows": figure.table}
        return as_json(told).encode()
    from workbench.export.drawing import to_bytes

    return to_bytes(figure, style or Style(width="two"), form)
