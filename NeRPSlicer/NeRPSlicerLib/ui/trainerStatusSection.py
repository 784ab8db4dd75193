"""The line above the trainer's sections: what it needs, what is under way, what went wrong."""

from __future__ import annotations

from slicer.i18n import tr as _

from .statusSection import StatusSection


class TrainerStatusSection(StatusSection):
    def refresh(self) -> None:
        lacking = self.panel.setUp.lacking()
        self.ui.statusLabel.text = (
            _("Missing for training: {0}").format(", ".join(lacking))
            if lacking
            else _("Training runs in a process of its own and goes on when Slicer is closed.")
        )
        self.enable(self.ui.cancelButton, "" if self.panel.setUp.busy else _("Nothing is being installed."))
