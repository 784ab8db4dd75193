"""The patient, separated from couch, sheets and tubes.

Found on a coarse grid, where it costs little, then brought to the volume's own voxels at its surface.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import NerpError
from .geometry import box_corners, transform_points

BODY_HU = -400
OPENING_MM = 5.0
"""What no ball of this radius fits into holds no body together: couch tops, sheets, tubes."""
OPENING_SHARE = 0.015
"""In a field smaller than 330 mm (a child, a crop) the ball is this share of it."""
CLOSING = 2
"""Thin tissue within this many balls of the body's bulk on several sides, or of lung, is chest wall."""
LUNG_HU = (-950, -500)
"""Aerated lung. Couches hold foam of the same density: only lung lies within the bulk's convex hull."""
PURE_AIR_HU = -970
HULL_DIRECTIONS = 16
HULL_REACH_MM = 25.0
"""A slice's hull holds its neighbours' bulk as far as this: in a crop, one slice may lack chest wall."""
PADDING_HU = -1020
"""Lower than air: what a reconstruction fills the surroundings of its circle with."""


def separate_body(hu: np.ndarray, ras_from_ijk: np.ndarray) -> np.ndarray:
    """The body: largest component above -400 HU after opening, filled slice by slice, lungs included.

    Arms that hold together with the trunk within the volume belong to it; arms that do not are taken away.
    The volume's faces count as closed: body and lungs that run out of the volume stay whole.

    Args:
        hu: ``[K, J, I]`` in HU, any orientation; at least -1024.
        ras_from_ijk: ``[4, 4]``, mm.

    Returns:
        boolean ``[K, J, I]``.
    """
    spacing = np.linalg.norm(ras_from_ijk[:3, :3], axis=0)[::-1]
    head_feet = 2 - int(np.argmax(np.abs(ras_from_ijk[2, :3])))
    field = np.delete(spacing * hu.shape, head_feet).min()
    opening = min(OPENING_MM, OPENING_SHARE * float(field))
    factors = [min(n, max(1, round(opening / 2 / mm))) for n, mm in zip(hu.shape, spacing, strict=True)]
    means = np.moveaxis(_block_means(hu, factors), head_feet, 0)
    order = [head_feet, *(axis for axis in range(3) if axis != head_feet)]
    coarse = _coarse_body(means, (spacing * factors)[order], opening)
    return _at_full_resolution(np.moveaxis(coarse, 0, head_feet), hu, factors)


def _coarse_body(hu: np.ndarray, spacing: np.ndarray, opening: float) -> np.ndarray:
    """The body in ``[slices across the patient, ., .]``."""
    from scipy import ndimage

    ball = _ball(opening, spacing)
    tissue = hu > BODY_HU
    bulk = _opened(tissue, ball)
    labels, count = ndimage.label(bulk)
    if not count:
        return np.zeros(hu.shape, bool)
    bulk = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    hull = _hulls(bulk, max(1, round(HULL_REACH_MM / spacing[0])))
    lung = _opened(hull & (hu > LUNG_HU[0]) & (hu < LUNG_HU[1]), ball)
    near = ndimage.binary_dilation(bulk, ball, CLOSING)
    near = ndimage.binary_erosion(near, ball, CLOSING, border_value=1)
    near |= ndimage.binary_dilation(lung, ball, CLOSING)
    labels, count = ndimage.label(bulk | (tissue & near))
    solid = _members(labels, count, bulk)
    return solid | _enclosed(hu, solid, hull)


def _hulls(bulk: np.ndarray, reach: int) -> np.ndarray:
    """The convex hull of each slice and its neighbours: the half-planes that hold the bulk, in
    `HULL_DIRECTIONS` directions."""
    from scipy import ndimage

    hulls = np.ones(bulk.shape, bool)
    rows, columns = np.indices(bulk.shape[1:], np.float32)
    for angle in np.arange(HULL_DIRECTIONS) * (2 * np.pi / HULL_DIRECTIONS):
        along = np.float32(np.cos(angle)) * columns + np.float32(np.sin(angle)) * rows
        farthest = np.where(bulk, along, -np.inf).max(axis=(1, 2))
        hulls &= along <= ndimage.maximum_filter1d(farthest, 2 * reach + 1)[:, None, None]
    return hulls


def _enclosed(hu: np.ndarray, solid: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """Air spaces within the body, each judged in its slice.

    What the body surrounds is inside. What runs out of the picture is a lung that the field of view cuts
    where most of it lies within the hull and less than a third is pure air, else the outside.
    """
    from scipy import ndimage

    in_slice = np.zeros((3, 3, 3), bool)
    in_slice[1] = ndimage.generate_binary_structure(2, 1)
    rim = np.ones(hu.shape, bool)
    rim[:, 1:-1, 1:-1] = False
    labels, count = ndimage.label(hu <= PADDING_HU, in_slice)
    padding = _members(labels, count, rim)
    labels, count = ndimage.label(~solid & ~padding, in_slice)
    runs_out = _touched(labels, count, rim | ndimage.binary_dilation(padding, in_slice))
    voxels = np.bincount(labels.ravel(), minlength=count + 1)
    in_hull = np.bincount(labels[hull], minlength=count + 1)
    pure_air = np.bincount(labels[hu < PURE_AIR_HU], minlength=count + 1)
    inside = ~runs_out | ((2 * in_hull > voxels) & (3 * pure_air < voxels))
    inside[0] = False
    return inside[labels]


def _touched(labels: np.ndarray, count: int, where: np.ndarray) -> np.ndarray:
    """For each label whether it has a voxel in ``where``."""
    return np.bincount(labels[where], minlength=count + 1) > 0


def _members(labels: np.ndarray, count: int, where: np.ndarray) -> np.ndarray:
    """The labelled voxels whose label has a voxel in ``where``."""
    touched = _touched(labels, count, where)
    touched[0] = False
    return touched[labels]


def _opened(mask: np.ndarray, ball: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return ndimage.binary_dilation(ndimage.binary_erosion(mask, ball, border_value=1), ball)


def _ball(radius: float, spacing: Sequence[float] | np.ndarray) -> np.ndarray:
    """The voxels whose centres lie within ``radius`` mm of the middle one."""
    reach = [int(radius / mm) for mm in spacing]
    offsets = np.ogrid[tuple(slice(-n, n + 1) for n in reach)]
    return sum((offset * mm) ** 2 for offset, mm in zip(offsets, spacing, strict=True)) <= radius**2


def _block_means(hu: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """Means over blocks of voxels; what no whole block is left for goes with the last block."""
    whole = tuple(slice(0, n // f * f) for n, f in zip(hu.shape, factors, strict=True))
    cropped = hu[whole]
    total = np.zeros([n // f for n, f in zip(hu.shape, factors, strict=True)], np.float32)
    for k, j, i in np.ndindex(*factors):
        total += cropped[k :: factors[0], j :: factors[1], i :: factors[2]]
    return total / np.prod(factors)


def _at_full_resolution(coarse: np.ndarray, hu: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """The coarse body, its surface drawn anew by HU within one coarse voxel of it."""
    from scipy import ndimage

    sure = ndimage.binary_erosion(coarse, border_value=1)
    possible = ndimage.binary_dilation(coarse)
    at_k, at_j, at_i = (
        np.minimum(np.arange(n) // f, m - 1) for n, f, m in zip(hu.shape, factors, coarse.shape, strict=True)
    )
    body = np.empty(hu.shape, bool)
    for k, section in zip(at_k, range(len(hu)), strict=True):
        np.greater(hu[section], BODY_HU, out=body[section])
        body[section] &= possible[k][at_j][:, at_i]
        body[section] |= sure[k][at_j][:, at_i]
    return body


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
