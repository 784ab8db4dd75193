"""The camera's transform, and the radiograph on its detector: numbers and pixels of off-screen views."""

from __future__ import annotations

import numpy as np
import pytest
from nerp.errors import NerpError
from nerp.geometry import PRESETS, Camera, VolumeGeometry

BODY = VolumeGeometry(
    (120, 256, 256),
    np.array([[-1.5, 0, 0, 192], [0, -1.5, 0, 190], [0, 0, 2.5, -150], [0, 0, 0, 1.0]]),
    np.array([[-160.0, -110, -140], [160, 120, 140]]),
)


def camera(name="PA", angles=None, rows=96, columns=128) -> Camera:
    if angles is None:
        return Camera.preset(name, BODY, rows, columns)
    return Camera.from_angles(BODY, angles, rows=rows, columns=columns, mirrored=True, view="PA")


def same(first: Camera, second: Camera) -> None:
    np.testing.assert_allclose(first.ras_from_camera, second.ras_from_camera, atol=1e-9)
    one, two = first.to_dict(), second.to_dict()
    assert {**one, "ras_from_camera": 0} == {**two, "ras_from_camera": 0}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_camera_comes_back_from_its_transform(name):
    from NeRPSlicerLib.scene.camera import cameraFromNode, setCamera

    node = setCamera(camera(name))
    same(cameraFromNode(node), camera(name))
    oblique = camera(angles=(23.0, -11.0, 4.0))
    assert setCamera(oblique) is node
    same(cameraFromNode(node), oblique)


def turn(node, degrees: float) -> None:
    """What a ring of the handles does: a turn about the centre of transformation, in the node's own frame."""
    import slicer
    import vtk

    centre = node.GetCenterOfTransformation()
    transform = vtk.vtkTransform()
    transform.SetMatrix(slicer.util.vtkMatrixFromArray(slicer.util.arrayFromTransformMatrix(node)))
    transform.Translate(centre)
    transform.RotateY(degrees)
    transform.Translate(*(-c for c in centre))
    node.SetMatrixTransformToParent(transform.GetMatrix())


def test_handles_turn_about_the_isocentre_and_many_turns_stay_rigid():
    from NeRPSlicerLib.scene.camera import cameraFromNode, setCamera, showHandles

    node = setCamera(camera())
    isocentre = cameraFromNode(node).isocenter_ras
    for _ in range(200):
        turn(node, 1.7)
    moved = cameraFromNode(node)
    np.testing.assert_allclose(moved.isocenter_ras, isocentre, atol=1e-6)
    assert moved.source_to_isocenter_mm == camera().source_to_isocenter_mm
    assert abs(moved.angles.primary - camera().angles.primary) > 1
    showHandles(True)
    display = node.GetDisplayNode()
    assert display.GetEditorVisibility() and not display.GetEditorScalingEnabled()
    showHandles(False)
    assert not display.GetEditorVisibility()


def test_what_is_no_camera_is_refused_in_one_line():
    import slicer
    from NeRPSlicerLib.scene.camera import cameraFromNode, setCamera

    with pytest.raises(NerpError, match="no X-ray camera"):
        cameraFromNode(None)
    plain = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    with pytest.raises(NerpError, match="no X-ray camera"):
        cameraFromNode(plain)
    node = setCamera(camera())
    good = slicer.util.arrayFromTransformMatrix(node)
    for change in (np.diag([1.1, 1, 1, 1]), np.diag([-1.0, 1, 1, 1])):
        slicer.util.updateTransformMatrixFromArray(node, good @ change)
        with pytest.raises(NerpError, match="scales, shears or mirrors"):
            cameraFromNode(node)
    node.SetAttribute("NeRPSlicer.Camera", "{")
    with pytest.raises(NerpError, match="damaged"):
        cameraFromNode(node)


def test_a_parent_transform_moves_the_camera_with_the_patient():
    import slicer
    from NeRPSlicerLib.scene.camera import cameraFromNode, setCamera

    node = setCamera(camera())
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    shift = np.eye(4)
    shift[:3, 3] = (10, 20, 30)
    slicer.util.updateTransformMatrixFromArray(parent, shift)
    node.SetAndObserveTransformNodeID(parent.GetID())
    moved = cameraFromNode(node).focal_spot_ras - camera().focal_spot_ras
    np.testing.assert_allclose(moved, (10, 20, 30), atol=1e-9)
    setCamera(camera("AP"))
    same(cameraFromNode(node), camera("AP"))


def test_models_hang_below_the_camera_and_end_on_the_detector():
    from NeRPSlicerLib.scene.camera import setCamera
    from NeRPSlicerLib.scene.cameraModels import detectorCorners, showCameraModels
    from NeRPSlicerLib.scene.roles import findNode

    chosen = camera(angles=(30.0, 10.0, 0.0))
    node = setCamera(chosen)
    showCameraModels(chosen)
    for role in ("frustum", "detector", "focalSpot"):
        assert findNode(role).GetParentTransformNode() is node
    corners = detectorCorners(chosen)
    np.testing.assert_allclose(corners[:, 2], chosen.source_to_image_mm)
    height, width = chosen.field_mm
    assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(width)
    assert np.linalg.norm(corners[3] - corners[0]) == pytest.approx(height)
    pixels = chosen.pixels((chosen.ras_from_camera @ np.c_[corners, np.ones(4)].T).T[:, :3])
    np.testing.assert_allclose(pixels[0], (-0.5, -0.5), atol=1e-9)


def radiograph_view(shown_camera, picture):
    """The Red view as it shows a picture on the detector."""
    import slicer
    from NeRPSlicerLib.scene.camera import setCamera
    from NeRPSlicerLib.scene.radiograph import fitView, showInView, showRadiograph

    setCamera(shown_camera)
    node = showRadiograph(picture, shown_camera, level=(0.0, 255.0))
    widget = slicer.app.layoutManager().sliceWidget("Red")
    showInView(widget.sliceLogic(), node)
    fitView(widget.mrmlSliceNode(), shown_camera)
    return widget


def quadrants(rows=96, columns=128) -> np.ndarray:
    picture = np.full((rows, columns), 60.0, np.float32)
    picture[: rows // 2, : columns // 2] = 250
    picture[rows // 2 :, columns // 2 :] = 130
    return picture


@pytest.mark.parametrize("angles", [(0.0, 0, 0), (35.0, -20, 10), (90.0, 0, 0), (180.0, 30, 0)])
def test_the_slice_view_shows_the_picture_as_it_is_in_any_pose(app, angles):
    chosen = camera(angles=angles)
    widget = radiograph_view(chosen, quadrants())
    shown = app.picture(widget.sliceView())[..., 0].astype(int)
    rows, columns = shown.shape
    near, far = (int(rows * part) for part in (0.3, 0.7))
    left, right = (int(columns * part) for part in (0.2, 0.8))
    assert [shown[near, left], shown[near, right]] == [250, 60]
    assert [shown[far, left], shown[far, right]] == [60, 130]
    black = shown[int(rows * 0.02)]
    assert not black.any()


def test_moving_the_camera_keeps_zoom_and_pan_and_the_picture_follows(app):
    from NeRPSlicerLib.scene.camera import cameraFromNode, cameraNode
    from NeRPSlicerLib.scene.radiograph import lookAtDetector

    widget = radiograph_view(camera(), quadrants())
    node = widget.mrmlSliceNode()
    node.SetFieldOfView(100, 100, 1)
    node.SetXYZOrigin(5, 5, 0)
    before = app.picture(widget.sliceView())
    turn(cameraNode(), 25)
    lookAtDetector(node, cameraFromNode(cameraNode()))
    after = app.picture(widget.sliceView())
    assert node.GetFieldOfView()[0] == 100 and node.GetXYZOrigin()[0] == 5
    assert np.abs(before.astype(int) - after).mean() < 1.0


def test_a_small_picture_and_a_full_one_cover_the_same_field(app):
    from NeRPSlicerLib.scene.radiograph import radiographNode, showRadiograph

    widget = radiograph_view(camera(), quadrants())
    full = app.picture(widget.sliceView()).astype(int)
    showRadiograph(quadrants(48, 64), camera(), None)
    small = app.picture(widget.sliceView()).astype(int)
    assert radiographNode().GetImageData().GetDimensions() == (64, 48, 1)
    assert (np.abs(full - small) > 20).mean() < 0.03
    assert radiographNode().GetDisplayNode().GetWindowLevelMax() == 255


def test_the_picture_stands_on_the_detector_in_3d(app):
    import slicer
    from NeRPSlicerLib.scene.cameraModels import showCameraModels

    widget = radiograph_view(camera(), quadrants())
    showCameraModels(camera())
    assert widget.mrmlSliceNode().GetSliceVisible()
    bounds = [0.0] * 6
    slicer.util.getNode("Radiograph (synthetic)").GetRASBounds(bounds)
    corner = (camera().ras_from_pixel @ (-0.5, -0.5, 0, 1))[:3]
    assert bounds[5] == pytest.approx(corner[2], abs=1e-6)
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    view.cameraNode().SetPosition(-2200, -2200, 900)
    view.cameraNode().SetFocalPoint(0, -700, 0)
    view.cameraNode().SetViewUp(0, 0, 1)
    view.renderWindow().GetRenderers().GetFirstRenderer().ResetCameraClippingRange()
    shown = app.picture(view).astype(int)
    amber = (shown[..., 0] > 150) & (shown[..., 2] < 110) & (shown[..., 0] - shown[..., 2] > 60)
    gray = (np.ptp(shown, axis=2) < 6) & (shown[..., 0] > 200)
    assert amber.sum() > 100 and gray.sum() > 50


def three_d_view():
    import slicer

    return slicer.app.layoutManager().threeDWidget(0).threeDView()


@pytest.mark.parametrize("name", ["PA", "LL", "RAO"])
def test_the_whole_setup_is_in_sight(app, name):
    from NeRPSlicerLib.scene.camera import setCamera
    from NeRPSlicerLib.scene.cameraModels import showCameraModels
    from NeRPSlicerLib.scene.threeDView import showWholeSetup

    setCamera(camera(name))
    showCameraModels(camera(name))
    view = three_d_view()
    showWholeSetup(view.cameraNode(), camera(name))
    shown = app.picture(view).astype(int)
    amber = shown[..., 0] - shown[..., 2] > 30
    _rows, columns = np.nonzero(amber)
    assert np.ptp(columns) > 0.3 * min(shown.shape[:2])
    assert not amber[[0, -1]].any() and not amber[:, [0, -1]].any()


def test_the_3d_views_direction_becomes_the_beam():
    from NeRPSlicerLib.scene.threeDView import cameraAsViewed

    node = three_d_view().cameraNode()
    node.SetFocalPoint(0, 0, 0)
    node.SetPosition(0, -900, 0)
    node.SetViewUp(0, 0, 1)
    viewed = cameraAsViewed(node, camera("LL"))
    np.testing.assert_allclose(viewed.angles, (0, 0, 0), atol=1e-9)
    np.testing.assert_allclose(viewed.isocenter_ras, camera("LL").isocenter_ras, atol=1e-9)
    node.SetPosition(-500, -500, 200)
    direction = np.array([500, 500, -200]) / np.linalg.norm([500, 500, 200])
    np.testing.assert_allclose(cameraAsViewed(node, camera()).beam_direction_ras, direction, atol=1e-9)
    node.SetPosition(0, 0, 0)
    with pytest.raises(NerpError, match="no direction"):
        cameraAsViewed(node, camera())


def test_dragging_a_handle_in_the_3d_view_turns_the_camera_about_the_isocentre(app):
    """Mouse events to the real interaction widget; a ring is found by trying places about the isocentre."""
    import slicer
    from NeRPSlicerLib.scene.camera import cameraFromNode, setCamera, showHandles

    node = setCamera(camera())
    showHandles(True)
    view = three_d_view()
    eye = view.cameraNode()
    eye.SetFocalPoint(*camera().isocenter_ras)
    eye.SetPosition(*(camera().isocenter_ras + np.array([-900, -1300, 700])))
    eye.SetViewUp(0, 0, 1)
    eye.ResetClippingRange()
    app.picture(view)
    start = slicer.util.arrayFromTransformMatrix(node)
    width, height = view.renderWindow().GetSize()
    centre = np.array([width / 2, height / 2])
    for radius, angle in ((r, a) for r in (60, 75, 90, 105) for a in range(0, 360, 30)):
        at = centre + radius * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        app.drag(view, at, (at[0] + 25, at[1] + 18))
        turned = slicer.util.arrayFromTransformMatrix(node)
        if np.abs(turned[:3, :3] - start[:3, :3]).max() > 0.02:
            break
    else:
        pytest.fail("no ring turned the camera")
    moved = cameraFromNode(node)
    np.testing.assert_allclose(moved.isocenter_ras, camera().isocenter_ras, atol=1e-3)
