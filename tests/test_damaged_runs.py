"""A project with a damaged run: its others are shown, exported and gone on with, and it is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.analysis.invented import three
from workbench.project.digests import digest

Call = Callable[..., tuple[int, str, str]]

DAMAGES = {
    "row": "UPDATE runs SET iterations = -1 WHERE id = 2",
    "owner": "UPDATE runs SET experiment_id = 99 WHERE id = 2",
    "result": "UPDATE results SET summary = '{}' WHERE run_id = 2",
    "array": "UPDATE result_arrays SET shape = '[1]' WHERE result_id = 2",
}


def damaged(path: Path, change: str) -> Path:
    """Nine runs, of which the second is damaged, with checksums that are right."""
    three(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
        rows = connection.execute("SELECT id, split, episodes_hash, summary FROM results").fetchall()
        for row, *parts in rows:
            connection.execute("UPDATE results SET digest = ? WHERE id = ?", (digest(*parts), row))
        rows = connection.execute("SELECT id, name, dtype, shape, data FROM result_arrays").fetchall()
        for row, *parts in rows:
            connection.execute("UPDATE result_arrays SET digest = ? WHERE id = ?", (digest(*parts), row))
    return path


@pytest.mark.parametrize("damage", ["row", "owner", "result"])
def test_show_lists_the_others_and_names_it(tmp_path: Path, call: Call, damage: str) -> None:
    path = damaged(tmp_path / "p.mlwb", DAMAGES[damage])
    code, out, err = call("show", path)
    assert code == 0
    assert "Middling, seed 0" in out
    assert "Good, seed 1" not in out
    assert err.startswith("run 2 is damaged and left out: ")
    assert err.count("\n") == 1
    _, out, _ = call("show", path, "--json")
    told = json.loads(out)
    assert [each["id"] for each in told["runs"]] == [1, 3, 4, 5, 6, 7, 8, 9]
    assert [each["id"] for each in told["damaged"]] == [2]


@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_names_it(tmp_path: Path, call: Call, damage: str) -> None:
    code, out, _ = call("verify", damaged(tmp_path / "p.mlwb", DAMAGES[damage]))
    assert code == 1
    assert "run 2" in out


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_export_is_of_the_others(tmp_path: Path, call: Call, damage: str) -> None:
    path, made = damaged(tmp_path / "p.mlwb", DAMAGES[damage]), tmp_path / "x.json"
    code, _, err = call("export", path, "--what", "statistics", "-o", made)
    assert code == 0
    assert "run 2 is damaged and left out: " in err
    assert made.exists()


def test_a_damaged_run_that_is_asked_for_is_refused(tmp_path: Path, call: Call) -> None:
    path = damaged(tmp_path / "p.mlwb", DAMAGES["row"])
    code, _, err = call("export", path, "--what", "runs", "--runs", "1,2", "-o", tmp_path / "x.csv")
    assert code == 2
    assert "--runs: run 2 is damaged" in err
    code, _, err = call("resume", path, "2")
    assert code == 2
    assert "run 2 is damaged: iterations cannot be -1" in err


def test_resume_goes_on_with_the_others(tmp_path: Path, call: Call) -> None:
    path = damaged(tmp_path / "p.mlwb", DAMAGES["row"])
    code, _, err = call("resume", path, "--quiet")
    assert code == 1
    assert "run 2 is damaged and left out" in err
    _, _, err = call("resume", path)
    assert "nothing to resume" in err


def test_a_sound_project_names_none(tmp_path: Path, call: Call) -> None:
    path = three(tmp_path / "p.mlwb")
    code, out, err = call("show", path, "--json")
    assert (code, err) == (0, "")
    assert list(json.loads(out)) == ["runs"]
    call("export", path, "--what", "runs", "-o", tmp_path / "x.csv")
    assert len((tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()) == 10


@pytest.mark.parametrize("text", ["task = 5", "a = " + "[" * 10_000, "x"])
def test_an_experiment_that_cannot_be_read_is_named(tmp_path: Path, call: Call, text: str) -> None:
    path = damaged(tmp_path / "p.mlwb", f"UPDATE experiments SET toml = '{text}' WHERE id = 1")
    assert call("show", path)[0] == 0
    assert call("export", path, "--what", "table", "-o", tmp_path / "x.csv")[0] == 0
    code, out, _ = call("verify", path)
    assert code == 1
    assert "experiment 1, 'Invented': " in out
    code, _, err = call("export", path, "--what", "config", "--runs", "1", "-o", tmp_path / "x.toml")
    assert code == 2
    assert "experiment 'Invented': " in err
    assert err.count("\n") == 1
