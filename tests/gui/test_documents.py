"""The Export menu's documents: written in the background, of what is shown; what goes wrong is said."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.analysis.invented import three
from tests.gui.conftest import Open
from workbench.gui import dialogs
from workbench.gui.document_commands import JOB


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        ("export_report", "r.html", "<title>Invented</title>"),
        ("export_table", "t.md", "**"),
        ("export_table", "t.tex", r"\toprule"),
        ("export_runs", "r.csv", "config_hash"),
        ("export_tests", "s.tex", r"\bottomrule"),
        ("export_protocol", "p.csv", "Episodes (SHA-256)"),
        ("export_config", "e.toml", "[[algorithm]]"),
        ("export_script", "s.py", "def main("),
    ],
)
def test_documents_are_written(
    qtbot: QtBot, open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str,
    content: str,
) -> None:  # fmt: skip
    window = open_window(three(tmp_path / "p.mlwb"))
    monkeypatch.setattr(dialogs, "file_to_save", lambda *_: tmp_path / name)
    window.session.data.select([window.session.data.runs()[0].id])
    window.actions_[command].trigger()
    qtbot.waitUntil(
        lambda: any("Saved as" in text for text in window.notices.texts().values()), timeout=30_000
    )
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert content in text or (command == "export_config" and "algorithm = [" in text)


def test_what_cannot_be_written_is_said(
    qtbot: QtBot, open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(three(tmp_path / "p.mlwb"))
    window.documents.write("script", "python", tmp_path / "s.py")
    qtbot.waitUntil(lambda: not window.worker.waits_for(JOB), timeout=30_000)
    assert any("the runs belong to 3 experiments" in text for text in window.notices.texts().values())
    window.documents.write("tensorboard", "tensorboard", tmp_path / "tb")
    qtbot.waitUntil(lambda: (tmp_path / "tb").is_dir(), timeout=30_000)
    qtbot.waitUntil(lambda: not window.worker.waits_for(JOB), timeout=30_000)


def test_tables_have_the_order_and_names_of_compare(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    window = open_window(three(tmp_path / "p.mlwb"))
    assert window.panels is not None
    places = [("Same", "Ours", True), ("Good", "Good", False)]
    kept = [{"key": key, "name": name, "shown": shown} for key, name, shown in places]
    window.panels.compare.restore({"arrange": kept})
    window.documents.write("table", "csv", tmp_path / "t.csv")
    qtbot.waitUntil((tmp_path / "t.csv").exists, timeout=30_000)
    with (tmp_path / "t.csv").open(encoding="utf-8") as file:
        named = [row["algorithm"] for row in csv.DictReader(file)]
    assert named == ["Ours", "Good", "Middling"]  # what is hidden from the figure is in the tables
