"""VTK matrices as NumPy and back, and what transforms a node hangs under."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from nerp.errors import NerpError


def arrayFromMatrix(matrix) -> np.ndarray:
    """``[4, 4]`` float64 of a vtkMatrix4x4."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrixFromArray(array: np.ndarray):
    """A vtkMatrix4x4 of a ``[4, 4]`` array."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, float).ravel().tolist())
    return matrix


def worldFromParent(node, what: str) -> np.ndarray:
    """``[4, 4]``: from a node's own coordinates, those below its parent transform, to world RAS.

    :param what: the node in words, for the message.
    :raises NerpError: a parent transform bends space.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise NerpError(
            f'{what} "{node.GetName()}" hangs under the non-linear transform "{parent.GetName()}": '
            "harden the transform, or move the node out of it."
        )
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(parent, None, matrix)
    return arrayFromMatrix(matrix)
