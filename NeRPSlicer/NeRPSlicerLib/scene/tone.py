"""A model's tone curve as the radiograph's colours: the numbers in the volume stay what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vtk.util.numpy_support import vtk_to_numpy

from .roles import findNode, findOrAddNode

ROLE = "toneCurve"
_LEVELS = 256
_STRAIGHT = "vtkMRMLColorTableNodeGrey"


def showTone(display, tone: Sequence[float]) -> None:
    """Show a volume's window through a tone curve.

    :param display: display node of a scalar volume.
    :param tone: grey levels in [0, 1] at evenly spaced places from black to white; none is a straight line.
    """
    if not tone:
        if display.GetColorNodeID() != _STRAIGHT:
            display.SetAndObserveColorNodeID(_STRAIGHT)
        return
    greys = np.interp(np.linspace(0, 1, _LEVELS), np.linspace(0, 1, len(tone)), tone)
    node = findOrAddNode(ROLE, "vtkMRMLColorTableNode", "Radiograph tone curve")
    if node.GetNumberOfColors() != _LEVELS or np.abs(_greys(node) - 255 * greys).max() > 1:
        wasModified = node.StartModify()
        node.SetTypeToUser()
        node.SetNumberOfColors(_LEVELS)
        for level, grey in enumerate(greys):
            node.SetColor(level, str(level), grey, grey, grey, 1.0)
        node.EndModify(wasModified)
    if display.GetColorNodeID() != node.GetID():
        display.SetAndObserveColorNodeID(node.GetID())


def toned(levels: np.ndarray, display) -> np.ndarray:
    """Grey levels 0 to 255 of a window as `showTone` shows them."""
    node = findNode(ROLE)
    if node is None or display.GetColorNodeID() != node.GetID():
        return levels
    return np.rint(_greys(node)).astype(np.uint8)[levels]


def _greys(node) -> np.ndarray:
    return vtk_to_numpy(node.GetLookupTable().GetTable())[:, 0].astype(float)
