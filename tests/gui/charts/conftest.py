"""A project, and its runs as the charts see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.gui.run_data import RunData
from workbench.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.mlwb") as project:
        yield project


@pytest.fixture
def data(project: Project) -> Iterator[RunData]:
    data = RunData()
    data.open(project)
    yield data
    data.open(None)
