"""The camera: a linear transform that a hand can drag, and the engine's ``Camera`` read from it."""

from __future__ import annotations

import json

import numpy as np
import slicer
from nerp.errors import NerpError
from nerp.geometry import Camera

from .matrices import matrixFromArray, worldFromParent
from .roles import findNode, findOrAddNode

ROLE = "camera"
_ATTRIBUTE = "NeRPSlicer.Camera"


def cameraNode():
    """The camera's transform node, or None."""
    return findNode(ROLE)


def setCamera(camera: Camera):
    """Place the camera's transform node; made when there is none.

    The node's matrix is ``rasFromCamera``; what a pose does not hold (distances, picture, view) is kept in an
    attribute. Its centre of transformation is the isocentre, so that Slicer's handles sit there: rings turn
    source and detector about the patient.

    :return: the transform node.
    """
    node = findOrAddNode(ROLE, "vtkMRMLLinearTransformNode", "X-ray camera")
    wasModified = node.StartModify()
    node.SetAttribute(_ATTRIBUTE, json.dumps(camera.to_dict()))
    node.SetCenterOfTransformation(0.0, 0.0, camera.source_to_isocenter_mm)
    parent = np.linalg.inv(worldFromParent(node, "The camera"))
    node.SetMatrixTransformToParent(matrixFromArray(parent @ camera.ras_from_camera))
    node.EndModify(wasModified)
    return node


def cameraFromNode(node) -> Camera:
    """The camera as its transform node stands now.

    :raises NerpError: the node is gone, is no camera, hangs under a non-linear transform, or its matrix
        scales, shears or mirrors.
    """
    record = node.GetAttribute(_ATTRIBUTE) if node is not None else None
    if record is None:
        raise NerpError(
            "There is no X-ray camera in the scene: press a projection (PA, AP, ...) to make one."
        )
    try:
        camera = Camera.from_dict(json.loads(record))
    except ValueError as error:
        raise NerpError(
            "The X-ray camera's record is damaged: press a projection to make it anew."
        ) from error
    matrix = worldFromParent(node, "The camera") @ slicer.util.arrayFromTransformMatrix(node)
    return camera.moved(_rigid(matrix))


def showHandles(shown: bool) -> None:
    """Slicer's own transform handles, without scaling: rings turn, arrows shift source and detector."""
    node = cameraNode()
    if node is None:
        return
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    wasModified = display.StartModify()
    display.SetEditorScalingEnabled(False)
    display.SetEditorTranslationEnabled(True)
    display.SetEditorRotationEnabled(True)
    display.SetEditorVisibility3D(shown)
    display.SetEditorSliceIntersectionVisibility(False)
    display.SetEditorVisibility(shown)
    display.EndModify(wasModified)


def _rigid(matrix: np.ndarray) -> np.ndarray:
    """The matrix with rounding taken off its rotation, where it is rigid but for rounding.

    Handles multiply many small turns; the engine's check is for what a person did.
    """
    left, stretch, right = np.linalg.svd(matrix[:3, :3])
    if np.abs(stretch - 1).max() > 1e-4 or np.linalg.det(matrix[:3, :3]) < 0:
        raise NerpError(
            "The X-ray camera's transform scales, shears or mirrors: undo that in Transforms, or press a "
            "projection to set the camera anew."
        )
    rigid = matrix.copy()
    rigid[:3, :3] = left @ right
    return rigid
