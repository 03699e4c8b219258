"""Commands that use what a run has learned: predict, inspect, audit."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.analysis import tables
from workbench.cli.group import (
    FILE,
    PATH,
    PRINT_JSON,
    QUIET,
    BadInput,
    bad_input,
    commands,
    form_of,
    ids,
    must_be_a_file,
    print_table,
)
from workbench.terminal import say_json

RUN = click.argument("run_id", metavar="RUN", type=int)
FORMAT = click.option(
    "--format", "form", metavar="FORMAT", help="Its format; by default that of the file's name."
)


@commands.command()
@click.argument("project", type=FILE)
@RUN
@click.option("--support", type=PATH, required=True, help="What the learner adapts to.")
@click.option(
    "--query", type=PATH, help="What it is to predict; none of sets to group, nor for a whole course."
)
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    multiple=True,
    help="A file to write (csv, json, md, tex, png, svg, pdf; -: standard output); several, if repeated.",
)
@FORMAT
@click.option("--step", type=click.IntRange(0), help="After this inner step; by default the last.")
@QUIET
def predict(
    project: Path,
    run_id: int,
    support: Path,
    query: Path | None,
    output: tuple[Path, ...],
    form: str | None,
    step: int | None,
    quiet: bool,
) -> int:
    """Put what a run has learned to use on a new case.

    Its learner adapts to the support set and predicts the queries: points of a function (.csv, .npz),
    pictures in class folders, texts with labels; or it groups the points of a set. "workbench export --what
    episode" writes an example. The project is only read.
    """
    from workbench import headless
    from workbench.export.using import FORMS

    wanted = _wanted(output, form, FORMS, "what is predicted")
    with bad_input():
        return headless.predict(project, run_id, support, query, wanted, step, quiet)


@commands.command()
@click.argument("project", type=FILE)
@RUN
@click.option(
    "--what",
    required=True,
    metavar="VIEW",
    help="moved, reuse, path, examples, saliency, tasks or learned.",
)
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    multiple=True,
    help="A file to write (png, svg, pdf, csv, json; -: standard output); several, if repeated.",
)
@FORMAT
@click.option(
    "--first", type=click.IntRange(1), default=1, help="The first meta-test task that is looked at."
)
@click.option("--tasks", type=click.IntRange(1), help="How many tasks; by default as many as the view needs.")
@click.option("--steps", type=click.IntRange(0), help="Inner steps; by default those of the evaluation.")
@click.option(
    "--quick", is_flag=True, help="Of examples: by gradients too, which is quick, and how alike that is."
)
@QUIET
def inspect(
    project: Path,
    run_id: int,
    what: str,
    output: tuple[Path, ...],
    form: str | None,
    first: int,
    tasks: int | None,
    steps: int | None,
    quick: bool,
    quiet: bool,
) -> int:
    """Look inside a run: what moved, what mattered, what was learned.

    \b
    moved     how far each layer moves by inner step, and what is lost without it
    reuse     how alike each layer's activations are before and after (CKA)
    path      one task's weights in the plane of their path, with the loss
    examples  what each support example gave, left out in turn
    saliency  which inputs are heeded, and whether that needs the weights
    tasks     a map of tasks by what the learner makes of them
    learned   learned rates, gates, masks by layer

    It reads the newest checkpoint and frozen meta-test episodes, and trains nothing. The project is only
    read.
    """
    from workbench import headless
    from workbench.engine.inside import VIEWS, Asked
    from workbench.export.inspecting import FORMS

    if what not in VIEWS:
        raise BadInput(f"--what: {what!r} is not known; allowed: {', '.join(VIEWS)}")
    wanted = _wanted(output, form, FORMS, "a view")
    with bad_input():
        return headless.inspect(project, run_id, what, Asked(first - 1, tasks, steps, quick), wanted, quiet)


@commands.command()
@click.argument("project", type=FILE)
@RUN
@click.option(
    "-o",
    "--output",
    type=PATH,
    multiple=True,
    help="A file to write (png, svg, pdf, csv, json, md, tex; -: standard output); several, if repeated.",
)
@FORMAT
@click.option("--tasks", type=click.IntRange(4), help="Training tasks that are looked at; by default 2,000.")
@click.option(
    "--shadows",
    callback=ids,
    metavar="2,3",
    help="Runs of other seeds, beside whose losses those of this one tell more (a likelihood ratio).",
)
@PRINT_JSON
@QUIET
def audit(
    project: Path,
    run_id: int,
    output: tuple[Path, ...],
    form: str | None,
    tasks: int | None,
    shadows: tuple[int, ...] | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Try to tell the tasks that a run was trained on from fresh ones.

    Of a run with fixed training tasks ([training.privacy] tasks = N) it compares the loss of these with that
    of as many fresh ones at each inner step: ROC curves, the area under them, and the least ε that this
    leaves, beside the accountant's. It reads the newest checkpoint and trains nothing. The project is only
    read.
    """
    from workbench import headless
    from workbench.export import documents

    wanted = _wanted(output, form, documents.KINDS["membership"].forms, "an audit")
    with bad_input():
        found = headless.audit(project, run_id, wanted, tasks, shadows or (), quiet)
    if as_json:
        say_json(tables.as_json({"audit": found.rows}))
    elif not wanted:
        print_table([[each.heading for each in found.columns], *found.cells()])
    return 0


def _wanted(
    output: tuple[Path, ...], form: str | None, forms: tuple[str, ...], what: str
) -> list[tuple[Path, str]]:
    """The files to write, each with its format."""
    wanted = []
    for path in output:
        chosen = form or form_of(path, forms)
        if chosen not in forms:
            raise BadInput(f"{path}: {what} cannot be written as {chosen}; allowed: {', '.join(forms)}")
        must_be_a_file(path)
        wanted.append((path, chosen))
    return wanted
