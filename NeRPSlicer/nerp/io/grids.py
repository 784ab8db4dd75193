"""Label voxels brought onto the CT's grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import NerpError
from ..geometry import box_corners, transform_points
from ..volume import Volume

SAME_GRID = 0.05
"""Headers round: grids whose corners part by less than this share of a voxel are one grid."""
CHECKED = 200_000
"""Labelled voxels that are looked at to see how many lie outside the CT."""


class OnGrid(NamedTuple):
    """Label voxels on the CT's grid."""

    voxels: np.ndarray
    notice: str
    """How they came there; "" where they lay there already."""


def onto_ct(voxels: np.ndarray, ras_from_ijk: np.ndarray, like: Volume, what: str) -> OnGrid:
    """Label voxels ``[K, J, I]`` at the voxel centres of ``like``, by nearest neighbour, 0 outside.

    Args:
        voxels: labels, or a mask.
        ras_from_ijk: their place, ``[4, 4]``.
        like: the CT.
        what: names the labels in messages.

    Raises:
        NerpError: no labelled voxel lies on the CT.
    """
    ct_from_labels = np.linalg.inv(like.ras_from_ijk) @ ras_from_ijk
    corners = box_corners(np.array([(0, 0, 0), np.array(voxels.shape[::-1]) - 1.0]))
    at = transform_points(ct_from_labels, corners)
    if voxels.shape == like.shape and np.abs(at - corners).max() < SAME_GRID:
        return OnGrid(voxels, "")
    outside = _share_outside(voxels, ct_from_labels, like.shape)
    if outside == 1:
        raise NerpError(
            f"{what} and the CT {like.name} do not overlap: no labelled voxel lies on the CT; "
            "are both of one patient and one examination?"
        )
    told = []
    # Turned, flipped, cropped or padded, every voxel still lies on one of the CT.
    same_size = 0.99 < abs(np.linalg.det(ct_from_labels)) < 1.01
    if not (same_size and np.abs(at - np.rint(at)).max() < SAME_GRID):
        told.append(f"{what} had another grid than {like.name}; it was resampled (nearest neighbour).")
    if outside > 0.005:
        doubt = "; are both of one patient and one examination?" if outside > 0.2 else ""
        told.append(f"{outside:.0%} of the labelled voxels of {what} lie outside {like.name}{doubt}.")
    return OnGrid(_nearest(voxels, np.linalg.inv(ct_from_labels), like.shape), " ".join(told))


def _share_outside(voxels: np.ndarray, ct_from_labels: np.ndarray, shape: tuple[int, ...]) -> float:
    labelled = np.flatnonzero(voxels)
    if not labelled.size:
        return 0.0
    labelled = labelled[:: max(1, labelled.size // CHECKED)]
    ijk = np.stack(np.unravel_index(labelled, voxels.shape)[::-1])
    at = ct_from_labels[:3, :3] @ ijk + ct_from_labels[:3, 3:]
    upper = np.array(shape[::-1])[:, None] - 0.5
    return float(((at < -0.5) | (at > upper)).any(axis=0).mean())


def _nearest(voxels: np.ndarray, labels_from_ct: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One slice of the CT at a time: coordinates of a whole volume would take twelve times its memory."""
    out = np.zeros(shape, voxels.dtype)
    matrix, offset = labels_from_ct[:3, :3], labels_from_ct[:3, 3]
    j, i = np.meshgrid(*map(np.arange, shape[1:]), indexing="ij")
    # Half a voxel less a hair: a point between two voxels goes to the same one whatever the rounding.
    plane = [matrix[row, 0] * i + matrix[row, 1] * j + (offset[row] + 0.5 - 1e-4) for row in range(3)]
    for k in range(shape[0]):
        at = [np.floor(plane[row] + matrix[row, 2] * k).astype(np.int32) for row in range(3)]
        inside = np.ones(shape[1:], bool)
        for index, count in zip(at, voxels.shape[::-1], strict=True):
            inside &= (index >= 0) & (index < count)
        out[k][inside] = voxels[at[2][inside], at[1][inside], at[0][inside]]
    return out
