"""Own data in a parcel: what its doors gave here, they give where the files are not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench import importing
from workbench.config import parse
from workbench.data import registry
from workbench.data.cached import prepared_at
from workbench.data.parcel import Parcel
from workbench.errors import DataError
from workbench.runs import open_family
from workbench.tasks.base import TaskFamily

TASK = '[task]\nfamily = "functions"\n{where}\nshots = 3\nqueries = 3\n[[algorithm]]\nkind = "maml"\n'


def path_of(folder: Path) -> tuple[str, Callable[[], None]]:
    """Data at a path, as an experiment says it, and how it goes away."""
    path = folder / "own.npz"
    x = np.linspace(0, 1, 200, dtype=np.float32)
    np.savez(path, x=x, y=np.sin(x), task=np.arange(200) // 20)
    return f'path = "{path.as_posix()}"', path.unlink


def name_of(folder: Path) -> tuple[str, Callable[[], None]]:
    """The same, registered."""
    path_of(folder)
    importing.register(importing.plan(prepared_at(folder / "own.npz"), None), "own")
    return 'dataset = "own"', lambda: registry.remove("own")


@pytest.mark.parametrize("data", [path_of, name_of])
def test_what_the_doors_gave_they_give_where_the_files_are_not(
    tmp_path: Path, data: Callable[[Path], tuple[str, Callable[[], None]]]
) -> None:
    where, goes_away = data(tmp_path)
    experiment = parse(TASK.format(where=where))

    def opened(parcel: Parcel) -> TaskFamily:
        with parcel.open():
            return open_family(experiment)

    parcel = Parcel()
    here = opened(parcel)
    goes_away()
    there = opened(copy.deepcopy(parcel))
    assert there.data_hash() == here.data_hash()
    with pytest.raises(DataError):
        opened(Parcel())
    with pytest.raises(DataError):
        open_family(experiment)


def test_what_is_generated_needs_no_parcel() -> None:
    parcel = Parcel()
    with parcel.open():
        open_family(parse('[task]\nfamily = "sinusoid"\n[[algorithm]]\nkind = "maml"\n'))
    assert parcel.sets == {}
