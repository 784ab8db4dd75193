"""Rays, blocks of samples and exponentials: what every kernel that samples along a ray is made of."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
from numba import njit

from ...geometry import Camera
from ..bricks import BRICK, HALO
from ..rays import View, ijk_from_pixel
from .lanes import (
    before_each,
    counted,
    last,
    running_sums,
    store,
    two_to_the,
    whole_numbers,
)

PACKET = 16
"""Neighbouring rays that march side by side, a block at a time: they read the same cache lines."""

# The annotations keep type checkers from reading a dispatcher as the plain function it wraps.
_jit: Any = njit
_options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def compiled(function: Any) -> Any:
    """Compile when first called, and keep it on disk for other processes where a folder can be written."""
    dispatcher = _jit(**_options)(function)
    with suppress(RuntimeError):
        dispatcher.enable_caching()
    return dispatcher


helper: Any = _jit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_options)
"""For functions that only compiled ones call: what Python would need to call or to keep them is not made."""


@helper
def clip_ray(origin, direction, lower, upper):  # type: ignore[no-untyped-def]
    """t_in, t_out of one ray in the box; (0, 0) if it misses or the box lies behind the origin."""
    t_in, t_out = 0.0, np.inf
    for a in range(3):
        if direction[a] == 0.0:
            if not lower[a] <= origin[a] <= upper[a]:
                return 0.0, 0.0
        else:
            one = (lower[a] - origin[a]) / direction[a]
            other = (upper[a] - origin[a]) / direction[a]
            t_in = max(t_in, min(one, other))
            t_out = min(t_out, max(one, other))
    if t_out > t_in:
        return t_in, t_out
    return 0.0, 0.0


@compiled
def clip_rays(  # type: ignore[no-untyped-def]
    origin, from_pixel, mm_from_pixel, lower, upper, first_row, end_row, direction, t_in, t_out
):
    """Direction per mm and clipped interval of some rows' rays, written into the last three arrays."""
    for r in range(first_row, end_row):
        for c in range(t_in.shape[1]):
            length = 0.0
            for a in range(3):
                direction[r, c, a] = from_pixel[a, 0] * c + from_pixel[a, 1] * r + from_pixel[a, 2]
                length += (mm_from_pixel[a, 0] * c + mm_from_pixel[a, 1] * r + mm_from_pixel[a, 2]) ** 2
            for a in range(3):
                direction[r, c, a] /= math.sqrt(length)
            t_in[r, c], t_out[r, c] = clip_ray(origin, direction[r, c], lower, upper)


@compiled
def cut_rays(origin, samples, first_row, end_row, direction, t_in, t_out, entry):  # type: ignore[no-untyped-def]
    """Where rays enter, in padded indices, into ``entry``; the step in place of ``direction``, its mm in
    place of ``t_out``."""
    for r in range(first_row, end_row):
        for c in range(t_in.shape[1]):
            step_mm = (t_out[r, c] - t_in[r, c]) / samples
            for a in range(3):
                entry[r, c, a] = origin[a] + 1 + t_in[r, c] * direction[r, c, a]
                direction[r, c, a] *= step_mm
            t_out[r, c] = step_mm


class ClippedRays:
    """A camera's rays in a box of index space, found band by band by whoever marches them.

    ``origin`` is the focal spot, ``direction`` per mm; ``t_in`` and ``t_out`` are in mm.
    """

    def __init__(
        self, camera: Camera | View, ras_from_ijk: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> None:
        self.origin, from_pixel = ijk_from_pixel(camera, ras_from_ijk)
        self._constants = (self.origin, from_pixel, np.linalg.inv(camera.pixel_from_camera), lower, upper)
        self.direction = np.empty((camera.rows, camera.columns, 3))
        self.t_in, self.t_out = np.empty((2, camera.rows, camera.columns))

    def clip(self, first_row: int, end_row: int) -> None:
        """Find the rays of some rows."""
        clip_rays(*self._constants, first_row, end_row, self.direction, self.t_in, self.t_out)


class MarchRays(ClippedRays):
    """A camera's rays cut in steps through a zero-padded grid of shape [K, J, I]; found band by band."""

    def __init__(
        self, camera: Camera | View, ras_from_ijk: np.ndarray, shape: tuple[int, ...], samples: int
    ) -> None:
        super().__init__(camera, ras_from_ijk, np.full(3, -1.0), np.array(shape[::-1], float))
        self.samples = samples
        self.entry = np.empty_like(self.direction)

    def cut(self, first_row: int, end_row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the rays of some rows.

        Returns:
            entry (padded indices, original + 1) and step ``[rows, columns, 3]``, step in mm ``[rows,
            columns]``, 0 where the ray misses: the whole picture's arrays, float64.
        """
        self.clip(first_row, end_row)
        cut_rays(
            self.origin, self.samples, first_row, end_row, self.direction, self.t_in, self.t_out, self.entry
        )
        return self.entry, self.direction, self.t_out


@helper
def point(array, row, column):  # type: ignore[no-untyped-def]
    """The three numbers at a pixel, as a tuple: cheaper to hand on than a view."""
    return array[row, column, 0], array[row, column, 1], array[row, column, 2]


@helper
def probes_per_block(step, span):  # type: ignore[no-untyped-def]
    """How many looks at the bricks ``span`` steps need so that no point of them lies more than HALO cells
    from a look."""
    longest = max(abs(step[0]), abs(step[1]), abs(step[2]))
    return math.ceil(span * longest / (2.0 * HALO))


@helper
def block_is_empty(bricks, entry, step, start, span, probes):  # type: ignore[no-untyped-def]
    """Whether the steps start .. start + span all lie in empty bricks."""
    stride = span / max(probes, 1)
    for n in range(probes):
        t = start + stride * (n + 0.5)
        i = np.int64(min(max(entry[0] + t * step[0], 0.0), BRICK * bricks.shape[2] - 1.0)) // BRICK
        j = np.int64(min(max(entry[1] + t * step[1], 0.0), BRICK * bricks.shape[1] - 1.0)) // BRICK
        k = np.int64(min(max(entry[2] + t * step[2], 0.0), BRICK * bricks.shape[0] - 1.0)) // BRICK
        if bricks[k, j, i]:
            return False
    return True


@helper
def _locate_along(start, corner, step, size):  # type: ignore[no-untyped-def]
    """Cells along one axis, from a block's corner on, and places in them."""
    place = counted() * np.float32(step) + np.float32(start - corner)
    cell = min(max(np.floor(place), np.float32(-corner)), np.float32(size - 2 - corner))
    return whole_numbers(cell), place - cell


@helper
def locate(entry, step, first, shape, channels, offset):  # type: ignore[no-untyped-def]
    """Cells and fractions of the BLOCK samples from ``first`` on.

    Indices are counted from the block's own corner, so that float32 fractions stay exact to about 1e-7 voxel
    in grids of any size. Samples beyond the ray's end get some cell of the grid.

    Args:
        shape: the padded grid's, [K, J, I].
        channels: floats per voxel.
        offset: int32 ``[BLOCK]``, receives each cell's first float, counted from the block's corner: no
            block spans the 8 GiB at which that would overflow.

    Returns:
        the corner's first float in the flat array; the places (i, j, k) in the cells, lanes.
    """
    start_i = entry[0] + (first + 0.5) * step[0]
    start_j = entry[1] + (first + 0.5) * step[1]
    start_k = entry[2] + (first + 0.5) * step[2]
    corner_i, corner_j, corner_k = math.floor(start_i), math.floor(start_j), math.floor(start_k)
    cell_i, fraction_i = _locate_along(start_i, corner_i, step[0], shape[2])
    cell_j, fraction_j = _locate_along(start_j, corner_j, step[1], shape[1])
    cell_k, fraction_k = _locate_along(start_k, corner_k, step[2], shape[0])
    row, section = shape[2] * channels, shape[1] * shape[2] * channels
    cells = cell_k * np.int32(section) + cell_j * np.int32(row) + cell_i * np.int32(channels)
    store(offset, 0, cells)
    return corner_k * section + corner_j * row + corner_i * channels, (fraction_i, fraction_j, fraction_k)


@helper
def _power_and_rest(x):  # type: ignore[no-untyped-def]
    """2^k and expm1(f) with x = k log 2 + f for -87 <= x <= 0, in float32 (Cody and Waite's reduction)."""
    x = max(x, np.float32(-87))
    whole = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    f = x - whole * np.float32(0.693359375)
    f = f + whole * np.float32(2.12194440e-4)
    p = f * np.float32(1 / 5040) + np.float32(1 / 720)
    p = p * f + np.float32(1 / 120)
    p = p * f + np.float32(1 / 24)
    p = p * f + np.float32(1 / 6)
    p = p * f + np.float32(0.5)
    p = p * f + np.float32(1)
    return two_to_the(whole), p * f


@helper
def exp_negative(x):  # type: ignore[no-untyped-def]
    """exp(x) of floats or lanes for x <= 0, relative error below 1.2e-7; 1e-38 below -87."""
    power, rest = _power_and_rest(x)
    return power * rest + power


@helper
def absorbed(x):  # type: ignore[no-untyped-def]
    """-expm1(x), as `exp_negative`: exact to float32 where little is absorbed."""
    power, rest = _power_and_rest(x)
    return (np.float32(1) - power) - power * rest


@helper
def absorb(opacity, step_mm, depth):  # type: ignore[no-untyped-def]
    """Transmittance before each of a block's samples, the part it absorbs there and the depth behind the
    block.

    The depth, not the transmittance, is carried from block to block: products of rounded factors drift.
    """
    inside = running_sums(opacity)
    scale = np.float32(-step_mm)
    before = exp_negative(before_each(inside) * scale + np.float32(-depth * step_mm))
    return before, before * absorbed(opacity * scale), depth + last(inside)
