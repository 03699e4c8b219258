"""The values behind a draft, as plain data: how they begin, what is held, and what may come from a file."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.config import ConfigError
from workbench.gui.setup.specs import UNSET

State = dict[str, Any]
"""Everything of a draft; never changed in place, so that undo can keep the former ones."""


def blank() -> State:
    """What a draft holds at first."""
    return {
        "name": "Experiment",
        "family": "sinusoid",
        "tasks": {},
        "network": None,
        "networks": {},
        "algorithms": {"maml": {"kind": "maml", "on": True, "values": {}}},
        "training": {},
        "evaluation": {},
    }


def put_or_drop(table: dict[str, Any], name: str, value: Any, default: Any) -> None:
    """Hold what differs from the default; 1 is not True."""
    if (
        value is UNSET
        or value is None
        or (value == default and isinstance(value, bool) == isinstance(default, bool))
    ):
        table.pop(name, None)
    else:
        table[name] = value


def cleaned(data: Any) -> State:
    """A state from JSON that a stranger may have written; what does not look like one is passed over."""
    state = blank()
    if isinstance(data, Mapping):
        for name, usual in state.items():
            if name in data and (isinstance(data[name], type(usual)) or name == "network"):
                state[name] = copy.deepcopy(data[name])
    if not isinstance(state["network"], str):
        state["network"] = None
    for name in ("tasks", "networks", "algorithms"):
        state[name] = {key: each for key, each in state[name].items() if isinstance(each, dict)}
    state["algorithms"] = {
        key: {"kind": str(each.get("kind", key)), "on": each.get("on") is True, "values": each["values"]}
        for key, each in state["algorithms"].items()
        if isinstance(each.get("values"), dict) and "." not in key
    }
    return state


def by_path(error: ConfigError, ticked: Sequence[str]) -> dict[str, str]:
    """Complaints by the paths of a draft, where ``algorithm[0]`` is the first that is ticked."""
    found: dict[str, str] = {}
    for each in error.complaints:
        path, message = each.path, each.message
        numbered = re.match(r"algorithm\[(\d+)\](.*)", path)
        if numbered:
            path = f"algorithm.{ticked[int(numbered[1])]}{numbered[2]}"
        elif path == "algorithm":
            message = "tick at least one algorithm"
        found.setdefault(re.sub(r"\[\d+\].*", "", path), message)
    return found
