"""``slicer.modules``: built-in modules by their logic, scripted modules loaded from a file as Slicer does."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets

from . import strict
from .widgets.mrml import qSlicerWidget
from .widgets.properties import stored


class qSlicerLoadableModule(QtCore.QObject):
    """A built-in module: its name and logic."""

    def __init__(self, name: str, logic) -> None:
        super().__init__()
        self._called, self._kept_logic = name, logic

    name = QtCore.Property(str, lambda self: self._called)
    title = QtCore.Property(str, lambda self: self._called)

    def logic(self):
        return self._kept_logic


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """What a ScriptedLoadableModule gets as ``parent``."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__()
        self._called, self._file = name, path
        self._panel = None

    name = QtCore.Property(str, lambda self: self._called)
    path = QtCore.Property(str, lambda self: self._file)
    title = stored(str, "title", "")
    categories = stored("QStringList", "categories", [])
    dependencies = stored("QStringList", "dependencies", [])
    contributors = stored("QStringList", "contributors", [])
    associatedNodeTypes = stored("QStringList", "associatedNodeTypes", [])
    helpText = stored(str, "helpText", "")
    acknowledgementText = stored(str, "acknowledgementText", "")
    hidden = stored(bool, "hidden", False)
    index = stored(int, "index", -1)
    icon = stored(QtGui.QIcon, "icon", None)
    widgetRepresentationCreationEnabled = stored(bool, "widgetRepresentationCreationEnabled", True)

    def widgetRepresentation(self):
        if self._panel is None:
            self._panel = self.createNewWidgetRepresentation()
        return self._panel

    def createNewWidgetRepresentation(self):
        import slicer

        panel = qSlicerScriptedLoadableModuleWidget(self._called)
        panel.setMRMLScene(slicer.mrmlScene)
        panel.reload()
        return panel

    def mrmlScene(self):
        import slicer

        return slicer.mrmlScene


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """The panel: makes the module's Widget class and calls setup, enter and exit."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._called, self._python, self._inside = name, None, False
        QtWidgets.QVBoxLayout(self)

    moduleName = QtCore.Property(str, lambda self: self._called)
    isEntered = QtCore.Property(bool, lambda self: self._inside)

    def self(self):
        return self._python

    def reload(self) -> None:
        import slicer

        widget_class = getattr(sys.modules[self._called], f"{self._called}Widget")
        self._python = widget_class(self)
        setattr(slicer.modules, f"{self._called}Widget", self._python)
        self._python.setup()

    def enter(self) -> None:
        self._inside = True
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        self._inside = False
        if hasattr(self._python, "exit"):
            self._python.exit()


class qSlicerModuleManager(QtCore.QObject):
    """Loads and unloads modules."""

    moduleLoaded = QtCore.Signal(str)
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def __init__(self, logics: dict) -> None:
        super().__init__()
        self._modules = {name: qSlicerLoadableModule(name, logic) for name, logic in logics.items()}
        self._entered: str | None = None

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def module(self, name: str):
        return self._modules.get(name)

    # --- for the host ---------------------------------------------------------------------------------------

    def _publish(self) -> None:
        import slicer

        for name, module in self._modules.items():
            setattr(slicer.modules, name.lower(), module)
            setattr(slicer.moduleNames, name, name)

    def _load(self, path: Path):
        """Load a scripted module from its file; the module object."""
        import slicer

        name = path.stem
        spec = importlib.util.spec_from_file_location(name, path)
        python = importlib.util.module_from_spec(spec)
        sys.modules[name] = python
        spec.loader.exec_module(python)
        if not hasattr(python, name):
            raise RuntimeError(f"class {name} was not found in file {path}")
        module = qSlicerScriptedLoadableModule(name, str(path))
        instance = getattr(python, name)(module)
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), module)
        setattr(slicer.modules, f"{name}Instance", instance)
        setattr(slicer.moduleNames, name, name)
        strict.plain(self, "moduleLoaded").emit(name)
        return module

    def _select(self, name: str) -> None:
        """Show a module's panel, as the module selector does; "" leaves the current one."""
        if self._entered and self._entered != name:
            self._modules[self._entered].widgetRepresentation().exit()
        self._entered = name if hasattr(self._modules.get(name), "widgetRepresentation") else None
        if self._entered:
            self._modules[name].widgetRepresentation().enter()

    def _unload(self, name: str) -> None:
        """Say that a module goes: its panel's ``cleanup`` runs, then it is deleted."""
        if name not in self._modules:
            return
        if self._entered == name:
            self._select("")
        strict.plain(self, "moduleAboutToBeUnloaded").emit(name)
        panel = self._modules.pop(name)._panel
        if panel is not None:
            panel.deleteLater()
            QtCore.QCoreApplication.sendPostedEvents(panel, QtCore.QEvent.DeferredDelete.value)
