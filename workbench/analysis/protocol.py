"""Protocol cards: under which conditions each algorithm was trained and tested, and where those differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.analysis import budgets
from workbench.analysis.budgets import Budget
from workbench.analysis.comparison import Episodes
from workbench.analysis.naming import NONE, worded
from workbench.analysis.numerals import count
from workbench.analysis.results import privacy, weights
from workbench.analysis.source import Group, Source, configuration, tested
from workbench.toml import digest
from workbench.words import listed, numbered, ranges

UNTRAINED = "no meta-training"
HASH_LETTERS = 12

Table = Mapping[str, object]

TEST = {
    "task": "Task family",
    "ways": "Way",
    "shots": "Shot",
    "queries": "Queries",
    "test_steps": "Inner steps in test",
    "weights": "Weights tested",
    "batch_norm": "Batch norm in test",
    "attack": "Attack",
    "shift": "Shift",
    "episodes": "Test episodes",
    "episodes_hash": "Episodes (SHA-256)",
    "split": "Split and data (SHA-256)",
}
"""What a fair comparison must have in common."""

CLOSED_FORM = " (closed form: adapts once)"
"""Said beside the inner steps in test: no other test, since there is nothing that more steps would change."""

TRAINING = {
    "train_episode": "Training episode",
    "train_steps": "Inner steps in training",
    "objective": "Outer loss",
    "order": "Order of the outer gradient",
    "network": "Network",
    "meta_iterations": "Meta-iterations",
    "meta_batch": "Tasks in a meta-batch",
    "tasks_seen": "Tasks seen",
    "seconds": "Training time (mean)",
    "drift": "Drift",
    "privacy": "Privacy of training tasks",
    "stop": "Stops early",
    "seeds": "Seeds",
    "device": "Device",
    "version": "Workbench, PyTorch",
}
"""What makes two learners different, or one of them better fed."""

INCIDENTAL = ("seconds", "device", "version")
"""Differs without making a comparison unfair, so it is not highlighted."""


_BATCH_NORM = {"True": "transductive: queries together", "False": "each query alone"}


@dataclass(frozen=True)
class Card:
    """The conditions of one algorithm's runs, in words.

    Attributes
    ----------
    runs : their ids.
    entries : by the keys of :data:`TEST` and :data:`TRAINING`.
    budget : what training took.
    """

    name: str
    runs: tuple[int, ...]
    entries: Mapping[str, str]
    budget: Budget


def cards(source: Source) -> list[Card]:
    """A card for each algorithm with finished runs (runs that differ in the seed only share one)."""
    return [_card(source, group) for group, _ in tested(source)]


def parted(found: Sequence[Card], met: Episodes) -> tuple[list[Card], list[Card]]:
    """The cards of those that met the episodes, and those of the others."""
    own = [card for card in found if not met.tests.keys().isdisjoint(card.runs)]
    return own, [card for card in found if card not in own]


def _card(source: Source, group: Group) -> Card:
    runs, run = group.runs, group.runs[0]
    table, entry = configuration(source.experiment(run), run)
    task, network = _table(table, "task"), _table(table, "network")
    training, evaluation = _table(table, "training"), _table(table, "evaluation")
    test: Table = dict(source.result(run.id) or {})
    iterations = {each.iterations for each in runs}
    environment = run.environment
    ways = _first(test, task, key="ways")
    entries = {
        "task": run.task,
        "ways": worded(ways) if ways not in (1, None) else NONE,
        "shots": worded(_first(test, task, key="shots")),
        "queries": worded(_first(test, task, key="queries")),
        "test_steps": _steps(test, evaluation),
        "weights": weights(source.result(run.id)) or "the last",
        "batch_norm": _BATCH_NORM.get(str(test.get("transductive")), "none"),
        "attack": _words(test.get("attack")),
        "shift": _shift(test.get("shift")),
        "episodes": worded(test.get("episodes")),
        "episodes_hash": str(test.get("episodes_hash") or NONE)[:HASH_LETTERS],
        "split": digest({"split": task.get("split"), "data": run.data_hash})[:HASH_LETTERS],
        "train_episode": _train_episode(task, entry),
        "train_steps": worded(_deep(entry, "inner_steps")),
        "objective": str(environment.get("objective", NONE)),
        "order": order(entry) if entry else NONE,
        "network": _words(network),
        "meta_iterations": " / ".join(count(each) for each in sorted(iterations)),
        "meta_batch": worded(entry.get("meta_batch") or training.get("meta_batch"))
        if any(iterations)
        else NONE,
        "tasks_seen": " / ".join(count(each * group.new_tasks) for each in sorted(iterations)),
        "seconds": f"{sum(each.seconds for each in runs) / len(runs):.3g} s",
        "drift": _words(task.get("drift")),
        "privacy": privacy(environment) or "none",
        "stop": _patience(training.get("stop")),
        "seeds": ranges([each.seed for each in runs]),
        "device": " / ".join(dict.fromkeys(str(each.environment.get("device", NONE)) for each in runs)),
        "version": f"{environment.get('workbench', NONE)}, {environment.get('torch', NONE)}",
    }
    return Card(group.label, tuple(each.id for each in runs), entries, budgets.of(source, group))


def differing(found: Sequence[Card]) -> tuple[str, ...]:
    """The keys that the cards do not agree in (but for time and machine)."""
    return tuple(
        key
        for key in (*TEST, *TRAINING)
        if key not in INCIDENTAL and len({each.entries[key].removesuffix(CLOSED_FORM) for each in found}) > 1
    )


def warnings(compared: Sequence[Card], others: Iterable[Card]) -> list[str]:
    """Why the others cannot be compared with these, naming the difference; what is unfair among these, and
    whether they had the same budgets.

    Parameters
    ----------
    compared : those that met the same episodes.
    others : those that met others.
    """
    if not compared:
        return []
    first = compared[0]
    apart: dict[str, list[str]] = {}
    for each in others:
        keys = [key for key in TEST if each.entries[key] != first.entries[key]]
        telling = [key for key in keys if key not in ("episodes_hash", "split")] or keys
        why = "; ".join(
            f"{TEST[key].lower()} {each.entries[key]} instead of {first.entries[key]}" for key in telling
        )
        apart.setdefault(why, []).append(each.name)
    told = [f"{listed(names)} met other episodes ({why})" for why, names in apart.items()]
    said = [f"Not compared: {'; '.join(told)}."] if told else []
    unlike = [key for key in differing(compared) if key in TEST]
    if unlike:
        said.append(f"Tested differently on the same episodes: {_named(unlike, TEST, compared)}.")
    trained = [each for each in compared if each.entries["order"] != UNTRAINED]
    unfair = [key for key in differing(trained) if key in ("network", "tasks_seen", "train_episode", "seeds")]
    if unfair:
        said.append(f"Trained differently: {_named(unfair, TRAINING, trained)}.")
    return [*said, *filter(None, [budgets.said([each.budget for each in trained])])]


def facts(found: Sequence[Card]) -> list[tuple[str, str]]:
    """What was done, in short: each condition with what it was, each value once; nothing that nobody had."""
    trained = [each for each in found if each.entries["order"] != UNTRAINED]
    told = [
        (title, [each.entries[key].removesuffix(CLOSED_FORM) for each in (found if key in TEST else trained)])
        for key, title in (TEST | TRAINING).items()
        if key not in (*INCIDENTAL, "episodes_hash", "split")
    ]
    known = (
        (title, [each for each in dict.fromkeys(values) if each not in (NONE, "none")])
        for title, values in told
    )
    return [(title, " / ".join(values)) for title, values in known if values]


def _named(keys: Sequence[str], titles: Mapping[str, str], found: Sequence[Card]) -> str:
    return "; ".join(
        f"{titles[key].lower()} ({' / '.join(dict.fromkeys(each.entries[key] for each in found))})"
        for key in keys
    )


def rows(found: Sequence[Card]) -> list[dict[str, object]]:
    """A row for each condition, a column for each algorithm, and whether they differ."""
    unlike = differing(found)
    columns = numbered([each.name for each in found], ("condition", "differs"))
    return [
        {"condition": title, "differs": key in unlike}
        | {name: each.entries[key] for name, each in zip(columns, found, strict=True)}
        for key, title in (TEST | TRAINING).items()
    ]


def order(entry: Table) -> str:
    """Order of an algorithm's outer gradient; imports torch, for which each algorithm's class is written."""
    from workbench.algorithms import ALGORITHMS
    from workbench.config import Trains

    base = entry.get("base")
    kind = ALGORITHMS.get(str(entry.get("kind")))
    if kind is None:
        return NONE
    if not issubclass(kind.Config, Trains):
        return UNTRAINED
    return order(base) if isinstance(base, Mapping) else str(kind.order)


# --- values in words -------------------------------------------------------------------------------


def _table(table: Table, name: str) -> Table:
    found = table.get(name)
    return found if isinstance(found, Mapping) else {}


def _first(*tables: Table, key: str) -> object:
    return next((each[key] for each in tables if each.get(key) is not None), None)


def _patience(stop: object) -> str:
    return "none" if stop is None else f"after {stop} validations without a better one"


def _deep(entry: Table, key: str) -> object:
    """A setting of an algorithm, or of the one that it is built over."""
    base = entry.get("base")
    return entry.get(key, base.get(key) if isinstance(base, Mapping) else None)


def _steps(test: Table, evaluation: Table) -> str:
    steps = test.get("inner_steps")
    if isinstance(steps, list) and steps == [1]:
        return worded(evaluation.get("inner_steps")) + CLOSED_FORM
    return worded(steps[-1] if isinstance(steps, list) and steps else evaluation.get("inner_steps"))


def _train_episode(task: Table, entry: Table) -> str:
    parts = []
    for name in ("ways", "shots", "queries"):
        value = entry.get(f"train_{name}") or task.get(name)
        if value is not None:
            parts.append(f"{worded(value)} {name}")
    if isinstance(most := _deep(entry, "examples"), int):
        parts.append(f"up to {most} of a class")
    return ", ".join(parts) or NONE


def _shift(shift: object) -> str:
    """A shifted distribution, and the tasks of it that were met."""
    if not isinstance(shift, Mapping):
        return "none"
    return f"{shift['name']}, {str(shift['episodes_hash'])[:HASH_LETTERS]}"


def _words(value: object) -> str:
    """A table in a line, or that there is none."""
    return "none" if value is None else worded(value)
