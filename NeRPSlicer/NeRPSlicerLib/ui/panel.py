"""The panel: its sections over one parameter node and one session."""

from __future__ import annotations

import time
from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from ..client.workerProcess import Start, WorkerProcess
from ..scene.layouts import registerLayouts
from ..session import Session
from .cameraSection import CameraSection
from .compareSection import CompareSection
from .exportSection import ExportSection
from .parameters import NeRPParameters
from .patientSection import PatientSection
from .radiographSection import RadiographSection
from .sectionedPanel import SectionedPanel
from .setUp import SetUp
from .statusSection import StatusSection

EXAMPLE_S = 300.0
"""Building the example takes seconds, a minute on a busy computer."""
_SECTIONS = (PatientSection, CameraSection, RadiographSection, CompareSection, ExportSection, StatusSection)


class Panel(SectionedPanel):
    """What the module's widget shows.

    :param layout, resourcePath, parameterNode: see `SectionedPanel`.
    :param start: starts a render worker; None starts a process.
    """

    wrapper = NeRPParameters
    toldAtBegin = ("ct", "segmentation", "handles")

    def __init__(
        self,
        layout,
        resourcePath: Callable[[str], str],
        parameterNode: Callable[[], object],
        start: Start | None = None,
    ) -> None:
        super().__init__(layout, resourcePath, parameterNode)
        self._shortcuts: list = []
        self.session = Session(
            lambda: self.parameters, self.tell, self._onProgress, self.refreshSoon, start or WorkerProcess
        )
        self.setUp = SetUp(self)
        self.show([section(self) for section in _SECTIONS])

    # --- life -----------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """The panel is shown: our layout, our keys."""
        registerLayouts()
        super().enter()
        self._installShortcuts()

    def exit(self) -> None:
        """Another module is shown: the user's layout, no keys of ours."""
        super().exit()
        self._removeShortcuts()
        self.session.comparison.stop()
        self.session.display.exit()

    def restore(self) -> None:
        self.session.display.enter()
        self.session.restore()
        self.session.comparison.update()

    def forget(self) -> None:
        super().forget()
        self.session.forget()

    def close(self) -> None:
        super().close()
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

    # --- what the session says ------------------------------------------------------------------------------

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
