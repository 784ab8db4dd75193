"""[Set up...]: what it runs on, what is missing, and one consent to install it."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..client.installation import Installer, PipInstaller, missing, requirementsOf

NETWORK, FOLDER, WITHOUT = "network", "folder", "without"


class SetUp:
    """The conversation about installing.

    :param panel: its ``session``, ``tell`` and ``status`` are used.
    :param installer: how to install; tests give one of their own.
    """

    def __init__(self, panel, installer: Installer | None = None) -> None:
        self._panel = panel
        self.installer = installer or PipInstaller()
        self._log: list[str] = []
        self.busy = False

    def open(self) -> None:
        """Say what there is; ask how to install what is missing."""
        requirements = requirementsOf(Path(self._panel.resourcePath("requirements.txt")))
        lacking = missing(requirements)
        if not lacking:
            slicer.util.infoDisplay(self.describe() + "\n\n" + _("Nothing is missing."))
            return
        way = self.ask(lacking)
        if way == NETWORK:
            self.install(lacking, None)
        elif way == FOLDER:
            folder = wheelsFolder()
            if folder is not None:
                self.install(lacking, folder)

    def describe(self) -> str:
        """What pictures are drawn on, in words."""
        hello = self._panel.session.client.hello
        if not hello:
            return _("Pictures are drawn by a process of their own, which starts with the first picture.")
        return _("Pictures are drawn on: {0}, {1}, {2} threads.").format(
            hello.get("backend", ""), hello.get("processor", ""), hello.get("threads", "")
        )

    def ask(self, lacking: list[str]) -> str:
        """One dialog, one consent.

        :return: `NETWORK`, `FOLDER` or `WITHOUT`.
        """
        return asked(
            _("Set up Neural Radiance Projection"),
            self.describe(),
            _(
                "Missing: {0}. With it a picture takes a tenth of the time. It is installed into Slicer's "
                "Python; Slicer's own packages stay as they are. Everything works without it too."
            ).format(", ".join(lacking)),
            _("Go on without"),
        )

    def install(self, requirements: list[str], folder: Path | None) -> None:
        """Install without holding up the panel; the worker is started anew afterwards."""
        self._log, self.busy = [], True
        self._panel.tell("")
        self._panel.status.showProgress(0.0, _("Installing {0}").format(", ".join(requirements)))
        self.installer.install(requirements, folder, self._onLog, self._onDone)
        self._panel.refreshSoon()

    def cancel(self) -> None:
        if self.busy:
            self.installer.cancel()

    def _onLog(self, line: str) -> None:
        if line.strip():
            self._log.append(line.strip())
            self._panel.status.showProgress(0.5, line.strip()[:80])

    def _onDone(self, code: int) -> None:
        self.busy = False
        self._panel.status.showProgress(None, "")
        if code == 0:
            self._whenInstalled()
        else:
            reason = next((line for line in reversed(self._log) if "error" in line.lower()), "")
            self._panel.tell(_("Nothing was installed. {0}").format(reason or _("pip gave no reason.")))
        self._panel.refreshSoon()

    def _whenInstalled(self) -> None:
        self._panel.session.client.renew()
        self._panel.session.draw()
        self._panel.tell(_("Installed. Pictures are drawn with it from now on."))


def asked(title: str, text: str, more: str, without: str) -> str:
    """One dialog, one consent.

    :param without: what the button says that installs nothing.
    :return: `NETWORK`, `FOLDER` or `WITHOUT`.
    """
    box = qt.QMessageBox(slicer.util.mainWindow())
    box.setWindowTitle(title)
    box.setText(text)
    box.setInformativeText(more)
    buttons = {
        NETWORK: box.addButton(_("Install from the network"), qt.QMessageBox.AcceptRole),
        FOLDER: box.addButton(_("Install from a folder of wheels…"), qt.QMessageBox.ActionRole),
        WITHOUT: box.addButton(without, qt.QMessageBox.RejectRole),
    }
    box.exec_()
    clicked = box.clickedButton()
    return next((way for way, button in buttons.items() if button == clicked), WITHOUT)


def wheelsFolder() -> Path | None:
    """The folder of wheels that a person chooses; None for none."""
    folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of wheels"))
    return Path(folder) if folder else None
