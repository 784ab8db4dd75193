"""A real X-ray on the detector plane beside or over the radiograph, under an alignment of its own.

The loaded node stays untouched: what is shown is a one-slice copy below the "X-ray alignment" transform. That
hangs below the camera's transform, so that panning links the two views.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import slicer
from nerp.errors import NerpError
from nerp.geometry import Camera

from .camera import cameraNode
from .matrices import matrixFromArray
from .radiograph import updatePixels
from .roles import findNode, findOrAddNode

FILM_ROLE, ALIGNMENT_ROLE = "film", "filmAlignment"
_SOURCE_REFERENCE = "NeRPSlicer.LoadedXRay"
_LUMINANCE = (0.299, 0.587, 0.114)


class Alignment(NamedTuple):
    """Where the film lies on the detector, as seen in the picture."""

    right: float = 0.0
    """Shift to the viewer's right, mm."""
    down: float = 0.0
    """Shift downward, mm."""
    scale: float = 1.0
    turn: float = 0.0
    """Clockwise as seen, degrees."""


def showFilm(loadedNode, camera: Camera, inverted: bool = False):
    """Put a loaded X-ray onto the detector, centred, as high as the radiograph's field.

    :param loadedNode: a one-slice scalar or colour volume, of any size.
    :param inverted: bones are dark in the file.
    :return: the volume node that is shown.
    :raises NerpError: the node holds no single picture.
    """
    pixels = filmPixels(loadedNode)
    if inverted:
        pixels = pixels.max() + pixels.min() - pixels
    node = findOrAddNode(FILM_ROLE, "vtkMRMLScalarVolumeNode", "X-ray on detector")
    isNew = node.GetNodeReference(_SOURCE_REFERENCE) is not loadedNode
    node.SetNodeReferenceID(_SOURCE_REFERENCE, loadedNode.GetID())
    node.SetAndObserveTransformNodeID(_alignmentNode().GetID())
    rows, columns = pixels.shape
    cameraFromFilm = camera.camera_from_ras @ _fitted(camera, rows, columns).ras_from_pixel
    node.SetIJKToRASMatrix(matrixFromArray(cameraFromFilm))
    updatePixels(node, pixels)
    if isNew:
        low, high = np.percentile(pixels, (0.5, 99.5))
        display = node.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(float(low), float(max(high, low + 1e-6)))
        setAlignment(Alignment(), camera)
    return node


def filmPixels(loadedNode) -> np.ndarray:
    """``[rows, columns]`` float32 of a loaded picture; colour becomes its luminance.

    :raises NerpError: no picture, or more than one slice.
    """
    if loadedNode is None or not loadedNode.IsA("vtkMRMLVolumeNode") or loadedNode.GetImageData() is None:
        raise NerpError("There is no X-ray picture: load one, or press [Load example].")
    array = slicer.util.arrayFromVolume(loadedNode)
    if array.shape[0] != 1:
        raise NerpError(
            f'"{loadedNode.GetName()}" has {array.shape[0]} slices: choose a single X-ray picture.'
        )
    picture = array[0].astype(np.float32)
    if picture.ndim == 2:
        return picture
    # Grey with transparency has two channels.
    return picture[..., :3] @ np.array(_LUMINANCE, np.float32) if picture.shape[-1] > 2 else picture[..., 0]


def filmNode():
    """The X-ray on the detector, or None."""
    return findNode(FILM_ROLE)


def setAlignment(alignment: Alignment, camera: Camera) -> None:
    """Shift, scale and turn the film about the field's centre."""
    toDetector = _cameraFromScreen(camera)
    angle = math.radians(alignment.turn)
    cosine, sine = (alignment.scale * part for part in (math.cos(angle), math.sin(angle)))
    moved = np.eye(4)
    moved[:2, :2] = [[cosine, -sine], [sine, cosine]]
    moved[:2, 3] = alignment.right, alignment.down
    matrix = toDetector @ moved @ np.linalg.inv(toDetector)
    _alignmentNode().SetMatrixTransformToParent(matrixFromArray(matrix))


def alignment(camera: Camera) -> Alignment:
    """The alignment as its transform node stands now.

    :raises NerpError: somebody sheared it or turned it out of the detector plane.
    """
    toDetector = _cameraFromScreen(camera)
    matrix = np.linalg.inv(toDetector) @ slicer.util.arrayFromTransformMatrix(_alignmentNode()) @ toDetector
    cosine, sine = matrix[0, 0], matrix[1, 0]
    expected = np.eye(4)
    expected[:2, :2] = [[cosine, -sine], [sine, cosine]]
    expected[:2, 3] = matrix[:2, 3]
    if not np.allclose(matrix, expected, atol=1e-6) or math.hypot(cosine, sine) < 1e-6:
        raise NerpError("The X-ray alignment left the detector plane: press [Reset] beside it.")
    turn = math.degrees(math.atan2(sine, cosine))
    return Alignment(float(matrix[0, 3]), float(matrix[1, 3]), math.hypot(cosine, sine), turn)


def _alignmentNode():
    node = findOrAddNode(ALIGNMENT_ROLE, "vtkMRMLLinearTransformNode", "X-ray alignment")
    transform = cameraNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    return node


def _fitted(camera: Camera, rows: int, columns: int) -> Camera:
    """A camera whose picture has the film's pixels, square ones, and the field's height and centre."""
    height, _width = camera.field_mm
    square = height / rows
    centred = camera.resized(rows, columns).to_dict()
    u0, v0 = camera.principal_point
    row_mm, column_mm = camera.pixel_spacing_mm
    across, down = (camera.columns - 1) / 2 - u0, (camera.rows - 1) / 2 - v0
    centred["pixel_spacing_mm"] = (square, square)
    centred["principal_point"] = (
        (columns - 1) / 2 - across * column_mm / square,
        (rows - 1) / 2 - down * row_mm / square,
    )
    return Camera.from_dict(centred)


def _cameraFromScreen(camera: Camera) -> np.ndarray:
    """``[4, 4]``: mm to the viewer's right and down from the field's centre, to the camera's frame."""
    cameraFromPixel = camera.camera_from_ras @ camera.ras_from_pixel
    row_mm, column_mm = camera.pixel_spacing_mm
    matrix = cameraFromPixel @ np.diag([1 / column_mm, 1 / row_mm, 1, 1])
    matrix[:3, 3] = (cameraFromPixel @ ((camera.columns - 1) / 2, (camera.rows - 1) / 2, 0, 1))[:3]
    return matrix
