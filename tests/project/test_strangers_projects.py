"""A project that a stranger made is read, or refused in one line, whatever stands in its rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

from tests.fuzz.projects import Tries


@pytest.fixture(scope="module")
def tries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tries]:
    folder = tmp_path_factory.mktemp("strangers")
    (folder / "temp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "temp"))
        yield Tries(folder, window=False)


@pytest.mark.parametrize("number", range(0, 200, 25))
def test_what_a_stranger_wrote_does_no_harm(tries: Tries, number: int) -> None:
    for each in range(number, number + 25):
        assert tries.example(each) == ""
