"""A CT node as the engine takes it."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from nerp.errors import NerpError

from .matrices import arrayFromMatrix, worldFromParent


def volumeArray(volumeNode) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and place of a CT.

    :param volumeNode: a scalar volume, hardened or below linear transforms, in any orientation.
    :return: a view ``[K, J, I]`` of the voxels, not to be written to, and ``rasFromIjk`` ``[4, 4]``, mm.
    :raises NerpError: no volume, no voxels, a colour, label or 2-D volume, or a non-linear transform.
    """
    if volumeNode is None:
        raise NerpError("There is no CT: choose one in section 1.")
    name = volumeNode.GetName()
    if not volumeNode.IsA("vtkMRMLScalarVolumeNode") or volumeNode.IsA("vtkMRMLLabelMapVolumeNode"):
        raise NerpError(f'"{name}" is not a CT but a {volumeNode.GetNodeTagName()}: choose a scalar volume.')
    image = volumeNode.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or 0 in image.GetDimensions():
        raise NerpError(f'"{name}" holds no voxels: load the CT again.')
    if image.GetNumberOfScalarComponents() != 1:
        raise NerpError(f'"{name}" is a colour picture, not a CT: choose a scalar volume.')
    if min(image.GetDimensions()) < 2:
        raise NerpError(f'"{name}" is a 2-D picture, not a CT: load the whole series.')
    return slicer.util.arrayFromVolume(volumeNode), rasFromIjk(volumeNode)


def rasFromIjk(volumeNode) -> np.ndarray:
    """``[4, 4]``: voxel indices to world RAS, parent transforms included.

    :raises NerpError: a parent transform bends space.
    """
    return worldFromParent(volumeNode, "The volume") @ localRasFromIjk(volumeNode)


def localRasFromIjk(volumeNode) -> np.ndarray:
    """``[4, 4]``: voxel indices to the node's own coordinates, below its parent transform."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return arrayFromMatrix(matrix)
