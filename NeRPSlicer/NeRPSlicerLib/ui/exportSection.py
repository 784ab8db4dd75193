"""Section 5: a labelled set drawn as a job, or the picture that is shown."""

from __future__ import annotations

from pathlib import Path

import ctk
import slicer
from nerp import jobs
from nerp.errors import NerpError
from slicer.i18n import tr as _

from ..client.jobClient import JobClient
from ..export import Exporter, runFolder, saveRequest, settingsOf
from .section import Section, folderOf

_LAST = "NeRPSlicer/LastExport"


class ExportSection(Section):
    form = "ExportSection"

    def __init__(self, panel) -> None:
        super().__init__(panel)
        self.status = None
        self.saving = False
        self.jobs = JobClient(self._showJob)
        self.exporter = Exporter(self.jobs, self._showWriting, self._onFailed)

    def connect(self) -> None:
        self.ui.exportButton.connect("clicked()", self._onExport)
        self.ui.pictureButton.connect("clicked()", self._onPicture)
        self.ui.exportBar.visible = False
        self.ui.folderEdit.filters = ctk.ctkPathLineEdit.Dirs

    def onParameter(self, name: str) -> None:
        if name == "exportFolder":
            self.findJob()

    def begin(self) -> None:
        """Choose the folder of the last export, if that still goes on: it outlives Slicer."""
        last = slicer.util.settingsValue(_LAST, "")
        if self._folder() is None and last and jobs.look(runFolder(Path(last))).active:
            self.panel.parameters.exportFolder = Path(last)
        self.findJob()

    def findJob(self) -> None:
        """Follow the job that is in the chosen folder, also one that was started long ago."""
        self.jobs.leave()
        self.status = None
        folder = self._folder()
        if folder is not None and folder.name and (runFolder(folder) / "job.json").is_file():
            self.jobs.follow(runFolder(folder))
        else:
            self.ui.exportBar.visible = False
            self.ui.exportLabel.text = ""
            self.refresh()

    def refresh(self) -> None:
        ui, session = self.ui, self.panel.session
        noFolder = _("Choose a folder first.") if self._folder() is None else ""
        noPatient = "" if session.geometry is not None else _("Choose a CT in section 1 first.")
        noModel = session.models.reason(self.panel.parameters.method)
        busy = self.exporter.busy or (self.status is not None and self.status.active)
        resumable = self.status is not None and self.status.resumable
        ui.exportButton.text = _("Cancel") if busy else _("Resume") if resumable else _("Export")
        self.enable(ui.exportButton, "" if busy or resumable else noFolder or noPatient or noModel)
        noPicture = "" if session.numbers is not None else _("There is no radiograph yet.")
        noPicture = _("The picture is being saved.") if self.saving else noPicture
        self.enable(ui.pictureButton, noFolder or noPicture or noModel)
        for widget in (ui.viewsBox, ui.standardBox, ui.folderEdit):
            self.enable(widget, _("Cancel the export first.") if busy else "")

    def forget(self) -> None:
        """The scene is being closed: what is written of its patient is given up; a job goes on."""
        if self.exporter.busy:
            self.panel.tell(_("The export was stopped: its patient was closed while the files were written."))
        self.close()
        self.status = None

    def close(self) -> None:
        """The panel goes; the job goes on."""
        if self.exporter.busy:
            self.exporter.cancel()
        self.jobs.leave()

    def _folder(self) -> Path | None:
        return folderOf(self.panel.parameters.exportFolder)

    def _onExport(self) -> None:
        busy = self.exporter.busy or (self.status is not None and self.status.active)
        try:
            self.panel.tell("")
            if busy:
                self.exporter.cancel()
            elif self.status is not None and self.status.resumable:
                self.exporter.resume(self._folder())
            else:
                parameters = self.panel.parameters
                settings = settingsOf(parameters)
                slicer.app.settings().setValue(_LAST, str(self._folder()))
                patient = parameters.ct, parameters.segmentation
                self.exporter.start(self._folder(), *patient, settings, self._model())
        except NerpError as error:
            self.panel.tell(str(error))
        self.refresh()

    def _model(self) -> Path | None:
        """Folder of the model that the settings name."""
        chosen = self.panel.session.models.chosen
        return None if chosen is None else chosen.folder

    def _onFailed(self, line: str) -> None:
        self.ui.exportBar.visible = False
        self.panel.tell(line)
        self.panel.refreshSoon()

    def _showWriting(self, share: float, text: str) -> None:
        bar = self.ui.exportBar
        bar.visible = True
        bar.maximum = 1000
        bar.value = round(1000 * share)
        self.ui.exportLabel.text = text
        self.panel.refreshSoon()

    def _showJob(self, status) -> None:
        self.status = status
        if status.state == "done":
            self.exporter.tidy(self.jobs.folder)
        bar = self.ui.exportBar
        bar.visible = True
        bar.maximum = max(status.total, 1)
        bar.value = status.done if status.state != "done" else bar.maximum
        self.ui.exportLabel.text = status.line
        self.panel.refreshSoon()

    def _onPicture(self) -> None:
        session, folder = self.panel.session, self._folder()
        camera = session.camera
        if camera is None:
            self.panel.tell(_("There is no X-ray camera: press a projection."))
            return
        try:
            request = saveRequest(folder, self.panel.parameters, camera, self._model())
        except NerpError as error:
            self.panel.tell(str(error))
            return
        self.panel.tell(_("Saving the picture in {0}.").format(folder))
        self.saving = True
        session.client.request(request, lambda reply: self._onSaved(folder, reply))
        self.refresh()

    def _onSaved(self, folder: Path, reply) -> None:
        self.saving = False
        saved = _("Saved {0} with {1} masks in {2}.")
        self.panel.tell(reply.get("error") or saved.format(reply["id"], len(reply["masks"]), folder))
        self.panel.refreshSoon()
