"""Controls that are made from a declared section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from workbench.gui.settings_bar import SettingsBar
from workbench.settings import Section, setting


class Drawn(Section):
    """What a chart may draw."""

    measure: str = setting("", help="What is drawn")
    part: Literal["test", "train"] = setting("test", titles={"test": "Meta-test"}, help="Of which part")
    step: int | None = setting(None, ge=0, help="After which step", empty="last step")
    window: int = setting(9, ge=1, le=99, label="Smooth", help="Points of the mean")
    log_y: bool = setting(False, help="Logarithmic axis")
    at: int = setting(0, help="Where a slider stands")


@pytest.fixture
def bar(qtbot: QtBot) -> Iterator[SettingsBar[Drawn]]:
    page = QWidget()
    layout = QHBoxLayout(page)
    bar = SettingsBar(Drawn, "chart", layout, page, without={"at"})
    qtbot.addWidget(page)
    page.show()
    yield bar
    page.close()


def combo(bar: SettingsBar[Drawn], name: str) -> QComboBox:
    control = bar[name]
    assert isinstance(control, QComboBox)
    return control


def test_there_is_a_control_for_each_field_with_name_and_tip(bar: SettingsBar[Drawn]) -> None:
    kinds = {
        "measure": QComboBox,
        "part": QComboBox,
        "step": QComboBox,
        "window": QSpinBox,
        "log_y": QCheckBox,
    }
    for name, kind in kinds.items():
        control = bar[name]
        assert isinstance(control, kind)
        assert control.objectName() == f"chart_{name}"
        assert control.accessibleName()
        assert control.toolTip()
        assert control.isVisible()
    assert combo(bar, "part").currentText() == "Meta-test"
    assert combo(bar, "step").currentText() == "last step"
    assert bar.settings == Drawn()
    with pytest.raises(KeyError):
        bar["at"]


def test_what_the_person_chooses_is_told_and_valid(qtbot: QtBot, bar: SettingsBar[Drawn]) -> None:
    with qtbot.waitSignal(bar.changed) as told:
        qtbot.keyClick(bar["log_y"], Qt.Key.Key_Space)
    assert told.args == ["log_y"]
    with qtbot.waitSignal(bar.changed) as told:
        qtbot.keyClick(bar["part"], Qt.Key.Key_Down)
    assert told.args == ["part"]
    assert bar.settings == Drawn(part="train", log_y=True)


def test_state_comes_back_and_a_strangers_does_no_harm(qtbot: QtBot, bar: SettingsBar[Drawn]) -> None:
    kept = {"measure": "loss", "part": "train", "step": 3, "window": 20, "log_y": True}
    with qtbot.assertNotEmitted(bar.changed):
        bar.restore(kept)
    assert bar.state() == kept
    assert bar.settings == Drawn.model_validate(kept)
    bar.restore({"part": "nowhere", "step": -1, "window": "wide", "log_y": 1, "measure": [], "x": None})
    assert bar.state() == kept


def test_what_is_offered_follows_the_data_and_the_chosen_one_stays(
    qtbot: QtBot, bar: SettingsBar[Drawn]
) -> None:
    bar.restore({"step": 5})
    with qtbot.assertNotEmitted(bar.changed):
        bar.offer("measure", {"loss": "Query loss", "accuracy": "Query accuracy"})
        bar.offer("step", {1: "step 1", 2: "step 2"})
    assert bar.settings.measure == "loss"
    assert bar.settings.step == 5
    box = combo(bar, "step")
    assert [box.itemText(index) for index in range(box.count())] == ["last step", "step 1", "step 2", "5"]
    bar.restore({"step": None})
    bar.offer("step", {1: "step 1"})
    assert bar.settings.step is None


def test_a_choice_is_as_wide_as_what_is_offered_later(qtbot: QtBot, bar: SettingsBar[Drawn]) -> None:
    box = combo(bar, "measure")
    narrow = box.sizeHint().width()
    bar.offer("measure", {"total_return": "Query total return of a trial"})
    assert box.sizeHint().width() > narrow
    assert box.sizeHint().width() > box.fontMetrics().horizontalAdvance("Query total return of a trial")
