"""Layouts given back, markers, masks, film, ghosts and sheet: numbers, pixels, and an .mrb round trip."""

from __future__ import annotations

import numpy as np
import pytest
from nerp.errors import NerpError
from nerp.geometry import Camera, VolumeGeometry

BODY = VolumeGeometry(
    (120, 256, 256),
    np.array([[-1.5, 0, 0, 192], [0, -1.5, 0, 190], [0, 0, 2.5, -150], [0, 0, 0, 1.0]]),
    np.array([[-160.0, -110, -140], [160, 120, 140]]),
)
AMBER = (255, 176, 0)


def pa(rows=96, columns=96) -> Camera:
    return Camera.preset("PA", BODY, rows, columns)


def layout_node():
    import slicer

    return slicer.app.layoutManager().layoutLogic().GetLayoutNode()


@pytest.fixture
def layouts():
    from NeRPSlicerLib.scene.layouts import Layouts

    active = Layouts()
    yield active
    active.restore()


@pytest.fixture
def view(layouts):
    """The radiograph's view in our layout, with a camera and a gray picture."""
    import slicer
    from NeRPSlicerLib.scene.camera import setCamera
    from NeRPSlicerLib.scene.layouts import COMPARE, RADIOGRAPH_VIEW
    from NeRPSlicerLib.scene.radiograph import fitView, showInView, showRadiograph

    layouts.show(COMPARE)
    setCamera(pa())
    node = showRadiograph(np.full((96, 96), 100.0), pa(), level=(0, 255))
    widget = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW)
    showInView(widget.sliceLogic(), node)
    fitView(widget.mrmlSliceNode(), pa())
    return widget


# --- layouts ------------------------------------------------------------------------------------------------


def test_our_layouts_have_their_own_views_and_the_users_comes_back(layouts):
    import slicer
    from NeRPSlicerLib.scene import layouts as module

    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    for identifier, views in (
        (module.NERP, {module.RADIOGRAPH_VIEW}),
        (module.COMPARE, {module.RADIOGRAPH_VIEW, module.FILM_VIEW}),
        (module.CONTACT_SHEET, {module.SHEET_VIEW}),
    ):
        layouts.show(identifier)
        assert layouts.isActive and manager.layout == identifier > 50_000
        assert set(manager.sliceViewNames()) == views
        assert manager.threeDViewCount == (identifier != module.COMPARE)
        assert not layout_node().GetSaveWithScene()
        assert {module.sliceNode(name).GetViewGroup() for name in views} == {module.VIEW_GROUP}
    layouts.restore()
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
    assert layout_node().GetSaveWithScene() and not layouts.isActive


def test_a_layout_chosen_while_ours_was_shown_stays(layouts):
    import slicer

    layouts.show()
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    layouts.restore()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


def test_the_other_modules_layout_is_not_ours(layouts):
    from NeRPSlicerLib.scene import layouts as module

    other = module.Layouts()
    layouts.show(module.NERP)
    other.show(module.TRAINER)
    assert other.isActive and not layouts.isActive
    other.restore()
    samples, radiograph = map(module.viewGroup, (module.SAMPLES_VIEW, module.RADIOGRAPH_VIEW))
    assert samples != radiograph, "who zooms the radiograph does not move the samples"


def test_zoom_and_pan_link_the_two_radiographs_but_no_other_view(view):
    import slicer
    from NeRPSlicerLib.scene.layouts import FILM_VIEW, RADIOGRAPH_VIEW, sliceNode

    logics = slicer.app.applicationLogic()
    for name in (RADIOGRAPH_VIEW, FILM_VIEW):
        assert logics.GetSliceLogic(sliceNode(name)).GetSliceCompositeNode().GetLinkedControl()
    red = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    assert red.GetViewGroup() != sliceNode(RADIOGRAPH_VIEW).GetViewGroup()


# --- markers and texts --------------------------------------------------------------------------------------


def test_r_stays_on_the_patients_right_and_synthetic_is_always_there(app, view):
    from NeRPSlicerLib.scene.camera import setCamera
    from NeRPSlicerLib.scene.markers import markerPositionsRas, markersNode, showMarkers, shownWords

    plain = app.picture(view.sliceView()).astype(int)
    node = showMarkers(pa(), "DRR", [view.mrmlSliceNode()])
    labels = [node.GetNthControlPointLabel(n) for n in range(node.GetNumberOfControlPoints())]
    assert labels == ["R", "L"] and shownWords() == "SYNTHETIC \u00b7 DRR"
    right, left = markerPositionsRas(node)
    assert right[0] > 50 and left[0] < -50 and node.GetLocked()
    changed = np.abs(app.picture(view.sliceView()).astype(int) - plain).max(axis=2) > 60
    half = changed.shape[1] // 2
    top = slice(0, changed.shape[0] // 3)
    assert changed[top, :half].any() and changed[top, half:].any()
    written = np.argwhere(changed[changed.shape[0] // 2 :])
    assert len(written) > 100, "words below"
    lettersHigh = np.ptp(np.argwhere(changed[top, :half])[:, 0])
    assert np.ptp(written[:, 0]) < 0.8 * lettersHigh, "smaller than the letters"
    for name, letters in (("AP", ["R", "L"]), ("LL", [])):
        turned = Camera.preset(name, BODY, 96, 96)
        setCamera(turned)
        assert showMarkers(turned, "DRR") is markersNode()
        count = node.GetNumberOfControlPoints()
        assert [node.GetNthControlPointLabel(n) for n in range(count)] == letters and shownWords()


def test_angle_text_shows_in_both_kinds_of_view_and_goes(app, view):
    import slicer
    from NeRPSlicerLib.scene.layouts import NERP, Layouts
    from NeRPSlicerLib.scene.viewTexts import ViewText, cameraText

    Layouts().show(NERP)
    three_d = slicer.app.layoutManager().threeDWidget(0).threeDView()
    words = cameraText(pa(), "DRR")
    assert words.startswith("SYNTHETIC \u00b7 DRR\nPA") and "SID 1800 mm" in words
    for shown in (view.sliceView(), three_d):
        before = app.picture(shown).astype(int)
        text = ViewText(shown)
        text.setText(words)
        view.mrmlSliceNode().Modified()
        drawn = np.abs(app.picture(shown).astype(int) - before).max(axis=2) > 60
        third = drawn.shape[0] // 3
        assert max(drawn[:third].sum(), drawn[-third:].sum()) > 100
        text.remove()
        assert np.abs(app.picture(shown).astype(int) - before).max() <= 2


# --- masks --------------------------------------------------------------------------------------------------


def disc(rows=96, columns=96, radius=20, at=(40, 60)) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns]
    return (y - at[0]) ** 2 + (x - at[1]) ** 2 < radius**2


def colored(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=2) > 40


def centre(hit: np.ndarray) -> np.ndarray:
    """The middle of what is drawn, as fractions of the view."""
    return np.argwhere(hit).mean(axis=0) / hit.shape


def expected_centre(view, at=(40, 60), size=96) -> np.ndarray:
    """Where a picture's place lands in the view: the field is fitted with a margin."""
    from NeRPSlicerLib.scene import radiograph

    offset = (np.array(at) + 0.5) / size - 0.5
    width, height = view.sliceView().renderWindow().GetSize()
    return 0.5 + offset / radiograph._MARGIN * min(width, height) / np.array([height, width])


@pytest.mark.parametrize("outlines", [True, False])
def test_masks_while_moving_are_one_colour_picture(app, view, outlines):
    from NeRPSlicerLib.scene.masks import Mask, hideOverlay, showMaskOverlay

    masks = [Mask("heart", AMBER, disc())]
    showMaskOverlay(masks, pa(), view.sliceLogic(), outlines=outlines)
    hit = colored(app.picture(view.sliceView()))
    np.testing.assert_allclose(centre(hit), expected_centre(view), atol=0.02)
    area = disc().sum() / 96**2 / 1.04**2
    assert (hit.mean() < 0.4 * area) if outlines else (hit.mean() == pytest.approx(area, rel=0.1))
    hideOverlay(view.sliceLogic())
    assert not colored(app.picture(view.sliceView())).any()
    assert showMaskOverlay([], pa(), view.sliceLogic()) is None


def test_masks_at_rest_are_segments_one_a_step_in_place(app, view):
    from NeRPSlicerLib.scene.masks import Mask, iterateMaskSegments, masksNode

    masks = [Mask("heart", AMBER, disc()), Mask("lung", (0, 200, 255), disc(at=(60, 30), radius=12))]
    steps = iterateMaskSegments(masks, pa(), outlines=False)
    next(steps)
    assert masksNode().GetSegmentation().GetNumberOfSegments() == 1
    hit = colored(app.picture(view.sliceView()))
    np.testing.assert_allclose(centre(hit), expected_centre(view), atol=0.02)
    list(steps)
    names = [masksNode().GetSegmentation().GetNthSegment(n).GetName() for n in range(2)]
    assert names == ["heart", "lung"]
    list(iterateMaskSegments(masks[:1], pa()))
    assert masksNode().GetSegmentation().GetNumberOfSegments() == 1


def test_outline_is_the_masks_rim():
    from NeRPSlicerLib.scene.masks import outline

    mask = np.zeros((7, 7), bool)
    mask[1:6, 1:6] = True
    rim = outline(mask)
    assert rim.sum() == 16 and not rim[2:5, 2:5].any()
    assert outline(np.ones((3, 3), bool)).sum() == 8


def test_thickness_is_a_colour_map_clear_where_there_is_none(app, view):
    from NeRPSlicerLib.scene.masks import showThickness

    before = app.picture(view.sliceView()).astype(int)
    showThickness(disc() * 30.0, pa(), view.sliceLogic(), opacity=1.0)
    changed = np.abs(app.picture(view.sliceView()).astype(int) - before).max(axis=2) > 30
    np.testing.assert_allclose(centre(changed), expected_centre(view), atol=0.02)
    assert changed.mean() == pytest.approx(disc().sum() / 96**2 / 1.04**2, rel=0.15)


# --- film ---------------------------------------------------------------------------------------------------


def add_film(rows=80, columns=60, name="CXR"):
    import slicer

    film = np.full((1, rows, columns), 1000, np.int16)
    film[0, : rows // 2, : columns // 2] = 3000
    return slicer.util.addVolumeFromArray(film, np.diag([0.2, 0.3, 1, 1]), name)


def test_a_film_lies_on_the_detector_and_the_loaded_node_stays_untouched(app, view):
    import slicer
    from NeRPSlicerLib.scene.camera import cameraNode
    from NeRPSlicerLib.scene.film import showFilm
    from NeRPSlicerLib.scene.layouts import FILM_VIEW
    from NeRPSlicerLib.scene.radiograph import fitView, showInView
    from NeRPSlicerLib.scene.volumes import localRasFromIjk

    loaded = add_film()
    was = localRasFromIjk(loaded)
    node = showFilm(loaded, pa())
    assert node is not loaded and loaded.GetParentTransformNode() is None
    np.testing.assert_array_equal(localRasFromIjk(loaded), was)
    assert node.GetParentTransformNode().GetName() == "X-ray alignment"
    assert node.GetParentTransformNode().GetParentTransformNode() is cameraNode()
    widget = slicer.app.layoutManager().sliceWidget(FILM_VIEW)
    showInView(widget.sliceLogic(), node, shownIn3D=False)
    fitView(widget.mrmlSliceNode(), pa())
    bright = app.picture(widget.sliceView())[..., 0] > 200
    up, left = centre(bright)
    assert up == pytest.approx(0.5 - 0.25 / 1.04, abs=0.02)
    assert left == pytest.approx(0.5 - 0.25 * 60 / 80 / 1.04, abs=0.02)


def test_alignment_moves_the_film_as_seen_and_reads_back(app, view):
    from NeRPSlicerLib.scene.film import Alignment, alignment, setAlignment, showFilm
    from NeRPSlicerLib.scene.radiograph import showInView

    showInView(view.sliceLogic(), showFilm(add_film(), pa()))
    before = centre(app.picture(view.sliceView())[..., 0] > 200)
    height, _width = pa().field_mm
    setAlignment(Alignment(right=0.2 * height, down=0.1 * height), pa())
    after = centre(app.picture(view.sliceView())[..., 0] > 200)
    np.testing.assert_allclose(after - before, np.array([0.1, 0.2]) / 1.04, atol=0.01)
    for chosen in (Alignment(3.0, -4.0, 1.2, 15.0), Alignment(0, 0, 0.8, -170.0), Alignment()):
        setAlignment(chosen, pa())
        np.testing.assert_allclose(alignment(pa()), chosen, atol=1e-6)
    setAlignment(Alignment(turn=90.0), pa())
    turned = centre(app.picture(view.sliceView())[..., 0] > 200)
    assert turned[1] > 0.55 and turned[0] < 0.45


def test_colour_inverted_and_wrong_films(view):
    import slicer
    from NeRPSlicerLib.scene.film import alignment, filmNode, filmPixels, showFilm
    from NeRPSlicerLib.scene.roles import findNode

    colour = slicer.util.addVolumeFromArray(
        np.full((1, 8, 9, 3), 120, np.uint8), None, "PNG", "vtkMRMLVectorVolumeNode"
    )
    np.testing.assert_allclose(filmPixels(colour), 120, atol=0.1)
    showFilm(add_film(), pa(), inverted=True)
    shown = slicer.util.arrayFromVolume(filmNode())[0]
    assert shown[0, 0] == 1000 and shown[-1, -1] == 3000
    thick = slicer.util.addVolumeFromArray(np.zeros((3, 8, 9), np.int16), None, "CT")
    for wrong, words in ((None, "no X-ray"), (thick, "3 slices")):
        with pytest.raises(NerpError, match=words):
            showFilm(wrong, pa())
    tilt = np.eye(4)
    tilt[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    slicer.util.updateTransformMatrixFromArray(findNode("filmAlignment"), tilt)
    with pytest.raises(NerpError, match="left the detector plane"):
        alignment(pa())


# --- ghosts and sheet ---------------------------------------------------------------------------------------


def test_ghosts_are_one_model_and_give_their_cameras_back(view):
    from NeRPSlicerLib.scene import ghosts
    from NeRPSlicerLib.scene.roles import findNode

    assert ghosts.ghostCameras() == []
    drawn = [Camera.from_angles(BODY, (a, 5.0, 0.0), rows=64, columns=64) for a in range(0, 50, 10)]
    for camera in drawn:
        ghosts.addGhost(camera)
    assert [c.to_dict() for c in ghosts.ghostCameras()] == [c.to_dict() for c in drawn]
    polyData = findNode("ghosts").GetPolyData()
    assert polyData.GetNumberOfCells() == 5 * len(drawn)
    bounds = polyData.GetBounds()
    assert bounds[2] < min(c.focal_spot_ras[1] for c in drawn) + 1
    ghosts.setGhosts([])
    assert ghosts.ghostCameras() == [] and findNode("ghosts").GetPolyData().GetNumberOfCells() == 0


def test_a_contact_sheet_shows_every_picture_in_reading_order(app, layouts):
    import slicer
    from NeRPSlicerLib.scene.contactSheet import composeSheet, showSheet
    from NeRPSlicerLib.scene.layouts import CONTACT_SHEET, SHEET_VIEW

    pictures = [np.full((10, 12), value, np.float32) for value in (50, 100, 150, 200, 250)]
    sheet = composeSheet(pictures)
    assert sheet.shape == (2 * 10 + 4, 3 * 12 + 8)
    assert [sheet[5, 5], sheet[5, 21], sheet[18, 5]] == [50, 100, 200]
    with pytest.raises(NerpError, match="no pictures"):
        composeSheet([])
    with pytest.raises(NerpError, match="differ in size"):
        composeSheet([*pictures, np.zeros((3, 3), np.float32)])
    layouts.show(CONTACT_SHEET)
    widget = slicer.app.layoutManager().sliceWidget(SHEET_VIEW)
    showSheet(pictures, widget.sliceLogic())
    shown = app.picture(widget.sliceView())[..., 0].astype(int)
    assert (
        shown[: shown.shape[0] // 2, : shown.shape[1] // 3].max() < shown[: shown.shape[0] // 2, -80:].max()
    )
    bottom = shown[shown.shape[0] // 2 + 10 :]
    assert bottom[:, : shown.shape[1] // 2].max() >= shown.max() - 60


# --- round trip ---------------------------------------------------------------------------------------------


def test_everything_is_found_again_after_an_mrb_round_trip(app, view, layouts, tmp_path):
    import slicer
    from NeRPSlicerLib.scene import film, ghosts, masks
    from NeRPSlicerLib.scene.camera import cameraFromNode, cameraNode, setCamera
    from NeRPSlicerLib.scene.cameraModels import showCameraModels
    from NeRPSlicerLib.scene.layouts import FILM_VIEW, RADIOGRAPH_VIEW, VIEW_GROUP, sliceNode
    from NeRPSlicerLib.scene.markers import markersNode, showMarkers
    from NeRPSlicerLib.scene.radiograph import lookAtDetector, radiographNode, showInView, showRadiograph
    from NeRPSlicerLib.scene.roles import findNode
    from NeRPSlicerLib.scene.volumes import rasFromIjk

    chosen = Camera.from_angles(BODY, (20.0, 10.0, 3.0), rows=96, columns=96, mirrored=True, view="PA")
    setCamera(chosen)
    picture = np.random.default_rng(1).normal(100, 30, (96, 96)).astype(np.float32)
    showRadiograph(picture, chosen)
    showCameraModels(chosen)
    showMarkers(chosen, "DRR")
    film.showFilm(add_film(), chosen)
    film.setAlignment(film.Alignment(3.0, -4.0, 1.2, 15.0), chosen)
    ghosts.setGhosts([pa(), chosen])
    list(masks.iterateMaskSegments([masks.Mask("heart", AMBER, disc())], chosen))
    place = rasFromIjk(radiographNode())
    lookAtDetector(view.mrmlSliceNode(), chosen)
    before = app.picture(view.sliceView()).astype(int)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    app.reset()
    assert cameraNode() is None and radiographNode() is None
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert slicer.app.layoutManager().layout < 100

    loaded = cameraFromNode(cameraNode())
    np.testing.assert_allclose(loaded.ras_from_camera, chosen.ras_from_camera, atol=1e-6)
    assert loaded.description == chosen.description and loaded.field_mm == chosen.field_mm
    np.testing.assert_allclose(slicer.util.arrayFromVolume(radiographNode())[0], picture, rtol=1e-6)
    np.testing.assert_allclose(rasFromIjk(radiographNode()), place, atol=1e-4)
    np.testing.assert_allclose(film.alignment(loaded), (3.0, -4.0, 1.2, 15.0), atol=1e-5)
    assert film.filmNode().GetNodeReference("NeRPSlicer.LoadedXRay").GetName() == "CXR"
    assert [c.description for c in ghosts.ghostCameras()] == ["PA", chosen.description]
    assert findNode("ghosts").GetPolyData().GetNumberOfCells() == 10
    heart = masks.masksNode().GetSegmentation().GetNthSegment(0)
    assert heart.GetName() == "heart"
    assert markersNode().GetNthControlPointLabel(0) == "R" and markersNode().GetLocked()
    for role in ("frustum", "detector", "focalSpot", "masks", "markers", "words"):
        assert findNode(role).GetParentTransformNode() is cameraNode()

    layouts.show()
    assert {sliceNode(name).GetViewGroup() for name in (RADIOGRAPH_VIEW, FILM_VIEW)} == {VIEW_GROUP}
    widget = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW)
    showInView(widget.sliceLogic(), radiographNode())
    lookAtDetector(widget.mrmlSliceNode(), loaded)
    after = app.picture(widget.sliceView()).astype(int)
    assert (np.abs(before - after).max(axis=2) > 30).mean() < 0.02
