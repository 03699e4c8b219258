"""One answer to "which runs are one algorithm", in one order, under one name: all formats, the report and the
window show the same rows."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.analysis.invented import TASK, add
from workbench.analysis.arrangement import Arrangement
from workbench.export import documents
from workbench.export.wishes import Wish
from workbench.gui.charts.compare import CompareView
from workbench.gui.run_data import RunData
from workbench.gui.worker import Worker
from workbench.project import Project

Rows = list[list[str]]
"""Of each algorithm: its name, number of seeds and mean."""

KEPT = [
    {"key": "A", "name": "Ours", "shown": True},
    {"key": "B (inner_lr 0.1)", "name": "B (inner_lr 0.1)", "shown": True},
]
"""An arrangement as older versions kept it, by names."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two experiments. In the first two algorithms of one name, seeds that came later, a copy, and letters
    that LaTeX takes for its own."""
    losses = np.random.default_rng(0).uniform(1, 2, (6, 30))
    path = tmp_path / "p.mlwb"
    with Project.create(path) as project:
        add(project, "B", losses[:1], inner_lr=0.3, name="5 & 1")
        add(project, "B", losses[1:2], inner_lr=0.1, name="5 & 1")
        add(project, "A", losses[2:4], name="5 & 1")
        add(project, "B", losses[4:5], seeds=[1], inner_lr=0.3, name="5 & 1")
        add(project, "B", losses[4:5], seeds=[1], inner_lr=0.3, name="5 & 1")
        other = {"episodes": "f" * 64, "task": TASK | {"shots": 9}, "name": "数字"}
        add(project, "B", losses[4:], inner_lr=0.3, **other)
        add(project, "A", losses[:1] + 1, **other)
        add(project, "C", losses[1:2] + 1, **other)
    return path


def text_of(path: Path, what: str, form: str, arrangement: Arrangement) -> str:
    target = path.with_name(f"{what}.{form}")
    with Project.open(path, read_only=True) as project:
        documents.save(project, what, form, Wish(), target, arrangement)
    return target.read_text(encoding="utf-8")


def short(value: object) -> str:
    return f"{float(str(value)):.4g}"


def rows_of(lines: list[str], parted_by: str) -> Rows:
    plain = [re.sub(r"\\textbf\{([^}]*)\}|\\(?=[_&])|\*\*", r"\1", line) for line in lines]
    return [[cell.strip(" |\\") for cell in line.strip("| ").split(parted_by)][:3] for line in plain]


def in_files(path: Path, arrangement: Arrangement) -> dict[str, list[Rows]]:
    """The rows of each experiment, by format."""
    found: dict[str, list[Rows]] = {}
    listed = {
        "csv": list(csv.DictReader(text_of(path, "table", "csv", arrangement).splitlines())),
        "json": json.loads(text_of(path, "table", "json", arrangement))["table"],
    }
    for form, cells in listed.items():
        names = dict.fromkeys(row["experiment"] for row in cells)
        found[form] = [
            [
                [row["algorithm"], str(row["seeds_measured"]), short(row["mean"])]
                for row in cells
                if row["experiment"] == name
            ]
            for name in names
        ]
    blocks = text_of(path, "table", "markdown", arrangement).split("| Algorithm")[1:]
    found["markdown"] = [
        rows_of([line for line in block.splitlines()[2:] if line.startswith("| ")], " | ") for block in blocks
    ]
    blocks = text_of(path, "table", "latex", arrangement).split(r"\midrule")[1:]
    found["latex"] = [
        rows_of(block.partition(r"\bottomrule")[0].strip().splitlines(), " & ") for block in blocks
    ]
    chapters = text_of(path, "report", "html", arrangement).split("<section>")[1:3]
    tables = [re.split("</?table>", each.partition("<details>")[0])[1] for each in chapters]
    found["report"] = [
        [list(map(unescape, re.findall(r"<td[^>]*>(.*?)</td>", row)[:3])) for row in table.split("<tr>")[2:]]
        for table in tables
    ]
    return found


def test_every_format_the_report_and_the_window_show_the_same_rows(project: Path, qtbot: QtBot) -> None:
    worker = Worker()
    with Project.open(project) as opened:
        data = RunData()
        data.open(opened)
        view = CompareView(data, worker)
        qtbot.addWidget(view)
        view.restore({"arrange": KEPT})
        view.show()
        qtbot.waitExposed(view)
        window = []
        for experiment in data.experiments():
            data.look_at(experiment.key)
            view.redraw()
            model = view.table.model()
            cells = [[str(model.index(row, at).data()) for at in range(3)] for row in range(model.rowCount())]
            window.append(cells)
        shown = in_files(project, data.arrangement) | {"window": window}
        data.open(None)
    worker.close()
    assert [[row[:2] for row in rows] for rows in window] == [
        [["Ours", "2"], ["B (inner_lr 0.1)", "1"], ["B (inner_lr 0.3)", "2"]],
        [["Ours", "1"], ["B", "2"], ["C", "1"]],
    ]
    assert shown == dict.fromkeys(shown, window)


def test_tables_of_one_document_have_labels_of_their_own(project: Path, tmp_path: Path) -> None:
    written = [text_of(project, what, "latex", Arrangement()) for what in ("table", "statistics", "protocol")]
    labels = re.findall(r"\\label\{(.*?)\}", "".join(written))
    assert labels[:1] == ["tab:5-1-comparison"]
    assert len(set(labels)) == len(labels) == 6
    assert "Forgotten" not in written[0]
    if shutil.which("pdflatex") is None:
        return
    parts = [r"\documentclass{article}\usepackage{booktabs}\begin{document}", *written, r"\end{document}"]
    (tmp_path / "t.tex").write_text("\n".join(parts), encoding="utf-8")
    for _ in range(2):  # labels are known after the first time
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
            cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-800:]
    assert "multiply defined" not in done.stdout
