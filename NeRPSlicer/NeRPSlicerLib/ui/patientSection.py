"""Section 1: the CT, its structures, a real X-ray."""

from __future__ import annotations

from slicer.i18n import tr as _

from .section import Section


class PatientSection(Section):
    form = "PatientSection"

    def connect(self) -> None:
        self.ui.exampleButton.connect("clicked()", self.panel.session.loadExample)
        self.ui.structuresTable.connect(
            "selectionChanged(QItemSelection,QItemSelection)", self._onStructuresChosen
        )

    def onParameter(self, name: str) -> None:
        if name in ("ct", "segmentation"):
            parameters = self.panel.parameters
            self.panel.session.setPatient(parameters.ct, parameters.segmentation)
        if name == "segmentation":
            self._showSegmentation()

    def refresh(self) -> None:
        busy = self.panel.session.example.busy
        self.enable(self.ui.exampleButton, _("The example is being built.") if busy else "")
        segmentation = self.panel.parameters.segmentation
        if self.ui.structuresTable.segmentationNode() is not segmentation:
            self._showSegmentation()

    def _showSegmentation(self) -> None:
        """The segments of the segmentation, the chosen ones selected."""
        self._busy = True
        node, table = self.panel.parameters.segmentation, self.ui.structuresTable
        table.setSegmentationNode(node)
        ids = self.panel.session.segmentIds
        chosen = [ids[name] for name in self.panel.parameters.structures if name in ids]
        table.setSelectedSegmentIDs(chosen)
        self.enable(self.ui.structuresBox, "" if node is not None else _("Choose a segmentation first."))
        self._busy = False

    def _onStructuresChosen(self) -> None:
        if self._busy:
            return
        selected, session = self.ui.structuresTable.selectedSegmentIDs(), self.panel.session
        names = [name for name, segmentId in session.segmentIds.items() if segmentId in selected]
        if session.segmentIds:
            session.tellEmptySegments(selected)
        if names != self.panel.parameters.structures:
            self.panel.parameters.structures = names
            session.draw()
