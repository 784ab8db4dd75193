"""The module ``qt``: PySide6's classes under the names that Slicer's ``qt`` has, and no others."""

from __future__ import annotations

import types

from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

from . import enums, facts, strict


class QtModule(types.ModuleType):
    """Gives a name only if Slicer's ``qt`` has it; a widget class only if its facts are known."""

    def __init__(self) -> None:
        super().__init__("qt")
        from .ui_loader import UiLoader

        self.Qt = _qt_namespace()
        self.QUiLoader = UiLoader
        self.SIGNAL, self.SLOT = str, str
        self.qVersion = lambda: "5.15.8"
        self.QFileDialog = _file_dialog()
        self.QTimer.singleShot = staticmethod(self._single_shot)

    def _single_shot(self, milliseconds: int, receiver, slot: str | None = None) -> None:
        """Slicer replaces this function: a callable, or an object and a slot, called once."""
        import slicer

        timer = self.QTimer(slicer.app.moduleManager())
        timer.setSingleShot(True)
        timer.connect("timeout()", receiver, slot)
        timer.connect("timeout()", timer.deleteLater)
        timer.start(milliseconds)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in facts.names("qt"):
            raise AttributeError(f"Slicer's qt has no {name!r}")
        for module in (QtCore, QtGui, QtWidgets, QtNetwork):
            value = getattr(module, name, None)
            if value is not None:
                break
        else:
            raise AttributeError(f"The stand-in has no qt.{name}: Qt 6 dropped it, so use another class")
        if isinstance(value, type):
            if issubclass(value, QtWidgets.QWidget) and not facts.ancestry(name):
                raise AttributeError(f"The facts list no properties, signals and slots of the widget {name}")
            if issubclass(value, QtCore.QObject):
                strict.make_strict(value)
            enums.flatten(value)
        setattr(self, name, value)
        return value


def _qt_namespace() -> type:
    """``qt.Qt``: the members of its enumerations, without their scopes."""
    listed = facts.names("qt.Qt")
    values = {}
    for name, kind in vars(QtCore.Qt).items():
        if isinstance(kind, type) and hasattr(kind, "__members__"):
            values.update((key, value) for key, value in enums.members(kind).items() if key in listed)
            if name in listed:
                values[name] = enums._scope(kind, "Qt")
    return _Namespace("Qt", (), values)


class _Namespace(type):
    def __getattr__(cls, name: str):
        raise AttributeError(f"Slicer's qt.Qt has no {name!r}")


def _file_dialog() -> type:
    """Qt 5 by PythonQt: the static functions give the path alone, without the chosen filter."""

    class QFileDialog(QtWidgets.QFileDialog):
        @staticmethod
        def getOpenFileName(*arguments):
            return QtWidgets.QFileDialog.getOpenFileName(*arguments)[0]

        @staticmethod
        def getOpenFileNames(*arguments):
            return QtWidgets.QFileDialog.getOpenFileNames(*arguments)[0]

        @staticmethod
        def getSaveFileName(*arguments):
            return QtWidgets.QFileDialog.getSaveFileName(*arguments)[0]

    enums.flatten(QFileDialog)
    return QFileDialog
