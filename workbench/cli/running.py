"""Commands that train: run, sweep, resume, bench."""

from __future__ import annotations

import os
from pathlib import Path

import click

from workbench import terminal
from workbench.analysis import costs, tables
from workbench.analysis.equal import BUDGETS, By
from workbench.cli.group import (
    FILE,
    OVERRIDES,
    PRINT_JSON,
    QUIET,
    RESULTS,
    BadInput,
    bad_input,
    commands,
    print_table,
)


def _jobs(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """Runs at once: a number, or as many as there are processors."""
    cores = os.cpu_count() or 1
    if value == "auto":
        return cores
    if not value.isdecimal() or not 1 <= int(value) <= 4 * cores:
        most = 4 * cores
        raise BadInput(f"--jobs: {value!r} is no number of runs here; allowed: auto, or 1 to {most}")
    return int(value)


JOBS = click.option(
    "--jobs",
    metavar="N|auto",
    default="1",
    show_default=True,
    callback=_jobs,
    help="Runs done at once, each in a process of its own; auto: as many as there are processors.",
)


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml|quickstart")
@OVERRIDES
@click.option("--project", type=FILE, help="Keep the runs in this project; made if it is not there.")
@click.option(
    "--dry-run", is_flag=True, help="Only tell what the runs would take: measures for some seconds."
)
@click.option(
    "--equal",
    type=click.Choice(BUDGETS),
    help="Train every algorithm for as long as takes as much of that as the first one; measured before.",
)
@JOBS
@RESULTS
@QUIET
def run(
    source: str,
    overrides: tuple[str, ...],
    project: Path | None,
    dry_run: bool,
    equal: By | None,
    jobs: int,
    output: Path | None,
    quiet: bool,
) -> int:
    """Train and test every run of an experiment."""
    from workbench import headless  # imports torch: not before it is needed

    with bad_input():
        if dry_run:
            entries = headless.dry_run(source, overrides, quiet, equal)
            if output is None:
                print_table(costs.rows(entries))
            else:
                told = {"runs": entries, "total": costs.queue(entries)}
                terminal.deliver(output, tables.as_json(told).encode())
            return 0
        return headless.run(source, overrides, project, output, quiet, equal, jobs)


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml")
@OVERRIDES
@click.option("--project", type=FILE, required=True, help="Keep the runs in this project; made if not there.")
@JOBS
@RESULTS
@QUIET
def sweep(
    source: str, overrides: tuple[str, ...], project: Path, jobs: int, output: Path | None, quiet: bool
) -> int:
    """Try the settings in [sweep], choose by validation, test the choice."""
    from workbench import headless

    with bad_input():
        return headless.sweep(source, overrides, project, output, quiet, jobs)


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="[RUN]", type=int, required=False)
@JOBS
@RESULTS
@QUIET
def resume(project: Path, run_id: int | None, jobs: int, output: Path | None, quiet: bool) -> int:
    """Continue what was queued, stopped or killed, bit for bit."""
    from workbench import headless

    with bad_input():
        return headless.resume(project, run_id, output, quiet, jobs)


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml|quickstart")
@OVERRIDES
@PRINT_JSON
@click.option("--seconds", default=5.0, show_default=True, help="How long to measure each algorithm.")
def bench(source: str, overrides: tuple[str, ...], as_json: bool, seconds: float) -> int:
    """Meta-iterations per second on this machine, and steps of worlds to act in; nothing is saved."""
    from workbench import headless

    with bad_input():
        return headless.bench(source, overrides, as_json, seconds)
