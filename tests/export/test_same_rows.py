"""One answer to "which runs are one algorithm": all formats, the report and the window show the same rows."""

from __future__ import annotations

import csv
import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.analysis.invented import add
from workbench.export import documents
from workbench.export.wishes import Wish
from workbench.gui.charts.comparison import ComparisonView
from workbench.gui.run_data import ALL, RunData
from workbench.project import Project

ROWS = [("B (inner_lr 0.3)", "2"), ("B (inner_lr 0.1)", "1"), ("A", "2")]
"""Names and numbers of seeds, in the order in which the runs came."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two algorithms of one name; seeds from two experiments; a copy; another set of episodes."""
    losses = np.random.default_rng(0).uniform(1, 2, (5, 30))
    path = tmp_path / "p.mlwb"
    with Project.create(path) as project:
        add(project, "B", losses[:1], inner_lr=0.3)
        add(project, "B", losses[1:2], inner_lr=0.1)
        add(project, "A", losses[2:4], name="First")
        add(project, "B", losses[4:], seeds=[1], inner_lr=0.3, name="Second")
        add(project, "B", losses[4:], seeds=[1], inner_lr=0.3, name="Again")
    return path


def text_of(path: Path, what: str, form: str) -> str:
    target = path.with_name(f"{what}.{form}")
    with Project.open(path, read_only=True) as project:
        documents.save(project, what, form, Wish(), target)
    return target.read_text(encoding="utf-8")


def cells(lines: list[str], parted_by: str) -> list[tuple[str, str]]:
    parts = [[cell.strip(" *|\\") for cell in line.strip("| ").split(parted_by)] for line in lines]
    return [(name.replace("\\_", "_"), n) for name, n, *_ in parts]


def test_every_format_the_report_and_the_window_show_the_same_rows(project: Path, qtbot: QtBot) -> None:
    shown = {}
    shown["csv"] = [
        (row["algorithm"], row["seeds_measured"])
        for row in csv.DictReader(text_of(project, "table", "csv").splitlines())
    ]
    shown["json"] = [
        (row["algorithm"], str(row["seeds_measured"]))
        for row in json.loads(text_of(project, "table", "json"))["table"]
    ]
    markdown = [line for line in text_of(project, "table", "markdown").splitlines() if line.startswith("| ")]
    shown["markdown"] = cells(markdown[2:], " | ")
    latex = text_of(project, "table", "latex").split(r"\midrule")[1].split(r"\bottomrule")[0]
    shown["latex"] = [
        (re.sub(r"\\textbf\{(.*)\}", r"\1", name), n)
        for name, n in cells([line for line in latex.splitlines() if line], " & ")
    ]
    table = text_of(project, "report", "html").split("Steps to τ")[1].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[1:]]
    shown["report"] = [(unescape(row[0]), row[1]) for row in rows]
    with Project.open(project, read_only=True) as opened:
        data = RunData()
        data.open(opened)
        data.look_at(ALL)
        view = ComparisonView(data)
        qtbot.addWidget(view)
        view.show()
        qtbot.waitExposed(view)
        model = view.table.model()
        shown["window"] = [
            (str(model.index(row, 0).data()), str(model.index(row, 1).data()))
            for row in range(model.rowCount())
        ]
        data.open(None)
    assert shown == dict.fromkeys(shown, ROWS)
