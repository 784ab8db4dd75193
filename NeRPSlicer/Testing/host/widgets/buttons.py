"""ctk buttons and boxes."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from .properties import emit, stored


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._kept: list[QtWidgets.QWidget] = []
        self.checkable = True
        self.checked = True
        self.connect("toggled(bool)", self._toggle)
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Preferred)
        self._header = self.fontMetrics().height() + 8
        self.setContentsMargins(0, self._header, 0, 0)

    def _read(self) -> bool:
        return not self.checked

    def _write(self, collapsed: bool) -> None:
        self.checked = not collapsed

    collapsed = QtCore.Property(bool, _read, _write)
    collapsedHeight = stored(int, "collapsedHeight", 0)
    flat = stored(bool, "flat", False)

    def _toggle(self, opened: bool) -> None:
        self._kept = show_children(self, opened, self._kept)
        self.setMaximumHeight(16777215 if opened else self._header)
        self.updateGeometry()
        emit(self, "contentsCollapsed", not opened)

    def showEvent(self, event) -> None:
        self._toggle(self.checked)
        super().showEvent(event)

    def sizeHint(self) -> QtCore.QSize:
        layout = QtWidgets.QWidget.layout(self)
        inner = layout.sizeHint() if layout and self.checked else QtCore.QSize(200, 0)
        return QtCore.QSize(inner.width(), max(inner.height(), self._header))

    def hitButton(self, place: QtCore.QPoint) -> bool:
        return place.y() <= self._header

    def paintEvent(self, _event) -> None:
        painter = QtGui.QPainter(self)
        box = QtCore.QRect(0, 0, QtWidgets.QWidget.width(self), self._header)
        painter.fillRect(box, QtGui.QColor(225, 228, 234))
        painter.setPen(QtGui.QColor(40, 40, 40))
        mark = "\u25be " if self.checked else "\u25b8 "
        painter.drawText(box.adjusted(6, 0, 0, 0), QtCore.Qt.AlignVCenter, mark + self.text)
        painter.end()


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._kept: list[QtWidgets.QWidget] = []
        self.checkable = True
        self.checked = True
        self.connect("toggled(bool)", self._toggle)

    collapsed = QtCore.Property(
        bool, lambda self: not self.checked, lambda self, value: setattr(self, "checked", not value)
    )
    collapsedHeight = stored(int, "collapsedHeight", 14)

    def _toggle(self, opened: bool) -> None:
        self._kept = show_children(self, opened, self._kept)
        self.setMaximumHeight(16777215 if opened else self.fontMetrics().height() + 8)

    def showEvent(self, event) -> None:
        # A form collapses the box before it fills it.
        self._toggle(self.checked)
        super().showEvent(event)

    def paintEvent(self, _event) -> None:
        """An arrow and the title, as Slicer's style draws it, and a frame about what is open."""
        painter = QtGui.QPainter(self)
        line = self.fontMetrics().height()
        if self.checked:
            painter.setPen(QtGui.QColor(190, 194, 200))
            painter.drawRect(QtWidgets.QWidget.rect(self).adjusted(0, line // 2, -1, -1))
        mark = ("\u25be " if self.checked else "\u25b8 ") + self.title
        title = QtCore.QRect(6, 0, self.fontMetrics().horizontalAdvance(mark) + 6, line + 2)
        painter.fillRect(title, self.palette.window())
        painter.setPen(QtGui.QColor(40, 40, 40))
        painter.drawText(title.adjusted(3, 0, 0, 0), QtCore.Qt.AlignVCenter, mark)
        painter.end()


def show_children(box: QtWidgets.QWidget, opened: bool, kept: list) -> list:
    """Show or hide what is in a box; what was hidden by itself stays so.

    Args:
        box: as in Slicer, nothing is hidden before it was shown once.
        opened: show its children.
        kept: what the last call returned.

    Returns:
        the children that were hidden before the box was closed.
    """
    children = [child for child in box.children() if isinstance(child, QtWidgets.QWidget)]
    if opened:
        for child in children:
            if child not in kept:
                child.visible = True
        return []
    if not box.testAttribute(QtCore.Qt.WA_WState_Created):
        return []
    hidden = kept or [child for child in children if child.isHidden()]
    for child in children:
        child.visible = False
    return hidden


class ctkPushButton(QtWidgets.QPushButton):
    elideMode = stored(int, "elideMode", 0)


class ctkCheckablePushButton(ctkPushButton):
    checkBoxToggled = QtCore.Signal(bool)
    checkBoxControlsButton = stored(bool, "checkBoxControlsButton", True)
    checkBoxUserCheckable = stored(bool, "checkBoxUserCheckable", True)


class ctkMenuButton(QtWidgets.QPushButton):
    pass


class ctkCheckBox(QtWidgets.QCheckBox):
    pass


class ctkComboBox(QtWidgets.QComboBox):
    defaultText = stored(str, "defaultText", "")
    forceDefault = stored(bool, "forceDefault", False)


class ctkSearchBox(QtWidgets.QLineEdit):
    showSearchIcon = stored(bool, "showSearchIcon", False)


class ctkMessageBox(QtWidgets.QMessageBox):
    dontShowAgain = stored(bool, "dontShowAgain", False)
    dontShowAgainVisible = stored(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")


class ctkColorPickerButton(QtWidgets.QPushButton):
    colorChanged = QtCore.Signal(QtGui.QColor)

    def _show(self) -> None:
        pixels = QtGui.QPixmap(16, 16)
        pixels.fill(self.color)
        self.icon = QtGui.QIcon(pixels)
        emit(self, "colorChanged", self.color)

    color = stored(QtGui.QColor, "color", QtGui.QColor(0, 0, 0), _show)
    displayColorName = stored(bool, "displayColorName", True)

    def setColor(self, color) -> None:
        self.color = color

    def setDisplayColorName(self, shown: bool) -> None:
        self.displayColorName = shown
