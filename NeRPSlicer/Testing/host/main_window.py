"""``slicer.util.mainWindow()``: the window with its module selector."""

from __future__ import annotations

from PySide6 import QtWidgets


class _ModuleSelector:
    """The part of qSlicerModuleSelectorToolBar that ``slicer.util`` calls."""

    @property
    def selectedModule(self) -> str:
        return _manager()._entered or ""

    def selectModule(self, name: str) -> None:
        if name not in _manager().modulesNames():
            raise RuntimeError(f"There is no module {name}")
        _manager()._select(name)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    def moduleSelector(self) -> _ModuleSelector:
        return _ModuleSelector()


def _manager():
    import slicer

    return slicer.app.moduleManager()
