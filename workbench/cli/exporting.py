"""The command that writes figures, tables, tests and reports."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench import terminal
from workbench.cli.group import FILE, BadInput, bad_input, commands, form_of, ids, must_be_a_file, to_read
from workbench.cli.showing import tell_damaged

if TYPE_CHECKING:  # it imports pydantic
    from workbench.settings import Field


def _width(context: click.Context, parameter: click.Parameter, value: str | None) -> float | str | None:
    """One or two columns, or millimetres."""
    if value in (None, "one", "two"):
        return value
    assert value is not None
    try:
        width = float(value)
    except ValueError:
        width = 0.0
    if not 30 <= width <= 400:
        raise BadInput(f"--width: {value!r} is no width; allowed: one, two, or 30 to 400 (millimetres)")
    return width


EXPORT_HELP = """Write figures, tables, tests or a report to a file.

\b
learning_curves adaptation comparison scatter parallel   png svg pdf csv
pareto                                    png svg pdf csv
predictions                               png svg pdf csv gif
roc reliability                           png svg pdf csv
critical_difference membership domains    png svg pdf csv json markdown latex
diagnosis                                 csv json markdown latex
table runs statistics protocol pivot      csv json markdown latex
domain_statistics                         csv json markdown latex
report                                    html
config, script                            toml, python
episode, tensorboard                      a folder
"""


METAVARS = {"rows": "SETTING", "columns": "SETTING", "order": "NAME[=NEW],…", "runs": "1,2,5"}
READ_BY = {"width": _width, "runs": ids}


class _Export(click.Command):
    """Has an option for each field of a wish; they are made when they are needed, since pydantic takes a
    while to import."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from workbench.export.wishes import Style, Wish
        from workbench.settings import fields_of

        *own, help_option = super().get_params(ctx)
        fields = sorted(fields_of(Wish).values(), key=lambda field: field.name in fields_of(Style))
        return [*own, *map(_option, fields), help_option]


def _option(field: Field) -> click.Option:
    """The option that sets a field."""
    flag = f"--{field.name.replace('_', '-')}"
    said = field.help.replace("; empty: ", "; by default ")
    if field.shape == "switch":
        return click.Option([flag], is_flag=True, default=None, help=said)
    read_by, unit = READ_BY.get(field.name), "|".join(map(str, [*field.choices, field.unit.upper()]))
    if read_by is not None or field.shape != "number":
        metavar = METAVARS.get(field.name) or unit or "NAME"
        return click.Option([flag], callback=read_by, metavar=metavar, help=said)
    low, high = (None if math.isinf(bound) else bound for bound in (field.low, field.high))
    allowed: click.IntRange | click.FloatRange = click.FloatRange(low, high)
    if field.item is int:
        allowed = click.IntRange(low if low is None else int(low), high if high is None else int(high))
    return click.Option([flag], type=allowed, metavar=unit or None, help=said)


@commands.command(cls=_Export, help=EXPORT_HELP)
@click.argument("project", type=FILE)
@click.option("--what", required=True, metavar="WHAT", help="What is exported.")
@click.option("--format", "form", metavar="FORMAT", help="Its format; by default that of the file's name.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write; -: standard output.",
)
def export(project: Path, what: str, form: str | None, output: Path, **options: Any) -> None:
    from workbench.export import documents
    from workbench.export.wishes import Wish

    kind = documents.KINDS.get(what)
    if kind is None:
        raise BadInput(f"--what: {what!r} is not known; allowed: {', '.join(documents.KINDS)}")
    chosen = form or form_of(output, kind.forms)
    if chosen not in kind.forms:
        raise BadInput(f"--format: {what} cannot be written as {chosen}; allowed: {', '.join(kind.forms)}")
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in kind.fields:
            allowed = ", ".join(f"--{each.replace('_', '-')}" for each in sorted(kind.fields))
            raise BadInput(f"--{name.replace('_', '-')}: has no meaning for {what}; allowed: {allowed}")
    wish = Wish(**given)
    if kind.fill is None:
        must_be_a_file(output)
    elif output == terminal.STANDARD_OUTPUT:
        raise BadInput(f"-o: {kind.help}: standard output is none")
    elif not output.absolute().parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    with bad_input(), to_read(project) as opened:
        said = documents.save(opened, what, chosen, wish, output)
        tell_damaged(opened)
    if said:
        terminal.tell(said)
