"""Commands that tell what a project holds: show, verify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from workbench import terminal
from workbench.analysis import remarks, results, tables
from workbench.analysis.naming import NONE
from workbench.analysis.numerals import number
from workbench.analysis.quantities import text
from workbench.cli.group import FILE, PRINT_JSON, bad_input, commands, in_width, print_table, to_read
from workbench.measures import ACCURACY
from workbench.project import Project
from workbench.project.records import sentences
from workbench.summaries import RunEntry
from workbench.terminal import say, say_json


@commands.command()
@click.argument("project", type=FILE)
@PRINT_JSON
def show(project: Path, as_json: bool) -> None:
    """Runs and results of a project."""
    with bad_input(), to_read(project) as opened:
        entries = results.run_entries(opened)
        if as_json:
            damaged = [{"id": each.id, "why": each.why} for each in opened.damaged()]
            say_json(tables.as_json({"runs": entries} | ({"damaged": damaged} if damaged else {})))
        else:
            _show(entries)
        tell_damaged(opened)


def tell_damaged(project: Project) -> None:
    """Say which runs are in nothing that was read of the project."""
    for each in sentences(project.damaged()):
        terminal.tell(each)


def _show(entries: Sequence[RunEntry]) -> None:
    others = [results.beside(entry["test"]) for entry in entries]
    attacked = any(each["robust_accuracy"] is not None for each in others)
    drifted = any(each["forgetting"] is not None for each in others)
    shifted = any(each["shifted"] is not None for each in others)
    rows = [["run", "name", "experiment", "status", "iterations", "per second", "test"]]
    rows[0] += ["attacked"] * attacked + ["shifted"] * shifted + ["forgotten"] * drifted
    for entry, other in zip(entries, others, strict=True):
        speed, robust = entry["meta_iterations_per_second"], other["robust_accuracy"]
        forgotten, half = other["forgetting"], other["robust_accuracy_ci95"]
        rows.append(
            [
                str(entry["id"]),
                entry["name"],
                entry["experiment"],
                results.status(entry["status"], entry.get("diverged_at")),
                f"{entry['iterations']}/{entry['iterations_planned']}",
                f"{speed:.1f}" if speed else NONE,
                results.told(entry["test"]),
                *[NONE if robust is None else text(ACCURACY, robust, half)] * attacked,
                *[results.told_shifted(entry["test"])] * shifted,
                *[NONE if forgotten is None else number(forgotten)] * drifted,
            ]
        )
    columns = terminal.columns()
    print_table(rows if columns is None else in_width(rows, (1, 2), columns))
    for entry in entries:
        for sentence in results.in_domains(entry["test"]):
            say(f"run {entry['id']}, {entry['name']}, on {sentence}")
        if results.weights(entry["test"]):
            say(f"run {entry['id']}, {entry['name']}, weights: {results.told_weights(entry['test'])}")
    tests = {
        test.get("episodes_hash"): (each["experiment"], test)
        for each in reversed(entries)
        if (test := each["test"])
    }
    for experiment, test in tests.values():
        for sentence in remarks.episodes(test):
            say(f"{experiment}: {sentence}")
    for sentence in remarks.of_runs((each["label"], each["environment"]) for each in entries):
        say(sentence)
    for entry in entries:
        if entry["failure"]:
            say(f"run {entry['id']} failed: {entry['failure']}")


@commands.command()
@click.argument("project", type=FILE)
def verify(project: Path) -> int:
    """Check a project's integrity; exit code 1 if anything is damaged."""
    with bad_input(), to_read(project) as opened:
        problems = opened.verify()
    for problem in problems:
        say(problem)
    if not problems:
        say(f"{project}: sound")
    return 1 if problems else 0
