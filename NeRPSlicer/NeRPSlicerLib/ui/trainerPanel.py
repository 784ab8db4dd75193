"""The trainer's panel: its sections over one parameter node."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
import vtk
from nerp import jobs
from slicer.util import VTKObservationMixin

from ..client.jobClient import Jobs
from ..trainer.planner import ProcessPlanner, StartPlanner
from ..trainer.runDisplay import RunDisplay
from .trainerDataSection import TrainerDataSection
from .trainerModelsSection import TrainerModelsSection
from .trainerParameters import TrainerParameters
from .trainerRunSection import TrainerRunSection
from .trainerSetUp import TrainerSetUp
from .trainerStatusSection import TrainerStatusSection

REFRESH_MS = 40


class TrainerPanel(VTKObservationMixin):
    """What the module's widget shows.

    :param layout: the widget's layout.
    :param resourcePath: gives the path of a file in ``Resources``.
    :param parameterNode: gives the module's parameter node, made when there is none.
    :param engine: starts and stops runs; None takes ``nerp.jobs``.
    :param startPlanner: makes what looks up what a run will need; None takes a process.
    """

    def __init__(
        self,
        layout,
        resourcePath: Callable[[str], str],
        parameterNode: Callable[[], object],
        engine: Jobs | None = None,
        startPlanner: StartPlanner | None = None,
    ) -> None:
        VTKObservationMixin.__init__(self)
        self.layout, self.resourcePath = layout, resourcePath
        self._parameterNode = parameterNode
        self.jobsEngine = engine or jobs
        self.startPlanner = startPlanner or ProcessPlanner
        self.parameters: TrainerParameters | None = None
        self.entered = False
        self._guiTags: list[int] = []
        self._known: dict[str, object] = {}
        self.display = RunDisplay()
        self._changes = _timer(0, self._tellChanges)
        self._refreshing = _timer(REFRESH_MS, self.refresh)
        self.setUp = TrainerSetUp(self)
        self.data = TrainerDataSection(self)
        self.runs = TrainerRunSection(self)
        self.models = TrainerModelsSection(self)
        self.status = TrainerStatusSection(self)
        self.sections = [self.data, self.runs, self.models, self.status]
        layout.addStretch(1)
        for section in self.sections:
            section.connect()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneStartClose)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self._onSceneEndClose)
        self._connectParameters()

    # --- life -----------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """The panel is shown: our layout, runs and models as they are now."""
        self.entered = True
        self._connectParameters()
        self.display.enter()
        if self.runs.status is None or not self.runs.status.active:
            self.runs.begin()
        self.runs.display()
        self.models.find()
        self.refresh()

    def exit(self) -> None:
        """Another module is shown: the user's layout; a run goes on and is followed."""
        self.entered = False
        self.display.exit()

    def close(self) -> None:
        """The module goes; runs go on."""
        if self.entered:
            self.exit()
        self._disconnectParameters()
        self._refreshing.stop()
        self.removeObservers()
        for section in self.sections:
            section.close()

    # --- parameters -----------------------------------------------------------------------------------------

    def _connectParameters(self) -> None:
        if self.parameters is not None:
            return
        self.parameters = TrainerParameters(self._parameterNode())
        self._known = self._values()
        self._guiTags = [self.parameters.connectGui(section.ui) for section in self.sections]
        self.addObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)
        for section in self.sections:
            section.begin()
        self.refresh()

    def _disconnectParameters(self) -> None:
        if self.parameters is None:
            return
        self._changes.stop()
        self.removeObservers(self._onParameters)
        for tag in self._guiTags:
            self.parameters.disconnectGui(tag)
        self._guiTags, self.parameters = [], None

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

    def _onSceneStartClose(self, caller, event) -> None:
        self._disconnectParameters()

    def _onSceneEndClose(self, caller, event) -> None:
        self._disconnectParameters()
        self._connectParameters()
        if self.entered:
            self.display.enter()
            self.runs.display()

    # --- what sections say ----------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        """One line for people below the sections."""
        self.status.tell(line)

    def onRunChanged(self) -> None:
        """A run began, reported, ended or went: its model may be another."""
        self.models.find()

    def cancel(self) -> None:
        """Stop what is being installed."""
        self.setUp.cancel()

    def refreshSoon(self) -> None:
        """Show things as they are within `REFRESH_MS`."""
        if not self._refreshing.isActive():
            self._refreshing.start()

    @property
    def settled(self) -> bool:
        """Whether all that has changed is shown."""
        return not (self._refreshing.isActive() or self._changes.isActive())

    def refresh(self) -> None:
        """Show things as they are now."""
        if self.parameters is not None:
            for section in self.sections:
                section.refresh()


def _timer(milliseconds: int, action: Callable[[], None]):
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.connect("timeout()", action)
    return timer
