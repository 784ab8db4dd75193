"""Exact line integrals: voxel values times the paths in them (Siddon 1985).

What a ray gathers in a column of voxels is the difference of the column's prefix sum at two places.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ...geometry import Camera
from ..prepared import Grid, once_per_object
from ..threads import bands, for_each_band
from .columns import enter, kept_along, main_axis, next_plane, rays_and_main_axes, trimmed
from .rays import compiled, helper, point

GREATEST = np.iinfo(np.int32).max


class PrefixSums:
    """A grid, trimmed, summed along each axis when first asked for.

    Whole numbers of a unit: as small as float32, but near the sums' maximum 128 times as fine, and a
    difference of two sums is without error.
    """

    def __init__(self, grid: Grid) -> None:
        values, self.ras_from_ijk = trimmed(grid.values, grid.ras_from_ijk)
        self.shape = values.shape
        self.along = kept_along(partial(_summed, values), values.size)
        """Sums up to each plane of an axis (0 is I), int32 ``[K, J, I]``, one longer along it; their unit."""


@once_per_object
def prefix_sums(grid: Grid) -> PrefixSums:
    """See `PrefixSums`."""
    return PrefixSums(grid)


def _summed(values: np.ndarray, axis: int) -> tuple[np.ndarray, float]:
    along = 2 - axis
    slabs = np.moveaxis(values, along, 0)
    running, greatest = np.zeros(slabs.shape[1:]), 0.0
    for slab in slabs:
        running += slab
        greatest = max(greatest, np.abs(running).max())
    unit = float(greatest) / GREATEST or 1.0
    sums = np.zeros([size + (n == along) for n, size in enumerate(values.shape)], np.int32)
    running[:] = 0
    for slab, behind in zip(slabs, np.moveaxis(sums, along, 0)[1:], strict=True):
        running += slab
        behind[:] = running / unit
    return sums, unit


@helper
def _column(flat, first, stride, slab):  # type: ignore[no-untyped-def]
    """A column's sum before a slab of the main axis, and in the slab."""
    before = np.int64(flat[first + slab * stride])
    return before, np.int64(flat[first + (slab + 1) * stride]) - before


@compiled
def integral_band(  # type: ignore[no-untyped-def]
    axis, sums, unit, origin, direction, t_in, t_out, image, first_row, end_row
):
    """Sum of voxel value times path in mm for those rays of some rows that have this main axis."""
    flat = sums.reshape(-1)
    stride = (1, sums.shape[2], sums.shape[1] * sums.shape[2])[axis]
    slabs = (sums.shape[2], sums.shape[1], sums.shape[0])[axis] - 1
    for r in range(first_row, end_row):
        for u in range(image.shape[1]):
            along = point(direction, r, u)
            if t_out[r, u] <= t_in[r, u] or main_axis(along) != axis:
                continue
            m, m_out, mm, column, planes_b, planes_c = enter(
                axis, sums.shape, slabs, origin, along, t_in[r, u], t_out[r, u]
            )
            turn_b, left_b, m_b, apart_b = planes_b
            turn_c, left_c, m_c, apart_c = planes_c
            slab = np.int64(m)
            before, inside = _column(flat, column, stride, slab)
            total = -(before + (m - slab) * inside)
            m = min(m_b, m_c)
            while m < m_out:
                slab = np.int64(m)
                before, inside = _column(flat, column, stride, slab)
                if m_b <= m_c:
                    column += turn_b
                    left_b, m_b = next_plane(left_b, m_b, apart_b)
                else:
                    column += turn_c
                    left_c, m_c = next_plane(left_c, m_c, apart_c)
                before_next, inside_next = _column(flat, column, stride, slab)
                total += (before - before_next) + (m - slab) * (inside - inside_next)
                m = min(m_b, m_c)
            slab = np.int64(m_out)
            before, inside = _column(flat, column, stride, slab)
            image[r, u] = (total + before + (m_out - slab) * inside) * unit * mm


def exact_integral(grid: Grid, camera: Camera) -> np.ndarray:
    """Line integral over the exact radiological path, float32 ``[rows, columns]``, unit of the grid times
    mm.

    Of finite values; below 2^-31 of the greatest sum along a column of voxels they are lost.
    """
    prefix = prefix_sums(grid)
    rays, axes = rays_and_main_axes(camera, prefix.ras_from_ijk, prefix.shape)
    image = np.zeros((camera.rows, camera.columns), np.float32)
    for axis in axes:
        sums, unit = prefix.along(axis)
        for_each_band(partial(integral_band, axis, sums, unit, *rays, image), bands(camera.rows))
    return image
