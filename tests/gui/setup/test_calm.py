"""Setup is calm: short fields share a line, headings say what is below them, and nothing moves by itself."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from tests.gui.setup.conftest import Stage, at


def place(stage: Stage, widget: QWidget) -> QPoint:
    return widget.mapTo(stage.panel, QPoint())


def summaries(stage: Stage) -> list[str]:
    names = ("task", "algorithm", "training", "evaluation")
    return [stage.widget(f"section_{name}_summary").toolTip() for name in names]


def test_short_fields_stand_side_by_side_with_labels_units_marks_and_tab_order(stage: Stage) -> None:
    names = ("iterations", "meta_batch", "seeds")
    fields = [stage.line(f"training.{name}") for name in names]
    assert len({place(stage, field).y() for field in fields}) == 1
    assert [place(stage, field).x() for field in fields] == sorted(
        place(stage, field).x() for field in fields
    )
    for name, field in zip(names, fields, strict=True):
        label = next(each for each in stage.panel.findChildren(QLabel) if each.buddy() is field)
        assert label.isVisibleTo(stage.panel)
        assert label.width() >= label.sizeHint().width(), f"the label of {name} is cut"
        assert place(stage, label).y() < place(stage, field).y()
        assert field.width() >= 60
    fields[0].setFocus()
    for field in fields[1:]:
        stage.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is field
    stage.type("training.iterations", "300")
    assert stage.widget("reset_training.iterations").isVisible()
    stage.type("training.meta_batch", "-1")
    message = stage.widget("message_training.meta_batch")
    assert place(stage, message).y() > place(stage, fields[1]).y()
    assert message.width() > 2 * fields[1].width(), "it has the whole line"


def test_headings_say_what_is_below_them(stage: Stage) -> None:
    assert summaries(stage)[0] == "Sinusoid"
    assert summaries(stage)[1].startswith("1 of ")
    stage.tick("Reptile")
    stage.draft.set(at("training.iterations"), 12_000)
    stage.draft.set(at("training.seeds"), [0, 1, 2])
    assert summaries(stage)[1].startswith("2 of ")
    assert summaries(stage)[2] == "12,000 iterations × 3 seeds"
    stage.panel.cost.before = lambda _: 540.0
    stage.draft.set(at("evaluation.episodes"), 1200)
    assert summaries(stage)[2:] == ["about 9 min", "1,200 tasks, 10 steps"]
    assert stage.widget("cost").isVisible()
    assert "9 min" in stage.panel.findChild(QLabel, "cost").text()


def test_seeds_stay_the_range_that_was_typed(stage: Stage) -> None:
    field = stage.type("training.seeds", "0-15")
    stage.leave("training.seeds")
    assert stage.draft.value(at("training.seeds")) == list(range(16))
    assert field.text() == "0–15"
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15" in field.toolTip()


def test_nothing_moves_when_data_are_ready_or_a_variant_is_added(stage: Stage) -> None:
    section = stage.widget("section_algorithm")
    before = place(stage, section).y()
    stage.settle()
    QApplication.processEvents()
    assert abs(place(stage, section).y() - before) <= 8
    stage.draft.set(at("task.queries"), 12)
    QApplication.processEvents()
    assert abs(place(stage, section).y() - before) <= 8, "while the data are opened anew"
    stage.settle()
    button = stage.widget("add_variant")
    before = place(stage, button).y()
    for _ in range(2):
        stage.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        QApplication.processEvents()
        assert place(stage, button).y() == before


@pytest.mark.parametrize(("width", "abreast"), [(310, False), (420, False), (680, True)])
def test_a_wide_panel_has_two_columns(stage: Stage, width: int, abreast: bool) -> None:
    stage.panel.resize(width, 900)
    QApplication.processEvents()
    task, training = stage.widget("section_task"), stage.widget("section_training")
    assert (place(stage, task).y() == place(stage, training).y()) == abreast
    scroll = stage.widget("setup_scroll")
    for field in (stage.line("training.seeds"), stage.line("task.shots")):
        assert place(stage, field).x() + field.width() <= scroll.width(), "cut at the edge"
