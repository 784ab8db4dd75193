"""Pictures drawn so far side by side: one composed volume in a view of its own."""

from __future__ import annotations

import math

import numpy as np
from nerp.errors import NerpError

from .layouts import SHEET_VIEW, sliceNode
from .matrices import matrixFromArray
from .radiograph import updatePixels
from .roles import findOrAddNode

ROLE = "contactSheet"
_GAP = 4


def composeSheet(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures of one size in a nearly square grid, row by row: ``[rows, columns]`` float32, gaps black.

    :raises NerpError: no pictures, or of different sizes.
    """
    if not pictures:
        raise NerpError("There are no pictures yet: press [Randomize] a few times.")
    if len({picture.shape for picture in pictures}) != 1:
        raise NerpError("The pictures differ in size: clear them and draw anew.")
    rows, columns = pictures[0].shape
    across = math.ceil(math.sqrt(len(pictures)))
    down = math.ceil(len(pictures) / across)
    low = min(float(picture.min()) for picture in pictures)
    sheet = np.full((down * (rows + _GAP) - _GAP, across * (columns + _GAP) - _GAP), low, np.float32)
    for index, picture in enumerate(pictures):
        top, left = (index // across) * (rows + _GAP), (index % across) * (columns + _GAP)
        sheet[top : top + rows, left : left + columns] = picture
    return sheet


def showSheet(pictures: list[np.ndarray], sliceLogic):
    """Show pictures as a contact sheet in a slice view, fitted.

    :return: the volume node; it lies in a coronal plane of its own, not in the patient.
    """
    sheet = composeSheet(pictures)
    node = findOrAddNode(ROLE, "vtkMRMLScalarVolumeNode", "Contact sheet (synthetic)")
    coronal = np.array([[-1.0, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    node.SetIJKToRASMatrix(matrixFromArray(coronal))
    updatePixels(node, sheet)
    sliceLogic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
    view = sliceNode(SHEET_VIEW) or sliceLogic.GetSliceNode()
    view.SetOrientation("Coronal")
    sliceLogic.FitSliceToBackground()
    return node
