"""Commands that list what there is: algorithms, tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.analysis.tables import Cells
from workbench.analysis.tables import as_json as as_json_text
from workbench.cli.group import FILE, PRINT_JSON, bad_input, commands, print_table, to_read, wrapped
from workbench.cli.showing import tell_damaged
from workbench.export import paper_tables
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


@commands.command()
@click.argument("project", type=FILE, required=False)
@PRINT_JSON
def published(project: Path | None, as_json: bool) -> None:
    """Published accuracies and their protocols; of a project: beside its own results, where they agree."""
    from workbench.analysis import published as known

    if project is not None:
        with bad_input(), to_read(project) as opened:
            rows = paper_tables.beside_published(opened)
            tell_damaged(opened)
        if as_json:
            say_json(as_json_text({"results": rows}))
        else:
            _beside(rows)
        return
    if as_json:
        say_json(as_json_text({"published": [each.listed() for each in known.values()]}))
        return
    rows_of_all = [[each.key, each.number, each.title, each.read] for each in known.values()]
    print_table([["name", "accuracy", "paper", "read"], *rows_of_all])
    for each in known.values():
        card = "; ".join(f"{title.lower()}: {value}" for title, value in each.card.items())
        say("\n" + wrapped(f"{each.key}: {each.said}. {card}. Read in: {each.place}.", 2))


def _beside(rows: Sequence[Cells]) -> None:
    if not rows:
        say("No result has a protocol that agrees with a published one, or nearly does.")
    for row in rows:
        say(wrapped(f"{row['algorithm']}: {row['own']} here, {row['said']}.", 2))
        if row["departs"]:
            say(wrapped(f"  otherwise than in the paper: {row['departs']}", 4))


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
