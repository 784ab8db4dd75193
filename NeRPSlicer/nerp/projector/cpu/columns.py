"""A ray's way through the columns of voxels along its main axis, the one it crosses most voxels of.

A ray stays in a column until it crosses a plane of one of the other two axes. Who knows what lies along a
column need not look at each of its voxels: in a picture from the front a ray has some 30 columns and 300
voxels. Places are float64: where a ray is almost parallel to a plane, float32 would misplace the crossing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import numpy as np

from ...geometry import Camera
from ..threads import bands, for_each_band
from .rays import ClippedRays, compiled, helper, point

Result = TypeVar("Result")


LARGE = 40_000_000
"""Of grids with more voxels what belongs to two main axes is kept: a picture seldom has rays of all three."""


def kept_along(make: Callable[[int], Result], voxels: int) -> Callable[[int], Result]:
    """``make(axis)``, remembered for each axis of a grid with so many voxels, or for the latest two."""
    return lru_cache(2 if voxels > LARGE else 3)(make)


@helper
def main_axis(direction):  # type: ignore[no-untyped-def]
    """The axis along which a ray crosses most voxels."""
    axis = 0
    for a in range(1, 3):
        if abs(direction[a]) > abs(direction[axis]):
            axis = a
    return axis


@helper
def _planes(place, slope, m_in, size):  # type: ignore[no-untyped-def]
    """The planes of a minor axis that a ray may cross, the grid's faces left out.

    Returns:
        its first voxel; the way from voxel to voxel, +1 or -1; how many planes lie on that way; where on the
        main axis it crosses the first plane; how far it is from plane to plane.
    """
    voxel = min(max(np.int64(math.floor(place)), 0), size - 1)
    if slope > 0 and voxel < size - 1:
        return voxel, 1, size - 1 - voxel, m_in + (voxel + 1 - place) / slope, 1 / slope
    if slope < 0 and voxel > 0:
        return voxel, -1, voxel, m_in + (voxel - place) / slope, -1 / slope
    return voxel, 0, 0, np.inf, 0.0


@helper
def enter(axis, shape, slabs, origin, direction, t_in, t_out):  # type: ignore[no-untyped-def]
    """A ray in slabs of its main axis, always along increasing index: voxel v spans [v, v + 1).

    Args:
        axis: its main axis, 0 is I.
        shape: of the array that is read, [K, J, I].
        slabs: the grid's size along the main axis.

    Returns:
        where the ray enters and leaves the grid on the main axis; mm per slab; the flat index at which its
        first column begins; for either minor axis the index from column to column, the planes left, the
        place of the first on the main axis and the distance from one to the next.
    """
    strides = (1, shape[2], shape[1] * shape[2])
    sizes = (shape[2], shape[1], shape[0])
    b, c = (0 if axis > 0 else 1), (1 if axis > 1 else 2)
    within = slabs * (1 - 1e-15)  # a place so far on the main axis lies in its last slab
    mm = 1 / abs(direction[axis])
    start = t_in if direction[axis] > 0 else t_out
    m_in = min(max(origin[axis] + start * direction[axis] + 0.5, 0.0), within)
    m_out = min(m_in + (t_out - t_in) / mm, within)
    voxel_b, turn_b, left_b, m_b, apart_b = _planes(
        origin[b] + start * direction[b] + 0.5, direction[b] / direction[axis], m_in, sizes[b]
    )
    voxel_c, turn_c, left_c, m_c, apart_c = _planes(
        origin[c] + start * direction[c] + 0.5, direction[c] / direction[axis], m_in, sizes[c]
    )
    return (
        m_in,
        m_out,
        mm,
        voxel_b * strides[b] + voxel_c * strides[c],
        (turn_b * strides[b], left_b, m_b, apart_b),
        (turn_c * strides[c], left_c, m_c, apart_c),
    )


@helper
def next_plane(left, m, apart):  # type: ignore[no-untyped-def]
    """How many planes are left behind one, and where the next is crossed."""
    return left - 1, m + apart if left > 1 else np.inf


def trimmed(values: np.ndarray, ras_from_ijk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A grid ``[K, J, I]`` without the sections of zeros on its six sides, a view, and its frame: air costs
    memory and crossings."""
    spans = []
    for axis in range(3):
        full = np.flatnonzero(values.any(axis=tuple({0, 1, 2} - {axis})))
        spans.append(slice(full[0], full[-1] + 1) if full.size else slice(0, 1))
    old_from_new = np.eye(4)
    old_from_new[:3, 3] = [span.start for span in reversed(spans)]
    return values[tuple(spans)], ras_from_ijk @ old_from_new


@compiled
def _note_main_axes(direction, t_in, t_out, first_row, end_row, found):  # type: ignore[no-untyped-def]
    for r in range(first_row, end_row):
        for u in range(t_in.shape[1]):
            if t_out[r, u] > t_in[r, u]:
                found[main_axis(point(direction, r, u))] = True


def rays_and_main_axes(
    camera: Camera, ras_from_ijk: np.ndarray, shape: tuple[int, ...]
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """A camera's rays in the voxels of a grid of shape [K, J, I].

    Returns:
        origin, direction, t_in and t_out, see `ClippedRays`; the main axes that occur.
    """
    rays = ClippedRays(camera, ras_from_ijk, np.full(3, -0.5), np.array(shape[::-1]) - 0.5)
    found = np.zeros(3, bool)

    def find(first: int, end: int) -> None:
        rays.clip(first, end)
        _note_main_axes(rays.direction, rays.t_in, rays.t_out, first, end, found)

    for_each_band(find, bands(camera.rows))
    return (rays.origin, rays.direction, rays.t_in, rays.t_out), np.flatnonzero(found)
