"""The panel: its sections over one parameter node and one session."""

from __future__ import annotations

import time
import types
from collections.abc import Callable

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..client.workerProcess import Start, WorkerProcess
from ..scene.layouts import registerLayouts
from ..session import Session
from .cameraSection import CameraSection
from .compareSection import CompareSection
from .exportSection import ExportSection
from .parameters import NeRPParameters
from .patientSection import PatientSection
from .radiographSection import RadiographSection
from .setUp import SetUp
from .statusSection import StatusSection

REFRESH_MS = 40
EXAMPLE_S = 300.0
"""Building the example takes seconds, a minute on a busy computer."""
_SECTIONS = (PatientSection, CameraSection, RadiographSection, CompareSection, ExportSection, StatusSection)


class Panel(VTKObservationMixin):
    """What the module's widget shows.

    :param layout: the widget's layout.
    :param resourcePath: gives the path of a file in ``Resources``.
    :param parameterNode: gives the module's parameter node, made when there is none.
    :param start: starts a render worker; None starts a process.
    """

    def __init__(
        self,
        layout,
        resourcePath: Callable[[str], str],
        parameterNode: Callable[[], object],
        start: Start | None = None,
    ) -> None:
        VTKObservationMixin.__init__(self)
        self.layout, self.resourcePath = layout, resourcePath
        self._parameterNode = parameterNode
        self.parameters: NeRPParameters | None = None
        self._guiTag: int | None = None
        self._known: dict[str, object] = {}
        self._shortcuts: list = []
        self._entered = False
        self.session = Session(
            lambda: self.parameters, self.tell, self._onProgress, self.refreshSoon, start or WorkerProcess
        )
        self.sections = [section(self) for section in _SECTIONS]
        layout.addStretch(1)
        self.setUp = SetUp(self)
        self._changes = qt.QTimer()
        self._changes.setSingleShot(True)
        self._changes.setInterval(0)
        self._changes.connect("timeout()", self._tellChanges)
        # Pictures come many a second: the panel need not be gone over for each.
        self._refreshing = qt.QTimer()
        self._refreshing.setSingleShot(True)
        self._refreshing.setInterval(REFRESH_MS)
        self._refreshing.connect("timeout()", self.refresh)
        for section in self.sections:
            section.connect()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self._onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self._onSceneEndClose)
        self._connectParameters()

    @property
    def status(self) -> StatusSection:
        return self.sections[-1]

    # --- life -----------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """The panel is shown: our layout, our keys."""
        self._entered = True
        registerLayouts()
        self._connectParameters()
        self.session.display.enter()
        self.session.restore()
        self.session.comparison.update()
        self._installShortcuts()
        self.refresh()

    def exit(self) -> None:
        """Another module is shown: the user's layout, no keys of ours."""
        self._entered = False
        self._removeShortcuts()
        self.session.comparison.stop()
        self.session.display.exit()

    def close(self) -> None:
        """The module goes."""
        if self._entered:
            self.exit()
        self._changes.stop()
        self._refreshing.stop()
        self._disconnectParameters()
        self.removeObservers()
        for section in self.sections:
            section.close()
        self.session.close()

    def _installShortcuts(self) -> None:
        window = slicer.util.mainWindow()
        if window is None:
            return
        for key, action in (("R", self.session.positioner.randomize), ("Esc", self.cancel)):
            shortcut = qt.QShortcut(window)
            shortcut.setKey(qt.QKeySequence(key))
            shortcut.connect("activated()", action)
            self._shortcuts.append(shortcut)

    def _removeShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    # --- parameters -----------------------------------------------------------------------------------------

    def _connectParameters(self) -> None:
        if self.parameters is not None:
            return
        self.parameters = NeRPParameters(self._parameterNode())
        self._known = self._values()
        # All forms at once: each connection writes every widget anew, at each change of any parameter.
        widgets = [widget for section in self.sections for widget in vars(section.ui).values()]
        self._guiTag = self.parameters.connectGui(
            types.SimpleNamespace(**{str(number): widget for number, widget in enumerate(widgets)})
        )
        self.addObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)
        for section in self.sections:
            for name in self._known:
                if name in ("ct", "segmentation", "handles"):
                    section.onParameter(name)
            section.begin()
        self.refresh()

    def _disconnectParameters(self) -> None:
        if self.parameters is None:
            return
        self._changes.stop()
        self.removeObservers(self._onParameters)
        self.parameters.disconnectGui(self._guiTag)
        self._guiTag = self.parameters = None

    def _values(self) -> dict[str, object]:
        return {name: self.parameters.getValue(name) for name in self.parameters.allParameters}

    def _onParameters(self, caller, event) -> None:
        # A widget may set several parameters, and one wakes others: told together, after that.
        self._changes.start()

    def _tellChanges(self) -> None:
        if self.parameters is None:
            return
        before, self._known = self._known, self._values()
        changed = [name for name, value in self._known.items() if value != before[name]]
        for name in changed:
            for section in self.sections:
                section.onParameter(name)
        if changed:
            self.refresh()

    # --- the scene ------------------------------------------------------------------------------------------

    def _onSceneStartClose(self, caller, event) -> None:
        self._disconnectParameters()
        for section in self.sections:
            section.forget()
        self.session.forget()

    def _onSceneEndClose(self, caller, event) -> None:
        self._disconnectParameters()
        self._connectParameters()
        if self._entered:
            self.session.display.enter()
            self.session.restore()
            self.session.comparison.update()

    # --- what the session says ------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        """One line for people above the sections."""
        self.status.tell(line)

    def _onProgress(self, share: float | None, text: str) -> None:
        self.status.showProgress(share, text)

    def loadExampleAndWait(self) -> list:
        """Load the example and return its nodes: what Sample Data asks for."""
        self.session.loadExample()
        end = time.monotonic() + EXAMPLE_S
        while self.session.example.busy and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.005)
        if self.session.example.busy:
            self.session.cancel()
            self.tell(_("The example was not built in time: close other programs and load it again."))
        if self.parameters is None:  # the module has gone meanwhile
            return []
        return [node for node in (self.parameters.ct, self.parameters.segmentation) if node is not None]

    def cancel(self) -> None:
        """Stop what is under way; the picture shown stays."""
        self.setUp.cancel()
        self.session.cancel()

    def refreshSoon(self) -> None:
        """Show things as they are within `REFRESH_MS`."""
        if not self._refreshing.isActive():
            self._refreshing.start()

    @property
    def settled(self) -> bool:
        """Whether all that has changed is shown."""
        return not (self._refreshing.isActive() or self._changes.isActive())

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and all is shown."""
        session = self.session
        return self.settled and not (
            session.live.active
            or session.display.settling
            or session.loader.busy
            or session.example.busy
            or session.client.busy
        )

    def refresh(self) -> None:
        """Show things as they are now."""
        if self.parameters is not None:
            for section in self.sections:
                section.refresh()
