"""Section 1 of the trainer: folders, preset, what a run will need, [Start training]."""

from __future__ import annotations

import time
from pathlib import Path

import ctk
from nerp.errors import NerpError
from slicer.i18n import tr as _

from ..modelFolders import rememberModelFolder
from .section import Section, folderOf

CACHE = ".cache"
"""Prepared CTs and films, shared by the runs of a folder."""
_ASKED = ("ctFolder", "labelsFolder", "filmsFolder", "runsFolder")
_SETTINGS = ("thoraxes", "preset", "minutes", "steps", "seed")


class TrainerDataSection(Section):
    form = "TrainerDataSection"

    def __init__(self, panel) -> None:
        super().__init__(panel)
        self.plan: dict | None = None
        """What the run would be, once that is known."""
        self.refusal = ""
        self.planner = panel.startPlanner(self._onPlan, self._onRefusal)

    def connect(self) -> None:
        for edit in self._edits():
            edit.filters = ctk.ctkPathLineEdit.Dirs
        self.ui.startButton.connect("clicked()", self._onStart)

    def begin(self) -> None:
        self._ask()

    def onParameter(self, name: str) -> None:
        if name in _ASKED or name in _SETTINGS:
            self._ask()

    def close(self) -> None:
        self.planner.cancel()

    def _edits(self) -> list:
        return [self.ui.ctEdit, self.ui.labelsEdit, self.ui.filmsEdit, self.ui.runsEdit]

    def refresh(self) -> None:
        for edit in self._edits():
            if edit.currentPath == ".":  # what Python writes for an empty path
                wasBlocked = edit.blockSignals(True)
                edit.currentPath = ""
                edit.blockSignals(wasBlocked)
        reason = self._missing() or self.refusal
        if not reason and self.plan is None:
            reason = _("What the run will need is being looked up.")
        if not reason and self.plan["refusal"]:
            reason = self.plan["refusal"]
        shown = self.plan["line"] if self.plan is not None else ""
        self.ui.estimateLabel.text = reason or _("Found and needed: {0}").format(shown)
        self.enable(self.ui.startButton, reason or self.panel.runs.reasonAgainstStart())

    def _missing(self) -> str:
        parameters = self.panel.parameters
        if folderOf(parameters.ctFolder) is None and not parameters.thoraxes:
            return _("Choose a folder of chest CTs, or some digital thoraxes.")
        if folderOf(parameters.filmsFolder) is None:
            return _("Choose a folder of chest X-rays.")
        if folderOf(parameters.runsFolder) is None:
            return _("Choose a folder to keep runs in.")
        return ""

    def _ask(self) -> None:
        """Look up what the run as it is set now would need."""
        self.plan, self.refusal = None, ""
        self.planner.cancel()
        if not self._missing():
            self.planner.ask(self.arguments())
        self.panel.refreshSoon()

    def arguments(self) -> list[str]:
        """Of ``nerp train``, for the run as it is set now."""
        parameters = self.panel.parameters
        runs = folderOf(parameters.runsFolder)
        found = ["--preset", parameters.preset.value, "--xray", str(parameters.filmsFolder)]
        for option, path in (("--ct", parameters.ctFolder), ("--labels", parameters.labelsFolder)):
            if folderOf(path) is not None:
                found += [option, str(path)]
        if parameters.thoraxes:
            found += ["--thoraxes", *map(str, range(1, parameters.thoraxes + 1))]
        for option, limit in (("--minutes", parameters.minutes), ("--steps", parameters.steps)):
            if limit:
                found += [option, str(limit)]
        return [*found, "--seed", str(parameters.seed), "--out", str(runs), "--cache", str(runs / CACHE)]

    def _onPlan(self, plan: dict) -> None:
        self.plan = plan
        self.panel.refreshSoon()

    def _onRefusal(self, line: str) -> None:
        self.refusal = line
        self.panel.refreshSoon()

    def _onStart(self) -> None:
        panel = self.panel
        panel.tell("")
        if panel.setUp.lacking():
            panel.setUp.open()
            return
        parameters = panel.parameters
        runs = folderOf(parameters.runsFolder)
        run = _newFolder(runs, parameters.preset.value)
        try:
            panel.runs.start(run, self.plan["configuration"])
        except NerpError as error:
            panel.tell(str(error))
            return
        rememberModelFolder(runs)
        panel.refresh()


def _newFolder(runs: Path, preset: str) -> Path:
    """A run's folder, named by preset and time."""
    name = f"{preset}-{time.strftime('%Y%m%d-%H%M%S')}"
    taken = {path.name for path in runs.glob(f"{name}*")}
    return runs / next(n for n in (name, *(f"{name}-{k}" for k in range(2, 100))) if n not in taken)
