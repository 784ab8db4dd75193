"""Pictures that a run has written, read by VTK: nothing else of Slicer's is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy


def readGrey(path: Path) -> np.ndarray | None:
    """A grey PNG of 8 bits as ``[rows, columns]`` uint8, the first row on top; None where it is none."""
    reader = vtk.vtkPNGReader()
    if not path.is_file() or not reader.CanReadFile(str(path)):
        return None
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    columns, rows, _slices = image.GetDimensions()
    scalars = image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfComponents() != 1 or rows * columns == 0:
        return None
    values = vtk_to_numpy(scalars)
    if values.dtype != np.uint8:
        return None
    return values.reshape(rows, columns)[::-1].copy()
