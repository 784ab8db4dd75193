"""The module's panel for tests: with a worker in this process, on a coarse phantom."""

from __future__ import annotations

import uuid
from collections import deque
from functools import cache
from pathlib import Path

import numpy as np
import pytest

MODULE = Path(__file__).resolve().parents[2] / "NeRPSlicer.py"
COARSE_MM = 6.0
SIDE, SMALL_SIDE, SAMPLES, FILM_SIDE = 128, 64, 128, 96
"""Of pictures: enough to tell lung from spine."""
MASK_SIDE = 64
REST_MS, SETTLE_MS, REFRESH_MS, POLL_MS, BLINK_MS = 40, 20, 5, 50, 60
"""A test need not wait as long as a hand."""


@cache
def _thorax(seed: int, spacing_mm: float):
    from nerp.phantom import thorax

    return thorax(seed, spacing_mm)


@cache
def _film(*arguments):
    from nerp.worker.example import example_film

    return example_film(*arguments)


def add_ct(name="CT", shape=(40, 64, 64), ras_from_ijk=None):
    """A box of water with a denser core in air."""
    from NeRPSlicerLib.example import addVolume

    hu = np.full(shape, -1000, np.int16)
    hu[4:-4, 8:-8, 8:-8] = 0
    hu[8:-8, 24:40, 24:40] = 900
    frame = np.diag([-4.0, -4.0, 5.0, 1.0]) if ras_from_ijk is None else ras_from_ijk
    return addVolume(name, hu, frame)


def add_segmentation(ct, *boxes):
    """A segmentation of named boxes, given as slices along K, J, I."""
    import slicer
    from NeRPSlicerLib.example import segmentOf
    from NeRPSlicerLib.scene.volumes import rasFromIjk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Structures")
    node.CreateDefaultDisplayNodes()
    for name, box in boxes:
        spans = [(part.start, part.stop - 1) for part in box]
        mask = np.ones([part.stop - part.start for part in box], bool)
        node.GetSegmentation().AddSegment(segmentOf(name, [200, 80, 60], mask, spans, rasFromIjk(ct)), name)
    return node


CORE = ("Left Lung", np.s_[8:32, 24:40, 24:40])
OVER = ("heart", np.s_[10:30, 30:50, 24:44])


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


class Driver:
    """A panel, and what a person sees and does at any."""

    def __init__(self, app, panel) -> None:
        self.app, self.panel = app, panel

    @property
    def parameters(self):
        return self.panel.parameters

    @property
    def message(self) -> str:
        return self.panel.status.ui.messageLabel.text

    def wait(self, until, milliseconds: int = 20000) -> None:
        """Process events until something is true."""
        assert self.app.wait(milliseconds, until), f"waited in vain; the panel says {self.message!r}"


class PanelDriver(Driver):
    """The panel, and what a person does at it."""

    def __init__(self, app, panel, workers: list) -> None:
        super().__init__(app, panel)
        self.workers = workers
        self.patient, self.camera, self.radiograph = panel.sections[:3]

    @property
    def session(self):
        return self.panel.session

    def rest(self) -> None:
        """Wait until nothing is under way."""
        self.app.wait(0)
        self.wait(lambda: self.panel.idle)
        self.app.wait(0)
        self.wait(lambda: self.panel.idle)

    def loadExample(self) -> None:
        self.patient.ui.exampleButton.click()
        self.rest()

    def loadPatient(self) -> None:
        """A box with two overlapping structures: quicker than the example where any patient will do."""
        ct = add_ct()
        self.patient.ui.ctSelector.setCurrentNode(ct)
        self.patient.ui.segmentationSelector.setCurrentNode(add_segmentation(ct, CORE, OVER))
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

    import nerp.worker.drawing
    import nerp.worker.session

    monkeypatch.setattr(nerp.worker.session, "thorax", _thorax)
    monkeypatch.setattr(nerp.worker.session, "example_film", _film)
    monkeypatch.setattr(nerp.worker.drawing, "SMALL_SIDE", SMALL_SIDE)
    app.load_module(MODULE)
    import NeRPSlicerLib.client.jobClient
    import NeRPSlicerLib.client.live
    import NeRPSlicerLib.comparison
    import NeRPSlicerLib.display
    import NeRPSlicerLib.example
    import NeRPSlicerLib.pictures
    import NeRPSlicerLib.ui.panel

    monkeypatch.setattr(NeRPSlicerLib.client.jobClient, "POLL_MS", POLL_MS)
    monkeypatch.setattr(NeRPSlicerLib.client.live, "REST_MS", REST_MS)
    monkeypatch.setattr(NeRPSlicerLib.comparison, "BLINK_MS", BLINK_MS)
    monkeypatch.setattr(NeRPSlicerLib.display, "SETTLE_MS", SETTLE_MS)
    monkeypatch.setattr(NeRPSlicerLib.ui.sectionedPanel, "REFRESH_MS", REFRESH_MS)
    monkeypatch.setattr(NeRPSlicerLib.example, "SPACING_MM", COARSE_MM)
    monkeypatch.setattr(NeRPSlicerLib.example, "FILM_SIDE", FILM_SIDE)
    monkeypatch.setattr(NeRPSlicerLib.example, "FILM_SEED", NeRPSlicerLib.example.SEED)
    monkeypatch.setattr(NeRPSlicerLib.pictures, "MASK_SIDE_WITHOUT_NUMBA", MASK_SIDE)
    monkeypatch.setattr(NeRPSlicerLib.ui.panel, "WorkerProcess", start)
    app.select_module("NeRPSlicer")
    panel = slicer.util.getModuleWidget("NeRPSlicer").panel
    panel.parameters.size, panel.parameters.samples = SIDE, SAMPLES
    yield PanelDriver(app, panel, workers)
    app.unload_module("NeRPSlicer")
