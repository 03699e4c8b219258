"""Where docks are, as plain values: read from a window, and laid out in one again.

Not Qt's own bytes: a project may come from a stranger, whose bytes Qt's parser is not to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, NotRequired, TypedDict, cast

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

from workbench.project.declared import flag, listed, named, one_of, table, whole

Docks = Mapping[str, QDockWidget]
_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


class Docked(TypedDict):
    """Panels in one place of the window; the one in front comes first."""

    panels: list[str]
    place: list[int]


class Floating(TypedDict):
    """A panel in a window of its own."""

    panel: str
    place: list[int]
    shown: bool


class Places(TypedDict):
    """Where every dock is (JSON types); a place is x, y, width and height. ``known`` are all panels that
    there were, hidden ones too."""

    docked: list[Docked]
    floating: list[Floating]
    known: NotRequired[list[str]]


FIRST = frozenset(
    {"setup", "learning_curves", "adaptation_chart", "prediction_view", "comparison_view", "runs", "log"}
)
"""The panels of descriptions that do not say which there were."""


class _Group(NamedTuple):
    """Docks in one place, as tabs in this order where there are several, and which of them is in front."""

    names: list[str]
    place: QRect
    front: str


def described(window: QMainWindow, docks: Docks) -> Places:
    """Where every dock is: docked ones by their places in the window, with their tabs."""
    names = {dock: name for name, dock in docks.items()}
    left = [dock for dock in docks.values() if not dock.isHidden() and not dock.isFloating()]
    docked: list[Docked] = []
    while left:
        tabs = [left[0], *(each for each in window.tabifiedDockWidgets(left[0]) if each in left)]
        tabs.sort(key=lambda dock: dock.visibleRegion().isEmpty())
        docked.append({"panels": [names[dock] for dock in tabs], "place": _numbers(tabs[0].geometry())})
        left = [each for each in left if each not in tabs]
    floating = [dock for dock in docks.values() if dock.isFloating()]
    return {
        "docked": docked,
        "floating": [
            {"panel": names[dock], "place": _numbers(dock.geometry()), "shown": not dock.isHidden()}
            for dock in floating
        ],
        "known": list(docks),
    }


def lay_out(window: QMainWindow, docks: Docks, description: object) -> None:
    """Put docks where a description says; those that it does not name are hidden where they are. A panel that
    was not known then is a tab behind the one that it follows.

    Raises
    ------
    ValueError
        If it is none: nothing has been moved then.
    """
    found = _checked(description, docks)
    order = list(docks)
    for before, name in pairwise(order):
        if name not in found.get("known", FIRST):
            for docked in found["docked"]:
                if before in docked["panels"]:
                    docked["panels"].append(name)
    groups = [
        _Group(sorted(each["panels"], key=order.index), QRect(*each["place"]), each["panels"][0])
        for each in found["docked"]
    ]
    placed = [name for group in groups for name in group.names]
    placed += [each["panel"] for each in found["floating"]]
    if len(set(placed)) < len(placed):
        raise ValueError("a panel is in two places")
    splits = list(_splits(groups))
    take_out(window, docks)
    for name in docks:
        if name not in placed:  # hidden, in a place to come back to
            window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks[name])
            docks[name].hide()
    if groups:
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks[_first(splits, groups).names[0]])
    for name in (name for group in groups for name in group.names):
        docks[name].show()
    for parts, direction in splits:
        for one, other in pairwise(parts):
            window.splitDockWidget(docks[one.names[0]], docks[other.names[0]], direction)
    for group in groups:
        for name in group.names[1:]:
            window.tabifyDockWidget(docks[group.names[0]], docks[name])
        docks[group.front].raise_()
    for parts, direction in splits:
        sizes = [each.place.width() if direction == _ACROSS else each.place.height() for each in parts]
        window.resizeDocks([docks[each.names[0]] for each in parts], sizes, direction)
    for each in found["floating"]:
        dock = docks[each["panel"]]
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)  # a place to come back to
        dock.setFloating(True)
        dock.setGeometry(QRect(*each["place"]))
        dock.setVisible(each["shown"])


def take_out(window: QMainWindow, docks: Docks) -> None:
    """Take docks out of their places: Qt would leave tabs behind of those that are put elsewhere."""
    for dock in docks.values():
        dock.setFloating(False)
        window.removeDockWidget(dock)


def _checked(description: object, docks: Docks) -> Places:
    panel, side = one_of(docks), whole(-100_000, 100_000)
    place = listed(side, 4)
    docked = table({"panels": listed(panel, len(docks)), "place": place}, {})
    floating = table({"panel": panel, "place": place, "shown": flag}, {})
    check = table(
        {"docked": listed(docked, len(docks)), "floating": listed(floating, len(docks))},
        {"known": listed(panel, len(docks))},
    )
    found = cast(Places, named("layout", check, description))
    for each in (*found["docked"], *found["floating"]):
        if len(each["place"]) != 4 or min(each["place"][2:]) < 1 or not each.get("panels", True):
            raise ValueError("layout has a place that is none")
    return found


def _splits(groups: Sequence[_Group]) -> Iterator[tuple[list[_Group], Qt.Orientation]]:
    """How an empty window is cut into places, from the outside in: the first group of each part."""
    if len(groups) < 2:
        return
    for direction in (_ACROSS, _DOWN):
        parts = _cut(groups, direction)
        if len(parts) > 1:
            inner = [list(_splits(part)) for part in parts]
            yield [_first(each, part) for each, part in zip(inner, parts, strict=True)], direction
            for each in inner:
                yield from each
            return
    raise ValueError("layout has places that overlap")


def _first(splits: Sequence[tuple[list[_Group], Qt.Orientation]], groups: Sequence[_Group]) -> _Group:
    return splits[0][0][0] if splits else groups[0]


def _cut(groups: Sequence[_Group], direction: Qt.Orientation) -> list[list[_Group]]:
    """The groups in parts that a line across or down keeps apart."""
    ends = [
        (each.place.left(), each.place.right(), each)
        if direction == _ACROSS
        else (each.place.top(), each.place.bottom(), each)
        for each in groups
    ]
    parts: list[list[_Group]] = []
    reached = -(10**6)
    for start, end, each in sorted(ends, key=lambda found: found[:2]):
        if not parts or start > reached:
            parts.append([])
        parts[-1].append(each)
        reached = max(reached, end)
    return parts


def _numbers(place: QRect) -> list[int]:
    return [place.x(), place.y(), place.width(), place.height()]
