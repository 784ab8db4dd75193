"""R and L on the picture, and the words that say it is synthetic: locked markups on the detector plane."""

from __future__ import annotations

import numpy as np
from nerp.geometry import Camera

from .camera import cameraNode
from .roles import findNode, findOrAddNode

ROLE = "markers"
_EDGE = 0.06


def showMarkers(camera: Camera, method: str, viewNodes=(), shown: bool = True):
    """Markers for a camera; call again when it moves far enough to change sides, or the method changes.

    R stands where the patient's right is; a lateral view has neither letter. "SYNTHETIC" is always there.

    :param method: shown after "SYNTHETIC", for example "DRR".
    :param viewNodes: views that show the markers; none means all.
    :return: the markups node.
    """
    node = findOrAddNode(ROLE, "vtkMRMLMarkupsFiducialNode", "Radiograph markers")
    transform = cameraNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    node.SetLocked(True)
    wanted = _wanted(camera, f"SYNTHETIC \u00b7 {method}")
    if node.GetNumberOfControlPoints() != len(wanted):
        node.RemoveAllControlPoints()
        for _ in wanted:
            node.AddControlPoint(0.0, 0.0, 0.0)
    for index, (label, position) in enumerate(wanted):
        node.SetNthControlPointPosition(index, *position)
        node.SetNthControlPointLabel(index, label)
        node.SetNthControlPointLocked(index, True)
    _style(node.GetDisplayNode(), viewNodes, shown)
    return node


def markersNode():
    """The markers' markups node, or None."""
    return findNode(ROLE)


def _wanted(camera: Camera, words: str) -> list[tuple[str, np.ndarray]]:
    """Labels and their places in the camera's frame: side letters in the upper corners, words below."""
    cameraFromPixel = camera.camera_from_ras @ camera.ras_from_pixel

    def place(across: float, down: float) -> np.ndarray:
        return (cameraFromPixel @ (across * camera.columns - 0.5, down * camera.rows - 0.5, 0, 1))[:3]

    side = camera.right_is_on_viewers_left()
    letters = [] if side is None else ["R", "L"] if side else ["L", "R"]
    corners = (place(_EDGE, _EDGE), place(1 - 2 * _EDGE, _EDGE))
    return [*zip(letters, corners, strict=False), (words, place(_EDGE, 1 - _EDGE))]


def _style(display, viewNodes, shown: bool) -> None:
    wasModified = display.StartModify()
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(0.5)
    display.SetTextScale(5.0)
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
