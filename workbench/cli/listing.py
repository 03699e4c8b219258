"""Commands that list what there is: algorithms, tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from workbench.cli.group import commands, print_table, wrapped
from workbench.terminal import say, say_json

if TYPE_CHECKING:  # it imports pydantic
    from workbench.catalogue import Entry, Parameter


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every parameter.")
def algorithms(as_json: bool) -> None:
    """What algorithms there are."""
    from workbench import catalogue

    _list(catalogue.algorithms(), as_json, catalogue.algorithm_rows())


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every parameter.")
def tasks(as_json: bool) -> None:
    """What task families there are."""
    from workbench import catalogue

    entries = catalogue.tasks()
    rows = [[each["name"], each["problem"], each["default_network"], each["summary"]] for each in entries]
    _list(entries, as_json, [["name", "problem", "default network", "summary"], *rows])


def _list(entries: Sequence[Entry], as_json: bool, rows: list[list[str]]) -> None:
    if as_json:
        say_json(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    print_table(rows)
    for entry in entries:
        say("\n" + wrapped(f"{entry['name']}: {entry['summary']}", 2))
        if privilege := entry.get("privilege"):
            say(wrapped(f"  privilege: {privilege}", 4))
        if departs := entry.get("departs"):
            say(wrapped(f"  otherwise than in the paper: {departs}", 4))
        over = entry.get("base")
        if isinstance(over, list):
            say(wrapped(f"  over: {', '.join(over)}", 8))
        _list_parameters(entry["parameters"])


def _list_parameters(parameters: list[Parameter], inside: str = "") -> None:
    for each in parameters:
        said = "required" if each["required"] else f"default {_default(each['default'])}"
        allowed = f", {each['allowed']}" if each["allowed"] else ""
        name = inside + each["name"]
        say(wrapped(f"  {name:<18} {each['help']} ({said}{allowed})", 21))
        _list_parameters(each.get("parameters", []), f"{name}.")


def _default(value: object) -> str:
    if isinstance(value, dict):
        return (
            ", ".join(f"{name} {_default(each)}" for name, each in value.items() if each is not None)
            or "none"
        )
    if isinstance(value, list | tuple):
        return ", ".join(map(_default, value)) or "none"
    if value is None or value == "":
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
