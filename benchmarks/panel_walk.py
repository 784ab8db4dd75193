"""One walk at the panel in this process: figures as JSON in the last line (see panel.py).

python panel_walk.py numba|bare|large [INTERPRETER OF THE WORKER]
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

TESTING = Path(__file__).resolve().parents[1] / "NeRPSlicer" / "Testing"
for folder in (TESTING, TESTING.parent):
    sys.path.insert(0, str(folder))

MOVES, RESTS, IMPORTS = 50, 5, 15
SIZE = 256
LARGE = (400, 512, 512)
STRUCTURES = ("lung_left", "lung_right", "heart", "liver", "aorta", "clavicula_left", "clavicula_right")
TICK_MS = 5


class Watchdog:
    """A timer that ought to fire every few ms; what its thread computed between two turns is a stall.

    In processor time of the main thread, without what Slicer's own views take to draw.
    """

    def __init__(self) -> None:
        import qt
        from host import views

        self.longest_s = self.drawing_s = self._drawing_cpu_s = 0.0
        self._last: float | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._tick)
        draw = views._View.forceRender

        def timed(view) -> None:
            begin, begin_cpu = time.perf_counter(), time.thread_time()
            draw(view)
            self.drawing_s += time.perf_counter() - begin
            self._drawing_cpu_s += time.thread_time() - begin_cpu

        views._View.forceRender = timed

    def start(self) -> None:
        self._last = None
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.thread_time() - self._drawing_cpu_s
        if self._last is not None:
            self.longest_s = max(self.longest_s, now - self._last)
        self._last = now


class Walk:
    """The panel, its watchdog, and what a person does."""

    def __init__(self, python: str) -> None:
        import host
        from host.preview import MODULE, open_preview

        host.start()
        self.import_ms = [1000 * _import_seconds(MODULE) for _ in range(IMPORTS)]
        self.watchdog = Watchdog()
        begin = time.perf_counter()
        import NeRPSlicerLib.ui.panel as panel

        panel.WorkerProcess = partial(panel.WorkerProcess, python=python)
        self.host = open_preview(MODULE)
        self.host.window.show()
        self.opening_s = time.perf_counter() - begin
        import slicer
        from scene.panels import PanelDriver

        self.driver = PanelDriver(self.host, slicer.util.getModuleWidget("NeRPSlicer").panel, [])
        self.session = self.driver.session
        self.driver.parameters.size = SIZE

    def until(self, true: Callable[[], bool], seconds: float = 120) -> float:
        """Let events pass until something is true; the seconds that took."""
        begin = time.perf_counter()
        while not true():
            self.host._qt.processEvents()
            if time.perf_counter() - begin > seconds:
                raise TimeoutError(f"{self.driver.message!r}, {self.session.lastReply}")
        return time.perf_counter() - begin

    def shows(self, *qualities: str) -> bool:
        """Whether a picture of the camera as it stands is there."""
        reply, camera = self.session.lastReply, self.session.camera
        pose = reply.get("camera", {}).get("ras_from_camera")
        return reply.get("quality") in qualities and np.array_equal(pose, camera.ras_from_camera)

    def turn(self, angle: float) -> None:
        self.driver.camera.ui.primarySlider.value = angle

    def draw_view(self) -> None:
        """The radiograph's view is drawn now, if it has not been since its last change."""
        from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW

        view = self.host.application.layoutManager().sliceWidget(RADIOGRAPH_VIEW).sliceView()
        if view._dirty:
            view.forceRender()


def _import_seconds(module: Path) -> float:
    spec = importlib.util.spec_from_file_location("measured", module)
    loaded = importlib.util.module_from_spec(spec)
    begin = time.perf_counter()
    spec.loader.exec_module(loaded)
    return time.perf_counter() - begin


def drag(walk: Walk) -> tuple[list[float], list[float]]:
    """Milliseconds from each move of a drag to its small picture on screen: in all, and without the drawing
    of views."""
    totals, ours = [], []
    for angle in range(-MOVES // 2, MOVES // 2):
        begin, drawn = time.perf_counter(), walk.watchdog.drawing_s
        walk.turn(float(angle))
        walk.until(lambda: walk.shows("small", "full"))
        walk.draw_view()
        totals.append(1000 * (time.perf_counter() - begin))
        ours.append(totals[-1] - 1000 * (walk.watchdog.drawing_s - drawn))
    return totals, ours


def small_patient(python: str) -> dict:
    """The example, from the module's opening to a worker that is killed."""
    walk = Walk(python)
    driver = walk.driver
    from NeRPSlicerLib.client.live import REST_MS

    walk.watchdog.start()
    driver.patient.ui.exampleButton.click()
    figures: dict = {"import_ms": walk.import_ms}
    figures["first_s"] = walk.opening_s + walk.until(lambda: walk.session.numbers is not None)
    driver.rest()
    driver.radiograph.ui.masksBox.currentIndex = 3
    driver.rest()
    figures["small_drawn_ms"], figures["small_ms"] = drag(walk)
    figures["full_ms"] = []
    for angle in range(RESTS):
        walk.turn(-5.0 * angle)
        figures["full_ms"].append(1000 * walk.until(lambda: walk.shows("full")) - REST_MS)
    driver.radiograph.ui.masksBox.currentIndex = 0
    driver.rest()
    figures["small_masks_drawn_ms"], figures["small_masks_ms"] = drag(walk)
    driver.rest()
    figures["killed_s"] = killed(walk)
    walk.watchdog.stop()
    figures["stall_ms"] = 1000 * walk.watchdog.longest_s
    walk.session.close()
    return figures


def killed(walk: Walk) -> float:
    """Seconds from a worker's death in the middle of a drag to the next pose's picture."""
    for angle in range(1, 6):
        walk.turn(float(angle))
        walk.host._qt.processEvents()
    os.kill(walk.session.client.worker.pid, signal.SIGKILL)
    begin = time.perf_counter()
    walk.turn(12.0)
    walk.until(lambda: walk.shows("small", "full"))
    walk.draw_view()
    assert "started again" in walk.driver.message, walk.driver.message
    return time.perf_counter() - begin


def large_patient(python: str) -> dict:
    """A CT of 512 x 512 x 400 with structures: what it costs."""
    walk = Walk(python)
    driver, session = walk.driver, walk.session
    ct, segmentation = large_patient_nodes()
    walk.host.wait(500)
    said = [time.perf_counter()]
    tell = session.loader._onProgress

    def heard(share: float, text: str) -> None:
        said.append(time.perf_counter())
        tell(share, text)

    session.loader._onProgress = heard
    before = _memory_mb(os.getpid(), "VmRSS")
    _forget_peak(os.getpid())
    walk.watchdog.start()
    begin = time.perf_counter()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    walk.until(lambda: session.numbers is not None, 300)
    first = time.perf_counter()
    figures = {"first_s": first - begin, "silence_s": float(np.diff([begin, *said[1:], first]).max())}
    driver.wait(lambda: not session.live.active and not session.loader.busy, 120000)
    driver.patient.ui.segmentationSelector.setCurrentNode(segmentation)
    driver.wait(lambda: session.display.masks and not session.live.active, 120000)
    for method in range(driver.radiograph.ui.methodBox.count):
        driver.radiograph.ui.methodBox.currentIndex = method
        driver.radiograph.ui.computeButton.click()
        walk.until(lambda: not session.live.active, 120)
    worker = session.client.worker.pid
    if before:
        figures["panel_mb"] = _memory_mb(os.getpid(), "VmHWM") - before
        figures["worker_mb"] = _memory_mb(worker, "VmHWM")
        figures["both_mb"] = figures["panel_mb"] + figures["worker_mb"]
    driver.patient.ui.segmentationSelector.setCurrentNode(None)
    driver.patient.ui.ctSelector.setCurrentNode(None)
    driver.wait(lambda: not session.client.busy)
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    walk.until(lambda: "patient" in driver.panel.status.ui.progressBar.format)
    driver.panel.status.ui.cancelButton.click()
    figures["cancel_s"] = walk.until(lambda: not session.client.busy)
    assert session.geometry is None
    walk.watchdog.stop()
    figures["stall_ms"] = 1000 * walk.watchdog.longest_s
    session.close()
    return figures


def large_patient_nodes() -> tuple:
    """The digital thorax on a grid of 512 x 512 x 400 with noise, as Slicer holds a CT and its structures."""
    import nerp
    import slicer
    from NeRPSlicerLib.example import addVolume, segmentOf

    small, structures = nerp.thorax(seed=1)
    places = [np.arange(n) * m // n for n, m in zip(LARGE, small.shape, strict=True)]
    shares = np.array(small.shape[::-1]) / LARGE[::-1]
    small_from_large = np.diag([*shares, 1.0])
    small_from_large[:3, 3] = (shares - 1) / 2
    frame = small.ras_from_ijk @ small_from_large
    noise = np.random.default_rng(0).normal(0, 12, LARGE[1:]).astype(np.int16)
    hu = np.empty(LARGE, np.int16)
    for n, k in enumerate(places[0]):
        np.clip(small.hu[np.ix_([k], *places[1:])][0] + np.roll(noise, 37 * n), -1024, 3071, out=hu[n])
    ct = addVolume("Large CT", hu, frame)
    del hu
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Structures")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.GetDisplayNode().SetVisibility(False)
    for item in structures:
        if item.name not in STRUCTURES:
            continue
        mask = structures.mask(item.name)
        spans, cut = [], []
        for axis, place in enumerate(places):
            there = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))[place])
            spans.append((int(there[0]), int(there[-1])))
            cut.append(place[there[0] : there[-1] + 1])
        segment = segmentOf(item.name, list(item.color), mask[np.ix_(*cut)], spans, frame)
        segmentation.GetSegmentation().AddSegment(segment, item.name)
    return ct, segmentation


def _memory_mb(pid: int, what: str) -> float:
    status = Path(f"/proc/{pid}/status")
    return int(re.search(rf"{what}:\s+(\d+)", status.read_text())[1]) / 1024 if status.exists() else 0.0


def _forget_peak(pid: int) -> None:
    if Path(f"/proc/{pid}/clear_refs").exists():
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def main() -> None:
    which, python = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else sys.executable
    figures = large_patient(python) if which == "large" else small_patient(python)
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
