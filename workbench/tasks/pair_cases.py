"""New pairs of texts for a learner of sequences: a table with source and target, and one of sources."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from workbench.data.pairs import SOURCE_COLUMNS, TARGET_COLUMNS
from workbench.data.progress import Progress, silent
from workbench.data.tables import Table, read_table
from workbench.errors import DataError
from workbench.problems.sequence import ABSENT, Sequences, words_of
from workbench.tasks.base import Episode, Excerpt, TaskFamily
from workbench.tasks.cases import Case, CaseFiles
from workbench.words import plural, shown

Divided = Callable[[str], tuple[str, ...]]


class PairFiles(CaseFiles):
    """Pairs of one language.

    Parameters
    ----------
    family : of sequences.
    divided : makes tokens of a text.
    free : whether sources may have other words, too, where these stand for nothing that was learned.
    joined : between tokens in a text.
    """

    support = "a table (.csv, .tsv) with a source and a target in each row"
    query = "a table with a source in each row (and a target, where it is known)"
    columns = (("source",), ("target",))

    def __init__(
        self, family: TaskFamily, divided: Divided = lambda text: tuple(text.split()), *, free: bool = False
    ) -> None:
        self._family, self._divided, self._free = family, divided, free

    def _read(self, support: Path, query: Path, progress: Progress = silent) -> Case:
        shape, problem = self._family.shape, self._family.problem
        assert isinstance(problem, Sequences)
        places = shape.places
        known, asked = (self._texts(each, needs_target=each is support) for each in (support, query))
        targets = [target for _, target, _ in (*known, *asked) if target is not None]
        own = _inventory(problem.target, targets, shape.outputs - 1, support, "target")
        sources = [source for source, *_ in (*known, *asked)]
        given = problem.source
        if self._free:
            given = _inventory(problem.source, sources, shape.vocabulary - 1, support, "source")
        room = shape.input_shape[0] - places
        parts = []
        for rows, path in ((known, support), (asked, query)):
            x = torch.zeros(len(rows), room, dtype=torch.int64)
            y = torch.zeros(len(rows), places, dtype=torch.int64)
            for at, (source, target, line) in enumerate(rows):
                place = f"{path}, line {line}"
                x[at] = _numbers(source, given, room, f"{place}: the source")
                if target is not None:
                    y[at] = _numbers(target, own, places, f"{place}: the target")
            parts.append((x, y))
        (x, y), (query_x, query_y) = parts
        told = all(target is not None for _, target, _ in asked)
        episode = Episode(
            {"x": x[None], "y": y[None]}, {"x": query_x[None]} | ({"y": query_y[None]} if told else {})
        )
        size = self._family.size
        notes = []
        if len(known) != size.shots:
            notes.append(
                f"The support set has {plural(len(known), 'pair')}; learners were trained on {size.shots}."
            )
        seen = {token for source, *_ in known for token in source}
        new = sorted({token for source, *_ in asked for token in source} - seen)
        if new:
            listed = ", ".join(map(shown, new[:5])) + (" …" if len(new) > 5 else "")
            notes.append(f"Words of queries that stand in no support pair: {listed}.")
        return Case(
            episode,
            replace(shape, problem=Sequences(given, own, problem.structures, places=places)),
            size._replace(shots=len(known), queries=len(asked)),
            tuple(" ".join(source) for source, *_ in asked),
            notes=tuple(notes),
        )

    def _texts(
        self, path: Path, *, needs_target: bool
    ) -> list[tuple[tuple[str, ...], tuple[str, ...] | None, int]]:
        """The source and the target of each row, with its line."""
        try:
            table = read_table(path.read_bytes(), str(path), path.suffix)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
        source, target = table.column(SOURCE_COLUMNS), table.column(TARGET_COLUMNS)
        if source is None:
            table, source, target = self._without_heads(table, target)
        if target is None and needs_target:
            raise DataError(f"{path}: no column target; each row needs a source and its target")
        if table.unreadable:
            first = table.unreadable[0]
            raise DataError(f"{first.origin}: cannot be read ({first.why})")
        found = []
        for line, row in table.rows:
            words = self._divided(row[source])
            said = (
                None
                if target is None or not (needs_target or row[target].strip())
                else self._divided(row[target])
            )
            if not words or said == ():
                raise DataError(f"{path}, line {line}: an empty {'target' if words else 'source'}")
            found.append((words, said, line))
        if not found:
            raise DataError(f"{path}: no rows below the first line")
        return found

    def _without_heads(self, table: Table, target: int | None) -> tuple[Table, int, int | None]:
        """A table of one or two columns whose first line is a row."""
        if len(table.header) > 2 or target is not None:
            raise DataError(
                f"{table.where}: no column source; it has {shown(', '.join(table.header))}; name the columns "
                "source and target"
            )
        rows = [(1, list(table.header)), *table.rows]
        return replace(table, rows=rows), 0, 1 if len(table.header) == 2 else None

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        problem = self._family.problem
        assert isinstance(problem, Sequences)
        return {
            f"{name}.csv": _table(part["x"][0], part["y"][0], problem)
            for name, part in (("support", episode.support), ("query", episode.query))
        }


def _inventory(
    usual: Sequence[str], texts: Sequence[Sequence[str]], room: int, path: Path, what: str
) -> tuple[str, ...]:
    """The tokens of a case: the family's own, with others in place of those that the case does not have."""
    own = list(dict.fromkeys(token for text in texts for token in text))
    if len(own) > room:
        raise DataError(
            f"{path}: {len(own)} different words among {what}s; the learner tells at most {room} apart"
        )
    others = iter([token for token in own if token not in usual])
    found = [token if token in own else next(others, token) for token in usual]
    return tuple(found)


def _numbers(text: Sequence[str], known: Sequence[str], room: int, where: str) -> Tensor:
    if len(text) > room:
        raise DataError(f"{where} has {len(text)} words; at most {room} are read")
    strange = next((token for token in text if token not in known), None)
    if strange is not None:
        listed = ", ".join(map(shown, known[:30])) + (" …" if len(known) > 30 else "")
        raise DataError(f"{where} has the word {shown(strange)}, which is not known; known are {listed}")
    numbers = torch.zeros(room, dtype=torch.int64)
    numbers[: len(text)] = torch.tensor([known.index(token) + 1 for token in text])
    return numbers


def _table(x: Tensor, y: Tensor, problem: Sequences) -> bytes:
    """Pairs that are there, as a table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "target"])
    for source, target in zip(x.numpy(), y.numpy(), strict=True):
        if source[0] > 0 and target[0] != ABSENT:
            writer.writerow(
                [" ".join(words_of(source, problem.source)), " ".join(words_of(target, problem.target))]
            )
    return text.getvalue().encode()
