"""A property that is stored, and perhaps told to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtWidgets

from .. import strict


def stored(kind: Any, name: str, default: Any, changed: Callable | None = None) -> QtCore.Property:
    """A Qt property kept in ``_<name>``; ``changed(self)`` is called after a change."""
    place = f"_{name}"

    def read(self):
        return self.__dict__.get(place, default)

    def write(self, value):
        if read(self) != value:
            self.__dict__[place] = value
            if changed is not None:
                changed(self)

    return QtCore.Property(kind, read, write)


def emit(widget, name: str, *arguments: Any) -> None:
    """Send a signal of a stand-in."""
    strict.plain(widget, name).emit(*arguments)


def one_line(widget: QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    """A layout without margins; the widget is as high as one line."""
    row = QtWidgets.QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    widget.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Fixed)
    return row
