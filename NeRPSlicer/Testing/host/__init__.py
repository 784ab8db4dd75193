"""A strict stand-in for the Slicer application, for tests and the preview.

`start` gives the process the modules ``qt``, ``ctk`` and ``slicer`` as a scripted module knows them: MRML,
logics and displayable managers are Slicer's own (package slicer-core), views are drawn off-screen, Qt is
PySide6 in PythonQt's manner. It is stricter than Slicer, never looser: a class, property, signal or slot that
``facts`` does not list is refused, and so is a Python thread below the module's own code.

Where ``NERP_SLICER_PYTHON`` names a folder with Slicer's own ``Base/Python``, its ``ScriptedLoadableModule``,
``parameterNodeWrapper`` and ``i18n`` are used in place of the stand-ins in ``base``.
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

_running: Host | None = None
_LOOK_MS = 5


class Host:
    """The running application and what tests do to it."""

    def __init__(self, application, window) -> None:
        self.application, self.window = application, window
        self._untouched = _times(application.mrmlScene())
        """When the nodes of the scene were modified last, as it began or `reset` has left it."""

    def load_module(self, path: Path):
        """Load a scripted module; then tell that start-up is complete."""
        from .application import start_up_completed

        module = self.application.moduleManager()._load(Path(path))
        start_up_completed(self.application)
        return module

    def select_module(self, name: str) -> None:
        """What clicking a module in the selector does; "" leaves the current one."""
        self.application.moduleManager()._select(name)

    def unload_module(self, name: str) -> None:
        """Unload a module and delete its panel; one that has been unloaded before stays so."""
        self.application.moduleManager()._unload(name)

    def wait(self, milliseconds: int = 0, until=None) -> bool:
        """Process events for a time, or until ``until()`` is true; whether it became true.

        Sleeps between events, as an application's own loop does.
        """
        from PySide6 import QtCore

        loop, clock, alarm = QtCore.QEventLoop(), QtCore.QElapsedTimer(), QtCore.QTimer()
        clock.start()
        # Wakes the loop at the end, and for what no event tells of: a file, another process.
        alarm.start(_LOOK_MS)
        while True:
            loop.processEvents(QtCore.QEventLoop.AllEvents)
            if until is not None and until():
                return True
            if clock.elapsed() >= milliseconds:
                return until is None
            loop.processEvents(QtCore.QEventLoop.AllEvents | QtCore.QEventLoop.WaitForMoreEvents)

    def press(self, key: str) -> None:
        """Press a key in the main window, by a name that QKeySequence knows: "R", "Esc"."""
        from PySide6 import QtCore, QtGui, QtWidgets

        code = QtGui.QKeySequence.fromString(key)[0].toCombined()
        was_shown = self.window.visible
        # Off-screen, a window that was hidden is taken for the active one until another one is that.
        other = QtGui.QWindow()
        other.show()
        other.requestActivate()
        self.window.show()
        QtWidgets.QWidget.activateWindow(self.window)
        self.wait(1000, until=lambda: QtWidgets.QApplication.activeWindow() is not None)
        for kind in (QtCore.QEvent.KeyPress, QtCore.QEvent.KeyRelease):
            event = QtGui.QKeyEvent(kind, code, QtCore.Qt.NoModifier, key if len(key) == 1 else "")
            QtCore.QCoreApplication.postEvent(self.window.windowHandle(), event)
        self.wait()
        if not was_shown:
            self.window.hide()

    def picture(self, view):
        """What a slice or 3-D view shows: uint8 ``[rows, columns, 3]``."""
        from .views import picture

        return picture(view)

    def drag(self, view, start, end, steps: int = 6) -> None:
        """Drag the left mouse button in a view, from ``start`` to ``end``: pixels right and down."""
        from PySide6 import QtCore, QtGui

        def send(kind, place, button, buttons) -> None:
            event = QtGui.QMouseEvent(
                kind, QtCore.QPointF(*place), QtCore.QPointF(*place), button, buttons, QtCore.Qt.NoModifier
            )
            QtCore.QCoreApplication.sendEvent(view, event)

        left, none = QtCore.Qt.LeftButton, QtCore.Qt.NoButton
        places = [
            tuple(float(s + (e - s) * n / steps) for s, e in zip(start, end, strict=True))
            for n in range(steps + 1)
        ]
        send(QtCore.QEvent.MouseMove, places[0], none, none)
        send(QtCore.QEvent.MouseButtonPress, places[0], left, left)
        for place in places[1:]:
            send(QtCore.QEvent.MouseMove, place, none, left)
        send(QtCore.QEvent.MouseButtonRelease, places[-1], left, none)

    def reset(self) -> None:
        """An empty scene, Slicer's first layout, views as large as at first."""
        import slicer

        scene, manager = slicer.mrmlScene, slicer.app.layoutManager()
        manager._restore_sizes()
        # Clearing wakes every view; nodes that came while nothing else was touched have only to go.
        came = [node for node in _nodes(scene) if node.GetID() not in self._untouched]
        views = any(node.IsA("vtkMRMLAbstractViewNode") for node in came)
        if not views and self._untouched.items() <= _times(scene).items():
            for node in came:
                if node.GetScene() is not None:  # a display node goes with its volume
                    scene.RemoveNode(node)
        if _times(scene) != self._untouched:
            scene.Clear(False)
            for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
                scene.RemoveNode(node)
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
            self._untouched = _times(scene)

    def stop(self) -> None:
        """End in order: modules, then views, then the window; the interpreter's own order is by chance."""
        from PySide6 import QtCore

        from .ui_loader import delete_forms

        manager = self.application.moduleManager()
        for name in manager.modulesNames():
            if hasattr(manager.module(name), "widgetRepresentation"):
                self.unload_module(name)
        delete_forms()
        self.application.layoutManager()._close()
        self.window.close()
        self.window.deleteLater()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete.value)


def _nodes(scene) -> list:
    return [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]


def _times(scene) -> dict[str, int]:
    """When each node was modified last, by its id."""
    return {node.GetID(): node.GetMTime() for node in _nodes(scene)}


def start() -> Host:
    """Start the stand-in once in this process.

    Raises:
        ImportError: slicer-core or PySide6 is not installed.
        OSError: no OpenGL library was found.
    """
    global _running
    if _running is not None:
        return _running
    if sys.platform == "linux":
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    import slicer_core  # noqa: F401
    from PySide6 import QtWidgets

    from . import errors, prepare, strict, threads

    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    prepare.check_rendering()
    errors.install()
    strict.install()
    threads.install()
    prepare.publish_modules()
    prepare.prune_slicer()
    from .application import Application
    from .main_window import qSlicerMainWindow

    window = qSlicerMainWindow()
    window.setObjectName("qSlicerMainWindow")
    viewport = QtWidgets.QWidget()
    window.setCentralWidget(viewport)
    window.resize(1200, 800)
    slicer = sys.modules["slicer"]
    slicer.app = Application(window)
    slicer.mrmlScene = slicer.app.mrmlScene()
    slicer.modules = types.ModuleType("slicer.modules")
    slicer.moduleNames = types.SimpleNamespace()
    slicer.selfTests = {}
    sys.modules["slicer.modules"] = slicer.modules
    slicer.app.moduleManager()._publish()
    slicer.app._open_views(viewport)
    _running = Host(slicer.app, window)
    _running._qt = application
    return _running
