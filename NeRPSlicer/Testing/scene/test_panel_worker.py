"""The panel with a real worker process: killed mid-drag, idle, not to be started; the main thread goes on."""

from __future__ import annotations

import gc
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from scene.panels import CORE, MODULE, PanelDriver, add_ct, add_segmentation


@pytest.fixture
def no_old_objects():
    """What the tests before left behind is nothing that the collector walks through in this one."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def real(app):
    """The panel with workers of its own."""
    import slicer

    app.load_module(MODULE)
    app.select_module("NeRPSlicer")
    panel = slicer.util.getModuleWidget("NeRPSlicer").panel
    panel.parameters.size = 128
    yield PanelDriver(app, panel, [])
    app.unload_module("NeRPSlicer")


def test_a_killed_worker_comes_back_with_everything_it_knew(real):
    ct = add_ct()
    real.patient.ui.ctSelector.setCurrentNode(ct)
    real.patient.ui.segmentationSelector.setCurrentNode(add_segmentation(ct, CORE))
    real.rest()
    for angle in range(1, 6):
        real.camera.ui.primarySlider.value = angle
        real.app.wait(0)
    worker = real.session.client.worker
    folder = worker.folder
    os.kill(worker.pid, signal.SIGKILL)
    began = time.monotonic()
    real.camera.ui.primarySlider.value = 12
    real.wait(lambda: real.session.client.worker not in (worker, None))
    real.rest()
    assert time.monotonic() - began < 8
    assert "started again" in real.message and "\n" not in real.message
    assert round(real.session.camera.angles.primary) == 12
    assert "LAO 12" in real.session.lastReply["description"]
    assert [mask.name for mask in real.session.display.masks] == ["left_lung"]
    assert not folder.exists()


def test_nothing_is_left_behind(app, real):
    import slicer

    real.patient.ui.ctSelector.setCurrentNode(add_ct())
    real.rest()
    folder = Path(slicer.app.temporaryPath)
    kept = ("nerp-session-*", "nerp-files-*")
    assert all(list(folder.glob(pattern)) for pattern in kept)
    real.panel.close()
    assert not any(list(folder.glob(pattern)) for pattern in kept)


def test_a_worker_that_cannot_start_is_told_once(driver):
    from NeRPSlicerLib.client.renderClient import RenderClient
    from NeRPSlicerLib.client.workerProcess import WorkerProcess

    told, answers = [], []

    def start(onReply, onEnd):
        return WorkerProcess(onReply, onEnd, python="/nowhere/python")

    client = RenderClient(driver.session.client.filesFolder.parent / "nerp-files-x", told.append, start)
    client.request({"do": "release"}, answers.append)
    driver.wait(lambda: bool(told))
    assert "/nowhere/python" in told[0] and len(told) == 1 and "error" in answers[0]
    client.close()


def test_a_worker_that_keeps_dying_is_given_up(driver):
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    for _ in range(3):
        driver.workers[-1].die()
        driver.app.wait(5)
        driver.rest()
    assert len(driver.workers) == 4 and "started again" in driver.message
    driver.camera.ui.presetLL.click()
    driver.wait(lambda: len(driver.workers[-1].requests) > 3)
    driver.rest()
    told = [(r["do"], r.get("body", True)) for r in driver.workers[-1].requests]
    assert told[:2] == [("hello", True), ("volume", True)] and told[-1][0] == "draw"
    driver.workers[-1].die()
    driver.rest()
    assert len(driver.workers) == 4 and "cannot be started" in driver.message


@pytest.mark.parametrize("way", ["Esc", "Cancel"])
def test_what_was_asked_for_can_be_dropped(app, driver, way):
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    before = driver.picture()
    driver.workers[0].paused = True
    driver.camera.ui.presetAP.click()
    assert driver.session.live.active
    driver.wait(lambda: driver.panel.settled)
    assert driver.panel.status.ui.cancelButton.enabled
    if way == "Esc":
        app.press("Esc")
    else:
        driver.panel.status.ui.cancelButton.click()
    driver.workers[0].paused = False
    driver.app.wait(5)
    driver.wait(lambda: not driver.session.client.busy)
    assert not driver.session.live.active
    np.testing.assert_array_equal(driver.picture(), before)


def test_a_ct_whose_loading_was_cancelled_can_be_loaded_again(app, driver):
    ct = add_ct()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    driver.wait(lambda: driver.session.loader.busy)
    app.press("Esc")
    driver.rest()
    assert driver.session.geometry is None and "again" in driver.message
    for node in (None, ct):
        driver.patient.ui.ctSelector.setCurrentNode(node)
        driver.rest()
    assert driver.message == "" and driver.picture().std() > 0


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "segments"), [((60, 192, 192), 10), ((120, 256, 256), 20)])
def test_the_main_thread_is_never_held_up(real, no_old_objects, shape, segments):
    """A timer that ought to fire every 5 ms, while a CT loads and the camera turns.

    In processor time of this thread: a machine that is busy with other things must not fail it.
    """
    import qt

    stalls, last = [], [time.thread_time()]

    def tick() -> None:
        now = time.thread_time()
        stalls.append(now - last[0])
        last[0] = now

    import slicer

    slicer.app.pauseRender()
    timer = qt.QTimer()
    timer.setInterval(5)
    timer.connect("timeout()", tick)
    real.session.display.exit()
    timer.start()
    ct = add_ct(shape=shape, ras_from_ijk=np.diag([-1.4, -1.4, 2.5, 1]))
    boxes = [(f"part {n}", np.s_[5 * n + 4 : 5 * n + 12, 40:160, 40:160]) for n in range(segments)]
    real.patient.ui.ctSelector.setCurrentNode(ct)
    real.patient.ui.segmentationSelector.setCurrentNode(add_segmentation(ct, *boxes))
    last[0] = time.thread_time()
    stalls.clear()
    real.rest()
    for angle in range(1, 20):
        real.camera.ui.primarySlider.value = angle
        real.app.wait(20)
    real.rest()
    timer.stop()
    slicer.app.resumeRender()
    assert len(stalls) > 50 and max(stalls) < 0.2, f"{max(stalls):.3f} s"
