"""Section 2 of the trainer: runs found, one followed, stopped, resumed."""

from __future__ import annotations

from pathlib import Path

import qt
from nerp.errors import NerpError
from nerp.jobs import JobStatus
from slicer.i18n import tr as _

from ..client.jobClient import JobClient
from ..modelFolders import modelFolders
from ..trainer.runs import KIND, RunReader, findRuns
from .section import Section, folderOf

OTHERS_MS = 2000
PATIENCE_S = 5.0
"""[Stop now] ends what has not stopped by itself after so long."""


class TrainerRunSection(Section):
    form = "TrainerRunSection"

    def __init__(self, panel) -> None:
        super().__init__(panel)
        self.runs: list[JobStatus] = []
        """As they stood when they were last looked for."""
        self.status: JobStatus | None = None
        """Of the run that is followed."""
        self.reader: RunReader | None = None
        self._others = qt.QTimer()
        self._others.setSingleShot(True)
        self._others.setInterval(OTHERS_MS)
        self._others.connect("timeout()", self._lookAtOthers)
        self.jobs = JobClient(self._show, panel.jobsEngine, PATIENCE_S)

    def connect(self) -> None:
        self.ui.runBar.visible = False
        self.ui.runBox.connect("activated(int)", self._onChosen)
        self.ui.epochButton.connect("clicked()", lambda: self._try(self.jobs.finish))
        self.ui.stopButton.connect("clicked()", lambda: self._try(self.jobs.cancel))
        self.ui.resumeButton.connect("clicked()", self._onResume)

    def begin(self) -> None:
        """Find the runs of earlier sessions; one that still goes on is followed."""
        self.find()
        active = next((run for run in self.runs if run.active), None)
        known = self.status.folder if self.status is not None else None
        chosen = active or next((run for run in self.runs if run.folder == known), None)
        chosen = chosen or next(iter(self.runs), None)
        self.follow(chosen.folder if chosen is not None else None)

    def onParameter(self, name: str) -> None:
        if name == "runsFolder":
            self.begin()
        if name == "chart":
            self.display()

    def find(self) -> None:
        """Look for runs anew."""
        own = folderOf(self.panel.parameters.runsFolder)
        folders = [*([own] if own is not None else []), *modelFolders()]
        self.runs = findRuns(folders, self.panel.jobsEngine)

    def follow(self, folder: Path | None) -> None:
        """Follow a run, also one that was started long ago; None follows nothing."""
        self.jobs.leave()
        self.status = self.reader = None
        if folder is not None:
            self.reader = RunReader(folder)
            self.display()
            self.jobs.follow(folder)
        else:
            self.panel.display.clear(self.panel.parameters.chart.value)
        self._fillBox()
        self.panel.refreshSoon()

    def start(self, folder: Path, configuration: dict) -> None:
        """Make a run and start it.

        :raises NerpError: the folder cannot be written, or another run is under way.
        """
        self.find()
        reason = self.reasonAgainstStart()
        if reason:
            raise NerpError(reason)
        self.jobs.create(folder, KIND, configuration)
        self.jobs.start(folder)
        self.find()
        self.follow(folder)

    def reasonAgainstStart(self) -> str:
        """Why no run can be started now; "" for nothing."""
        active = next((run for run in self._current() if run.active), None)
        if active is None:
            return ""
        return _("The run {0} is under way: stop it first, or wait; two would share one memory.").format(
            active.folder.name
        )

    def refresh(self) -> None:
        ui, status = self.ui, self.status
        noRun = _("There is no run yet: start one above.") if status is None else ""
        isActive = status is not None and status.active
        over = noRun or ("" if isActive else _("This run has ended."))
        self.enable(ui.epochButton, over)
        self.enable(ui.stopButton, over)
        resumable = status is not None and status.resumable
        ended = "" if resumable else _("This run goes on.") if isActive else _("This run cannot go on.")
        self.enable(ui.resumeButton, noRun or ended or ("" if isActive else self.reasonAgainstStart()))
        self.enable(ui.runBox, noRun if not self.runs else "")
        ui.runLabel.text = self._line()
        # Nobody follows another run, and a start waits for its end.
        if self.reasonAgainstStart() and not isActive:
            self._others.start()

    def display(self) -> None:
        """Show what the followed run has told so far in the views."""
        if self.reader is not None and self.panel.entered:
            if self.reader.read():
                self.panel.onRunChanged()
            self.panel.display.show(self.reader, self.panel.parameters.chart.value)

    def close(self) -> None:
        """The panel goes; the run goes on."""
        self._others.stop()
        self.jobs.leave()

    def _lookAtOthers(self) -> None:
        if self.panel.parameters is not None:
            self.find()
            self._fillBox()
            self.panel.refreshSoon()

    def _current(self) -> list[JobStatus]:
        """The runs as found, the followed one as it stands now."""
        own = self.status
        return [own if own is not None and run.folder == own.folder else run for run in self.runs]

    def _line(self) -> str:
        if self.status is None:
            return ""
        gate = self.reader.gate if self.reader is not None else None
        told = {True: _("Anatomy kept."), False: _("Anatomy damaged: its weight rises."), None: ""}[gate]
        return "\n".join(filter(None, (self.status.line, told)))

    def _fillBox(self) -> None:
        box = self.ui.runBox
        wasBlocked = box.blockSignals(True)
        box.clear()
        current = self._current()
        for run in current:
            box.addItem(f"{run.folder.name}: {run.state}")
        folders = [run.folder for run in current]
        if self.status is not None and self.status.folder in folders:
            box.currentIndex = folders.index(self.status.folder)
        box.blockSignals(wasBlocked)

    def _onChosen(self, index: int) -> None:
        if 0 <= index < len(self.runs):
            self.follow(self.runs[index].folder)

    def _onResume(self) -> None:
        self.panel.tell("")
        if self.panel.setUp.lacking():
            self.panel.setUp.open()
            return
        self.find()
        self._try(lambda: self._resume(self.status.folder))

    def _resume(self, folder: Path) -> None:
        reason = self.reasonAgainstStart()
        if reason:
            raise NerpError(reason)
        self.jobs.start(folder)
        self.follow(folder)

    def _try(self, action) -> None:
        try:
            action()
        except NerpError as error:
            self.panel.tell(str(error))
        self.panel.refreshSoon()

    def _show(self, status: JobStatus) -> None:
        before, self.status = self.status, status
        if status.state == "damaged" and not (status.folder / "job.json").is_file():
            self._onGone(status.folder)
            return
        isNew = False
        bar = self.ui.runBar
        bar.visible = True
        bar.maximum = max(status.total, 1)
        bar.value = status.done if status.state != "done" else bar.maximum
        if self.reader is not None and self.panel.entered and self.reader.read():
            self.panel.display.show(self.reader, self.panel.parameters.chart.value)
            isNew = True
        if before is not None and before.state != status.state:
            self.find()
            self._fillBox()
            isNew = True
        if isNew:
            self.panel.onRunChanged()
        self.panel.refreshSoon()

    def _onGone(self, folder: Path) -> None:
        self.jobs.leave()
        self.status = self.reader = None
        self.ui.runBar.visible = False
        self.panel.display.clear(self.panel.parameters.chart.value)
        self.find()
        self._fillBox()
        self.panel.tell(_("The run {0} is gone: it was deleted or moved.").format(folder.name))
        self.panel.onRunChanged()
        self.panel.refreshSoon()
