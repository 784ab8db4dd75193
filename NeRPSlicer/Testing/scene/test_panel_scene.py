"""The panel over the life of a scene: other nodes, close, save and load, reload, other modules."""

from __future__ import annotations

import zipfile
from xml.etree import ElementTree

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


def change_everything(driver, folder) -> dict:
    """Give every parameter another value than its default; their values once all is at rest."""
    from slicer.parameterNodeWrapper import FloatRange

    parameters = driver.parameters
    kinds = {name: type(parameters.getValue(name)) for name in ("method", "masks", "comparison")}
    wanted = {
        "structures": ["heart"],
        "live": False,
        "handles": True,
        "sourceToImage": 1500.0,
        "airGap": 80.0,
        "fieldShare": 90.0,
        "seed": 77,
        "primaryRange": FloatRange(-40, 40),
        "secondaryRange": FloatRange(-20, 5),
        "rollRange": FloatRange(-1, 2),
        "method": kinds["method"].AIP,
        "model": "0" * 64,
        "modelName": "a model",
        "masks": kinds["masks"].FILLED,
        "maskOpacity": 0.25,
        "autoWindow": False,
        "comparison": kinds["comparison"].SWIPE,
        "swipe": 30.0,
        "matchHistogram": True,
        "filmInverted": True,
        "filmRight": 12.5,
        "filmDown": -7.0,
        "filmScale": 120.0,
        "filmTurn": 5.0,
        "exportViews": 3,
        "exportStandard": False,
        "exportFolder": folder,
    }
    for name, value in wanted.items():
        setattr(parameters, name, value)
        driver.app.wait(5)
    for _ in range(3):
        driver.camera.ui.randomButton.click()
    driver.rest()
    values = {name: parameters.getValue(name) for name in parameters.allParameters}
    changed = {name for name, value in values.items() if value != parameters.default(name).value}
    assert changed == set(parameters.allParameters), set(parameters.allParameters) - changed
    return {name: value for name, value in values.items() if name not in ("ct", "segmentation", "film")}


def test_everything_is_found_again_in_a_saved_scene(driver, tmp_path):
    import slicer
    from NeRPSlicerLib.example import addVolume
    from NeRPSlicerLib.scene.film import alignment
    from NeRPSlicerLib.scene.ghosts import ghostCameras
    from NeRPSlicerLib.scene.masks import masksNode

    driver.loadPatient()
    film = addVolume(
        "film", np.arange(90 * 70, dtype=np.uint16).reshape(1, 90, 70), np.diag([-1.0, -1, 1, 1])
    )
    driver.patient.ui.filmSelector.setCurrentNode(film)
    values = change_everything(driver, tmp_path / "set")
    camera, picture = driver.session.camera, driver.picture()
    aligned = alignment(camera)
    masks = [mask.pixels for mask in driver.session.display.masks]
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(False)
    driver.app.wait(5)
    assert driver.session.geometry is None and driver.parameters.seed == 1
    slicer.util.loadScene(str(path))
    driver.rest()
    assert {name: driver.parameters.getValue(name) for name in values} == values
    names = [getattr(driver.parameters, name).GetName() for name in ("ct", "segmentation", "film")]
    assert names == ["CT", "Structures", "film"]
    now = driver.session.camera
    np.testing.assert_allclose(now.ras_from_camera, camera.ras_from_camera, atol=1e-6)
    assert (now.field_mm, now.source_to_image_mm) == (camera.field_mm, camera.source_to_image_mm)
    np.testing.assert_allclose(alignment(now), aligned, atol=1e-4)
    assert len(ghostCameras()) == 3 and masksNode().GetSegmentation().GetNumberOfSegments() == 1
    np.testing.assert_allclose(driver.picture(), picture, atol=2e-3 * np.abs(picture).max())
    for mask, before in zip(driver.session.display.masks, masks, strict=True):
        assert (mask.pixels != before).mean() < 1e-3
    driver.camera.ui.backButton.click()
    driver.rest()
    assert len(ghostCameras()) == 2


def test_a_colleague_without_the_extension_sees_views(app, driver, tmp_path):
    """A layout that is not known there would open without any view."""
    import slicer
    from NeRPSlicerLib.scene.layouts import DESCRIPTIONS
    from NeRPSlicerLib.scene.radiograph import radiographNode

    driver.loadPatient()
    picture = driver.picture()
    manager = slicer.app.layoutManager()
    assert manager.layout in DESCRIPTIONS
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    with zipfile.ZipFile(path) as bundle:
        (scene,) = (bundle.read(name) for name in bundle.namelist() if name.endswith(".mrml"))
    shown = [int(node.get("currentViewArrangement")) for node in ElementTree.fromstring(scene).iter("Layout")]
    assert not set(shown) & set(DESCRIPTIONS)
    app.unload_module("NeRPSlicer")
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(str(path))
    app.wait(5)
    assert manager.layout not in DESCRIPTIONS and {"Red", "Yellow", "Green"} <= set(manager.sliceViewNames())
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(radiographNode())[0], picture)


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
