"""From a path to a registered data set: what the command line and the window do alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from typing import Literal

from workbench.config import SPLITS, Split
from workbench.data import registry
from workbench.data.checks import duplicates_across
from workbench.data.found import Finding, some
from workbench.data.prepared import Prepared
from workbench.data.registry import Manifest
from workbench.errors import DataError
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.words import shown

How = Literal["as-given", "group", "class"]
UNITS = {
    "images": ("class", "images"),
    "text": ("class", "texts"),
    "functions": ("task", "points"),
    "subjects": ("subject", "samples"),
    "translation": ("language", "pairs"),
    "sentence_pairs": ("class", "pairs"),
}


@dataclass(frozen=True)
class Plan:
    """A set that is ready to be registered.

    Attributes
    ----------
    split : how its classes are divided, and ``members`` which they are.
    findings : everything that is worth knowing, the chosen split included.
    """

    prepared: Prepared
    split: ClassSplit
    members: Mapping[Split, Sequence[int]]
    findings: tuple[Finding, ...]

    def split_counts(self) -> dict[Split, dict[str, int]]:
        """Classes and examples of each split."""
        counts = self.prepared.counts
        return {
            part: {"classes": len(self.members[part]), "examples": sum(counts[i] for i in self.members[part])}
            for part in SPLITS
        }


def plan(
    prepared: Prepared,
    how: How | None = None,
    *,
    fractions: tuple[float, float, float] | None = None,
    seed: int | None = None,
) -> Plan:
    """Divide a set into splits, and check that they share nothing.

    Parameters
    ----------
    how : as the source has it, by whole groups, or by single classes; None takes the first of them that
        can be done.
    fractions, seed : of the draw.

    Raises
    ------
    DataError
        If the set cannot be divided so.
    """
    given = prepared.given_split()
    drawn = fractions is not None or seed is not None
    if how is None:
        groups = len(set(prepared.groups) - {""})
        how = "as-given" if given is not None and not drawn else "group" if groups >= 3 else "class"
    if how == "as-given":
        if drawn:
            raise DataError("--split as-given draws nothing; leave fractions and seed out")
        if given is None:
            raise DataError(
                f"{prepared.where}: names no three splits with classes of their own; "
                "divide it by class, or by group"
            )
        split = ClassSplit(**given)  # type: ignore[arg-type]
    else:
        split = with_split(how, fractions, seed)
    return divided(prepared, split)


def divided(prepared: Prepared, split: ClassSplit) -> Plan:
    """A set with its splits, which are checked to share nothing.

    Raises
    ------
    DataError
        If the split does not fit its classes.
    """
    try:
        members = divide(prepared.names, prepared.groups, split)
    except DataError as error:
        raise DataError(f"{prepared.where}: {error}") from None
    across = duplicates_across(prepared.digests, prepared.labels, prepared.origin, members)
    return Plan(prepared, split, members, (*prepared.findings, *across))


def with_split(
    how: Literal["group", "class"], fractions: tuple[float, float, float] | None, seed: int | None
) -> ClassSplit:
    """A drawn split.

    Raises
    ------
    DataError
        If the fractions are none.
    """
    try:
        return ClassSplit(fractions=fractions, seed=seed, by=how)
    except ValueError:  # a ValidationError is one too
        raise DataError(
            f"fractions {list(fractions or ())}, seed {seed}: allowed are three parts between 0 and 1 that "
            "add up to 1, and a whole number from 0"
        ) from None


def register(planned: Plan, name: str, *, replace: bool = False, skip_unreadable: bool = False) -> Manifest:
    """Keep a set under a name.

    Raises
    ------
    DataError
        If the name is not free, or something cannot be read and may not be missing.
    """
    return registry.register(
        name,
        replace_fields(planned.prepared, findings=planned.findings),
        planned.split.model_dump(mode="json", exclude_none=True),
        replace=replace,
        skip_unreadable=skip_unreadable,
    )


def as_json(planned: Plan, manifest: Manifest) -> dict[str, object]:
    """What was imported (JSON types)."""
    prepared = planned.prepared
    return {
        "name": manifest.name,
        "kind": prepared.kind,
        "layout": prepared.layout,
        "source": prepared.where,
        "classes": len(prepared.names),
        "groups": len(set(prepared.groups) - {""}),
        "examples": len(prepared.labels),
        "smallest_class": min(prepared.counts),
        "largest_class": max(prepared.counts),
        "splits": planned.split_counts(),
        "class_names": {part: [prepared.names[index] for index in planned.members[part]] for part in SPLITS},
        "split": manifest.split,
        "hash": manifest.hash,
        "findings": [
            {"what": each.what, "count": each.count, "text": each.text, "examples": list(each.examples)}
            for each in planned.findings
        ],
        "skipped": [{"what": each.origin, "why": each.why} for each in prepared.unreadable],
        "task": {"family": prepared.kind, "dataset": manifest.name},
    }


def in_words(planned: Plan, manifest: Manifest) -> list[str]:
    """What was imported, line by line."""
    prepared = planned.prepared
    lines = [f"{manifest.name}: {summary(prepared)}", f"  layout     {prepared.layout}"]
    if prepared.kind == "images":
        channels, side = prepared.arrays["pixels"].shape[1], prepared.arrays["pixels"].shape[2]
        lines.append(
            f"  pixels     {sizes_in_words(prepared)}, kept as {side} × {side} in "
            f"{'colour' if channels == 3 else 'grey'}"
        )
    unit = UNITS[prepared.kind][0]
    for part, count in planned.split_counts().items():
        names = some([shown(prepared.names[index]) for index in planned.members[part]], 4)
        held = f"{_several(count['classes'], unit)}, {count['examples']:,} examples"
        lines.append(f"  {part:<10} {held}: {names}")
    lines += [f"  note       {each.text}" for each in planned.findings]
    if prepared.unreadable:
        listed = some([f"{each.origin} ({each.why})" for each in prepared.unreadable])
        lines.append(f"  skipped    {len(prepared.unreadable):,} that cannot be read: {listed}")
    lines.append(f"  hash       {manifest.hash}")
    use = f'family = "{prepared.kind}", dataset = "{manifest.name}"'
    lines.append(f"registered; use it with  {use}")
    return lines


def summary(prepared: Prepared) -> str:
    """In words: ``5 groups, 136 classes, 2,720 images (20 in each class)``."""
    unit, examples = UNITS[prepared.kind]
    return counted(prepared.groups, prepared.counts, unit, examples)


def counted(groups: Sequence[str], counts: Sequence[int], unit: str = "class", what: str = "images") -> str:
    """Groups, classes and examples in words."""
    held, few, many = len(set(groups) - {""}), min(counts), max(counts)
    each = f"{few} in each {unit}" if few == many else f"{few} to {many} in a {unit}"
    parts = [_several(held, "group")] if held else []
    return ", ".join([*parts, _several(len(counts), unit), f"{sum(counts):,} {what} ({each})"])


def _several(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 'es' if unit == 'class' else 's'}"


def sizes_in_words(prepared: Prepared) -> str:
    """The sizes of the images as they were: ``105 × 105``, ``80–500 × 60–375``."""
    if prepared.sizes is None:
        return ""
    left, right, low, high = prepared.sizes
    width = f"{left}" if left == right else f"{left}–{right}"
    return f"{width} × {low}" if low == high else f"{width} × {low}–{high}"
