"""What each value of a project file may be: the file may come from anywhere.

Every column and every table of JSON is declared once, here and in :mod:`workbench.project.records`, and is
checked as it is read; code that takes it from there can rely on it. Single lines of text come back visible
and within their length, whatever they held; anything else that is out of bounds is refused.

A *check* takes a stored value and gives what it stands for, or raises a :class:`ValueError` of one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from workbench import toml
from workbench.measures import LOSS, MEASURES, SHIFTED, known
from workbench.problems import name_of, problem_of, rows_of
from workbench.summaries import FIRST_EDITION, Summary, TestSummary
from workbench.words import LONGEST_NAME, shown, visible

T = TypeVar("T")
Check = Callable[[object], object]

LARGEST = 1e100
"""Magnitude of a number: training in 32 bits gives none that is larger, and its square is still finite."""

LARGEST_ID = 2**31 - 1
MOST_ITERATIONS = 2**53
LONGEST_LINE, LONGEST_TEXT, LONGEST_JSON = 2_000, 100_000, 8_000_000
MOST_LISTED = 100_000
DEEPEST = 12  # tables and lists inside one another


# --- JSON ------------------------------------------------------------------------------------------


def to_json(value: object) -> str:
    """Compact JSON; numpy arrays and numbers as lists and numbers, NaN and infinity kept."""
    return json.dumps(value, separators=(",", ":"), default=_as_lists)


def _as_lists(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def from_json(text: object, kind: type[T]) -> T:
    """Read JSON whose outermost value must be of that kind.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(text, str):
        raise ValueError("a text is missing")
    if len(text) > LONGEST_JSON:
        raise ValueError("a text is too long")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("a text is nested too deeply") from None
    if not isinstance(value, kind):
        raise ValueError(f"a {kind.__name__} is missing")
    return value


def plain(value: object, deepest: int = DEEPEST) -> object:
    """A value of JSON that nobody has declared, made harmless: text is visible and within its length, and
    what is no finite number is None.

    Raises
    ------
    ValueError
        If it is nested too deeply, or holds a whole number that nothing else could hold.
    """
    match value:
        case None | bool():
            return value
        case str():
            return shown(value, LONGEST_LINE)
        case int():
            if abs(value) >= 2**63:
                raise ValueError("a number is too large")
            return value
        case float():
            return value if abs(value) <= LARGEST else None  # NaN is not
    if not deepest:
        raise ValueError("a text is nested too deeply")
    if isinstance(value, Mapping):
        return {shown(str(name), LONGEST_NAME): plain(each, deepest - 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, deepest - 1) for each in value]
    raise _unfit(value)


# --- single values ---------------------------------------------------------------------------------


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number of that range."""

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise _unfit(value)
        return value

    return check


def real(low: float = -LARGEST, high: float = LARGEST) -> Callable[[object], float]:
    """A finite number of that range."""

    def check(value: object) -> float:
        if not isinstance(value, float | int) or isinstance(value, bool) or not low <= value <= high:
            raise _unfit(value)
        return float(value)

    return check


def optional(check: Callable[[object], T]) -> Callable[[object], T | None]:
    """None, or what the check takes."""
    return lambda value: None if value is None else check(value)


def line(most: int) -> Callable[[object], str]:
    """Text on one line; what is longer is cut."""
    return lambda value: shown(_text(value), most)


def lines(value: object) -> str:
    """Text; what is longer than a person writes is cut."""
    return "\n".join(map(visible, _text(value)[:LONGEST_TEXT].split("\n")))


def text(most: int) -> Callable[[object], str]:
    """Text as it is."""

    def check(value: object) -> str:
        found = _text(value)
        if len(found) > most:
            raise ValueError(f"has {len(found):,} letters; allowed: {most:,}")
        return found

    return check


def one_of(allowed: Iterable[T]) -> Callable[[object], T]:
    """One of these values."""
    known = tuple(allowed)

    def check(value: object) -> T:
        if value not in known:
            raise _unfit(value)
        return value

    return check


def flag(value: object) -> bool:
    """0 or 1."""
    return bool(one_of((0, 1))(value))


def colour(value: object) -> str:
    """``#rrggbb``, or nothing."""
    if not re.fullmatch(r"(#[0-9a-fA-F]{6})?", _text(value)):
        raise _unfit(value)
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _unfit(value)
    return value


def _unfit(value: object) -> ValueError:
    return ValueError(f"cannot be {shown(repr(value), 40)}")


# --- lists and tables ------------------------------------------------------------------------------


def listed(check: Callable[[object], T], most: int = MOST_LISTED) -> Callable[[object], list[T]]:
    """A list of at most so many."""

    def checked(value: object) -> list[T]:
        if not isinstance(value, list) or len(value) > most:
            raise _unfit(value)
        return [check(each) for each in value]

    return checked


def by_name(check: Check) -> Callable[[object], dict[str, object]]:
    """A table with names that are not known beforehand."""

    def checked(value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise _unfit(value)
        return {shown(name, LONGEST_NAME): named(name, check, each) for name, each in value.items()}

    return checked


def table(
    required: Mapping[str, Check], others: Mapping[str, Check], rest: Check = plain
) -> Callable[[object], dict[str, object]]:
    """A table with these entries; what a newer program adds to it is kept as plain values."""
    known = {**required, **others}

    def checked(value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise _unfit(value)
        for name in required:
            if name not in value:
                raise ValueError(f"{name} is missing")
        found, name = {}, ""
        try:  # once for all entries: a project has millions of them
            for name, each in value.items():
                check = known.get(name)
                found[name if check else shown(name, LONGEST_NAME)] = (check or rest)(each)
        except ValueError as error:
            raise _of(name, error) from None
        return found

    return checked


def named(name: str, check: Callable[[object], T], value: object) -> T:
    """What a check takes; a complaint names the entry."""
    try:
        return check(value)
    except ValueError as error:
        raise _of(name, error) from None


def _of(name: str, error: ValueError) -> ValueError:
    return ValueError(f"{shown(name, 40)} {error}")


def in_json(check: Callable[[object], T], kind: type) -> Callable[[object], T]:
    """JSON in a column."""
    return lambda value: check(from_json(value, kind))


# --- an experiment -------------------------------------------------------------------------------


def tables(text: str) -> dict[str, Any]:
    """What an experiment's TOML says, as far as that can be checked without its kinds, which need torch.

    Raises
    ------
    ValueError
        If it is no TOML, or a section is none; one line.
    """
    return sound(toml.read(text))


def sound(tables: Mapping[str, object]) -> dict[str, Any]:
    """Those of an experiment, if nothing in them is of another kind than it must be.

    Raises
    ------
    ValueError
        If something is; one line.
    """
    found: dict[str, Any] = _experiment(tables)
    return found


def _as_it_is(value: object) -> object:
    return value


_section = table({}, {}, _as_it_is)
_experiment = table(
    {},
    {
        "name": text(LONGEST_TEXT),
        "task": table({}, {"family": text(LONGEST_LINE)}, _as_it_is),
        "network": _section,
        "training": table({}, {"meta_batch": whole(1, 10_000)}, _as_it_is),
        "evaluation": _section,
        "algorithm": listed(
            table(
                {},
                {
                    "kind": text(LONGEST_LINE),
                    "label": text(LONGEST_LINE),
                    "meta_batch": whole(1, 10_000),
                },
                _as_it_is,
            ),
            1000,
        ),
    },
    _as_it_is,
)


# --- evaluations and results -----------------------------------------------------------------------


_integer = whole(-(2**63), 2**63)


def _mean(value: object) -> float | None:
    """A number, or None: one that is not finite is written as null, but was not always."""
    if value is None:
        return None
    if type(value) is float:
        return value if abs(value) <= LARGEST else None
    return float(_integer(value))


def _means(value: object) -> list[float | None]:
    """Numbers, or None. A project has millions, so what is a float as it must be is not asked about twice."""
    if not isinstance(value, list) or len(value) > MOST_LISTED:
        raise _unfit(value)
    return [each if type(each) is float and -LARGEST <= each <= LARGEST else _mean(each) for each in value]


_few = whole(0, 10**9)
_name = line(LONGEST_NAME)
_share = real(0, 1)
_AGAIN = {end: optional(_means) for name in FIRST_EDITION for end in (name, f"{name}_ci95")}
_BY_STEP: dict[str, Check] = {
    **_AGAIN,
    "loss_median": _means,
    **dict.fromkeys(("diverged", "episodes_consumed", "environment_steps"), listed(_few)),
}
_measures = by_name(table({"mean": _means, "ci95": _means}, {}))
_EVALUATED: dict[str, Check] = {
    **_BY_STEP,
    "problem": _name,
    "units": by_name(_name),
    "episode": _name,
    "measures": _measures,
    "tasks": _few,
    "report": by_name(by_name(table({}, {"mean": _mean, "ci95": _mean}))),
}
_REQUIRED: dict[str, Check] = {"inner_steps": listed(_few, 10_001), LOSS.name: _means}
_evaluated = table(_REQUIRED, _EVALUATED)
_SIZES: dict[str, Check] = {
    **dict.fromkeys(("distinct_episodes", "distinct_classes", "distinct_examples"), optional(_few)),
    **dict.fromkeys(("ways", "shots", "queries"), _few),
}
_in_domain = table(
    _REQUIRED | {"episodes": whole(1, 10**9), "episodes_hash": _name, "measures": _measures},
    _EVALUATED
    | _SIZES
    | {
        "split": _name,
        "words": line(LONGEST_LINE),
        "drop": by_name(table({"mean": _mean, "ci95": _mean}, {})),
    },
)
_tested = table(
    _REQUIRED | {"episodes": whole(1, 10**9), "episodes_hash": _name},
    _EVALUATED
    | {
        "split": _name,
        "training": by_name(_mean),
        "adaptation_threshold": _mean,
        "adaptation_steps_median": _mean,
        "adaptation_measure": _name,
        "adaptation_milliseconds_median": _mean,
        "adaptation_environment_steps_median": _mean,
        "adaptation_reached": optional(_share),
        "milliseconds_by_step": _means,
        "generalisation_gap": _mean,
        "generalisation_gap_ci95": _mean,
        "train_loss": _means,
        "calibration_error": _mean,
        "attack": optional(
            table({}, {"kind": _name, "epsilon": _mean, "steps": _few, "step_size": _mean}),
        ),
        "shift": optional(
            table({"name": _name, "episodes_hash": _name, "measures": _measures}, {"words": _name})
        ),
        "operating_point": optional(
            table(
                {"threshold": real(0, 2), "sensitivity": _share, "specificity": _share},
                {"rule": _name, "at_least": _mean, "episodes": _few, "episodes_hash": _name},
            )
        ),
        "transductive": optional(one_of((False, True))),
        **_SIZES,
        "weights": table(
            {"tested": one_of(("last", "best")), "best_at": _few, "last_at": _few, "measure": _name},
            {"best_validation": _mean, "others": optional(_measures)},
        ),
        "domains": by_name(_in_domain),
        "cost": optional(
            table(
                {},
                {
                    "seconds": by_name(_mean),
                    "operations": optional(by_name(_mean)),
                    "peak_memory": _mean,
                    "joules": by_name(_mean),
                },
            )
        ),
        "drift": optional(
            table(
                {},
                {
                    "segments": _few,
                    "loss": listed(_means),
                    "forgetting": _means,
                    "forgetting_mean": _mean,
                    "backward_transfer": _mean,
                },
            )
        ),
    },
)


def evaluation(text: object) -> Summary:
    """What was measured on frozen episodes, out of its JSON; a list has an entry for each inner step.

    Older files lack some entries, which are optional therefore.

    Raises
    ------
    ValueError
        If it is none; one line.
    """
    return _complete(in_json(_evaluated, dict)(text))


def reached(text: object) -> TestSummary:
    """What a run reached on the meta-test episodes, out of its JSON; as :func:`evaluation`."""
    found = cast("TestSummary", _complete(in_json(_tested, dict)(text)))
    for name, each in found.get("domains", {}).items():
        named(name, lambda summary: _complete(cast("dict[str, Any]", summary)), each)
    return found


def _complete(summary: dict[str, Any]) -> Summary:
    """A consistent summary, with what programs before this one did not write: its problem, all measures by
    name, and how many tasks were tested."""
    steps = summary["inner_steps"]
    if not steps or any(one >= other for one, other in pairwise(steps)):
        raise ValueError("inner_steps do not rise")
    unknown = [None] * len(steps)
    if "measures" not in summary:
        summary["measures"] = {
            row.name: {"mean": summary[row.name], "ci95": summary.get(f"{row.name}_ci95") or unknown}
            for row in rows_of(summary)
            if summary.get(row.name) is not None
        }
    by_step = {name: summary[name] for name in _BY_STEP if summary.get(name) is not None}
    shift = summary.get("shift") or {}
    for place, measures in (("measures", summary["measures"]), ("shift", shift.get("measures", {}))):
        for name, each in measures.items():
            by_step |= {f"{place}.{name}.{part}": values for part, values in each.items()}
    for name, values in by_step.items():
        if len(values) != len(steps):
            raise ValueError(f"{name} has {len(values)} values for {len(steps)} inner steps")
    summary.setdefault("problem", name_of(summary))
    if "episodes" in summary:
        summary.setdefault("tasks", summary["episodes"])
    return cast("Summary", summary)


def check_arrays(arrays: Mapping[str, NDArray[np.generic]], test: TestSummary) -> None:
    """Refuse arrays of a result that its summary does not describe: of a measure by step and task, of an
    entry of the report by task, of what is kept of each query by task and query (and, where it is one for
    each class, by class).

    Raises
    ------
    ValueError
        If one has another shape or type, or numbers that cannot be.
    """
    steps, tasks = len(test["inner_steps"]), test["episodes"]
    problem = problem_of(test)
    kept = problem.kept if problem else {}
    for name, array in arrays.items():
        kind = kept.get(name, "f")
        if name in kept:
            right = array.ndim in (2, 3) and len(array) == tasks
        elif "/" in name:  # of a report, also where it has a row of its own
            right = array.shape == ((steps, tasks) if name.startswith(f"{SHIFTED}/") else (tasks,))
        elif name in test["measures"] or name in MEASURES:
            right = array.shape == (steps, tasks)
        else:
            continue  # nothing reads it
        if not right or array.dtype.kind != kind:
            raise ValueError(f"array {name!r} does not fit its summary")
        if kind == "f" and not _sane(array.astype(np.float64), share=known(name).share):
            raise ValueError(f"array {name!r} holds numbers that cannot be")


def _sane(values: NDArray[np.float64], *, share: bool) -> bool:
    if share:
        return bool(np.all((values >= 0) & (values <= 1) | np.isnan(values)))
    return bool(np.all((np.abs(values) <= LARGEST) | ~np.isfinite(values)))
