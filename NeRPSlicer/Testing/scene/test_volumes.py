"""CT nodes and segmentations as the engine takes them: orientations, transforms, refusals."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from nerp.errors import NerpError

ORIENTATIONS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
SPACING = np.array([0.8, 1.1, 2.3])


def oriented(order, signs) -> np.ndarray:
    """``ras_from_ijk`` of signed, permuted axes with unequal spacing and an origin."""
    matrix = np.eye(4)
    for axis in range(3):
        matrix[:3, axis] = 0
        matrix[order[axis], axis] = signs[axis] * SPACING[axis]
    matrix[:3, 3] = (11.0, -7.0, 31.0)
    return matrix


def tilted(degrees: float = 20.0) -> np.ndarray:
    """An oblique rigid transform."""
    a, b = np.radians(degrees), np.radians(-35.0)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = x @ z
    matrix[:3, 3] = (5.0, 40.0, -12.0)
    return matrix


@pytest.fixture
def voxels(rng) -> np.ndarray:
    return rng.integers(-1000, 1500, (4, 5, 6)).astype(np.int16)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def add_volume(voxels, matrix, name="CT"):
    import slicer

    return slicer.util.addVolumeFromArray(voxels, matrix, name)


def under(node, matrix, name="Moved"):
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    slicer.util.updateTransformMatrixFromArray(transform, matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_48_orientations_through_mrml_equal_the_engine_on_files(order, signs, voxels, tmp_path):
    import nerp
    import slicer
    from NeRPSlicerLib.scene.volumes import volumeArray

    matrix = oriented(order, signs)
    node = add_volume(voxels, matrix)
    array, ras_from_ijk = volumeArray(node)
    np.testing.assert_array_equal(array, voxels)
    np.testing.assert_allclose(ras_from_ijk, matrix, atol=1e-9)
    assert slicer.util.saveNode(node, str(tmp_path / "ct.nrrd"))
    volume = nerp.read_ct(tmp_path / "ct.nrrd")
    ijk_from_ijk = np.linalg.inv(volume.ras_from_ijk) @ ras_from_ijk
    for i, j, k in product((0, 5), (0, 4), (0, 3)):
        at = np.rint(ijk_from_ijk @ (i, j, k, 1)).astype(int)
        assert volume.hu[at[2], at[1], at[0]] == array[k, j, i]


def test_parent_transforms_count_hardened_or_not_oblique_or_sheared(voxels):
    from NeRPSlicerLib.scene.volumes import volumeArray

    matrix = oriented((1, 2, 0), (1, -1, 1))
    shear = np.eye(4)
    shear[0, 1] = 0.3
    for parent in (tilted(), shear, tilted() @ shear):
        node = add_volume(voxels, matrix)
        under(node, parent)
        np.testing.assert_allclose(volumeArray(node)[1], parent @ matrix, atol=1e-9)
    node = add_volume(voxels, matrix)
    outer = under(under(node, tilted()), tilted(50), "Outer")
    np.testing.assert_allclose(volumeArray(node)[1], tilted(50) @ tilted() @ matrix, atol=1e-9)
    outer.SetAndObserveTransformNodeID(None)
    node = add_volume(voxels, matrix)
    under(node, tilted())
    node.HardenTransform()
    array, ras_from_ijk = volumeArray(node)
    np.testing.assert_array_equal(array, voxels)
    np.testing.assert_allclose(ras_from_ijk, tilted() @ matrix, atol=1e-6)


def bend(node):
    import slicer
    import vtk

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for corner in product((0.0, 10.0), repeat=3):
        source.InsertNextPoint(corner)
        target.InsertNextPoint(corner[0] + corner[1] * corner[2] / 20, corner[1], corner[2])
    spline.SetBasisToR()
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())


def test_what_is_no_ct_is_refused_in_one_line(voxels):
    import slicer
    from NeRPSlicerLib.scene.volumes import volumeArray

    bent = add_volume(voxels, np.eye(4))
    bend(bent)
    flat = add_volume(voxels[:1], np.eye(4))
    colour = slicer.util.addVolumeFromArray(
        np.zeros((4, 5, 6, 3), np.uint8), np.eye(4), "Photo", "vtkMRMLVectorVolumeNode"
    )
    labels = slicer.util.addVolumeFromArray(
        voxels.clip(0, 1).astype(np.uint8), np.eye(4), "Labels", "vtkMRMLLabelMapVolumeNode"
    )
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    for node, words in (
        (None, "no CT"),
        (bent, "non-linear"),
        (flat, "2-D"),
        (colour, "not a CT|colour"),
        (labels, "not a CT"),
        (empty, "no voxels"),
        (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Model"), "not a CT"),
    ):
        with pytest.raises(NerpError, match=words) as error:
            volumeArray(node)
        assert "\n" not in str(error.value)


# --- segments ---------------------------------------------------------------------------------------------


def add_segmentation(masks: dict[str, np.ndarray], volume):
    """A segmentation on a volume's grid with one segment a mask."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Structures")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    for name, mask in masks.items():
        image = slicer.vtkOrientedImageData()
        grid = slicer.util.addVolumeFromArray(mask.astype(np.uint8), nodeClassName="vtkMRMLScalarVolumeNode")
        image.DeepCopy(grid.GetImageData())
        import vtk

        matrix = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(matrix)
        image.SetGeometryFromImageToWorldMatrix(matrix)
        slicer.mrmlScene.RemoveNode(grid)
        node.AddSegmentFromBinaryLabelmapRepresentation(image, name, (1.0, 0.5, 0.0))
    return node


def whole(item, shape) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    item.paste(labels, 1)
    return labels > 0


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS[::7])
def test_overlapping_segments_come_back_on_the_ct_grid(order, signs, voxels, rng):
    from NeRPSlicerLib.scene.segments import iterateSegments

    volume = add_volume(voxels, oriented(order, signs))
    under(volume, tilted())
    masks = {name: rng.random(voxels.shape) < 0.4 for name in ("a", "b", "c")}
    node = add_segmentation(masks, volume)
    for item in iterateSegments(node, volume):
        np.testing.assert_array_equal(whole(item, voxels.shape), masks[item.name])
        assert item.color == (255, 128, 0) and item.code is None


def test_a_segmentation_under_another_transform_or_on_another_grid_lands_where_it_is_seen(voxels):
    from NeRPSlicerLib.scene.segments import iterateSegments

    fine = np.zeros((20, 20, 20), np.int16)
    volume = add_volume(fine, np.diag([2.0, 2, 2, 1]))
    coarse = add_volume(np.zeros((5, 5, 5), np.int16), np.diag([4.0, 4, 4, 1]))
    mask = np.zeros((5, 5, 5), bool)
    mask[1:3, 2:4, 1:4] = True
    node = add_segmentation({"box": mask}, coarse)
    shift = np.eye(4)
    shift[:3, 3] = (10.0, -2.0, 6.0)
    under(node, shift)
    (item,) = iterateSegments(node, volume)
    k, j, i = np.nonzero(whole(item, fine.shape))
    centre = np.array([i, j, k]).mean(axis=1) * 2
    np.testing.assert_allclose(centre, np.array([2.0, 2.5, 1.5]) * 4 + (10, -2, 6), atol=1.01)
    assert len(i) == pytest.approx(mask.sum() * 8, rel=0.35)


def test_terminology_and_empty_segments(voxels):
    import slicer
    from NeRPSlicerLib.scene.segments import iterateSegments

    volume = add_volume(voxels, np.eye(4))
    node = add_segmentation({"Lung": voxels > 0, "Empty": voxels > 9999}, volume)
    segment = node.GetSegmentation().GetNthSegment(0)
    segment.SetTag(
        slicer.vtkSegment.GetTerminologyEntryTagName(),
        "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure"
        "~SCT^39607008^Lung~SCT^7771000^Left~Anatomic codes - DICOM master list~^^~^^",
    )
    lung, empty = iterateSegments(node, volume)
    assert lung.code == ("SCT", "39607008", "Lung")
    assert not whole(empty, voxels.shape).any()


def test_a_segmentation_that_cannot_belong_to_the_ct_is_refused(voxels):
    import slicer
    from NeRPSlicerLib.scene.segments import iterateSegments

    volume = add_volume(voxels, np.eye(4))
    away = np.eye(4)
    away[0, 3] = 500
    elsewhere = add_segmentation({"a": voxels > 0}, add_volume(voxels, away))
    with pytest.raises(NerpError, match="outside"):
        next(iterateSegments(elsewhere, volume))
    bent = add_segmentation({"a": voxels > 0}, volume)
    bend(bent)
    with pytest.raises(NerpError, match="non-linear"):
        next(iterateSegments(bent, volume))
    with pytest.raises(NerpError, match="no segments"):
        next(iterateSegments(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode"), volume))
