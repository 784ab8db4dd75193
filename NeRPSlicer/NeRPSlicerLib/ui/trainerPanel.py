"""The trainer's panel: its sections over one parameter node."""

from __future__ import annotations

from collections.abc import Callable

from nerp import jobs

from ..client.jobClient import Jobs
from ..trainer.planner import ProcessPlanner, StartPlanner
from ..trainer.runDisplay import RunDisplay
from .sectionedPanel import SectionedPanel
from .trainerDataSection import TrainerDataSection
from .trainerModelsSection import TrainerModelsSection
from .trainerParameters import TrainerParameters
from .trainerRunSection import TrainerRunSection
from .trainerSetUp import TrainerSetUp
from .trainerStatusSection import TrainerStatusSection


class TrainerPanel(SectionedPanel):
    """What the module's widget shows.

    :param layout, resourcePath, parameterNode: see `SectionedPanel`.
    :param engine: starts and stops runs; None takes ``nerp.jobs``.
    :param startPlanner: makes what looks up what a run will need; None takes a process.
    """

    wrapper = TrainerParameters

    def __init__(
        self,
        layout,
        resourcePath: Callable[[str], str],
        parameterNode: Callable[[], object],
        engine: Jobs | None = None,
        startPlanner: StartPlanner | None = None,
    ) -> None:
        super().__init__(layout, resourcePath, parameterNode)
        self.jobsEngine = engine or jobs
        self.startPlanner = startPlanner or ProcessPlanner
        self.display = RunDisplay()
        self.setUp = TrainerSetUp(self)
        self.data = TrainerDataSection(self)
        self.runs = TrainerRunSection(self)
        self.models = TrainerModelsSection(self)
        self.show([self.data, self.runs, self.models, TrainerStatusSection(self)])

    def enter(self) -> None:
        """The panel is shown: our layout, runs and models as they are now."""
        super().enter()
        if self.runs.status is None or not self.runs.status.active:
            self.runs.begin()
        self.models.find()
        self.refresh()

    def exit(self) -> None:
        """Another module is shown: the user's layout; a run goes on and is followed."""
        super().exit()
        self.display.exit()

    def restore(self) -> None:
        self.display.enter()
        self.runs.display()

    def onRunChanged(self) -> None:
        """A run began, reported, ended or went: its model may be another."""
        self.models.find()

    def cancel(self) -> None:
        """Stop what is being installed."""
        self.setUp.cancel()
