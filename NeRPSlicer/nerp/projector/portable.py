"""The backend without Numba: SciPy's interpolation and NumPy, the same pictures, slower."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..geometry import Camera
from ..radiance import Fields
from ..structures import Structures
from . import reference
from .prepared import Grid
from .rays import Rays, camera_rays

NAME = "CPU, SciPy (slower: install numba)"
TILE_ROWS = 16


def _tiles(camera: Camera, ras_from_ijk: np.ndarray) -> Iterator[tuple[slice, Rays]]:
    rays = camera_rays(camera, ras_from_ijk)
    for first in range(0, camera.rows, TILE_ROWS):
        rows = slice(first, first + TILE_ROWS)
        yield rows, rays.tile(rows)


def _samples(values: np.ndarray, points_kji: np.ndarray) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    return map_coordinates(
        values, points_kji, output=np.float32, order=1, mode="grid-constant", prefilter=False
    )


def _points(shape: tuple[int, ...], rays: Rays, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample points ``[3, rows, columns, samples]`` as (k, j, i), and the step ``[rows, columns]`` in mm."""
    t_in, t_out = reference.clip_to_support(shape, rays)
    step_mm = (t_out - t_in) / samples
    t = t_in[..., None] + (np.arange(samples) + 0.5) * step_mm[..., None]
    return np.stack([rays.origin_ijk[a] + t * rays.direction_ijk[..., a, None] for a in (2, 1, 0)]), step_mm


def emission_absorption(fields: Fields, camera: Camera, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """See reference.emission_absorption; float32 ``[rows, columns]`` each."""
    image, accumulated = np.empty((2, camera.rows, camera.columns), np.float32)
    for rows, rays in _tiles(camera, fields.ras_from_ijk):
        points, step_mm = _points(fields.shape, rays, samples)
        depth = np.cumsum(_samples(fields.opacity, points) * step_mm[..., None], axis=-1)
        remaining = np.exp(-np.concatenate([np.zeros_like(depth[..., :1]), depth], axis=-1))
        image[rows] = (-np.diff(remaining, axis=-1) * _samples(fields.matter, points)).sum(axis=-1)
        accumulated[rows] = 1 - remaining[..., -1]
    return image, accumulated


def _sampled(grid: Grid, camera: Camera, samples: int, fold: Callable[..., np.ndarray]) -> np.ndarray:
    image = np.empty((camera.rows, camera.columns), np.float32)
    for rows, rays in _tiles(camera, grid.ras_from_ijk):
        points, step_mm = _points(grid.values.shape, rays, samples)
        image[rows] = fold(_samples(grid.values, points), step_mm)
    return image


def sampled_integral(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """See reference.sampled_integral."""
    return _sampled(grid, camera, samples, lambda values, step_mm: values.sum(axis=-1) * step_mm)


def sampled_mean(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """See reference.sampled_mean."""
    return _sampled(grid, camera, samples, lambda values, _: values.mean(axis=-1))


def sampled_maximum(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """See reference.sampled_maximum."""
    return _sampled(grid, camera, samples, lambda values, _: np.maximum(values.max(axis=-1), 0))


def mida(grid: Grid, opacity_per_mm: float, camera: Camera, samples: int) -> np.ndarray:
    """See reference.mida."""
    image = np.empty((camera.rows, camera.columns), np.float32)
    for rows, rays in _tiles(camera, grid.ras_from_ijk):
        image[rows] = reference.mida(grid.values, opacity_per_mm, rays, samples)
    return image


def exact_integral(grid: Grid, camera: Camera) -> np.ndarray:
    """See reference.exact_integral."""
    image = np.zeros((camera.rows, camera.columns), np.float32)
    for rows, rays in _tiles(camera, grid.ras_from_ijk):
        for voxels, lengths_mm in _slabs(grid.values.shape, rays):
            image[rows] += grid.values.ravel()[voxels] * lengths_mm
    return image


def exact_lengths(structures: Structures, camera: Camera) -> np.ndarray:
    """See reference.exact_lengths."""
    count = len(structures.combinations)
    result = np.zeros((count, camera.rows, camera.columns), np.float32)
    for rows, rays in _tiles(camera, structures.ras_from_ijk):
        shape = rays.direction_ijk.shape[:-1]
        pixel = np.arange(np.prod(shape)).reshape(shape)
        total = np.zeros(count * pixel.size)
        for voxels, lengths_mm in _slabs(structures.shape, rays):
            label = structures.combination.ravel()[voxels].astype(np.int64)
            total += np.bincount((label * pixel.size + pixel).ravel(), lengths_mm.ravel(), total.size)
        result[:, rows] = total.reshape(count, *shape)
    result[0] = 0
    return result


def _slabs(shape: tuple[int, ...], rays: Rays) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Flat voxel indices and lengths in mm, three pairs a slab of each ray's main axis; see cpu.exact."""
    size = np.array(shape[::-1])
    stride = np.array([1, shape[2], shape[1] * shape[2]])
    t_in, t_out = rays.clip(-0.5, size - 0.5)
    main = np.abs(rays.direction_ijk).argmax(axis=-1)
    along = np.take_along_axis(rays.direction_ijk, main[..., None], -1)[..., 0]
    t_start = np.where(along > 0, t_in, t_out)
    mm = 1 / np.abs(along)
    slope = rays.direction_ijk / along[..., None]
    start = rays.origin_ijk + 0.5 + t_start[..., None] * rays.direction_ijk
    at = np.take_along_axis(start, main[..., None], -1)[..., 0]
    end = at + (t_out - t_in) / mm
    first = np.floor(at)
    others = np.array([[1, 2], [0, 2], [0, 1]])[main]
    b_start, c_start = (np.take_along_axis(start, others[..., n, None], -1)[..., 0] for n in (0, 1))
    b_slope, c_slope = (np.take_along_axis(slope, others[..., n, None], -1)[..., 0] for n in (0, 1))

    def clamped(cell: np.ndarray, axis: np.ndarray) -> np.ndarray:
        return np.clip(cell, 0, size[axis] - 1).astype(np.int64) * stride[axis]

    for n in range(int(np.ceil((end - first).max(initial=0)))):
        enter = np.clip(first + n, at, end)
        leave = np.clip(first + n + 1, at, end)
        crossing, cells = [], []
        for begin, rate in ((b_start, b_slope), (c_start, c_slope)):
            one = np.floor(begin + (enter - at) * rate)
            other = np.floor(begin + (leave - at) * rate)
            with np.errstate(divide="ignore", invalid="ignore"):
                met = np.where(one != other, at + (np.maximum(one, other) - begin) / rate, leave)
            crossing.append(np.clip(met, enter, leave))
            cells.append((one, other))
        (b0, b1), (c0, c1) = cells
        early, late = np.minimum(*crossing), np.maximum(*crossing)
        b_first = crossing[0] < crossing[1]
        base = clamped(first + n, main)
        for b, c, length in (
            (b0, c0, early - enter),
            (np.where(b_first, b1, b0), np.where(b_first, c0, c1), late - early),
            (b1, c1, leave - late),
        ):
            yield base + clamped(b, others[..., 0]) + clamped(c, others[..., 1]), length * mm
