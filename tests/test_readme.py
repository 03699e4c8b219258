"""The README's tables of algorithms and task families say what the program has.

Where one is out of date, the failure shows the rows as the catalogue has them, to be put there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from workbench import catalogue
from workbench.data.published.listing import published

README = Path(__file__).parents[1] / "README.md"


def rows_below(heading: str) -> Iterator[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = README.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None, f"no table below {heading}"
    for line in table[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_every_algorithm_stands_in_the_readme_as_it_is() -> None:
    told = {tuple(cells[:4]) for cells in rows_below("## Algorithms")}
    rows = catalogue.algorithm_rows()[1:]
    known = {
        (f"`{name}`", family, fits, order.replace("base's", "its base's"))
        for name, family, fits, order, *_ in rows
    }
    assert told == known


def test_the_readme_names_the_paper_of_every_algorithm() -> None:
    papers = {cells[0].strip("`"): cells[4] for cells in rows_below("## Algorithms")}
    wrong = {
        each["name"]: each["citation"]
        for each in catalogue.algorithms()
        if (number := re.search(r"arXiv ([\d.]+\d)", each["citation"] or ""))
        and number[1] not in papers[each["name"]]
        and "the same" not in papers[each["name"]]
    }
    assert wrong == {}


def test_what_is_otherwise_than_in_a_paper_stands_in_the_readme() -> None:
    told = [tuple(cells) for cells in rows_below("### Otherwise than in the papers")]
    known = [(f"`{each['name']}`", each["departs"]) for each in catalogue.algorithms() if each["departs"]]
    assert told == known


def test_every_task_family_stands_in_the_readme_as_it_is() -> None:
    told = {(cells[0].strip("`"), cells[1]) for cells in rows_below("## Task families")}
    assert told == {(each["name"], each["problem"]) for each in catalogue.tasks()}


def test_every_published_data_set_stands_in_the_readme_as_it_is() -> None:
    told = [tuple(cells) for cells in rows_below("## Data by name")]
    assert told == [
        (
            f"`{each.name}`",
            each.what,
            each.size_in_words() or "by hand",
            each.licence,
            each.hashes_in_words() or "–",
        )
        for each in published().values()
    ]
