"""The patient, separated from couch, sheets and tubes."""

from __future__ import annotations

import numpy as np

from .errors import NerpError
from .geometry import box_corners, transform_points

BODY_HU = -400


def separate_body(hu: np.ndarray, ras_from_ijk: np.ndarray) -> np.ndarray:
    """The body: largest component above -400 HU after opening, filled slice by slice, lungs included.

    Args:
        hu: ``[K, J, I]`` in HU.
        ras_from_ijk: ``[4, 4]``, mm.

    Returns:
        boolean ``[K, J, I]``.
    """
    from scipy import ndimage

    axial = int(np.argmax(np.abs(ras_from_ijk[2, :3])))
    tissue = hu > BODY_HU
    opened = ndimage.binary_opening(tissue, iterations=2)
    labels, count = ndimage.label(opened)
    if not count:
        return np.zeros(hu.shape, bool)
    largest = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    axis = 2 - axial
    out = np.zeros(hu.shape, bool)
    for n in range(hu.shape[axis]):
        where: list[slice | int] = [slice(None)] * 3
        where[axis] = n
        out[tuple(where)] = ndimage.binary_fill_holes(largest[tuple(where)])
    return out


def body_box(body: np.ndarray, ras_from_ijk: np.ndarray, name: str = "ct") -> np.ndarray:
    """The bounding box ``[2, 3]`` in RAS mm of a body mask ``[K, J, I]``, out to the voxels' faces."""
    lower, upper = [], []
    for axis in (2, 1, 0):
        present = np.flatnonzero(body.any(axis=tuple(a for a in range(3) if a != axis)))
        if not present.size:
            raise NerpError(
                f"{name}: no body was found (nothing above {BODY_HU} HU holds together); "
                "is this a chest CT in HU?"
            )
        lower.append(present[0] - 0.5)
        upper.append(present[-1] + 0.5)
    corners = transform_points(ras_from_ijk, box_corners(np.array([lower, upper])))
    return np.array([corners.min(axis=0), corners.max(axis=0)])
