"""Exact path lengths through structures (Siddon 1985).

A ray goes through a column of voxels from run to run of the same structures.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ...geometry import Camera
from ...structures import Structures
from ..prepared import once_per_object
from ..threads import bands, for_each_band
from .columns import enter, kept_along, main_axis, next_plane, rays_and_main_axes, trimmed
from .rays import compiled, point


class RunEnds:
    """Where runs of voxels of the same structures end along each axis, when first asked for."""

    def __init__(self, structures: Structures) -> None:
        combination, self.ras_from_ijk = trimmed(structures.combination, structures.ras_from_ijk)
        self.combination = np.ascontiguousarray(combination)
        self.along = kept_along(partial(_ends, self.combination), combination.size)
        """For each voxel the first index behind its run along an axis (0 is I), ``[K, J, I]``."""


def _ends(combination: np.ndarray, axis: int) -> np.ndarray:
    along = 2 - axis
    found = np.empty(combination.shape, np.uint16 if combination.shape[along] < 1 << 16 else np.uint32)
    structures, ends = np.moveaxis(combination, along, 0), np.moveaxis(found, along, 0)
    ends[-1] = len(ends)
    for n in reversed(range(len(ends) - 1)):
        ends[n] = np.where(structures[n] == structures[n + 1], ends[n + 1], n + 1)
    return found


@once_per_object
def run_ends(structures: Structures) -> RunEnds:
    """See `RunEnds`."""
    return RunEnds(structures)


@compiled
def lengths_band(  # type: ignore[no-untyped-def]
    axis,
    combination,
    ends,
    member,
    first_member,
    origin,
    direction,
    t_in,
    t_out,
    lengths_mm,
    first_row,
    end_row,
):
    """Adds the path in mm through each structure, ``[structure, row, column]``, for those rays of some rows
    that have this main axis.

    Args:
        member: the structures of all combinations, one combination after the other.
        first_member: ``[combinations + 1]``, where each combination's begin in ``member``.
    """
    flat, flat_ends = combination.reshape(-1), ends.reshape(-1)
    shape = combination.shape
    stride = (1, shape[2], shape[1] * shape[2])[axis]
    slabs = (shape[2], shape[1], shape[0])[axis]
    total = np.zeros(first_member.size - 1)
    met = np.empty(total.size, np.int64)
    # A row is gathered here and added at once: neighbours in a picture lie far apart in lengths_mm.
    in_row = np.empty((lengths_mm.shape[0], lengths_mm.shape[2]), np.float32)
    for r in range(first_row, end_row):
        in_row[:] = 0
        for u in range(lengths_mm.shape[2]):
            along = point(direction, r, u)
            if t_out[r, u] <= t_in[r, u] or main_axis(along) != axis:
                continue
            m, m_out, mm, column, planes_b, planes_c = enter(
                axis, shape, slabs, origin, along, t_in[r, u], t_out[r, u]
            )
            turn_b, left_b, m_b, apart_b = planes_b
            turn_c, left_c, m_c, apart_c = planes_c
            count = 0
            while m < m_out:
                voxel = column + np.int64(m) * stride
                structures = flat[voxel]
                until = min(float(flat_ends[voxel]), m_out)
                if m_b < until and m_b <= m_c:
                    until = m_b
                    column += turn_b
                    left_b, m_b = next_plane(left_b, m_b, apart_b)
                elif m_c < until:
                    until = m_c
                    column += turn_c
                    left_c, m_c = next_plane(left_c, m_c, apart_c)
                if structures > 0 and until > m:
                    if total[structures] == 0:
                        met[count] = structures
                        count += 1
                    total[structures] += until - m
                m = until
            for n in range(count):
                structures = met[n]
                length, total[structures] = total[structures] * mm, 0
                for one in range(first_member[structures], first_member[structures + 1]):
                    in_row[member[one], u] += length
        lengths_mm[:, r] += in_row


def exact_lengths(structures: Structures, camera: Camera) -> np.ndarray:
    """Exact path length in mm through each structure: float32 ``[structures, rows, columns]``."""
    member = np.array([m for members in structures.combinations for m in members], np.int64)
    first_member = np.cumsum([0, *map(len, structures.combinations)])
    runs = run_ends(structures)
    rays, axes = rays_and_main_axes(camera, runs.ras_from_ijk, runs.combination.shape)
    lengths_mm = np.zeros((len(structures), camera.rows, camera.columns), np.float32)
    for axis in axes:
        grids = runs.combination, runs.along(axis)
        band = partial(lengths_band, axis, *grids, member, first_member, *rays, lengths_mm)
        for_each_band(band, bands(camera.rows))
    return lengths_mm
