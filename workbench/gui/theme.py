"""Light and dark: the window's colours, following the system or the person's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from workbench.analysis.colours import PAPER, Palette
from workbench.paths import resource

HEADING = "font-size: 15px; font-weight: 600;"
"""Of what heads a part of a panel; other text is of 13 px, a title of 18."""

TEXT_PIXELS = 13

Scheme = Literal["system", "light", "dark"]
_CHOSEN = "workbench_scheme"

LIGHT = PAPER
"""A figure looks as on paper where the window is light."""

_ON_DARK = "#4aa8e0 #ff8a3d #2fc79b #e79ac6 #e6c229 #8fd0f7 #b294e8 #c8c8c8 #b4549c #a8f080 #9c48fc #488454"
DARK = Palette(
    tuple(_ON_DARK.split()),
    ink="#e4e6e9",
    paper="#1b1d21",
    muted="#a0a6ad",
    right="#2fc79b",
    wrong="#ff7b6b",
)


def is_dark() -> bool:
    """Whether the window is drawn light on dark at present."""
    application = QApplication.instance()
    chosen = application.property(_CHOSEN) if application is not None else None
    if chosen in ("light", "dark"):  # some platforms do not take the choice into their own hints
        return bool(chosen == "dark")
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def palette() -> Palette:
    """What the roles of a picture look like at present."""
    return DARK if is_dark() else LIGHT


def colour(role: str, shade: float = 0.0) -> str:
    """The colour that a role has at present (see :meth:`Palette.of`)."""
    return palette().of(role, shade)


def run_colours() -> tuple[str, ...]:
    """Colours of runs, in the order in which they are given out."""
    return palette().runs


def background() -> str:
    """Behind charts and pictures."""
    return palette().paper


def foreground() -> str:
    """Text and axes."""
    return palette().ink


def muted() -> str:
    """Text of second rank; at least 4.5:1 on the background."""
    return palette().muted


def grid() -> str:
    """Lines that help the eye."""
    return "#3a3e45" if is_dark() else "#d9dce0"


def edge() -> str:
    """Outlines of controls; at least 3:1 on the background."""
    return "#70767e" if is_dark() else "#8d949c"


def accent() -> str:
    """What is chosen, and what to press next."""
    return "#4aa8e0" if is_dark() else "#0067a3"


def right() -> str:
    """A prediction that is right."""
    return palette().right


def wrong() -> str:
    """A prediction, or an input, that is wrong."""
    return palette().wrong


def warning() -> str:
    """Behind a notice that wants an answer."""
    return "#3c3211" if is_dark() else "#fff3cf"


def apply(scheme: Scheme) -> None:
    """Follow the system, or be light or dark whatever it says."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    wanted = {
        "system": Qt.ColorScheme.Unknown,
        "light": Qt.ColorScheme.Light,
        "dark": Qt.ColorScheme.Dark,
    }[scheme]
    application.setProperty(_CHOSEN, scheme)
    application.styleHints().setColorScheme(wanted)
    _broadcast().turn()


def _palette() -> QPalette:
    """Our own colours in Qt's roles, so that forms, tables and charts belong together."""
    dark = is_dark()
    window = QColor("#24272c" if dark else "#f4f5f7")
    text, faint = QColor(foreground()), QColor(muted())
    roles = QPalette.ColorRole
    palette = QPalette(QColor("#30343a" if dark else "#fbfbfc"), window)
    for role, colour in (
        (roles.WindowText, text),
        (roles.Text, text),
        (roles.ButtonText, text),
        (roles.Base, QColor(background())),
        (roles.AlternateBase, QColor("#212429" if dark else "#f8f9fa")),
        (roles.ToolTipBase, QColor("#30343a" if dark else "#ffffff")),
        (roles.ToolTipText, text),
        (roles.PlaceholderText, faint),
        (roles.Highlight, QColor("#1f5f8b" if dark else "#0067a3")),
        (roles.HighlightedText, QColor("#ffffff")),
        (roles.Accent, QColor(accent())),
        (roles.Link, QColor(accent())),
    ):
        palette.setColor(role, colour)
    disabled = QColor("#82888f" if dark else "#848a92")
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return palette


def _font(application: QApplication) -> QFont:
    """The system's, of our size; larger where the person has it larger."""
    font, screen = application.font(), application.primaryScreen()
    ours = TEXT_PIXELS * 72 / (screen.logicalDotsPerInch() if screen is not None else 96)
    font.setPointSizeF(max(font.pointSizeF(), ours))
    return font


def _style_sheet() -> str:
    """Outlines of what can be typed into or ticked; the style's own vanish on dark."""
    tick = Path(str(resource(f"icons/check_on_{'dark' if is_dark() else 'light'}.svg"))).as_posix()
    boxes = ("QCheckBox::indicator", "QTreeView::indicator", "QTableView::indicator")
    line = edge()
    return f"""
        QLineEdit {{
            border: 1px solid {line}; border-radius: 4px; padding: 4px 5px; background: palette(base);
        }}
        QLineEdit:focus {{ border-color: {accent()}; }}
        QLineEdit:disabled {{ background: palette(window); }}
        QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0; }}
        {", ".join(boxes)} {{
            width: 12px; height: 12px; border: 1px solid {line}; border-radius: 2px;
            background: palette(base);
        }}
        {", ".join(f"{box}:checked" for box in boxes)} {{ image: url("{tick}"); }}
        {", ".join(f"{box}:indeterminate" for box in boxes)} {{ background: {line}; }}
        {", ".join(f"{box}:disabled" for box in boxes)} {{ border-color: {grid()}; }}
        QTreeView#algorithm_list::item, QTreeView#search_list::item {{ min-height: 24px; }}
        QCheckBox, QSlider:horizontal, QAbstractSpinBox {{ min-height: 20px; }}
        QCheckBox::indicator:focus {{ border-color: {accent()}; }}
        """


class ThemeWatch(QObject):
    """Tells when the window turns light or dark."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        _broadcast().changed.connect(self.changed)


class _Broadcast(QObject):
    """One for each application: sets its palette, then tells the watches."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._was: bool | None = None
        application.styleHints().colorSchemeChanged.connect(self.turn)

    @Slot()
    def turn(self) -> None:
        if self._was == is_dark():
            return
        self._was = is_dark()
        application = self.parent()
        assert isinstance(application, QApplication)
        application.setPalette(_palette())
        application.setFont(_font(application))
        application.setStyleSheet(_style_sheet())
        self.changed.emit()


def _broadcast() -> _Broadcast:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application.findChild(_Broadcast) or _Broadcast(application)
