"""A run's sample pictures beside real films: one volume in a slice view of its own."""

from __future__ import annotations

import numpy as np

from .layouts import SAMPLES_VIEW, sliceNode
from .matrices import matrixFromArray
from .radiograph import updatePixels
from .roles import findOrAddNode

ROLE = "trainingSamples"
_GAP = 8


def composeSamples(samples: np.ndarray, films: np.ndarray | None) -> np.ndarray:
    """Sample pictures on the left, real films on the right of a black bar.

    :param samples: grey levels ``[rows, columns]`` uint8.
    :param films: the same, any size; None where there are none yet.
    """
    if films is None:
        return samples
    rows = max(len(samples), len(films))
    parts = []
    for part in (samples, np.zeros((rows, _GAP), np.uint8), films):
        padded = np.zeros((rows, part.shape[1]), np.uint8)
        padded[: len(part)] = part
        parts.append(padded)
    return np.concatenate(parts, axis=1)


def showSamples(samples: np.ndarray, films: np.ndarray | None, sliceLogic):
    """Show samples and films in a slice view, fitted where their size is new.

    :param sliceLogic: of the view; None where it is not open.
    :return: the volume node; it lies in a coronal plane of its own, not in a patient.
    """
    picture = composeSamples(samples, films)
    node = findOrAddNode(ROLE, "vtkMRMLScalarVolumeNode", "Training samples (synthetic) and X-rays")
    isNew = node.GetImageData() is None or node.GetImageData().GetDimensions()[:2] != picture.shape[::-1]
    coronal = np.array([[-1.0, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    node.SetIJKToRASMatrix(matrixFromArray(coronal))
    updatePixels(node, picture)
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, 255)
    if sliceLogic is not None:
        composite = sliceLogic.GetSliceCompositeNode()
        isNew = isNew or composite.GetBackgroundVolumeID() != node.GetID()
        composite.SetBackgroundVolumeID(node.GetID())
        if isNew:
            fitSamples(sliceLogic)
    return node


def fitSamples(sliceLogic) -> None:
    """Fit the samples into their view; once more after its layout was shown, when the view has its size.

    :param sliceLogic: of the view; None where it is not open.
    """
    if sliceLogic is not None and sliceLogic.GetSliceCompositeNode().GetBackgroundVolumeID():
        (sliceNode(SAMPLES_VIEW) or sliceLogic.GetSliceNode()).SetOrientation("Coronal")
        sliceLogic.FitSliceToBackground()


def hideSamples(sliceLogic) -> None:
    """Show no samples: those of another run are not this one's.

    :param sliceLogic: of the view; None where it is not open.
    """
    if sliceLogic is not None:
        sliceLogic.GetSliceCompositeNode().SetBackgroundVolumeID(None)
