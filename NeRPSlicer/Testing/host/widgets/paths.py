"""ctk widgets for files and folders."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from .properties import emit, one_line, stored


class ctkPathLineEdit(QtWidgets.QWidget):
    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)
    Dirs, Drives, NoSymLinks, Files, Readable, Writable, Executable = 1, 4, 8, 2, 16, 32, 64

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._edit = QtWidgets.QLineEdit()
        row = one_line(self)
        row.addWidget(self._edit)
        self._edit.connect("textChanged(QString)", lambda text: emit(self, "currentPathChanged", text))

    currentPath = QtCore.Property(str, lambda s: s._edit.text, lambda s, v: s._edit.setText(v))
    filters = stored(int, "filters", Files)
    nameFilters = stored("QStringList", "nameFilters", [])
    settingKey = stored(str, "settingKey", "")
    label = stored(str, "label", "")
    showBrowseButton = stored(bool, "showBrowseButton", True)
    showHistoryButton = stored(bool, "showHistoryButton", True)

    def setCurrentPath(self, path: str) -> None:
        self.currentPath = path

    def addCurrentPathToHistory(self) -> None:
        pass


class ctkDirectoryButton(QtWidgets.QWidget):
    directoryChanged = QtCore.Signal(str)
    directorySelected = QtCore.Signal(str)
    directory = stored(str, "directory", "", lambda s: emit(s, "directoryChanged", s.directory))
    caption = stored(str, "caption", "")
    text = stored(str, "text", "")
