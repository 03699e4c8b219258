"""The command line: everything that the window does, without one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from workbench import __version__
from workbench.sections import ConfigError


class BadInput(click.ClickException):
    """Input that cannot be used: one line on stderr, exit code 2."""

    exit_code = 2


def main() -> None:
    """Run the command line; never ends in a traceback for bad input."""
    try:
        code = commands.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = _complain("stopped", 130)
    except click.ClickException as error:
        code = _complain(error.format_message(), 2)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, code: int) -> int:
    print("workbench: " + " ".join(message.split()), file=sys.stderr)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, prog_name="workbench")
def commands() -> None:
    """Compare algorithms that learn to learn."""


OVERRIDES = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override, as in training.iterations=100."
)


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml|quickstart")
@OVERRIDES
@click.option(
    "--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Write the results here."
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def run(source: str, overrides: tuple[str, ...], output: Path | None, quiet: bool) -> int:
    """Train and test every run of an experiment."""
    from workbench import headless  # imports torch: not before it is needed

    with _bad_input():
        return headless.run(source, overrides, output, quiet)


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml|quickstart")
@OVERRIDES
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--seconds", default=5.0, show_default=True, help="How long to measure each algorithm.")
def bench(source: str, overrides: tuple[str, ...], as_json: bool, seconds: float) -> int:
    """Meta-iterations per second on this machine; nothing is saved."""
    from workbench import headless

    with _bad_input():
        return headless.bench(source, overrides, as_json, seconds)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every parameter.")
def algorithms(as_json: bool) -> None:
    """What algorithms there are."""
    from workbench import catalogue

    _list(catalogue.algorithms(), as_json, ("name", "family", "problems", "order", "citation"))


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every parameter.")
def tasks(as_json: bool) -> None:
    """What task families there are."""
    from workbench import catalogue

    _list(catalogue.tasks(), as_json, ("name", "problem", "default_network", "summary"))


def _list(entries: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    rows = [[column.replace("_", " ") for column in columns]]
    for entry in entries:
        cells = [entry[column] for column in columns]
        rows.append([", ".join(cell) if isinstance(cell, list) else str(cell or "–") for cell in cells])
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for entry in entries:
        click.echo(f"\n{entry['name']}: {entry['summary']}")
        for each in entry["parameters"]:
            default = "required" if each["required"] else f"default {each['default']}"
            allowed = f", {each['allowed']}" if each["allowed"] else ""
            click.echo(f"  {each['name']:<16} {each['help']} ({default}{allowed})")


class _bad_input:  # noqa: N801 (a context manager)
    """Turns the errors that a person can mend into one line and exit code 2."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from workbench.engine.devices import DeviceError
        from workbench.networks import NetworkError
        from workbench.tasks import DataError

        if isinstance(error, ConfigError | DeviceError | NetworkError | DataError):
            raise BadInput(str(error)) from None
