"""Source, beam and detector in 3-D: models below the camera's transform, so that they move with it."""

from __future__ import annotations

import numpy as np
import vtk
from nerp.geometry import Camera

from .camera import cameraNode
from .roles import findOrAddNode

_COLOR = (0.95, 0.75, 0.2)


def showCameraModels(camera: Camera, shown: bool = True) -> None:
    """Focal spot, frustum and detector outline of a camera; call again when its distances or field change."""
    corners = detectorCorners(camera)
    _show("frustum", "X-ray beam", _beam(corners), shown, opacity=0.6)
    _show("detector", "X-ray detector", _outline(corners), shown, lineWidth=3)
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(12.0)
    sphere.SetThetaResolution(24)
    sphere.SetPhiResolution(16)
    sphere.Update()
    _show("focalSpot", "X-ray focal spot", sphere.GetOutput(), shown)


def detectorCorners(camera: Camera) -> np.ndarray:
    """``[4, 3]``: the field's corners in the camera's frame, in order around it: upper left first."""
    rows, columns = camera.rows - 0.5, camera.columns - 0.5
    pixels = np.array([(-0.5, -0.5), (columns, -0.5), (columns, rows), (-0.5, rows)])
    cameraFromPixel = camera.camera_from_ras @ camera.ras_from_pixel
    return np.array([(cameraFromPixel @ (u, v, 0, 1))[:3] for u, v in pixels])


def _beam(corners: np.ndarray):
    return linesFromPoints([np.zeros(3), *corners], [(0, 1), (0, 2), (0, 3), (0, 4)])


def _outline(corners: np.ndarray):
    return linesFromPoints(list(corners), [(0, 1), (1, 2), (2, 3), (3, 0)])


def linesFromPoints(points, lines):
    """vtkPolyData of line segments.

    :param points: ``[n, 3]``.
    :param lines: pairs of point numbers.
    """
    polyData = vtk.vtkPolyData()
    vtkPoints, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    for point in points:
        vtkPoints.InsertNextPoint(*map(float, point))
    for pair in lines:
        cells.InsertNextCell(2, pair)
    polyData.SetPoints(vtkPoints)
    polyData.SetLines(cells)
    return polyData


def _show(role: str, name: str, polyData, shown: bool, opacity: float = 1.0, lineWidth: float = 2.0) -> None:
    node = findOrAddNode(role, "vtkMRMLModelNode", name)
    node.SetAndObservePolyData(polyData)
    node.SetSelectable(False)
    transform = cameraNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    display = node.GetDisplayNode()
    display.SetColor(*_COLOR)
    display.SetOpacity(opacity)
    display.SetLineWidth(lineWidth)
    display.SetLighting(False)
    display.SetVisibility2D(False)
    display.SetVisibility(shown)
