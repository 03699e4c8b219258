"""Nothing outside ``problems/`` and ``measures.py`` decides by the name of a problem or a measure.

What a measure is called, how it is shown and which direction is better stands in its row; what a kind of
task gives, loses and looks like stands in its problem. So a new measure is a row, a new kind of task a file,
and no place is forgotten. The lint reads the syntax tree, not the text: a docstring may say what it likes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import workbench
from workbench import measures
from workbench.problems import PROBLEMS

PACKAGE = Path(workbench.__file__).parent
NAMES = {*PROBLEMS, *measures.MEASURES}
ROWS = {constant for constant, value in vars(measures).items() if isinstance(value, measures.Measure)}
"""The constants that hold a row: ``name == LOSS.name`` decides by a name, too."""

THEIR_OWN = ("problems/", "measures.py")
"""Where names are declared."""

LOOKS_AT = {"startswith", "endswith", "removeprefix", "removesuffix", "count", "index"}
LOOKS_UP = {"get", "pop", "setdefault", "getattr", "hasattr"}

FIXED_KEYS = frozenset(
    {"analysis/comparison.py", "engine/stream.py", "project/declared.py", "tasks/functions.py"}
)
"""Files that write or read fixed keys of the JSON, such as the ``loss`` of an evaluation, which scripts have
known since the first edition (new readers take ``measures``), or the ε of an attack. They may look these up,
not compare them."""


def decisions(tree: ast.AST, *, fixed_keys: bool = False) -> Iterator[tuple[int, str]]:
    """The places, as line and name, where a program decides by the name of a problem or a measure.

    Parameters
    ----------
    fixed_keys : whether names may be looked up as keys.
    """
    for node in ast.walk(tree):
        looked_at: list[ast.AST | None] = []
        looked_up: list[ast.AST | None] = []
        match node:
            case ast.Compare():
                looked_at += [node.left, *node.comparators]
                yield from ((node.lineno, row) for each in looked_at for row in _rows(each))
            case ast.MatchValue():
                looked_at.append(node.value)
            case ast.MatchMapping():
                looked_up += node.keys
            case ast.Subscript():
                looked_up.append(node.slice)
            case ast.Dict():
                looked_up += node.keys
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                looked_at += node.args if name in LOOKS_AT else []
                looked_up += node.args if name in LOOKS_UP else []
        found = looked_at if fixed_keys else looked_at + looked_up
        yield from ((node.lineno, name) for each in found for name in _names(each))


def _names(node: ast.AST | None) -> Iterable[str]:
    """The names that an expression is or lists."""
    match node:
        case ast.Constant(value=str(text)) if text in NAMES:
            return [text]
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return [name for each in parts for name in _names(each)]
    return []


def _rows(node: ast.AST | None) -> Iterable[str]:
    """The row that an expression is, or is the name of."""
    match node:
        case ast.Name(id=row) | ast.Attribute(value=ast.Name(id=row), attr="name") if row in ROWS:
            return [row]
    return []


def decisions_in(path: Path, root: Path = PACKAGE) -> list[str]:
    """Those of a file, each as ``file:line name``."""
    file = path.relative_to(root).as_posix()
    if file.startswith(THEIR_OWN):
        return []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [f"{file}:{line} {name}" for line, name in decisions(tree, fixed_keys=file in FIXED_KEYS)]


def test_nothing_decides_by_the_name_of_a_problem_or_a_measure() -> None:
    assert [each for path in sorted(PACKAGE.rglob("*.py")) for each in decisions_in(path)] == []


def test_every_exemption_is_needed() -> None:
    for file in FIXED_KEYS:
        assert list(decisions(ast.parse((PACKAGE / file).read_text(encoding="utf-8")))), file


PLANTED = {
    "compared": 'def unit(problem):\n    return "nats" if problem == "classification" else ""\n',
    "listed": 'def share(name):\n    return name in ("accuracy", "clearness")\n',
    "matched": 'def better(name):\n    match name:\n        case "loss":\n            return "lower"\n',
    "looked up": 'TITLES = {"regression": "Mean squared error"}\n',
    "asked for": 'def measured(summary):\n    return summary.get("accuracy") is not None\n',
    "compared with a row": "def is_loss(name):\n    return name == LOSS.name\n",
    "begun": 'def is_loss(name):\n    return name.startswith("loss")\n',
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_decision_is_found(kind: str, tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(f'"""What a loss is, in regression and classification."""\n{PLANTED[kind]}', "utf-8")
    assert len(decisions_in(planted, tmp_path)) == 1


def test_what_only_says_a_name_is_no_decision(tmp_path: Path) -> None:
    harmless = tmp_path / "harmless.py"
    harmless.write_text('QUANTITY = "accuracy"\nprint("loss", declare(name="loss"))\n', encoding="utf-8")
    assert decisions_in(harmless, tmp_path) == []
