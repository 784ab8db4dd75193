"""What people do by mistake, at the panel: one line that says what and what next, and everything goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scene.panels import CORE, OVER, add_ct, add_segmentation


def add_colour(name: str):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.zeros((8, 8, 8, 3), np.uint8))
    return node


def add_flat(name: str):
    from NeRPSlicerLib.example import addVolume

    return addVolume(name, np.zeros((1, 8, 8), np.uint16), np.eye(4))


def add_empty(name: str):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)


def told(driver) -> str:
    """The message, which must be one line that ends as a sentence does."""
    line = driver.message
    assert line and "\n" not in line and "Traceback" not in line and line.endswith("."), line
    return line


def goes_on(driver) -> None:
    """A CT that is chosen next is drawn, and the message has gone."""
    driver.patient.ui.ctSelector.setCurrentNode(add_ct("next"))
    driver.rest()
    assert driver.message == "" and driver.picture().std() > 0


def test_no_ct(app, driver):
    import slicer

    app.press("R")
    assert "no CT" in told(driver) and "Load example" in driver.message
    assert driver.panel.layout.indexOf(driver.panel.status.widget) == 0, "above all sections"
    bar = slicer.util.mainWindow().statusBar()
    assert bar.currentMessage() == driver.message
    goes_on(driver)
    assert bar.currentMessage() == ""


@pytest.mark.parametrize(
    ("add", "words"),
    [(add_flat, "2-D picture"), (add_colour, "colour picture"), (add_empty, "no voxels")],
)
def test_what_is_no_ct(driver, add, words):
    driver.patient.ui.ctSelector.setCurrentNode(add("odd"))
    driver.rest()
    assert words in told(driver) and '"odd"' in driver.message
    assert not driver.radiograph.ui.computeButton.enabled
    goes_on(driver)


def test_an_empty_segment_among_others(driver):
    ct = add_ct()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    segmentation = add_segmentation(ct, CORE, ("nothing", np.s_[0:0, 0:0, 0:0]), OVER)
    driver.patient.ui.segmentationSelector.setCurrentNode(segmentation)
    driver.rest()
    assert "nothing" in told(driver) and set(driver.session.segmentIds) == {"left_lung", "heart"}
    driver.camera.ui.presetAP.click()
    driver.rest()
    assert driver.message == ""
    driver.patient.ui.structuresTable.setSelectedSegmentIDs(["nothing"])
    driver.rest()
    assert "nothing" in told(driver)


def test_only_empty_segments_and_another_frame(driver):
    ct = add_ct()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    driver.rest()
    driver.patient.ui.segmentationSelector.setCurrentNode(
        add_segmentation(ct, ("nothing", np.s_[0:0, 0:0, 0:0]))
    )
    driver.rest()
    assert "empty" in told(driver)
    away = add_ct("far", ras_from_ijk=np.diag([-4.0, -4, 5, 1]) + 9e3 * np.eye(4, k=3))
    driver.patient.ui.segmentationSelector.setCurrentNode(add_segmentation(away, CORE))
    driver.rest()
    assert "outside" in told(driver)
    driver.patient.ui.segmentationSelector.setCurrentNode(add_segmentation(ct, CORE))
    driver.rest()
    assert driver.message == "" and [mask.name for mask in driver.session.display.masks] == ["left_lung"]


def test_a_camera_that_is_not_rigid(driver):
    import slicer
    from NeRPSlicerLib.scene.camera import cameraNode

    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    matrix = slicer.util.arrayFromTransformMatrix(cameraNode())
    slicer.util.updateTransformMatrixFromArray(cameraNode(), np.diag([2.0, 1, 1, 1]) @ matrix)
    driver.rest()
    assert driver.session.camera is None
    told(driver)
    slicer.util.updateTransformMatrixFromArray(cameraNode(), matrix)
    driver.rest()
    assert driver.message == "" and driver.session.camera is not None
    slicer.util.updateTransformMatrixFromArray(cameraNode(), np.diag([1.0, 1, -1, 1]) @ matrix)
    driver.rest()
    told(driver)
    driver.camera.ui.presetPA.click()
    driver.rest()
    assert driver.message == "" and driver.session.camera.view == "PA"


def test_a_ct_deleted_while_it_is_handed_over_and_drawn(driver):
    import slicer

    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    slicer.mrmlScene.RemoveNode(driver.parameters.ct)
    driver.rest()
    assert driver.session.geometry is None
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    driver.camera.ui.presetAP.click()
    slicer.mrmlScene.RemoveNode(driver.parameters.ct)
    driver.rest()
    assert driver.session.geometry is None and not driver.camera.ui.presetPA.enabled
    goes_on(driver)


def test_a_segmentation_deleted_while_it_is_read(driver):
    import slicer

    ct = add_ct()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    driver.rest()
    segmentation = add_segmentation(ct, CORE, OVER)
    driver.patient.ui.segmentationSelector.setCurrentNode(segmentation)
    slicer.mrmlScene.RemoveNode(segmentation)
    driver.rest()
    assert driver.parameters.segmentation is None and driver.session.segmentIds == {}
    goes_on(driver)


def test_a_worker_that_cannot_start(driver, monkeypatch):
    from NeRPSlicerLib.client.workerProcess import WorkerProcess

    client = driver.session.client
    works = client._start
    monkeypatch.setattr(
        client, "_start", lambda onReply, onEnd: WorkerProcess(onReply, onEnd, python="/nowhere/python")
    )
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.wait(lambda: driver.message != "")
    driver.rest()
    assert "cannot be started" in told(driver)
    monkeypatch.setattr(client, "_start", works)
    goes_on(driver)


@pytest.fixture
def export(driver):
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    section = driver.panel.sections[-2]
    section.ui.viewsBox.value = 200
    section.ui.standardBox.click()
    return section


def test_a_folder_that_cannot_be_written(driver, export):
    export.ui.folderEdit.currentPath = str(Path(__file__) / "set")
    driver.rest()
    for button in (export.ui.exportButton, export.ui.pictureButton):
        button.click()
        driver.rest()
        assert "cannot be written" in told(driver)
        assert export.ui.exportButton.text == "Export" and export.ui.exportButton.enabled


def test_a_job_cancelled_twice(driver, export, tmp_path):
    export.ui.folderEdit.currentPath = str(tmp_path / "set")
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: export.status is not None and export.status.state == "running")
    driver.wait(lambda: driver.panel.settled)
    export.ui.exportButton.click()
    export.ui.exportButton.click()
    driver.wait(lambda: export.status.state == "stopped")
    driver.wait(lambda: export.ui.exportButton.text == "Resume")
    assert driver.message == ""


def test_a_beam_that_misses_the_patient(driver):
    import slicer
    from NeRPSlicerLib.scene.camera import cameraNode

    driver.loadPatient()
    matrix = slicer.util.arrayFromTransformMatrix(cameraNode())
    aside = matrix.copy()
    aside[0, 3] += 3000
    slicer.util.updateTransformMatrixFromArray(cameraNode(), aside)
    driver.rest()
    assert "misses the patient" in told(driver)
    slicer.util.updateTransformMatrixFromArray(cameraNode(), matrix)
    driver.rest()
    assert driver.message == "" and driver.picture().std() > 0
