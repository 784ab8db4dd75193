"""``slicer.app``: the part of qSlicerApplication that a scripted module uses."""

from __future__ import annotations

import locale
import os
import platform
import tempfile
from pathlib import Path

import vtk
from PySide6 import QtCore, QtWidgets

from . import facts, strict
from .io_manager import qSlicerIOManager
from .layout_manager import qSlicerLayoutManager
from .modules import qSlicerModuleManager

_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Data": "vtkSlicerDataModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Units": "vtkSlicerUnitsLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Volumes": "vtkSlicerVolumesLogic",
}


class _Signals(QtCore.QObject):
    startupCompleted = QtCore.Signal()
    aboutToQuit = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)


class Application:
    """Names as ``facts`` list them for ``slicer.app``; what is not here is asked of QApplication."""

    majorVersion, minorVersion = 5, 12
    applicationName = mainApplicationName = "Slicer"
    applicationVersion = "5.12.3"
    revision = "34000"
    os, arch = {"Windows": "win", "Darwin": "macosx"}.get(platform.system(), "linux"), "amd64"
    documentationBaseUrl = "https://slicer.readthedocs.io/en/latest/"

    def __init__(self, window: QtWidgets.QMainWindow) -> None:
        import slicer_core

        self._qt = QtWidgets.QApplication.instance()
        self._window = window
        self._signals = _Signals()
        self._folder = tempfile.TemporaryDirectory(prefix="host", ignore_cleanup_errors=True)
        # As under --testing: settings of this process alone, wherever they are asked for.
        self._qt.setOrganizationName("host")
        self._qt.setApplicationName("Slicer")
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
        QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, self._folder.name)
        self._settings = QtCore.QSettings()
        self._paused = 0
        self.temporaryPath = self.cachePath = self.slicerHome = self._folder.name
        self._scene = slicer_core.vtkMRMLScene()
        crosshair = slicer_core.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self._scene.AddNode(crosshair)
        self._logic = slicer_core.vtkSlicerApplicationLogic()
        self._logic.SetMRMLScene(self._scene)
        self._logic.GetColorLogic().SetMRMLScene(self._scene)
        self._logic.GetColorLogic().AddDefaultColorNodes()
        self._logic.SetSliceLogics(vtk.vtkCollection())
        self._logic.SetViewLogics(vtk.vtkCollection())
        self._logic.SetTemporaryPath(self._folder.name)
        (Path(self._folder.name) / "share" / "ColorFiles").mkdir(parents=True)
        self._logic.SetHomeDirectory(self._folder.name)
        self._logic.SetShareDirectory("share")
        self._module_logics = {}
        for name, class_name in _LOGICS.items():
            logic = getattr(slicer_core, class_name)()
            logic.SetMRMLApplicationLogic(self._logic)
            logic.SetMRMLScene(self._scene)
            self._logic.SetModuleLogic(name, logic)
            self._module_logics[name] = logic
        slicer_core.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self._scene, True)
        self._io = qSlicerIOManager(self._scene, self._logic)
        self._modules = qSlicerModuleManager(self._module_logics)
        self._layout = None

    def _open_views(self, viewport: QtWidgets.QWidget) -> None:
        self._layout = qSlicerLayoutManager(self._scene, self._logic, viewport)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in facts.names("slicer.app"):
            raise AttributeError(f"slicer.app has no {name!r} in Slicer")
        return getattr(self._qt, name)

    # --- signals ------------------------------------------------------------------------------------------

    @property
    def startupCompleted(self):
        return self._signals.startupCompleted

    def connect(self, signal: str, target) -> bool:
        return self._signals.connect(signal, target)

    def disconnect(self, signal: str, target=None) -> bool:
        return self._signals.disconnect(signal, target)

    # --- parts --------------------------------------------------------------------------------------------

    def mrmlScene(self):
        return self._scene

    def applicationLogic(self):
        return self._logic

    def moduleLogic(self, name: str):
        return self._module_logics.get(name)

    def moduleManager(self):
        return self._modules

    def ioManager(self):
        return self._io

    def coreIOManager(self):
        return self._io

    def layoutManager(self):
        return self._layout

    def settings(self):
        return self._settings

    def userSettings(self):
        return self._settings

    # --- behaviour ----------------------------------------------------------------------------------------

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self, *_flags) -> None:
        self._qt.processEvents()

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def setRenderPaused(self, paused: bool) -> None:
        if self._layout is not None:
            self._layout.setRenderPaused(paused)

    def topLevelWidgets(self) -> list:
        return [self._window, *self._qt.topLevelWidgets()]

    def translate(self, _context: str, text: str) -> str:
        return text

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def applicationLocaleName(self) -> str:
        return locale.getlocale()[0] or "C"

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.documentationBaseUrl}user_guide/modules/{name.lower()}.html"

    def openUrl(self, _url: str) -> None:
        pass


def start_up_completed(application: Application) -> None:
    """What Slicer tells once every module is there."""
    strict.plain(application._signals, "startupCompleted").emit()
