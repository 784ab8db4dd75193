"""The panel over the life of a scene: other nodes, close, save and load, reload, other modules."""

from __future__ import annotations

import numpy as np
from scene.panels import CORE, OVER, add_ct, add_segmentation


def test_any_ct_and_segmentation_can_be_picked_and_segments_may_overlap(driver):
    ct = add_ct()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    driver.rest()
    assert driver.session.camera.view == "PA" and driver.picture().shape == (128, 128)
    masks = driver.radiograph.ui.masksBox
    assert not masks.enabled and "segmentation" in masks.toolTip
    segmentation = add_segmentation(ct, CORE, OVER)
    driver.patient.ui.segmentationSelector.setCurrentNode(segmentation)
    driver.rest()
    worker = driver.workers[0]._session
    assert worker._voxels == {"left_lung": 24 * 16 * 16, "heart": 20 * 20 * 20}
    assert driver.session.segmentIds == {"left_lung": "Left Lung", "heart": "heart"}
    assert {mask.name for mask in driver.session.display.masks} == {"left_lung", "heart"}
    table = driver.patient.ui.structuresTable
    table.setSelectedSegmentIDs(["heart"])
    driver.rest()
    assert driver.parameters.structures == ["heart"]
    assert [mask.name for mask in driver.session.display.masks] == ["heart"]


def test_everything_is_found_again_in_a_saved_scene(driver, tmp_path):
    import slicer
    from NeRPSlicerLib.scene.ghosts import ghostCameras
    from NeRPSlicerLib.scene.masks import masksNode
    from NeRPSlicerLib.scene.radiograph import radiographNode

    ct = add_ct()
    segmentation = add_segmentation(ct, CORE, OVER)
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    driver.patient.ui.segmentationSelector.setCurrentNode(segmentation)
    driver.rest()
    driver.radiograph.ui.methodBox.currentIndex = 2
    driver.camera.ui.seedBox.value = 77
    driver.camera.ui.primaryRangeWidget.setValues(-40, 40)
    driver.app.wait(5)
    for _ in range(3):
        driver.camera.ui.randomButton.click()
    driver.rest()
    before = driver.session.camera.to_dict()
    values = {
        name: driver.parameters.getValue(name)
        for name, parameter in driver.parameters.allParameters.items()
        if name not in ("ct", "segmentation", "film")
    }
    picture = driver.picture()
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(False)
    driver.app.wait(5)
    assert driver.session.geometry is None and driver.parameters.seed == 1
    slicer.util.loadScene(str(path))
    driver.rest()
    after = {name: driver.parameters.getValue(name) for name in values}
    assert after == values
    assert driver.parameters.ct.GetName() == "CT" and driver.parameters.segmentation is not None
    np.testing.assert_allclose(driver.session.camera.ras_from_camera, before["ras_from_camera"], atol=1e-6)
    assert len(ghostCameras()) == 3
    assert radiographNode() is not None and masksNode().GetSegmentation().GetNumberOfSegments() == 2
    np.testing.assert_allclose(driver.picture(), picture, atol=2e-3 * np.abs(picture).max())
    driver.camera.ui.backButton.click()
    driver.rest()
    assert len(ghostCameras()) == 2


def test_layout_keys_and_worker_come_and_go_with_the_panel(app, driver):
    import qt
    import slicer
    from NeRPSlicerLib.scene.layouts import NERP

    manager = slicer.app.layoutManager()
    assert manager.layout == NERP

    def keys() -> set[str]:
        found = slicer.util.mainWindow().findChildren(qt.QShortcut)
        return {shortcut.key.toString() for shortcut in found if shortcut.parent() is not None}

    assert keys() >= {"R", "Esc"}
    app.select_module("Volumes")
    app.wait(5)
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView and not keys() & {"R", "Esc"}
    app.select_module("NeRPSlicer")
    assert manager.layout == NERP and keys() >= {"R", "Esc"}


def test_the_module_reloads_with_its_library(app, driver):
    import sys

    import slicer

    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    library = sys.modules["NeRPSlicerLib.session"]
    files = driver.session.client.filesFolder
    assert files.is_dir()
    slicer.util.getModuleWidget("NeRPSlicer").onReload()
    panel = slicer.util.getModuleWidget("NeRPSlicer").panel
    assert panel is not driver.panel and sys.modules["NeRPSlicerLib.session"] is not library
    assert not files.exists() and panel.parameters.ct.GetName() == "CT"
    assert panel.parameters.size == 128


def test_every_disabled_widget_says_why(driver):
    import qt

    def disabled() -> list:
        found = [w for s in driver.panel.sections for w in vars(s.ui).values()]
        kinds = (qt.QPushButton, qt.QCheckBox)
        return [w for w in found if isinstance(w, kinds) and not w.enabled]

    driver.rest()
    assert len(disabled()) >= 8
    for widget in disabled():
        assert widget.toolTip.endswith("."), widget.objectName
