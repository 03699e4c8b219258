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


def _jobs(context: click.Context, parameter: click.Parameter, value: str | None) -> int:
    """Runs at once: a number, or as many as there are processors; 0: as many as a cluster has."""
    clustered = bool(context.params.get("cluster"))
    if clustered and value in (None, "auto"):
        return 0
    if value is None:
        return 1
    cores = os.cpu_count() or 1
    if value == "auto":
        return cores
    most = f"or 1 to {4 * cores}" if not clustered else "or 1 and more"
    if not value.isdecimal() or int(value) < 1 or not (clustered or int(value) <= 4 * cores):
        raise BadInput(f"--jobs: {value!r} is no number of runs here; allowed: auto, {most}")
    return int(value)


JOBS = click.option(
    "--jobs",
    metavar="N|auto",
    callback=_jobs,
    help="Runs done at once, each in a process of its own; auto: as many as there are processors (with "
    "--cluster that is what is done unless it is said). Otherwise one after the other.",
)

CLUSTER = click.option(
    "--cluster",
    metavar="HOST:PORT|local",
    is_eager=True,  # how many jobs there may be depends on it
    default="",
    help="Do the runs on a Ray cluster; local: one of this machine alone, for as long as they take.",
)


def _together(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    if value and (context.params.get("cluster") or context.params.get("jobs", 1) != 1):
        raise BadInput("--together: is done in this process; leave --jobs and --cluster out")
    return value


TOGETHER = click.option(
    "--together",
    is_flag=True,
    callback=_together,
    help="Compute the seeds of an algorithm together: of small networks several times as fast; the last bits "
    "may differ from those of single runs.",
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
@CLUSTER
@TOGETHER
@RESULTS
@QUIET
def run(
    source: str,
    overrides: tuple[str, ...],
    project: Path | None,
    dry_run: bool,
    equal: By | None,
    jobs: int,
    cluster: str,
    together: bool,
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
        return headless.run(
            source, overrides, project, output, quiet, equal, jobs, cluster, together=together
        )


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml")
@OVERRIDES
@click.option("--project", type=FILE, required=True, help="Keep the runs in this project; made if not there.")
@JOBS
@CLUSTER
@RESULTS
@QUIET
def sweep(
    source: str,
    overrides: tuple[str, ...],
    project: Path,
    jobs: int,
    cluster: str,
    output: Path | None,
    quiet: bool,
) -> int:
    """Try the settings in [sweep], choose by validation, test the choice."""
    from workbench import headless

    with bad_input():
        return headless.sweep(source, overrides, project, output, quiet, jobs, cluster)


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="[RUN]", type=int, required=False)
@JOBS
@CLUSTER
@TOGETHER
@RESULTS
@QUIET
def resume(
    project: Path,
    run_id: int | None,
    jobs: int,
    cluster: str,
    together: bool,
    output: Path | None,
    quiet: bool,
) -> int:
    """Continue what was queued, stopped or killed, bit for bit."""
    from workbench import headless

    with bad_input():
        return headless.resume(project, run_id, output, quiet, jobs, cluster, together=together)


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
