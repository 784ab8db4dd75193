"""The structures' masks over the radiograph: one colour picture while moving, segments at rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import slicer
import vtk
from nerp.geometry import Camera
from vtk.util.numpy_support import numpy_to_vtk

from .camera import cameraNode
from .matrices import matrixFromArray
from .radiograph import placeOnDetector, updatePixels
from .roles import findNode, findOrAddNode

OVERLAY_ROLE, SEGMENTATION_ROLE, THICKNESS_ROLE = "maskOverlay", "masks", "thickness"
DIFFERENCE_ROLE = "difference"
_BRIGHTER, _DARKER = (230, 40, 30), (30, 60, 240)


class Mask(NamedTuple):
    """One structure in the picture."""

    name: str
    color: tuple[int, int, int]
    """8-bit RGB."""
    pixels: np.ndarray
    """Boolean ``[rows, columns]``."""


def showMaskOverlay(
    masks: Iterable[Mask], camera: Camera, sliceLogic, opacity: float = 0.5, outlines: bool = True
):
    """Masks as one RGBA picture in a view's foreground: quick enough for every step of a moving camera.

    :param opacity: of filled masks; outlines are opaque.
    :return: the volume node, or None where there are no masks.
    """
    masks = list(masks)
    if not masks:
        hideOverlay(sliceLogic)
        return None
    picture = np.zeros((*masks[0].pixels.shape, 4), np.uint8)
    for mask in masks:
        drawn = outline(mask.pixels) if outlines else mask.pixels
        picture[drawn] = (*mask.color, 255 if outlines else round(255 * opacity))
    node = findOrAddNode(OVERLAY_ROLE, "vtkMRMLVectorVolumeNode", "Radiograph masks (overlay)")
    placeOnDetector(node, camera.resized(*picture.shape[:2]))
    updatePixels(node, picture)
    # Interpolated, the colour of a thin line would fade into the clear pixels' black.
    node.GetDisplayNode().SetInterpolate(False)
    _showInForeground(sliceLogic, node, 1.0)
    return node


def hideOverlay(sliceLogic) -> None:
    """Take masks or thickness out of a view's foreground."""
    sliceLogic.GetSliceCompositeNode().SetForegroundVolumeID(None)


def outline(pixels: np.ndarray) -> np.ndarray:
    """The pixels of a mask that touch what is outside it, or the picture's edge."""
    padded = np.pad(pixels, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return pixels & ~inside


def iterateMaskSegments(masks: Iterable[Mask], camera: Camera, outlines: bool = True) -> Iterator[Mask]:
    """Masks into the segmentation node, one a step: process events between steps. What was there goes.

    :return: yields each mask after its segment is there.
    """
    node = findOrAddNode(SEGMENTATION_ROLE, "vtkMRMLSegmentationNode", "Radiograph masks")
    transform = cameraNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    node.GetSegmentation().RemoveAllSegments()
    display = node.GetDisplayNode()
    display.SetVisibility2DFill(not outlines)
    display.SetVisibility2DOutline(True)
    display.SetVisibility3D(False)
    for mask in masks:
        image = _orientedImage(mask.pixels, camera.resized(*mask.pixels.shape))
        color = [part / 255 for part in mask.color]
        node.AddSegmentFromBinaryLabelmapRepresentation(image, mask.name, color)
        yield mask


def masksNode():
    """The segmentation node of the masks at rest, or None."""
    return findNode(SEGMENTATION_ROLE)


def showThickness(millimetres: np.ndarray, camera: Camera, sliceLogic, opacity: float = 0.6):
    """A structure's path length as a colour map in a view's foreground; zero is clear.

    :param millimetres: ``[rows, columns]``.
    """
    node = findOrAddNode(THICKNESS_ROLE, "vtkMRMLScalarVolumeNode", "Radiograph thickness (mm)")
    placeOnDetector(node, camera.resized(*millimetres.shape))
    updatePixels(node, np.asarray(millimetres, np.float32))
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeIron")
    display.AutoWindowLevelOff()
    most = max(float(millimetres.max()), 1.0)
    display.SetWindowLevelMinMax(0.0, most)
    display.SetThreshold(0.01, most)
    display.ApplyThresholdOn()
    _showInForeground(sliceLogic, node, opacity)
    return node


def showDifference(difference: np.ndarray, camera: Camera, sliceLogic, opacity: float = 0.6):
    """What a model changed as a colour map in a view's foreground: red is brighter than without it, blue
    darker, and clear where nothing changed.

    :param difference: ``[rows, columns]``, a picture's numbers.
    """
    strength = np.clip(np.abs(difference) / differenceScale(difference), 0, 1)
    picture = np.empty((*difference.shape, 4), np.uint8)
    picture[..., :3] = np.where((difference > 0)[..., None], _BRIGHTER, _DARKER)
    picture[..., 3] = np.rint(255 * strength)
    node = findOrAddNode(DIFFERENCE_ROLE, "vtkMRMLVectorVolumeNode", "Radiograph difference (VRR - fixed)")
    placeOnDetector(node, camera.resized(*difference.shape))
    updatePixels(node, picture)
    _showInForeground(sliceLogic, node, opacity)
    return node


def differenceScale(difference: np.ndarray) -> float:
    """The change that is shown in full colour."""
    return max(float(np.percentile(np.abs(difference), 99.5)), 1e-6)


def _showInForeground(sliceLogic, node, opacity: float) -> None:
    composite = sliceLogic.GetSliceCompositeNode()
    composite.SetForegroundVolumeID(node.GetID())
    composite.SetForegroundOpacity(opacity)


def _orientedImage(pixels: np.ndarray, camera: Camera):
    """A one-slice label image on the detector, in the camera's frame."""
    image = slicer.vtkOrientedImageData()
    rows, columns = pixels.shape
    image.SetExtent(0, columns - 1, 0, rows - 1, 0, 0)
    labels = numpy_to_vtk(
        np.ascontiguousarray(pixels, np.uint8).ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR
    )
    image.GetPointData().SetScalars(labels)
    image.SetGeometryFromImageToWorldMatrix(matrixFromArray(camera.camera_from_ras @ camera.ras_from_pixel))
    return image
