"""Every text of ours that can be said in another language, as a file for Qt Linguist.

``python -m workbench.cli.texts > workbench_de.ts`` lists them, ``pyside6-linguist`` helps to translate them,
and what ``pyside6-lrelease`` makes of it, ``resources/workbench_de.qm``, is spoken where people read German.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from xml.sax.saxutils import escape

import workbench
from workbench import terminal
from workbench.algorithms import ALGORITHMS
from workbench.config import SPLITS
from workbench.gui import panels as panels  # with it, every section is declared
from workbench.gui.actions import COMMANDS
from workbench.gui.theme import Scheme
from workbench.measures import MEASURES
from workbench.networks import NETWORKS
from workbench.problems import PROBLEMS
from workbench.project.records import Status
from workbench.settings import Section, fields_of
from workbench.tasks import FAMILIES
from workbench.words import several

WRITTEN = {
    "tr": (0, 1), "marked": (0, 1), "rich": (0, 1), "Column": (1, None), "words": (0, 2), "number": (0, 1),
    "axis": (1, 2), "View": (0, 3), "said": (0, 1), "Measure": (1, 2),
}  # fmt: skip
"""Which arguments of a call are texts."""


def texts() -> dict[str, bool]:
    """Every text, and whether it has a form for each number (``{n} runs``)."""
    found = {text: False for text in _declared() if text}
    nouns = {"inner step", "environment step", "episode", *(each.episode for each in PROBLEMS.values())}
    found |= {f"{{n}} {several(noun)}": True for noun in sorted(nouns) if noun}
    for path in sorted(Path(workbench.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= _written(node)
    return found


def _written(call: ast.Call) -> dict[str, bool]:
    name = str(getattr(call.func, "attr", "") or getattr(call.func, "id", ""))
    if name == "plural":
        nouns = [text for each in call.args[1:] for text in _literals(each)]
        return {f"{{n}} {nouns[-1]}{'s' * (len(nouns) == 1)}": True} if nouns else {}
    said = call.args[slice(*WRITTEN.get(name, (0, 0)))]
    return {text: False for each in said for text in _literals(each)}


def _literals(node: ast.AST) -> Iterator[str]:
    keys = {id(key) for each in ast.walk(node) if isinstance(each, ast.Dict) for key in each.keys}
    for each in ast.walk(node):
        text = each.value if isinstance(each, ast.Constant) and id(each) not in keys else None
        if isinstance(text, str) and re.search(r"[^\W\d_]{2}", text):
            yield text


def _declared() -> Iterator[str]:
    yield from (*SPLITS, *get_args(Status), *get_args(Scheme))
    for command in COMMANDS:
        yield from (command.menu, command.text, command.tip)
    for family in FAMILIES.values():
        yield from (family.title, family.summary)
    for network in NETWORKS.values():
        yield from (network.title, network.summary)
    for algorithm in ALGORITHMS.values():
        yield from (algorithm.family, algorithm.summary, *sorted(algorithm.Config.needs))
    for problem in PROBLEMS.values():
        yield from (problem.name, problem.title, problem.caution, problem.privilege, problem.episode)
    for measure in MEASURES.values():
        yield from (measure.title, measure.unit, measure.on)
    for field in (each for section in sections() for each in fields_of(section).values()):
        yield from (field.label, field.help, field.empty, field.unit, *field.titles.values())


def sections(base: type[Section] = Section) -> Iterator[type[Section]]:
    """Every section that is declared."""
    for each in base.__subclasses__():
        yield each
        yield from sections(each)


def main() -> None:
    """List them, as Qt Linguist reads them."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<TS version="2.1"><context><name>workbench</name>']
    for text, counted in texts().items():
        attribute, forms = (' numerus="yes"', "<numerusform></numerusform>") if counted else ("", "")
        lines.append(
            f"<message{attribute}><source>{escape(text)}</source>"
            f'<translation type="unfinished">{forms}</translation></message>'
        )
    terminal.say("\n".join([*lines, "</context></TS>"]))


if __name__ == "__main__":
    main()
