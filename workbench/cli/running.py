"""Commands that train: run, resume, bench."""

from __future__ import annotations

from pathlib import Path

import click

from workbench import terminal
from workbench.analysis import costs, tables
from workbench.analysis.equal import BUDGETS, By
from workbench.cli.group import FILE, OVERRIDES, PRINT_JSON, QUIET, RESULTS, bad_input, commands, print_table


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
@RESULTS
@QUIET
def run(
    source: str,
    overrides: tuple[str, ...],
    project: Path | None,
    dry_run: bool,
    equal: By | None,
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
        return headless.run(source, overrides, project, output, quiet, equal)


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="[RUN]", type=int, required=False)
@RESULTS
@QUIET
def resume(project: Path, run_id: int | None, output: Path | None, quiet: bool) -> int:
    """Continue what was queued, stopped or killed, bit for bit."""
    from workbench import headless

    with bad_input():
        return headless.resume(project, run_id, output, quiet)


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
