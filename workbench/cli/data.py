"""Commands for data: import, datasets, data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench import terminal
from workbench.analysis import tables
from workbench.cli.group import PRINT_JSON, QUIET, BadInput, bad_input, commands, print_table
from workbench.errors import InputError
from workbench.terminal import say, say_json

if TYPE_CHECKING:
    from workbench.data.published.listing import Entry

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
    with bad_input():
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

    with bad_input():
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
    print_table(rows)


@commands.command()
@click.argument("name", required=False)
@click.option("--show", is_flag=True, help="Say what is known of it: licence, citation, files, folder.")
@click.option("--as", "called", default="", metavar="NAME", help="Keep it under another name.")
@click.option("--replace", is_flag=True, help="Take the place of a set of that name.")
@click.option("--remove", is_flag=True, help="Delete what was downloaded; what was imported of it stays.")
@PRINT_JSON
@QUIET
def data(
    name: str | None, show: bool, called: str, replace: bool, remove: bool, as_json: bool, quiet: bool
) -> int:
    """Published data sets: a list of them, or with NAME fetch that one and register it.

    A download that broke off goes on where it stopped. A proxy is taken from the environment
    (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). Files fetched by hand are taken from the set's folder (--show).
    """
    from workbench import getting, headless
    from workbench.data.published import listing, store

    with bad_input():
        if name is None:
            if show or called or replace or remove:
                raise BadInput('NAME is needed; "workbench data" lists what there is')
            _list_published(list(listing.published().values()), as_json)
            return 0
        entry = listing.entry_of(name)
        if remove:
            store.remove(entry)
        elif show and as_json:
            say_json(tables.as_json(getting.listed_as_json(entry)))
        elif show:
            say("\n".join(getting.listed_in_words(entry)))
        else:
            return headless.get_data(entry, called, replace=replace, as_json_text=as_json, quiet=quiet)
        return 0


def _list_published(entries: list[Entry], as_json: bool) -> None:
    from workbench import getting

    if as_json:
        say_json(tables.as_json({"published": [getting.listed_as_json(each) for each in entries]}))
        return
    rows = [["name", "what", "size", "licence", "hash", "here"]]
    rows += [
        [
            each.name,
            each.what,
            each.size_in_words() or "by hand",
            each.licence,
            each.hashes_in_words() or "–",
            getting.here(each),
        ]
        for each in entries
    ]
    print_table(rows)
