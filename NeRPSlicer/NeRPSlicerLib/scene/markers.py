"""R and L on the picture, and small in its corner the words that say it is synthetic: locked markups on the
detector plane."""

from __future__ import annotations

import numpy as np
from nerp.geometry import Camera

from .camera import cameraNode
from .roles import findNode, findOrAddNode

LETTERS_ROLE, WORDS_ROLE = "markers", "words"
_LETTERS_SCALE, _WORDS_SCALE = 5.0, 2.4
"""Heights of text, percent of the view's."""
_EDGE, _CORNER = 0.06, 0.02
"""How far from the picture's edge, as shares of it."""


def showMarkers(camera: Camera, method: str, viewNodes=(), shown: bool = True):
    """Markers for a camera; call again when it moves far enough to change sides, or the method changes.

    R stands where the patient's right is; a lateral view has neither letter. "SYNTHETIC" is always there.

    :param method: shown after "SYNTHETIC", for example "DRR".
    :param viewNodes: views that show the markers; none means all.
    :return: the letters' markups node.
    """
    words = [(f"SYNTHETIC \u00b7 {method}", _place(camera, _CORNER, 1 - _CORNER))]
    node = _write(WORDS_ROLE, "Radiograph words", words)
    _style(node.GetDisplayNode(), _WORDS_SCALE, viewNodes, shown)
    node = _write(LETTERS_ROLE, "Radiograph markers", _letters(camera))
    _style(node.GetDisplayNode(), _LETTERS_SCALE, viewNodes, shown)
    return node


def _write(role: str, name: str, wanted: list[tuple[str, np.ndarray]]):
    """The markups node of a role with these labels at these places in the camera's frame."""
    node = findOrAddNode(role, "vtkMRMLMarkupsFiducialNode", name)
    transform = cameraNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    node.SetLocked(True)
    if node.GetNumberOfControlPoints() != len(wanted):
        node.RemoveAllControlPoints()
        for _ in wanted:
            node.AddControlPoint(0.0, 0.0, 0.0)
    for index, (label, position) in enumerate(wanted):
        node.SetNthControlPointPosition(index, *position)
        node.SetNthControlPointLabel(index, label)
        node.SetNthControlPointLocked(index, True)
    return node


def markersNode():
    """The letters' markups node, or None."""
    return findNode(LETTERS_ROLE)


def shownWords() -> str:
    """What the picture says of itself; "" where there is none."""
    node = findNode(WORDS_ROLE)
    return node.GetNthControlPointLabel(0) if node is not None else ""


def _letters(camera: Camera) -> list[tuple[str, np.ndarray]]:
    """Side letters in the upper corners; none in a lateral view."""
    side = camera.right_is_on_viewers_left()
    letters = [] if side is None else ["R", "L"] if side else ["L", "R"]
    corners = (_place(camera, _EDGE, _EDGE), _place(camera, 1 - 2 * _EDGE, _EDGE))
    return list(zip(letters, corners, strict=False))


def _place(camera: Camera, across: float, down: float) -> np.ndarray:
    """A place on the picture in the camera's frame, given as shares of its width and height."""
    cameraFromPixel = camera.camera_from_ras @ camera.ras_from_pixel
    return (cameraFromPixel @ (across * camera.columns - 0.5, down * camera.rows - 0.5, 0, 1))[:3]


def _style(display, textScale: float, viewNodes, shown: bool) -> None:
    wasModified = display.StartModify()
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(0.5)
    display.SetTextScale(textScale)
    display.SetPointLabelsVisibility(True)
    display.SetPropertiesLabelVisibility(False)
    display.SetOccludedVisibility(False)
    for setColor in (display.SetColor, display.SetSelectedColor, display.SetActiveColor):
        setColor(1.0, 0.9, 0.55)
    display.RemoveAllViewNodeIDs()
    for viewNode in viewNodes:
        display.AddViewNodeID(viewNode.GetID())
    display.SetVisibility(shown)
    display.EndModify(wasModified)


def markerPositionsRas(node) -> np.ndarray:
    """``[n, 3]``: the markers in world RAS."""
    points = []
    for index in range(node.GetNumberOfControlPoints()):
        world = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, world)
        points.append(world)
    return np.array(points)
