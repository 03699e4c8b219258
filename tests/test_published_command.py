"""``workbench published`` lists what is published, and sets a project's results beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.published import AGREES, NEARLY, SILENT, project_of
from workbench.analysis.published import values

WITH_ANIL = '\n[[algorithm]]\nkind = "anil"\n'


Call = Callable[..., tuple[int, str, str]]


def told(call: Call, *arguments: object) -> str:
    code, out, err = call(*arguments)
    assert code == 0, err
    return out


def rows(call: Call, path: Path) -> list[dict[str, Any]]:
    found = json.loads(told(call, "published", str(path), "--json"))
    assert found.keys() == {"results"}
    listed: list[dict[str, Any]] = found["results"]
    return listed


def test_everything_is_listed_with_its_place_and_what_is_not_stated(
    call: Call,
) -> None:
    found = json.loads(told(call, "published", "--json"))["published"]
    assert [each["key"] for each in found] == [each.key for each in values()]
    first = found[0]
    assert (first["value"], first["half"], first["read"]) == (89.7, 1.1, "in the paper")
    assert first["card"]["inner_steps"] == 1
    assert first["not_stated"] == ["examples"]
    text = told(call, "published")
    assert all(each.key in text for each in values())
    assert "not stated" in text


def test_own_results_stand_beside_what_is_published(tmp_path: Path, call: Call) -> None:
    project_of(tmp_path / "p.mlwb", AGREES, others=WITH_ANIL)
    (row,) = rows(call, tmp_path / "p.mlwb")
    assert (row["algorithm"], row["published_agreement"]) == ("MAML", "agrees")
    assert row["published"] == pytest.approx(0.487)
    text = told(call, "published", str(tmp_path / "p.mlwb"))
    assert "48.70 ± 1.84%" in text
    assert "the same protocol" in " ".join(text.split())


def test_points_that_differ_are_named_and_nothing_is_said_of_what_differs_in_more(
    tmp_path: Path, call: Call
) -> None:
    project_of(tmp_path / "nearly.mlwb", NEARLY)
    (row,) = rows(call, tmp_path / "nearly.mlwb")
    assert row["published_agreement"] == "nearly"
    assert "15 queries a class in test instead of 1" in row["published_differs"]
    project_of(tmp_path / "silent.mlwb", SILENT)
    assert rows(call, tmp_path / "silent.mlwb") == []
    assert "No result" in told(call, "published", str(tmp_path / "silent.mlwb"))


def test_exported_tables_have_the_column_and_the_same_numbers(tmp_path: Path, call: Call) -> None:
    project = tmp_path / "p.mlwb"
    project_of(project, NEARLY, others=WITH_ANIL)
    (row,) = rows(call, project)
    for form in ("csv", "json", "markdown", "latex"):
        told(call, "export", str(project), "--what", "table", "--format", form, "-o", str(tmp_path / form))
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert float(first["published"]) == row["published"]
    assert not second["published"]
    assert (
        json.loads((tmp_path / "json").read_text(encoding="utf-8"))["table"][0]["published_key"]
        == (row["published_key"])
    )
    assert "| 89.7 ± 1.1% (nearly) |" in (tmp_path / "markdown").read_text(encoding="utf-8")
    assert r"89.7 $\pm$ 1.1\% (nearly)" in (tmp_path / "latex").read_text(encoding="utf-8")
    report = tmp_path / "report.html"
    told(call, "export", str(project), "--what", "report", "--format", "html", "-o", str(report))
    assert row["published_differs"].split("; ")[0] in report.read_text(encoding="utf-8")


def test_a_project_without_any_has_no_column(tmp_path: Path, call: Call) -> None:
    project_of(tmp_path / "p.mlwb", SILENT)
    for form in ("csv", "markdown"):
        told(
            call, "export", str(tmp_path / "p.mlwb"), "--what", "table", "--format", form,
            "-o", str(tmp_path / form),
        )  # fmt: skip
        assert "ublished" not in (tmp_path / form).read_text(encoding="utf-8")
