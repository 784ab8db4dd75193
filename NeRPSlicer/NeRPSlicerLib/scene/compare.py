"""Radiograph against film in one view: blink, swipe, and grey levels brought together."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from nerp.errors import NerpError
from nerp.geometry import Camera

from .film import filmNode
from .matrices import arrayFromMatrix
from .radiograph import placeOnDetector, radiographNode, updatePixels
from .roles import findOrAddNode
from .tone import toned
from .volumes import localRasFromIjk

SWIPE_ROLE = "swipe"
_LEVELS = 256


def blink(sliceLogic, filmShown: bool) -> None:
    """Show the film over the radiograph, or the radiograph alone; call it from a timer.

    :raises NerpError: there is no film.
    """
    node = _neededFilm()
    composite = sliceLogic.GetSliceCompositeNode()
    if composite.GetForegroundVolumeID() != node.GetID():
        composite.SetForegroundVolumeID(node.GetID())
    composite.SetForegroundOpacity(1.0 if filmShown else 0.0)


def showSwipe(camera: Camera, fraction: float):
    """One picture: radiograph left of a line, aligned film right of it, both in their own grey window.

    :param fraction: where the line stands, 0 left to 1 right.
    :return: the composed volume node, 8-bit grey levels.
    :raises NerpError: there is no radiograph or no film.
    """
    picture = greyLevels(_neededRadiograph())
    film = filmOnRadiograph()
    columns = picture.shape[1]
    line = round(min(max(fraction, 0.0), 1.0) * columns)
    composed = picture.copy()
    composed[:, line:] = film[:, line:]
    node = findOrAddNode(SWIPE_ROLE, "vtkMRMLScalarVolumeNode", "Radiograph and X-ray (swipe)")
    placeOnDetector(node, camera.resized(*picture.shape))
    updatePixels(node, composed)
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, _LEVELS - 1)
    return node


def filmOnRadiograph() -> np.ndarray:
    """The aligned film at the radiograph's pixels: uint8 grey ``[rows, columns]``, 0 beside the film."""
    radiograph, film = _neededRadiograph(), _neededFilm()
    filmFromRadiograph = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        radiograph.GetParentTransformNode(), film.GetParentTransformNode(), filmFromRadiograph
    )
    matrix = (
        np.linalg.inv(localRasFromIjk(film))
        @ arrayFromMatrix(filmFromRadiograph)
        @ localRasFromIjk(radiograph)
    )
    levels = greyLevels(film)
    rows, columns = slicer.util.arrayFromVolume(radiograph).shape[1:3]
    row, column = np.mgrid[:rows, :columns]
    u = matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 3]
    v = matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 3]
    return _sampled(levels, u, v)


def greyLevels(volumeNode) -> np.ndarray:
    """A one-slice volume in its window and tone curve: uint8 ``[rows, columns]``."""
    display = volumeNode.GetDisplayNode()
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    picture = slicer.util.arrayFromVolume(volumeNode)[0].astype(np.float32)
    scaled = (picture - low) / max(high - low, 1e-6) * (_LEVELS - 1)
    return toned(np.clip(np.rint(scaled), 0, _LEVELS - 1).astype(np.uint8), display)


def histogramMatched(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """``picture`` with the grey-value distribution of ``reference``: equal quantiles get equal numbers.

    :return: float32, of the picture's shape; its order of numbers is kept.
    """
    quantiles = np.linspace(0, 1, 4 * _LEVELS)
    mine = np.quantile(picture, quantiles)
    # Interpolation needs rising values: of equal quantiles the last counts.
    keep = np.append(np.diff(mine) > 0, True)
    return np.interp(picture, mine[keep], np.quantile(reference, quantiles)[keep]).astype(np.float32)


def _sampled(levels: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear samples at (column u, row v); 0 outside the picture."""
    rows, columns = levels.shape
    inside = (u >= -0.5) & (u <= columns - 0.5) & (v >= -0.5) & (v <= rows - 0.5)
    u, v = np.clip(u, 0, columns - 1), np.clip(v, 0, rows - 1)
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    across, down = u - left, v - top
    upper = levels[top, left] * (1 - across) + levels[top, right] * across
    lower = levels[bottom, left] * (1 - across) + levels[bottom, right] * across
    return np.where(inside, np.rint(upper * (1 - down) + lower * down), 0).astype(np.uint8)


def _neededRadiograph():
    node = radiographNode()
    if node is None:
        raise NerpError("There is no radiograph yet: press [Compute].")
    return node


def _neededFilm():
    node = filmNode()
    if node is None:
        raise NerpError("There is no X-ray picture: load one, or press [Load example].")
    return node
