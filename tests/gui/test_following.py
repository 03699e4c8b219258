"""A project that another process writes is followed: what it writes appears as it comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pytestqt.qtbot import QtBot

from tests.experiments import SINUSOID
from tests.gui.conftest import Open
from workbench.measures import LOSS


def test_what_another_process_writes_is_shown_as_it_comes(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "e.toml").write_text(
        SINUSOID + '[[algorithm]]\nkind = "maml"\n[[algorithm]]\nkind = "reptile"\n', encoding="utf-8"
    )
    program = "from workbench.cli import main; import sys; sys.exit(main())"
    command = [sys.executable, "-c", program, "run", str(tmp_path / "e.toml")]
    command += ["--project", str(tmp_path / "p.mlwb"), "--set", "training.iterations=1500"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stderr is not None
        assert "validation" in writer.stderr.readline()
        window = open_window(tmp_path / "p.mlwb")
        data = window.session.data
        assert window.session.read_only
        first = data.runs()[0]
        assert first.status == "running"
        points = len(data.series(first.id, LOSS.name)[0])
        qtbot.waitUntil(lambda: len(data.series(first.id, LOSS.name)[0]) > points, timeout=60_000)
        writer.stderr.read()
    assert writer.returncode == 0
    qtbot.waitUntil(lambda: all(run.status == "finished" for run in data.runs()), timeout=60_000)
    assert len(data.series(first.id, LOSS.name)[0]) == 1500
    assert all(data.result(run.id) is not None for run in data.runs())
