"""The radiograph: a one-slice scalar volume on the detector plane, and the slice view that faces it."""

from __future__ import annotations

import numpy as np
import slicer
from nerp.errors import NerpError
from nerp.geometry import Camera

from .camera import cameraNode
from .matrices import matrixFromArray
from .roles import findNode, findOrAddNode

ROLE = "radiograph"
_MARGIN = 1.04


def radiographNode():
    """The radiograph's volume node, or None."""
    return findNode(ROLE)


def showRadiograph(picture: np.ndarray, camera: Camera, level: tuple[float, float] | None = None):
    """Put a picture onto the detector.

    :param picture: ``[rows, columns]``, any size of the camera's field; copied.
    :param level: (lower, upper) number shown black and white; None keeps what a person set, and takes the
        picture's own limits the first time.
    :return: the volume node, below the camera's transform.
    """
    isNew = radiographNode() is None
    node = findOrAddNode(ROLE, "vtkMRMLScalarVolumeNode", "Radiograph (synthetic)")
    placeOnDetector(node, camera.resized(*picture.shape))
    updatePixels(node, np.asarray(picture, np.float32))
    if isNew or level is not None:
        low, high = level if level is not None else (float(np.min(picture)), float(np.max(picture)))
        display = node.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(low, max(high, low + 1e-6))
        display.SetInterpolate(True)
    return node


def placeOnDetector(node, camera: Camera) -> None:
    """A volume's pixel (column, row) on the camera's detector, below the camera's transform.

    The k axis makes the frame right-handed: a left-handed one-slice file comes back with k reversed.
    """
    transform = cameraNode()
    if transform is None:
        raise NerpError(
            "There is no X-ray camera in the scene: press a projection (PA, AP, ...) to make one."
        )
    node.SetAndObserveTransformNodeID(transform.GetID())
    node.SetIJKToRASMatrix(matrixFromArray(camera.camera_from_ras @ camera.ras_from_pixel))


def updatePixels(node, pixels: np.ndarray) -> None:
    """Pixels ``[rows, columns]``, or with components last, into a one-slice volume; in place if they fit."""
    pixels = np.ascontiguousarray(pixels)[np.newaxis]
    image = node.GetImageData()
    current = slicer.util.arrayFromVolume(node) if image is not None else None
    if current is not None and current.shape == pixels.shape and current.dtype == pixels.dtype:
        current[:] = pixels
        slicer.util.arrayFromVolumeModified(node)
    else:
        slicer.util.updateVolumeFromArray(node, pixels)


def sliceToRas(camera: Camera) -> np.ndarray:
    """``[4, 4]``: screen right, screen up, toward the viewer, and the field's centre, for a slice view."""
    rasFromPixel = camera.ras_from_pixel
    right = rasFromPixel[:3, 0] / np.linalg.norm(rasFromPixel[:3, 0])
    up = -rasFromPixel[:3, 1] / np.linalg.norm(rasFromPixel[:3, 1])
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([right, up, np.cross(right, up)])
    matrix[:3, 3] = (rasFromPixel @ ((camera.columns - 1) / 2, (camera.rows - 1) / 2, 0, 1))[:3]
    return matrix


def lookAtDetector(sliceNode, camera: Camera) -> None:
    """Turn a slice view to the detector plane. Zoom and pan stay: never refit while the camera moves."""
    sliceNode.GetSliceToRAS().DeepCopy(matrixFromArray(sliceToRas(camera)))
    sliceNode.UpdateMatrices()


def fitView(sliceNode, camera: Camera) -> None:
    """Zoom a slice view so that the whole field just fits."""
    lookAtDetector(sliceNode, camera)
    height, width = camera.field_mm
    columns, rows = sliceNode.GetDimensions()[:2]
    pixel = _MARGIN * max(width / columns, height / rows)
    sliceNode.SetXYZOrigin(0, 0, 0)
    sliceNode.SetFieldOfView(pixel * columns, pixel * rows, sliceNode.GetFieldOfView()[2])


def showInView(sliceLogic, node, shownIn3D: bool = True) -> None:
    """Show a volume alone in a slice view, and the view's plane in 3-D."""
    composite = sliceLogic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(node.GetID() if node is not None else None)
    composite.SetLabelVolumeID(None)
    sliceLogic.GetSliceNode().SetSliceVisible(bool(shownIn3D and node is not None))
