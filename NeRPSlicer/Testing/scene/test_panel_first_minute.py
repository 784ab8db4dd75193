"""The first minute at the panel: Load example, presets, sliders, Randomize, Back, ghosts, the 3-D view."""

from __future__ import annotations

import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest


def camera_node():
    from NeRPSlicerLib.scene.camera import cameraNode

    return cameraNode()


def bright(driver, shape=None) -> float:
    picture = driver.picture()
    return float(picture[:, picture.shape[1] // 2].mean() / picture.mean())


def test_load_example_shows_a_pa_radiograph_with_everything_around_it(app, driver):
    import slicer
    from NeRPSlicerLib.scene.film import filmPixels
    from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW

    assert "Load example" in driver.patient.ui.exampleButton.text
    assert not driver.camera.ui.presetPA.enabled and "CT" in driver.camera.ui.presetPA.toolTip
    driver.loadExample()
    assert driver.parameters.ct.GetName() == "Example chest CT (synthetic)"
    assert driver.parameters.film.GetName() == "Example radiograph (synthetic)"
    assert filmPixels(driver.parameters.film).shape == (96, 96)
    segmentation = driver.parameters.segmentation.GetSegmentation()
    assert segmentation.GetNumberOfSegments() > 50 and len(driver.session.segmentIds) > 50
    assert driver.session.camera.view == "PA" and driver.session.camera.angles.primary == pytest.approx(0)
    picture = driver.picture()
    assert picture.shape == (128, 128)
    rows, columns = picture.shape
    lung = picture[int(0.4 * rows), int(0.3 * columns)]
    spine = picture[int(0.6 * rows), columns // 2]
    assert spine > 1.5 * lung > 0
    names = {mask.name for mask in driver.session.display.masks}
    assert {"lung_left", "lung_right", "heart"} <= names
    widget = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW)
    shown = app.picture(widget.sliceView()).astype(int)
    assert (np.ptp(shown, axis=2) > 40).sum() > 200, "outlines are coloured"
    assert shown.max() > 200 and driver.message == ""


def test_the_patient_is_seen_in_the_beam(driver):
    from NeRPSlicerLib.scene.roles import findNode

    driver.loadPatient()
    skin, body = findNode("patientSurface"), driver.session.geometry.body_box
    bounds = [0.0] * 6
    skin.GetRASBounds(bounds)
    np.testing.assert_allclose(np.array(bounds).reshape(3, 2).T, body, atol=25)


def test_sample_data_offers_the_example(app, driver, monkeypatch):
    """Slicer's module Sample Data is told a downloader of our own: it shows the panel and builds there."""
    import slicer

    offered = []

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(
            category="Custom", sampleName=None, uris=None, fileNames=None, nodeNames=None,
            customDownloader=None, thumbnailFileName=None, loadFileTypes=None, loadFiles=None,
            loadFileProperties=None, checksums=None, loadFileType=None,
        ):  # fmt: skip
            offered.append((category, sampleName, customDownloader, thumbnailFileName))

    module = types.ModuleType("SampleData")
    module.__spec__ = ModuleSpec("SampleData", None)
    module.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", module)
    sys.modules["NeRPSlicer"].registerAtStartup()
    ((category, name, download, picture),) = offered
    assert category == "Neural Radiance Projection" and "example" in name and Path(picture).is_file()
    app.select_module("Volumes")
    # The worker of tests lives in this process, where the module itself may start no thread.
    monkeypatch.setenv("NERP_THREADS", "1")
    nodes = download(None)
    assert slicer.util.selectedModule() == "NeRPSlicer"
    assert nodes == [driver.parameters.ct, driver.parameters.segmentation]
    assert driver.parameters.film is not None and driver.session.geometry is not None


def test_an_example_that_is_not_built_in_time_is_given_up(driver, monkeypatch):
    import NeRPSlicerLib.ui.panel

    monkeypatch.setattr(NeRPSlicerLib.ui.panel, "EXAMPLE_S", 0.02)
    driver.session.client.request({"do": "release"})
    driver.workers[0].paused = True
    assert driver.panel.loadExampleAndWait() == []
    assert "not built in time" in driver.message and not driver.session.example.busy


@pytest.mark.slow
def test_a_segmentation_node_equals_what_the_worker_draws(driver):
    """The example's segments, exported like any segmentation, count the voxels that the worker counted."""
    from NeRPSlicerLib.scene.segments import iterateSegments

    driver.loadExample()
    session = driver.workers[0]._session
    for labels in iterateSegments(driver.parameters.segmentation, driver.parameters.ct):
        assert int(labels.mask.sum()) == session._voxels[labels.name], labels.name


def test_presets_sliders_and_the_three_d_view_move_the_camera(app, driver):
    import slicer

    driver.loadPatient()
    pa = driver.picture()
    ui = driver.camera.ui
    ui.presetLL.click()
    driver.rest()
    assert driver.session.camera.view == "LL" and ui.primarySlider.value == 90
    ui.presetAP.click()
    driver.rest()
    assert driver.session.camera.source_to_image_mm == ui.sidSlider.value == 1000
    assert np.abs(driver.picture() - pa).mean() > 0.1 * pa.mean()
    ui.presetPA.click()
    ui.primarySlider.value = 30
    ui.secondarySlider.value = -10
    driver.rest()
    angles = driver.session.camera.angles
    assert (round(angles.primary), round(angles.secondary)) == (30, -10)
    assert "LAO 30" in driver.session.lastReply["description"]
    isocentre = driver.session.camera.isocenter_ras
    ui.sidSlider.value = 1400
    driver.rest()
    now = driver.session.camera
    assert now.source_to_image_mm == 1400
    np.testing.assert_allclose(now.isocenter_ras, isocentre, atol=1e-6)
    ui.airGapSlider.value = 150
    driver.rest()
    assert driver.session.camera.source_to_image_mm == 1400
    assert driver.session.camera.source_to_isocenter_mm == pytest.approx(now.source_to_isocenter_mm - 100)
    field = now.field_mm
    ui.fieldSlider.value = 60
    driver.rest()
    assert driver.session.camera.field_mm[0] < 0.95 * field[0]
    view = slicer.app.layoutManager().threeDWidget(0).threeDView().cameraNode()
    view.SetPosition(-2000, 0, 0)
    view.SetFocalPoint(0, 0, 0)
    view.SetViewUp(0, 0, 1)
    ui.useViewButton.click()
    driver.rest()
    np.testing.assert_allclose(driver.session.camera.beam_direction_ras, (1, 0, 0), atol=1e-6)


def test_randomize_back_and_ghosts(driver):
    from NeRPSlicerLib.scene.ghosts import ghostCameras

    driver.loadPatient()
    ui = driver.camera.ui
    first = driver.session.camera.to_dict()
    assert not ui.backButton.enabled
    poses = []
    for _ in range(3):
        ui.randomButton.click()
        poses.append(driver.session.camera.to_dict())
    driver.rest()
    assert len(ghostCameras()) == 3 and ui.nextViewBox.value == 3
    assert len({str(pose["ras_from_camera"]) for pose in poses}) == 3
    ui.backButton.click()
    np.testing.assert_allclose(
        driver.session.camera.ras_from_camera, np.array(poses[1]["ras_from_camera"]), atol=1e-9
    )
    ui.backButton.click()
    ui.backButton.click()
    driver.rest()
    np.testing.assert_allclose(
        driver.session.camera.ras_from_camera, np.array(first["ras_from_camera"]), atol=1e-9
    )
    assert not ui.backButton.enabled
    ui.nextViewBox.value = 0
    ui.randomButton.click()
    np.testing.assert_allclose(
        driver.session.camera.ras_from_camera, np.array(poses[0]["ras_from_camera"]), atol=1e-9
    )
    ui.primaryRangeWidget.setValues(20, 21)
    driver.rest()
    ui.randomButton.click()
    assert 19.5 < driver.session.camera.angles.primary < 21.5


def test_while_the_camera_moves_pictures_are_small_and_at_rest_full(driver):
    driver.loadPatient()
    # However busy the machine is: a slow step is no rest.
    driver.session.live._rest.setInterval(1500)
    before = len(driver.draws())
    for angle in range(1, 9):
        driver.camera.ui.primarySlider.value = angle
        driver.app.wait(0)
    moving = [request["quality"] for request in driver.draws()[before:]]
    assert moving and set(moving) == {"small"}
    driver.session.live._rest.start(0)
    driver.rest()
    since = driver.draws()[before:]
    full = [request for request in since if request["quality"] == "full"]
    assert len(full) == 1 and full[0]["structures"] is False
    assert driver.picture().shape == (128, 128)
    driver.camera.ui.liveBox.click()
    driver.app.wait(0)
    before = len(driver.draws())
    node = camera_node()
    matrix = node.GetMatrixTransformToParent()
    node.SetMatrixTransformToParent(matrix)
    driver.camera.ui.primarySlider.value = 20
    driver.rest()
    assert len(driver.draws()) == before or driver.draws()[before]["quality"] == "full"


def test_methods_sizes_and_window(driver):
    driver.loadPatient()
    ui = driver.radiograph.ui
    assert not ui.samplesBox.enabled and "exact" in ui.samplesBox.toolTip
    drr = driver.picture()
    ui.methodBox.currentIndex = [m.name for m in type(driver.parameters.method)].index("MIP")
    driver.rest()
    assert driver.session.lastReply["method"] == "mip" and ui.samplesBox.enabled
    assert driver.picture().max() > 5 * drr.max()
    ui.sizeBox.currentIndex = 1
    driver.rest()
    assert driver.picture().shape == (256, 256)
    assert not ui.windowRange.enabled
    ui.autoWindowBox.click()
    driver.rest()
    ui.windowRange.setValues(100, 900)
    from NeRPSlicerLib.scene.radiograph import radiographNode

    display = radiographNode().GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (100, 900)
    driver.camera.ui.presetAP.click()
    driver.rest()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (100, 900)


def test_masks_filled_thickness_and_none(app, driver):
    import slicer
    from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW
    from NeRPSlicerLib.scene.masks import masksNode

    driver.loadPatient()
    view = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW).sliceView()

    def coloured() -> int:
        return int((np.ptp(app.picture(view).astype(int), axis=2) > 30).sum())

    outlines = coloured()
    ui = driver.radiograph.ui
    ui.masksBox.currentIndex = 1
    driver.rest()
    filled = coloured()
    segmentation = masksNode().GetSegmentation()
    names = {segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())}
    assert names == {mask.name for mask in driver.session.display.masks}
    ui.masksBox.currentIndex = 2
    driver.rest()
    thickness = coloured()
    ui.masksBox.currentIndex = 3
    driver.rest()
    bare = coloured()  # letters and texts are coloured too
    assert outlines > bare + 300 and filled > outlines + 300 and thickness > bare + 300
