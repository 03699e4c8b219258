"""Files of an earlier format mean what they meant."""

from __future__ import annotations

from typing import Literal

from workbench.settings import Kind, Section, setting, spelled, unspelled


class Tool(Kind):
    """Comes in kinds, in this file alone."""


class Saw(Tool):
    kind: Literal["saw"] = "saw"
    teeth: int = setting(40, help="How many.")
    oil: Literal["none", "thin"] = setting("thin", before="none", help="What it is kept with.")


class Box(Section):
    tools: tuple[Saw, ...] = setting((), help="What is in it.", strict=False)
    best: Saw = setting(default_factory=Saw, help="The one to take.")
    lock: bool = setting(True, before=False, help="Whether it can be locked.")


OLD = {
    "tools": [{"kind": "saw", "teeth": 5}, {"kind": "saw", "teeth": 6, "oil": "thin"}],
    "best": {"kind": "saw", "teeth": 7},
}


def test_what_an_earlier_file_does_not_say_is_as_it_was() -> None:
    box = Box.model_validate(spelled(Box, OLD))
    assert not box.lock
    assert [each.oil for each in (*box.tools, box.best)] == ["none", "thin", "none"]
    assert Box.model_validate(OLD).lock, "a file of today means today's defaults"


def test_an_earlier_file_is_written_as_it_was_read() -> None:
    assert unspelled(Box, spelled(Box, OLD)) == OLD


def test_what_is_no_table_stays_for_the_reader_to_complain_about() -> None:
    assert spelled(Box, {"tools": "many", "best": [1]}) == {"tools": "many", "best": [1], "lock": False}
