"""The module's panel for tests: with a worker in this process, on a coarse phantom."""

from __future__ import annotations

import time
import uuid
from collections import deque
from functools import cache
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[2] / "NeRPSlicer.py"
COARSE_MM = 5.0
SIDE, SAMPLES, FILM_SIDE = 128, 128, 96
"""Of pictures: enough to tell lung from spine."""


@cache
def _thorax(seed: int, spacing_mm: float):
    from nerp.phantom import thorax

    return thorax(seed, spacing_mm)


class InProcessWorker:
    """The worker's own session, answering from the event loop in place of a process."""

    def __init__(self, onReply, onEnd) -> None:
        import qt
        import slicer
        from nerp.worker.session import Session

        self.folder = Path(slicer.app.temporaryPath) / f"nerp-session-{uuid.uuid4().hex[:8]}"
        self.folder.mkdir()
        self.requests: list[dict] = []
        self.paused = False
        self._onReply, self._onEnd = onReply, onEnd
        self._session = Session(self.folder, onReply)
        self._queue: deque[dict] = deque()
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._answer)

    def send(self, request: dict) -> None:
        self.requests.append(request)
        self._queue.append(request)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def die(self) -> None:
        """End as a killed process does."""
        self.stop()
        self._onEnd("")

    def _answer(self) -> None:
        from nerp.errors import NerpError

        if self.paused:
            return
        request = self._queue.popleft()
        if not self._queue:
            self._timer.stop()
        try:
            answer = self._session.handle(request)
        except NerpError as error:
            answer = {"error": str(error)}
        self._onReply({"request": request["request"], **answer})


class PanelDriver:
    """The panel, and what a person does at it."""

    def __init__(self, app, panel, workers: list) -> None:
        self.app, self.panel, self.workers = app, panel, workers
        self.patient, self.camera, self.radiograph = panel.sections[:3]

    @property
    def session(self):
        return self.panel.session

    @property
    def parameters(self):
        return self.panel.parameters

    @property
    def message(self) -> str:
        return self.panel.status.ui.messageLabel.text

    def wait(self, until, milliseconds: int = 20000) -> None:
        """Process events until something is true."""
        end = time.monotonic() + milliseconds / 1000
        while not until():
            assert time.monotonic() < end, f"waited in vain; the panel says {self.message!r}"
            self.app.wait(0)
            time.sleep(0.002)

    def rest(self) -> None:
        """Wait until nothing is under way."""
        session = self.session

        def idle() -> bool:
            return not (
                session.live.active
                or session.display.settling
                or session.loader.busy
                or session.example.busy
                or session.client.busy
            )

        self.app.wait(0)
        self.wait(idle)
        self.app.wait(0)
        self.wait(idle)

    def loadExample(self) -> None:
        self.patient.ui.exampleButton.click()
        self.rest()

    def picture(self):
        """The pixels of the radiograph's volume."""
        import slicer
        from NeRPSlicerLib.scene.radiograph import radiographNode

        return slicer.util.arrayFromVolume(radiographNode())[0].copy()

    def draws(self) -> list[dict]:
        return [r for worker in self.workers for r in getattr(worker, "requests", ()) if r["do"] == "draw"]


@pytest.fixture
def driver(app, monkeypatch):
    """The panel shown, its worker in this process."""
    import slicer

    workers: list[InProcessWorker] = []

    def start(onReply, onEnd):
        workers.append(InProcessWorker(onReply, onEnd))
        return workers[-1]

    import nerp.worker.example
    import nerp.worker.session

    for module in (nerp.worker.example, nerp.worker.session):
        monkeypatch.setattr(module, "thorax", _thorax)
    app.load_module(MODULE)
    import NeRPSlicerLib.example
    import NeRPSlicerLib.ui.panel

    monkeypatch.setattr(NeRPSlicerLib.example, "SPACING_MM", COARSE_MM)
    monkeypatch.setattr(NeRPSlicerLib.example, "FILM_SIDE", FILM_SIDE)
    monkeypatch.setattr(NeRPSlicerLib.ui.panel, "WorkerProcess", start)
    app.select_module("NeRPSlicer")
    panel = slicer.util.getModuleWidget("NeRPSlicer").panel
    panel.parameters.size, panel.parameters.samples = SIDE, SAMPLES
    yield PanelDriver(app, panel, workers)
    remove_module(app)


def remove_module(app) -> None:
    """Unload the module and delete its panel, as Slicer does; else it would go on following the scene."""
    from PySide6 import QtCore

    widget = app.application.moduleManager().module("NeRPSlicer").widgetRepresentation()
    app.unload_module("NeRPSlicer")
    widget.deleteLater()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete.value)
