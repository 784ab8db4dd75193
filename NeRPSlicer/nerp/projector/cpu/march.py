"""Pictures that sample fields along rays: emission-absorption, line integral, maximum, MIDA."""

from __future__ import annotations

import math

import numpy as np

from ...geometry import Camera
from ...radiance import Fields
from ..prepared import Grid, field_bricks, grid_bricks, once_per_object
from ..threads import bands, for_each_band
from .cells import sample_ones, sample_pairs
from .lanes import BLOCK, counted, first_lanes, load_like, store, total
from .rays import (
    PACKET,
    MarchRays,
    absorb,
    absorbed,
    block_is_empty,
    compiled,
    helper,
    locate,
    point,
    probes_per_block,
)


def interleaved(matter: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Both fields zero-padded and interleaved: float32 ``[K + 2, J + 2, I + 2, 2]``."""
    depth, height, width = matter.shape
    pairs = np.zeros((depth + 2, height + 2, width + 2, 2), np.float32)
    inside = pairs[1:-1, 1:-1, 1:-1]

    def band(first: int, end: int) -> None:
        inside[first:end, ..., 0] = matter[first:end]
        inside[first:end, ..., 1] = opacity[first:end]

    for_each_band(band, bands(depth))
    return pairs


@once_per_object
def _pairs(fields: Fields) -> np.ndarray:
    return interleaved(fields.matter, fields.opacity)


@once_per_object
def _padded(grid: Grid) -> np.ndarray:
    return np.pad(grid.values, 1)


@compiled
def emission_absorption_band(  # type: ignore[no-untyped-def]
    pairs, bricks, entry, step, step_mm, samples, first_row, end_row, image, accumulated
):
    """I = sum_i T_i a_i m_i and A = 1 - T_end for some rows; see reference.emission_absorption."""
    flat = pairs.reshape(-1)
    step_j, step_k = pairs.shape[2] * 2, pairs.shape[1] * pairs.shape[2] * 2
    offset = np.empty(BLOCK, np.int32)
    columns = image.shape[1]
    light, depth = np.empty(PACKET * BLOCK, np.float32), np.empty(PACKET)
    probes = np.empty(PACKET, np.int64)
    for r in range(first_row, end_row):
        for first_column in range(0, columns, PACKET):
            lanes = min(PACKET, columns - first_column)
            light[:], depth[:] = 0, 0
            for lane in range(lanes):
                probes[lane] = probes_per_block(point(step, r, first_column + lane), BLOCK - 1)
            for first in range(0, samples, BLOCK):
                for lane in range(lanes):
                    c = first_column + lane
                    start, along = point(entry, r, c), point(step, r, c)
                    if step_mm[r, c] == 0 or block_is_empty(
                        bricks, start, along, first + 0.5, BLOCK - 1, probes[lane]
                    ):
                        continue
                    base, fractions = locate(start, along, first, pairs.shape, 2, offset)
                    matter, opacity = sample_pairs(flat, base, offset, step_j, step_k, fractions)
                    opacity = first_lanes(opacity, samples - first)
                    _, weight, depth[lane] = absorb(opacity, step_mm[r, c], depth[lane])
                    gathered = load_like(weight, light, lane * BLOCK)
                    store(light, lane * BLOCK, gathered + weight * matter)
            for lane in range(lanes):
                c = first_column + lane
                image[r, c] = total(load_like(counted(), light, lane * BLOCK))
                accumulated[r, c] = -math.expm1(-depth[lane] * step_mm[r, c])


def emission_absorption(fields: Fields, camera: Camera, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Emission-absorption picture and accumulated opacity, float32 ``[rows, columns]`` each."""
    pairs, bricks = _pairs(fields), field_bricks(fields)
    rays = MarchRays(camera, fields.ras_from_ijk, fields.shape, samples)
    image, accumulated = np.empty((2, camera.rows, camera.columns), np.float32)
    for_each_band(
        lambda first, end: emission_absorption_band(
            pairs, bricks, *rays.cut(first, end), samples, first, end, image, accumulated
        ),
        bands(camera.rows),
    )
    return image, accumulated


SUM, MEAN, MAXIMUM, MIDA = range(4)


@helper
def _reduce(kind, values, count, parameter, state, lane):  # type: ignore[no-untyped-def]
    """Fold a block of samples into a ray's state; see reference.sampled_integral, sampled_maximum and
    mida."""
    if kind <= MEAN:
        total = np.float32(0)
        for n in range(count):
            total += values[n]
        state[lane, 0] += total
    elif kind == MAXIMUM:
        for n in range(count):
            state[lane, 0] = max(state[lane, 0], values[n])
    else:
        for n in range(count):
            f = values[n]
            beta = 1 - max(np.float32(0), f - state[lane, 1])
            state[lane, 1] = max(state[lane, 1], f)
            alpha = absorbed(-f * parameter)
            new = (1 - beta * state[lane, 2]) * alpha
            state[lane, 0] = beta * state[lane, 0] + new * f
            state[lane, 2] = beta * state[lane, 2] + new


@compiled
def scalar_band(  # type: ignore[no-untyped-def]
    kind, padded, bricks, entry, step, step_mm, parameter, samples, first_row, end_row, image
):
    """One field folded along the rays of some rows. Empty samples change no state: they are skipped."""
    flat = padded.reshape(-1)
    step_j, step_k = padded.shape[2], padded.shape[1] * padded.shape[2]
    offset, values = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.float32)
    columns = image.shape[1]
    state, probes = np.empty((PACKET, 3), np.float32), np.empty(PACKET, np.int64)
    for r in range(first_row, end_row):
        for first_column in range(0, columns, PACKET):
            lanes = min(PACKET, columns - first_column)
            state[:] = 0
            for lane in range(lanes):
                probes[lane] = probes_per_block(point(step, r, first_column + lane), BLOCK - 1)
            for first in range(0, samples, BLOCK):
                count = min(BLOCK, samples - first)
                for lane in range(lanes):
                    c = first_column + lane
                    start, along = point(entry, r, c), point(step, r, c)
                    if step_mm[r, c] == 0 or block_is_empty(
                        bricks, start, along, first + 0.5, BLOCK - 1, probes[lane]
                    ):
                        continue
                    base, fractions = locate(start, along, first, padded.shape, 1, offset)
                    (found,) = sample_ones(flat, base, offset, step_j, step_k, fractions)
                    store(values, 0, found)
                    _reduce(kind, values, count, np.float32(parameter * step_mm[r, c]), state, lane)
            for lane in range(lanes):
                c = first_column + lane
                image[r, c] = state[lane, 0]
                if kind == SUM:
                    image[r, c] *= step_mm[r, c]
                elif kind == MEAN:
                    image[r, c] /= samples


def _scalar(kind: int, grid: Grid, camera: Camera, samples: int, parameter: float = 0.0) -> np.ndarray:
    padded, bricks = _padded(grid), grid_bricks(grid)
    rays = MarchRays(camera, grid.ras_from_ijk, grid.values.shape, samples)
    image = np.empty((camera.rows, camera.columns), np.float32)
    for_each_band(
        lambda first, end: scalar_band(
            kind, padded, bricks, *rays.cut(first, end), parameter, samples, first, end, image
        ),
        bands(camera.rows),
    )
    return image


def sampled_integral(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """Line integral by the midpoint rule, float32 ``[rows, columns]``, unit of the grid times mm."""
    return _scalar(SUM, grid, camera, samples)


def sampled_mean(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """Mean over the samples of the clipped ray, float32 ``[rows, columns]``."""
    return _scalar(MEAN, grid, camera, samples)


def sampled_maximum(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """Maximum over the samples, at least 0, float32 ``[rows, columns]``."""
    return _scalar(MAXIMUM, grid, camera, samples)


def mida(grid: Grid, opacity_per_mm: float, camera: Camera, samples: int) -> np.ndarray:
    """Maximum intensity difference accumulation of values in [0, 1], float32 ``[rows, columns]``."""
    return _scalar(MIDA, grid, camera, samples, opacity_per_mm)
