"""The group of all commands, and what several of them share: options, tables, bad input."""

from __future__ import annotations

import gc
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from workbench import __version__, terminal
from workbench.errors import InputError
from workbench.project import Project
from workbench.terminal import say
from workbench.words import told_apart, visible

WIDTH = 120
LEAST_NAME = 16
"""Columns of a text for reading."""


SELDOM = 50_000, 50, 50
"""Objects after which garbage is looked for while a project is read, as in :func:`gc.set_threshold`."""

NOBODY_LISTENS = 141
"""Exit code when standard output was closed, as by "head": that of a program which SIGPIPE ends."""


class BadInput(click.ClickException):
    """Input that cannot be used: one line on stderr, exit code 2."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, prog_name="workbench")
def commands() -> None:
    """Compare algorithms that learn to learn.

    Without a command, the window opens; "workbench P.mlwb" opens a project in it.
    """


OVERRIDES = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override, as in training.iterations=100."
)


FILE = click.Path(dir_okay=False, path_type=Path)
PATH = click.Path(path_type=Path)
RESULTS = click.option("--json", "output", type=FILE, help="Write the results here; -: standard output.")
QUIET = click.option("--quiet", is_flag=True, help="No progress on stderr.")
PRINT_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def ids(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Runs, by their numbers."""
    if value is None:
        return None
    try:
        return tuple(int(each) for each in value.split(","))
    except ValueError:
        option = parameter.opts[0]
        raise BadInput(f"{option}: {value!r} is no list of runs; allowed: numbers such as 1,2,5") from None


SUFFIXES = {"md": "markdown", "tex": "latex", "htm": "html", "py": "python"}


def form_of(output: Path, forms: tuple[str, ...]) -> str:
    """The format that a file's name asks for, or the only one."""
    if output == terminal.STANDARD_OUTPUT and len(forms) > 1:
        raise BadInput(f"--format: is needed for standard output; allowed: {', '.join(forms)}")
    suffix = output.suffix.lower().removeprefix(".")
    return forms[0] if len(forms) == 1 else SUFFIXES.get(suffix, suffix) or forms[0]


def must_be_a_file(output: Path) -> None:
    """Refuse what cannot be written to as a file, before anything is computed."""
    if not output.absolute().parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    if output.is_dir():
        raise BadInput(f"{output}: is a folder; name a file")


def wrapped(text: str, indent: int) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def in_width(rows: list[list[str]], names: tuple[int, int], columns: int) -> list[list[str]]:
    """A table in the width of a terminal: the names in two of its columns give way, and stay told apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, second = (widths[each] for each in names)
    room = columns - (sum(widths) + 2 * (len(widths) - 1) - first - second)
    if first + second <= room:
        return rows
    most = max(LEAST_NAME, room - min(second, room // 2)), max(LEAST_NAME, room - min(first, room // 2))
    shown = [list(row) for row in rows]
    for column, letters in zip(names, most, strict=True):
        for row, name in zip(shown, told_apart([row[column] for row in rows], letters), strict=True):
            row[column] = name
    return shown


def print_table(rows: list[list[str]]) -> None:
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn the errors that a person can mend into one line and exit code 2."""
    try:
        yield
    except (InputError, OSError) as error:
        raise BadInput(str(error)) from None


@contextmanager
def to_read(path: Path) -> Iterator[Project]:
    """A project, read only; of one of thousands of runs a fifth of the time would go into looking for garbage
    in what is kept."""
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        with Project.open(path, read_only=True) as project:
            yield project
    finally:
        gc.set_threshold(*usual)
