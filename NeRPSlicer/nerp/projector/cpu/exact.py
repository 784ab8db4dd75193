"""Exact radiological paths: line integrals and path lengths through voxels.

The lengths are Siddon's (1985); the order of work is ours. A ray is cut at the voxel planes of the axis it
crosses most of. In such a slab it crosses at most one plane of each other axis, so it visits at most three
voxels: the one it enters, one between the two crossings, the one it leaves. That needs no sorting and no
    branches.
"""

from __future__ import annotations

import math

import numpy as np

from ...geometry import Camera
from ...structures import Structures
from ..prepared import Grid, grid_bricks, structure_bricks
from ..threads import bands, for_each_band
from .lanes import BLOCK
from .rays import ClippedRays, block_is_empty, compiled, helper, point, probes_per_block


@helper
def enter_slabs(origin, direction, t_in, t_out):  # type: ignore[no-untyped-def]
    """A ray's path in slabs of its main axis, always along increasing index.

    Returns:
        main axis; where the first slab starts on the ray's line, in voxels (voxel v spans [v, v + 1)); the
        advance per slab; where the path starts and ends, in slabs; mm per slab.
    """
    axis = 0
    for a in range(1, 3):
        if abs(direction[a]) > abs(direction[axis]):
            axis = a
    t_start = t_in if direction[axis] > 0 else t_out
    main = origin[axis] + t_start * direction[axis] + 0.5
    slab = math.floor(main)
    low = main - slab
    t_start -= low / direction[axis]
    entry = (
        origin[0] + t_start * direction[0] + 0.5,
        origin[1] + t_start * direction[1] + 0.5,
        origin[2] + t_start * direction[2] + 0.5,
    )
    slope = (direction[0] / direction[axis], direction[1] / direction[axis], direction[2] / direction[axis])
    return (
        axis,
        slab,
        entry,
        slope,
        low,
        low + (t_out - t_in) * abs(direction[axis]),
        1 / abs(direction[axis]),
    )


@helper
def cross_slabs(axis, slab, entry, slope, low, high, first, shape, index, length):  # type: ignore[no-untyped-def]
    """The three voxels of each of the BLOCK slabs from ``first`` on, and the path in them.

    Planes are located from the block's own corner, so that float32 keeps them to about 1e-7 voxel.

    Args:
        index: int64 ``[3, BLOCK]``, receives flat voxel indices, always inside the grid.
        length: float32 ``[3, BLOCK]``, receives lengths in slabs; 0 beyond the path.
    """
    strides = (1, shape[2], shape[1] * shape[2])
    sizes = (shape[2], shape[1], shape[0])
    b, c = (0 if axis > 0 else 1), (1 if axis > 1 else 2)
    stride, stride_b, stride_c = strides[axis], strides[b], strides[c]
    start_b, start_c = entry[b] + first * slope[b], entry[c] + first * slope[c]
    corner_b, corner_c = math.floor(start_b), math.floor(start_c)
    from_b, from_c = np.float32(start_b - corner_b), np.float32(start_c - corner_c)
    slope_b, slope_c = np.float32(slope[b]), np.float32(slope[c])
    inverse_b, inverse_c = np.float32(1) / slope_b, np.float32(1) / slope_c
    lowest_b, highest_b = np.float32(-corner_b), np.float32(sizes[b] - 1 - corner_b)
    lowest_c, highest_c = np.float32(-corner_c), np.float32(sizes[c] - 1 - corner_c)
    begin, finish = np.float32(low - first), np.float32(high - first)
    last = np.float32(sizes[axis] - 1 - slab - first)
    base = (np.int64(slab) + first) * stride + np.int64(corner_b) * stride_b + np.int64(corner_c) * stride_c
    for n in range(BLOCK):
        at = np.float32(n)
        enter = max(at, begin)
        leave = max(min(at + np.float32(1), finish), enter)
        b0, c0 = np.floor(from_b + enter * slope_b), np.floor(from_c + enter * slope_c)
        b1, c1 = np.floor(from_b + leave * slope_b), np.floor(from_c + leave * slope_c)
        at_b = (max(b0, b1) - from_b) * inverse_b if b0 != b1 else leave
        at_c = (max(c0, c1) - from_c) * inverse_c if c0 != c1 else leave
        at_b, at_c = min(max(at_b, enter), leave), min(max(at_c, enter), leave)
        b0, b1 = min(max(b0, lowest_b), highest_b), min(max(b1, lowest_b), highest_b)
        c0, c1 = min(max(c0, lowest_c), highest_c), min(max(c1, lowest_c), highest_c)
        between_b = b1 if at_b < at_c else b0
        between_c = c0 if at_b < at_c else c1
        main = base + np.int32(min(at, last)) * stride
        index[0, n] = main + np.int32(b0) * stride_b + np.int32(c0) * stride_c
        index[1, n] = main + np.int32(between_b) * stride_b + np.int32(between_c) * stride_c
        index[2, n] = main + np.int32(b1) * stride_b + np.int32(c1) * stride_c
        length[0, n] = min(at_b, at_c) - enter
        length[1, n] = abs(at_b - at_c)
        length[2, n] = leave - max(at_b, at_c)


@compiled
def integral_band(values, bricks, origin, direction, t_in, t_out, first_row, end_row, image):  # type: ignore[no-untyped-def]
    """Sum of voxel value times path in mm for the rays of some rows."""
    flat = values.reshape(-1)
    index, length = np.empty((3, BLOCK), np.int64), np.empty((3, BLOCK), np.float32)
    for r in range(first_row, end_row):
        for c in range(image.shape[1]):
            image[r, c] = 0
            if t_out[r, c] <= t_in[r, c]:
                continue
            axis, slab, entry, slope, low, high, mm = enter_slabs(
                origin, point(direction, r, c), t_in[r, c], t_out[r, c]
            )
            padded = (entry[0] + 0.5, entry[1] + 0.5, entry[2] + 0.5)
            probes = probes_per_block(slope, BLOCK)
            total = np.float32(0)
            for first in range(0, math.ceil(high), BLOCK):
                if block_is_empty(bricks, padded, slope, first, BLOCK, probes):
                    continue
                cross_slabs(axis, slab, entry, slope, low, high, first, values.shape, index, length)
                part = np.float32(0)
                for n in range(BLOCK):
                    first_two = length[0, n] * flat[index[0, n]] + length[1, n] * flat[index[1, n]]
                    part += first_two + length[2, n] * flat[index[2, n]]  # one sum a slab: adding takes turns
                total += part
            image[r, c] = total * mm


@compiled
def lengths_band(  # type: ignore[no-untyped-def]
    combination, member, first_member, bricks, origin, direction, t_in, t_out, first_row, end_row, lengths_mm
):
    """Path in mm through each structure, for the rays of some rows: ``[structure, row, column]``.

    Args:
        member: the structures of all combinations, one combination after the other.
        first_member: ``[combinations + 1]``, where each combination's begin in ``member``.
    """
    flat = combination.reshape(-1)
    index, length = np.empty((3, BLOCK), np.int64), np.empty((3, BLOCK), np.float32)
    total = np.empty(first_member.size - 1, np.float32)
    # A row is gathered here and copied out at once: neighbours in a picture lie far apart in lengths_mm.
    in_row = np.empty((lengths_mm.shape[0], lengths_mm.shape[2]), np.float32)
    for r in range(first_row, end_row):
        in_row[:] = 0
        for c in range(lengths_mm.shape[2]):
            if t_out[r, c] <= t_in[r, c]:
                continue
            total[:] = 0
            axis, slab, entry, slope, low, high, mm = enter_slabs(
                origin, point(direction, r, c), t_in[r, c], t_out[r, c]
            )
            padded = (entry[0] + 0.5, entry[1] + 0.5, entry[2] + 0.5)
            probes = probes_per_block(slope, BLOCK)
            for first in range(0, math.ceil(high), BLOCK):
                if block_is_empty(bricks, padded, slope, first, BLOCK, probes):
                    continue
                cross_slabs(axis, slab, entry, slope, low, high, first, combination.shape, index, length)
                for n in range(BLOCK):
                    total[flat[index[0, n]]] += length[0, n]
                    total[flat[index[1, n]]] += length[1, n]
                    total[flat[index[2, n]]] += length[2, n]
            for combined in range(1, total.size):
                if total[combined] > 0:
                    for m in range(first_member[combined], first_member[combined + 1]):
                        in_row[member[m], c] += total[combined] * mm
        lengths_mm[:, r] = in_row


def _voxel_rays(camera: Camera, ras_from_ijk: np.ndarray, shape: tuple[int, ...]) -> ClippedRays:
    return ClippedRays(camera, ras_from_ijk, np.full(3, -0.5), np.array(shape[::-1]) - 0.5)


def exact_integral(grid: Grid, camera: Camera) -> np.ndarray:
    """Line integral over the exact radiological path, float32 ``[rows, columns]``, unit of the grid times
    mm."""
    bricks = grid_bricks(grid)
    rays = _voxel_rays(camera, grid.ras_from_ijk, grid.values.shape)
    image = np.empty((camera.rows, camera.columns), np.float32)

    def band(first: int, end: int) -> None:
        rays.clip(first, end)
        integral_band(
            grid.values, bricks, rays.origin, rays.direction, rays.t_in, rays.t_out, first, end, image
        )

    for_each_band(band, bands(camera.rows))
    return image


def exact_lengths(structures: Structures, camera: Camera) -> np.ndarray:
    """Exact path length in mm through each structure: float32 ``[structures, rows, columns]``."""
    bricks = structure_bricks(structures)
    member = np.array([m for members in structures.combinations for m in members], np.int64)
    first_member = np.cumsum([0, *map(len, structures.combinations)])
    rays = _voxel_rays(camera, structures.ras_from_ijk, structures.shape)
    lengths_mm = np.empty((len(structures), camera.rows, camera.columns), np.float32)

    def band(first: int, end: int) -> None:
        rays.clip(first, end)
        lengths_band(
            structures.combination,
            member,
            first_member,
            bricks,
            rays.origin,
            rays.direction,
            rays.t_in,
            rays.t_out,
            first,
            end,
            lengths_mm,
        )

    for_each_band(band, bands(camera.rows))
    return lengths_mm
