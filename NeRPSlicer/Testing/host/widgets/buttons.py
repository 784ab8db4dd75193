"""ctk buttons and boxes."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from .properties import emit, stored


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self.checkable = True
        self.checked = True
        self.connect("toggled(bool)", self._toggle)
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
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.visible = opened
        self.setMaximumHeight(16777215 if opened else self._header)
        self.updateGeometry()
        emit(self, "contentsCollapsed", not opened)

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
        self.checkable = True
        self.checked = True
        self.connect("toggled(bool)", self._toggle)

    collapsed = QtCore.Property(
        bool, lambda self: not self.checked, lambda self, value: setattr(self, "checked", not value)
    )
    collapsedHeight = stored(int, "collapsedHeight", 14)

    def _toggle(self, opened: bool) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.visible = opened


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
