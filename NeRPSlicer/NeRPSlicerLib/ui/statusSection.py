"""The lines above the sections: what it runs on, what is under way, what went wrong."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from .section import Section


class StatusSection(Section):
    form = "StatusSection"

    def __init__(self, panel) -> None:
        super().__init__(panel)
        # A panel is longer than the window: what is told at its end is seen by nobody.
        panel.layout.insertWidget(0, self.widget)

    def connect(self) -> None:
        self.ui.cancelButton.connect("clicked()", self.panel.cancel)
        self.ui.setUpButton.connect("clicked()", self.panel.setUp.open)
        self.ui.messageLabel.visible = False
        self.ui.progressBar.visible = False

    def tell(self, line: str) -> None:
        """Show one line for people; "" takes it away.

        In Slicer's status bar too, which is in sight wherever the panel has been scrolled to.
        """
        if line or self.ui.messageLabel.text:
            slicer.util.showStatusMessage(line)
        self.ui.messageLabel.text = line
        self.ui.messageLabel.visible = bool(line)

    def showProgress(self, share: float | None, text: str) -> None:
        """Show a share from 0 to 1; None hides the bar."""
        bar = self.ui.progressBar
        bar.visible = share is not None
        if share is not None:
            bar.value = round(1000 * share)
            bar.format = text
        self.panel.refreshSoon()

    def refresh(self) -> None:
        session = self.panel.session
        hello = session.client.hello
        runs = hello.get("backend", _("Starts with the first picture"))
        self.ui.statusLabel.text = _("Runs on: {0}").format(runs)
        works = session.live.active, session.loader.busy, session.example.busy, session.models.busy
        busy = any(works) or self.panel.setUp.busy
        self.enable(self.ui.cancelButton, "" if busy else _("Nothing is under way."))
