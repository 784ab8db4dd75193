"""The patient in the 3-D view: a coarse skin, so that one sees what the beam goes through."""

from __future__ import annotations

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from .scene.matrices import matrixFromArray
from .scene.roles import findOrAddNode
from .scene.volumes import localRasFromIjk, volumeArray

ROLE = "patientSurface"
SKIN_HU = -300
MOST_VOXELS = 64
"""Along an axis: enough for a shape, little enough for any CT between two events."""


def showPatientSurface(volumeNode):
    """Show the skin of a CT, the couch with it, below the CT's own transform.

    :return: the model node.
    """
    array, _ = volumeArray(volumeNode)
    steps = [max(1, -(-count // MOST_VOXELS)) for count in array.shape]
    coarse = array[tuple(slice(None, None, step) for step in steps)]
    # A rim of air closes the surface where the patient is cut off.
    padded = np.pad(np.asarray(coarse, np.float32), 1, constant_values=-1000)
    image = vtk.vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(), deep=True))
    surface = vtk.vtkFlyingEdges3D()
    surface.SetInputData(image)
    surface.SetValue(0, SKIN_HU)
    ijkFromCoarse = np.diag([*steps[::-1], 1.0])
    ijkFromCoarse[:3, 3] = -np.array(steps[::-1])
    place = vtk.vtkTransform()
    place.SetMatrix(matrixFromArray(localRasFromIjk(volumeNode) @ ijkFromCoarse))
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetInputConnection(surface.GetOutputPort())
    placed.SetTransform(place)
    placed.Update()
    node = findOrAddNode(ROLE, "vtkMRMLModelNode", "Patient (skin)")
    node.SetAndObservePolyData(placed.GetOutput())
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.SetSelectable(False)
    display = node.GetDisplayNode()
    display.SetColor(0.87, 0.72, 0.62)
    display.SetVisibility2D(False)
    return node
