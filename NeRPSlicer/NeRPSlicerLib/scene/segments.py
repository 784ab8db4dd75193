"""The segments of a segmentation as label arrays on a CT's grid, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import slicer
import vtk
from nerp.errors import NerpError
from vtk.util.numpy_support import vtk_to_numpy

from .matrices import matrixFromArray, worldFromParent
from .volumes import localRasFromIjk

_UNTOLD = ["SCT", "85756007", "Tissue"]


class SegmentLabels(NamedTuple):
    """One segment on the CT's grid, cut to where it is."""

    segmentId: str
    name: str
    color: tuple[int, int, int]
    """8-bit RGB."""
    code: tuple[str, str, str] | None
    """Terminology (scheme, value, meaning) of the segment's type, for example (SCT, 39607008, Lung)."""
    start: tuple[int, int, int]
    """First voxel of ``mask`` along K, J, I."""
    mask: np.ndarray
    """Boolean ``[k, j, i]``; of no size for an empty segment."""

    def paste(self, labels: np.ndarray, value: int) -> None:
        """Write ``value`` into the segment's voxels of a whole label array ``[K, J, I]``."""
        region = tuple(slice(s, s + n) for s, n in zip(self.start, self.mask.shape, strict=True))
        labels[region][self.mask] = value


def segmentIds(segmentationNode) -> list[str]:
    """The ids of a segmentation's segments, in order."""
    segmentation = segmentationNode.GetSegmentation()
    return [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]


def iterateSegments(segmentationNode, volumeNode, ids=None) -> Iterator[SegmentLabels]:
    """Segments on a CT's grid. Each step takes one segment: process events between steps.

    :param ids: segment ids; None takes all.
    :raises NerpError: no segments, a non-linear transform, or the segmentation lies outside the CT.
    """
    ids = segmentIds(segmentationNode) if ids is None else list(ids)
    if not ids:
        raise NerpError(f'"{segmentationNode.GetName()}" has no segments: choose another segmentation.')
    worldFromParent(volumeNode, "The volume")
    worldFromParent(segmentationNode, "The segmentation")
    if _apart(segmentationNode, volumeNode):
        raise NerpError(
            f'"{segmentationNode.GetName()}" lies outside "{volumeNode.GetName()}": '
            "choose the segmentation that was drawn on this CT."
        )
    reference = _grid(volumeNode)
    ctFromSegmentation = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        segmentationNode.GetParentTransformNode(), volumeNode.GetParentTransformNode(), ctFromSegmentation
    )
    segmentation = segmentationNode.GetSegmentation()
    for segmentId in ids:
        segment = segmentation.GetSegment(segmentId)
        start, mask = _labels(segmentationNode, segmentId, reference, ctFromSegmentation)
        red, green, blue = (round(255 * part) for part in segment.GetColor())
        yield SegmentLabels(segmentId, segment.GetName(), (red, green, blue), _code(segment), start, mask)


def _apart(segmentationNode, volumeNode) -> bool:
    """Whether the two nodes' boxes in RAS do not meet."""
    first, second = [0.0] * 6, [0.0] * 6
    segmentationNode.GetRASBounds(first)
    volumeNode.GetRASBounds(second)
    if first[0] > first[1]:  # every segment is empty
        return False
    return any(
        first[2 * axis] > second[2 * axis + 1] or second[2 * axis] > first[2 * axis + 1] for axis in range(3)
    )


def _grid(volumeNode):
    """The CT's grid in its own coordinates, below its parent transform."""
    grid = slicer.vtkOrientedImageData()
    columns, rows, slices = volumeNode.GetImageData().GetDimensions()
    grid.SetExtent(0, columns - 1, 0, rows - 1, 0, slices - 1)
    grid.SetGeometryFromImageToWorldMatrix(matrixFromArray(localRasFromIjk(volumeNode)))
    return grid


def _labels(segmentationNode, segmentId: str, reference, ctFromSegmentation):
    """First voxel and mask of one segment on the reference grid."""
    image, placed = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    empty = (0, 0, 0), np.zeros((0, 0, 0), bool)
    if not segmentationNode.GetBinaryLabelmapRepresentation(segmentId, image) or image.IsEmpty():
        return empty
    region = _region(image, reference, ctFromSegmentation)
    if region is None:
        return empty
    cut = slicer.vtkOrientedImageData()
    cut.SetExtent(*region)
    imageToWorld = vtk.vtkMatrix4x4()
    reference.GetImageToWorldMatrix(imageToWorld)
    cut.SetGeometryFromImageToWorldMatrix(imageToWorld)
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    if not resample(image, cut, placed, False, False, ctFromSegmentation):
        raise NerpError(f'Segment "{segmentId}" does not convert to labels: repair it in Segment Editor.')
    mask = vtk_to_numpy(placed.GetPointData().GetScalars()).reshape(placed.GetDimensions()[::-1]) > 0
    return tuple(placed.GetExtent()[::2][::-1]), mask


def _region(image, reference, ctFromSegmentation) -> list[int] | None:
    """The extent of an image's box on the reference grid; None where it lies outside."""
    imageToWorld, worldToGrid = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(imageToWorld)
    reference.GetWorldToImageMatrix(worldToGrid)
    extent = np.array(image.GetExtent(), float).reshape(3, 2) + np.array([-0.5, 0.5])
    corners = []
    for corner in range(8):
        ijk = [extent[axis][corner >> axis & 1] for axis in range(3)]
        inCt = ctFromSegmentation.TransformPoint(imageToWorld.MultiplyPoint([*ijk, 1.0])[:3])
        corners.append(worldToGrid.MultiplyPoint([*inCt, 1.0])[:3])
    low, high = np.array(reference.GetExtent()).reshape(3, 2).T
    first = np.maximum(np.floor(np.min(corners, axis=0)), low).astype(int)
    last = np.minimum(np.ceil(np.max(corners, axis=0)), high).astype(int)
    if (first > last).any():
        return None
    return np.column_stack([first, last]).ravel().tolist()


def _code(segment) -> tuple[str, str, str] | None:
    """The coded type in a segment's terminology tag: context~category~type~modifier~...

    A new segment's "Tissue" says nothing: Slicer gives it to every segment.
    """
    entry = vtk.reference("")
    if not segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry):
        return None
    fields = str(entry).split("~")
    parts = fields[2].split("^") if len(fields) > 2 else []
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) and parts != _UNTOLD else None
