"""The command line: everything that the window does, without one."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench import __version__, terminal
from workbench.analysis import costs, remarks, results, tables
from workbench.analysis.naming import NONE
from workbench.analysis.numerals import number
from workbench.analysis.quantities import text
from workbench.errors import InputError
from workbench.measures import ACCURACY
from workbench.project import Project
from workbench.project.records import sentences
from workbench.project.temporaries import clear_left_folders
from workbench.summaries import RunEntry
from workbench.terminal import OutputLost, say, say_json
from workbench.words import told_apart, visible

if TYPE_CHECKING:  # it imports pydantic
    from workbench.catalogue import Entry, Parameter
    from workbench.settings import Field

WIDTH = 120
LEAST_NAME = 16
"""Columns of a text for reading."""


NOBODY_LISTENS = 141
"""Exit code when standard output was closed, as by "head": that of a program which SIGPIPE ends."""


class BadInput(click.ClickException):
    """Input that cannot be used: one line on stderr, exit code 2."""

    exit_code = 2


def main() -> None:
    """Run the command line; never ends in a traceback for bad input."""
    arguments = sys.argv[1:]
    terminal.secure()
    clear_left_folders()
    try:
        if not arguments or (len(arguments) == 1 and Path(arguments[0]).suffix in (".mlwb", ".toml")):
            code = _window(*arguments)
        else:
            code = commands.main(standalone_mode=False)
        terminal.finish()
    except click.exceptions.Abort:
        code = _complain("stopped", 130)
    except click.ClickException as error:
        code = _complain(error.format_message(), 2)
    except OutputLost as error:
        code = _complain(f"standard output: {error}", 2) if str(error) else NOBODY_LISTENS
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, code: int) -> int:
    terminal.tell("workbench: " + " ".join(message.split()))
    return code


def _window(name: str = "") -> int:
    """Open the window, with a project or an experiment in it."""
    from workbench.gui.app import start  # imports Qt

    with _bad_input():
        return start(Path(name) if name else None)


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


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml|quickstart")
@OVERRIDES
@click.option("--project", type=FILE, help="Keep the runs in this project; made if it is not there.")
@click.option(
    "--dry-run", is_flag=True, help="Only tell what the runs would take: measures for some seconds."
)
@RESULTS
@QUIET
def run(
    source: str,
    overrides: tuple[str, ...],
    project: Path | None,
    dry_run: bool,
    output: Path | None,
    quiet: bool,
) -> int:
    """Train and test every run of an experiment."""
    from workbench import headless  # imports torch: not before it is needed

    with _bad_input():
        if dry_run:
            entries = headless.dry_run(source, overrides, quiet)
            if output is None:
                _print_table(costs.rows(entries))
            else:
                told = {"runs": entries, "total": costs.queue(entries)}
                terminal.deliver(output, tables.as_json(told).encode())
            return 0
        return headless.run(source, overrides, project, output, quiet)


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="[RUN]", type=int, required=False)
@RESULTS
@QUIET
def resume(project: Path, run_id: int | None, output: Path | None, quiet: bool) -> int:
    """Continue what was queued, stopped or killed, bit for bit."""
    from workbench import headless

    with _bad_input():
        return headless.resume(project, run_id, output, quiet)


@commands.command()
@click.argument("source", metavar="EXPERIMENT.toml|quickstart")
@OVERRIDES
@PRINT_JSON
@click.option("--seconds", default=5.0, show_default=True, help="How long to measure each algorithm.")
def bench(source: str, overrides: tuple[str, ...], as_json: bool, seconds: float) -> int:
    """Meta-iterations per second on this machine, and steps of worlds to act in; nothing is saved."""
    from workbench import headless

    with _bad_input():
        return headless.bench(source, overrides, as_json, seconds)


@commands.command()
@click.argument("project", type=FILE)
@PRINT_JSON
def show(project: Path, as_json: bool) -> None:
    """Runs and results of a project."""
    with _bad_input(), Project.open(project, read_only=True) as opened:
        entries = results.run_entries(opened)
        if as_json:
            damaged = [{"id": each.id, "why": each.why} for each in opened.damaged()]
            say_json(tables.as_json({"runs": entries} | ({"damaged": damaged} if damaged else {})))
        else:
            _show(entries)
        _tell_damaged(opened)


def _tell_damaged(project: Project) -> None:
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
    _print_table(rows if columns is None else in_width(rows, (1, 2), columns))
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
    with _bad_input(), Project.open(project, read_only=True) as opened:
        problems = opened.verify()
    for problem in problems:
        say(problem)
    if not problems:
        say(f"{project}: sound")
    return 1 if problems else 0


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


def _ids(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(each) for each in value.split(","))
    except ValueError:
        option = parameter.opts[0]
        raise BadInput(f"{option}: {value!r} is no list of runs; allowed: numbers such as 1,2,5") from None


EXPORT_HELP = """Write figures, tables, tests or a report to a file.

\b
learning_curves adaptation comparison scatter parallel   png svg pdf csv
predictions                               png svg pdf csv gif
roc reliability                           png svg pdf csv
critical_difference membership            png svg pdf csv json markdown latex
diagnosis                                 csv json markdown latex
table runs statistics protocol pivot      csv json markdown latex
report                                    html
config, script                            toml, python
episode, tensorboard                      a folder
"""


METAVARS = {"rows": "SETTING", "columns": "SETTING", "order": "NAME[=NEW],…", "runs": "1,2,5"}
READ_BY = {"width": _width, "runs": _ids}


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
    chosen = form or _form_of(output, kind.forms)
    if chosen not in kind.forms:
        raise BadInput(f"--format: {what} cannot be written as {chosen}; allowed: {', '.join(kind.forms)}")
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in kind.fields:
            allowed = ", ".join(f"--{each.replace('_', '-')}" for each in sorted(kind.fields))
            raise BadInput(f"--{name.replace('_', '-')}: has no meaning for {what}; allowed: {allowed}")
    wish = Wish(**given)
    if kind.fill is None:
        _must_be_a_file(output)
    elif output == terminal.STANDARD_OUTPUT:
        raise BadInput(f"-o: {kind.help}: standard output is none")
    elif not output.absolute().parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    with _bad_input(), Project.open(project, read_only=True) as opened:
        said = documents.save(opened, what, chosen, wish, output)
        _tell_damaged(opened)
    if said:
        terminal.tell(said)


SUFFIXES = {"md": "markdown", "tex": "latex", "htm": "html", "py": "python"}


def _form_of(output: Path, forms: tuple[str, ...]) -> str:
    """The format that a file's name asks for, or the only one."""
    if output == terminal.STANDARD_OUTPUT and len(forms) > 1:
        raise BadInput(f"--format: is needed for standard output; allowed: {', '.join(forms)}")
    suffix = output.suffix.lower().removeprefix(".")
    return forms[0] if len(forms) == 1 else SUFFIXES.get(suffix, suffix) or forms[0]


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="RUN", type=int)
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
@click.option("--format", "form", metavar="FORMAT", help="Its format; by default that of the file's name.")
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
    with _bad_input():
        return headless.predict(project, run_id, support, query, wanted, step, quiet)


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="RUN", type=int)
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
@click.option("--format", "form", metavar="FORMAT", help="Its format; by default that of the file's name.")
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
    with _bad_input():
        return headless.inspect(project, run_id, what, Asked(first - 1, tasks, steps, quick), wanted, quiet)


@commands.command()
@click.argument("project", type=FILE)
@click.argument("run_id", metavar="RUN", type=int)
@click.option(
    "-o",
    "--output",
    type=PATH,
    multiple=True,
    help="A file to write (png, svg, pdf, csv, json, md, tex; -: standard output); several, if repeated.",
)
@click.option("--format", "form", metavar="FORMAT", help="Its format; by default that of the file's name.")
@click.option("--tasks", type=click.IntRange(4), help="Training tasks that are looked at; by default 2,000.")
@click.option(
    "--shadows",
    callback=_ids,
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
    with _bad_input():
        found = headless.audit(project, run_id, wanted, tasks, shadows or (), quiet)
    if as_json:
        say_json(tables.as_json({"audit": found.rows}))
    elif not wanted:
        _print_table([[each.heading for each in found.columns], *found.cells()])
    return 0


def _wanted(
    output: tuple[Path, ...], form: str | None, forms: tuple[str, ...], what: str
) -> list[tuple[Path, str]]:
    """The files to write, each with its format."""
    wanted = []
    for path in output:
        chosen = form or _form_of(path, forms)
        if chosen not in forms:
            raise BadInput(f"{path}: {what} cannot be written as {chosen}; allowed: {', '.join(forms)}")
        _must_be_a_file(path)
        wanted.append((path, chosen))
    return wanted


def _must_be_a_file(output: Path) -> None:
    """Refuse what cannot be written to as a file, before anything is computed."""
    if not output.absolute().parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    if output.is_dir():
        raise BadInput(f"{output}: is a folder; name a file")


COLUMNS = {
    "subject": "who was measured",
    "time": "when",
    "outcome": "what was measured",
    "which": "the outcome that is taken, where rows have several (DVID); by default the first",
    "dose": "what was given",
    "covariates": "what is known of a subject: names between commas; by default all that stay the same",
    "unit": "the unit of the outcome",
    "time_unit": "the unit of times",
}


def _with_columns(command: Callable[..., int]) -> Callable[..., int]:
    """Options that say what the columns of a table of subjects are."""
    for name, help in reversed(COLUMNS.items()):
        option = click.option(
            f"--{name.replace('_', '-')}", name, metavar="NAME", help=f"Of a table of subjects: {help}."
        )
        command = option(command)
    return command


@commands.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The name that experiments call it by.")
@click.option(
    "--split",
    "how",
    type=click.Choice(["as-given", "group", "class"]),
    help="Divide it as the source does, by whole groups, or by classes; the first of these that it can.",
)
@click.option("--fractions", type=float, nargs=3, help="Parts for train, validation and test: 0.6 0.2 0.2.")
@click.option("--seed", type=click.IntRange(0), help="Seed of the draw.")
@click.option("--size", type=click.IntRange(4, 512), help="Side of the images that are kept, in pixels.")
@click.option("--channels", type=click.Choice(["1", "3"]), help="1: grey, 3: colour.")
@click.option(
    "--encoding", help="Of texts, and of names in a zip: cp866, shift_jis … By default it is guessed."
)
@click.option(
    "--range", "range_", type=float, nargs=2, help="Black and white in pictures of more than 8 bits: 0 4095."
)
@click.option("--pages", is_flag=True, help="Each page of a film (TIFF, GIF …) is a picture.")
@click.option("--merge-labels", is_flag=True, help="Labels that look the same are one.")
@click.option("--memory", type=float, default=1.0, help="Gigabytes that reading may take; by default 1.")
@_with_columns
@click.option("--skip-unreadable", is_flag=True, help="Leave out what cannot be read.")
@click.option("--replace", is_flag=True, help="Take the place of a set of that name.")
@PRINT_JSON
@QUIET
def import_(
    path: Path,
    name: str,
    how: Any,
    fractions: tuple[float, float, float] | None,
    seed: int | None,
    size: int | None,
    channels: str | None,
    encoding: str | None,
    range_: tuple[float, float] | None,
    pages: bool,
    merge_labels: bool,
    memory: float,
    skip_unreadable: bool,
    replace: bool,
    as_json: bool,
    quiet: bool,
    **said: str | None,
) -> int:
    """Check your own images, texts, functions or subjects, and register them under a name."""
    from workbench import headless
    from workbench.data.reading import Columns, Reading

    if not 0.1 <= memory <= 1024:
        raise BadInput(f"--memory: {memory:g}; allowed: 0.1 to 1024 (gigabytes)")
    with _bad_input():
        reading = Reading(
            size=size,
            channels=int(channels) if channels else None,
            encoding=encoding,
            range=range_ or None,
            pages=pages,
            merge_labels=merge_labels,
            columns=Columns.of(said) if any(said.values()) else None,
            budget=round(memory * 2**30),
        )
        return headless.import_data(
            path,
            name,
            how,
            fractions or None,
            seed,
            reading,
            skip_unreadable=skip_unreadable,
            replace=replace,
            as_json_text=as_json,
            quiet=quiet,
        )


@commands.command()
@click.option("--remove", metavar="NAME", help="Forget this set and delete its copy; the source stays.")
@PRINT_JSON
def datasets(remove: str | None, as_json: bool) -> None:
    """The data sets that were imported under a name."""
    from workbench.data import registry

    with _bad_input():
        if remove is not None:
            registry.remove(remove)
    sets = []
    for name in registry.registered():
        try:
            sets.append(registry.manifest_of(name))
        except InputError as error:
            terminal.tell(str(error))
    if as_json:
        say_json(tables.as_json({"datasets": [each.model_dump(exclude={"format"}) for each in sets]}))
        return
    rows = [["name", "family", "classes", "examples", "source"]]
    rows += [
        [each.name, each.kind, str(len(each.names)), str(sum(each.counts)), each.source] for each in sets
    ]
    _print_table(rows)


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
    _print_table(rows)
    for entry in entries:
        say("\n" + _wrapped(f"{entry['name']}: {entry['summary']}", 2))
        if privilege := entry.get("privilege"):
            say(_wrapped(f"  privilege: {privilege}", 4))
        over = entry.get("base")
        if isinstance(over, list):
            say(_wrapped(f"  over: {', '.join(over)}", 8))
        _list_parameters(entry["parameters"])


def _list_parameters(parameters: list[Parameter], inside: str = "") -> None:
    for each in parameters:
        said = "required" if each["required"] else f"default {_default(each['default'])}"
        allowed = f", {each['allowed']}" if each["allowed"] else ""
        name = inside + each["name"]
        say(_wrapped(f"  {name:<18} {each['help']} ({said}{allowed})", 21))
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


def _wrapped(text: str, indent: int) -> str:
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


def _print_table(rows: list[list[str]]) -> None:
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def _bad_input() -> Iterator[None]:
    """Turn the errors that a person can mend into one line and exit code 2."""
    try:
        yield
    except (InputError, OSError) as error:
        raise BadInput(str(error)) from None
