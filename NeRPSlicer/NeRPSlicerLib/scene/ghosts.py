"""Poses drawn so far, faint in 3-D: one model for all of them, and the cameras to go back to."""

from __future__ import annotations

import json

import numpy as np
from nerp.errors import NerpError
from nerp.geometry import Camera

from .cameraModels import detectorCorners, linesFromPoints
from .roles import findNode, findOrAddNode

ROLE = "ghosts"
LIMIT = 200
_ATTRIBUTE = "NeRPSlicer.Cameras"


def addGhost(camera: Camera) -> None:
    """Add a pose; the oldest goes when there are more than `LIMIT`."""
    setGhosts([*ghostCameras(), camera][-LIMIT:])


def setGhosts(cameras: list[Camera]) -> None:
    """Show these poses and no others; the model stays when there are none."""
    node = findOrAddNode(ROLE, "vtkMRMLModelNode", "X-ray poses")
    node.SetAttribute(_ATTRIBUTE, json.dumps([camera.to_dict() for camera in cameras]))
    node.SetSelectable(False)
    node.SetAndObservePolyData(_poses(cameras))
    display = node.GetDisplayNode()
    display.SetColor(1.0, 1.0, 1.0)
    display.SetOpacity(0.6)
    display.SetLineWidth(2.0)
    display.SetLighting(False)
    display.SetVisibility2D(False)


def ghostCameras() -> list[Camera]:
    """The poses shown, oldest first; none where there is no model.

    :raises NerpError: the model's record is damaged.
    """
    node = findNode(ROLE)
    record = node.GetAttribute(_ATTRIBUTE) if node is not None else None
    try:
        return [Camera.from_dict(entry) for entry in json.loads(record or "[]")]
    except ValueError as error:
        raise NerpError("The poses drawn so far are damaged in this scene: clear them.") from error


def _poses(cameras: list[Camera]):
    """Each pose as its detector's outline and the central ray, in world RAS."""
    points: list[np.ndarray] = []
    lines: list[tuple[int, int]] = []
    for camera in cameras:
        first = len(points)
        corners = np.column_stack([detectorCorners(camera), np.ones(4)]) @ camera.ras_from_camera.T
        points += [camera.focal_spot_ras, *corners[:, :3], corners[:, :3].mean(axis=0)]
        lines += [(first + 1 + n, first + 1 + (n + 1) % 4) for n in range(4)]
        lines.append((first, first + 5))
    return linesFromPoints(points, lines)
