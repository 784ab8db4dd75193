"""The backend without Numba: SciPy's interpolation and NumPy, the same pictures, slower.

A tile of rays is cut in blocks of samples (or voxel slabs); those that lie in empty bricks are left out, the
rest become one list of points for SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..geometry import Camera
from ..radiance import Fields
from ..structures import Structures
from . import reference
from .bricks import BRICK, HALO
from .prepared import Grid, field_bricks, grid_bricks, structure_bricks
from .rays import Rays, camera_rays
from .threads import bands, for_each_band

NAME = "CPU, SciPy (slower: install numba)"
TILE_ROWS = 4
"""Rows worked on together: a tile's points stay in the processor's cache."""
BLOCK = 16
"""Samples, or slabs, of one ray that are kept or left out together."""


def _for_each_tile(
    camera: Camera, ras_from_ijk: np.ndarray, work: Callable[[slice, Rays], None], height: int = TILE_ROWS
) -> None:
    rays = camera_rays(camera, ras_from_ijk)

    def tile(first: int, end: int) -> None:
        rows = slice(first, end)
        part = rays.tile(rows)
        work(rows, Rays(part.origin_ijk, part.direction_ijk.reshape(-1, 3)))

    for_each_band(tile, bands(camera.rows, height))


def _occupied_blocks(
    bricks: np.ndarray, entry: np.ndarray, step: np.ndarray, starts: np.ndarray, span: float
) -> np.ndarray:
    """Which blocks of rays are not surely empty: boolean ``[rays, blocks]``; see cpu.rays.block_is_empty.

    Args:
        entry, step: ``[rays, 3]`` padded indices.
        starts, span: a block is the steps start .. start + span.
    """
    probes = max(1, int(np.ceil(span * np.abs(step).max(initial=0) / (2 * HALO))))
    t = starts[:, None] + span * (np.arange(probes) + 0.5) / probes
    i, j, k = (
        np.clip((entry[:, a, None, None] + t * step[:, a, None, None]).astype(np.intp) // BRICK, 0, last - 1)
        for a, last in enumerate(bricks.shape[::-1])
    )
    return bricks[k, j, i].any(axis=-1)


@dataclass(frozen=True, eq=False)
class _Samples:
    """The samples of a tile's rays, without the blocks that are surely empty."""

    ray: np.ndarray
    """``[n]``: the ray of each block that is left."""
    block: np.ndarray
    """``[n]``: its place on the ray."""
    points: np.ndarray
    """``[3, n, BLOCK]``: (k, j, i) of each sample; beyond the ray's last sample, outside the grid."""
    step_mm: np.ndarray
    """``[rays]``"""
    blocks: int
    """Blocks a ray."""

    @classmethod
    def of(cls, shape: tuple[int, ...], bricks: np.ndarray, rays: Rays, samples: int) -> _Samples:
        """``samples`` midpoints a ray, see reference.samples_along."""
        t_in, t_out = reference.clip_to_support(shape, rays)
        step_mm = (t_out - t_in) / samples
        entry = rays.origin_ijk + t_in[:, None] * rays.direction_ijk
        step = step_mm[:, None] * rays.direction_ijk
        blocks = -(-samples // BLOCK)
        starts = BLOCK * np.arange(blocks) + 0.5
        occupied = _occupied_blocks(bricks, entry + 1, step, starts, BLOCK - 1)
        ray, block = np.nonzero(occupied & (step_mm > 0)[:, None])
        number = BLOCK * block[:, None] + np.arange(BLOCK)
        points = np.stack([entry[ray, a, None] + (number + 0.5) * step[ray, a, None] for a in (2, 1, 0)])
        points[:, number >= samples] = -2
        return cls(ray, block, points, step_mm, blocks)

    def values(self, field: np.ndarray) -> np.ndarray:
        """The field at every sample: float32 ``[n, BLOCK]``."""
        from scipy.ndimage import map_coordinates

        return map_coordinates(
            field, self.points, output=np.float32, order=1, mode="grid-constant", prefilter=False
        )

    def spread(self, per_block: np.ndarray) -> np.ndarray:
        """Numbers of the blocks that are left, 0 for the others: float64 ``[rays, blocks]``."""
        table = np.zeros((self.step_mm.size, self.blocks))
        table[self.ray, self.block] = per_block
        return table


def emission_absorption(fields: Fields, camera: Camera, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """See reference.emission_absorption; float32 ``[rows, columns]`` each."""
    image, accumulated = np.empty((2, camera.rows, camera.columns), np.float32)
    bricks = field_bricks(fields)

    def tile(rows: slice, rays: Rays) -> None:
        left = _Samples.of(fields.shape, bricks, rays, samples)
        inside = np.cumsum(left.values(fields.opacity), axis=-1)
        depth = left.spread(inside[:, -1])
        before = (np.cumsum(depth, axis=-1) - depth)[left.ray, left.block]
        remaining = np.empty((left.ray.size, BLOCK + 1), np.float32)
        remaining[:, 0], remaining[:, 1:] = before, before[:, None] + inside
        remaining *= -left.step_mm[left.ray, None]
        np.exp(remaining, out=remaining)
        light = (remaining[:, :-1] - remaining[:, 1:]) * left.values(fields.matter)
        image[rows] = left.spread(light.sum(axis=-1)).sum(axis=-1).reshape(-1, camera.columns)
        accumulated[rows] = -np.expm1(-depth.sum(axis=-1) * left.step_mm).reshape(-1, camera.columns)

    _for_each_tile(camera, fields.ras_from_ijk, tile)
    return image, accumulated


def _sampled(
    grid: Grid,
    camera: Camera,
    samples: int,
    fold: Callable[[np.ndarray, _Samples], np.ndarray],
    height: int = TILE_ROWS,
) -> np.ndarray:
    image = np.empty((camera.rows, camera.columns), np.float32)
    bricks = grid_bricks(grid)

    def tile(rows: slice, rays: Rays) -> None:
        left = _Samples.of(grid.values.shape, bricks, rays, samples)
        image[rows] = fold(left.values(grid.values), left).reshape(-1, camera.columns)

    _for_each_tile(camera, grid.ras_from_ijk, tile, height)
    return image


def sampled_integral(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """See reference.sampled_integral."""

    def integral(values: np.ndarray, left: _Samples) -> np.ndarray:
        return left.spread(values.sum(axis=-1)).sum(axis=-1) * left.step_mm

    return _sampled(grid, camera, samples, integral)


def sampled_mean(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """See reference.sampled_mean."""

    def mean(values: np.ndarray, left: _Samples) -> np.ndarray:
        return left.spread(values.sum(axis=-1)).sum(axis=-1) / samples

    return _sampled(grid, camera, samples, mean)


def sampled_maximum(grid: Grid, camera: Camera, samples: int) -> np.ndarray:
    """See reference.sampled_maximum."""

    def maximum(values: np.ndarray, left: _Samples) -> np.ndarray:
        return left.spread(values.max(axis=-1)).max(axis=-1, initial=0)

    return _sampled(grid, camera, samples, maximum)


def mida(grid: Grid, opacity_per_mm: float, camera: Camera, samples: int) -> np.ndarray:
    """See reference.mida; a sample of value 0 changes nothing, so that what is left out may be taken as 0."""

    def accumulate(values: np.ndarray, left: _Samples) -> np.ndarray:
        along = np.zeros((left.blocks, BLOCK, left.step_mm.size), np.float32)
        along[left.block, :, left.ray] = values
        color, alpha_sum, greatest = np.zeros((3, left.step_mm.size), np.float32)
        scale = np.float32(-opacity_per_mm) * left.step_mm.astype(np.float32)
        for f in along.reshape(-1, left.step_mm.size):
            beta = 1 - np.maximum(0, f - greatest)
            np.maximum(greatest, f, out=greatest)
            new = (1 - beta * alpha_sum) * -np.expm1(f * scale)
            color = beta * color + new * f
            alpha_sum = beta * alpha_sum + new
        return color

    # A loop over samples in Python: taller tiles make fewer, longer steps of it.
    return _sampled(grid, camera, samples, accumulate, 4 * TILE_ROWS)


def exact_integral(grid: Grid, camera: Camera) -> np.ndarray:
    """See reference.exact_integral."""
    image = np.zeros((camera.rows, camera.columns), np.float32)
    bricks = grid_bricks(grid)

    def tile(rows: slice, rays: Rays) -> None:
        ray, voxels, lengths_mm = _crossed_voxels(grid.values.shape, bricks, rays)
        per_block = (grid.values.ravel()[voxels] * lengths_mm).sum(axis=(0, 2))
        image[rows] = np.bincount(ray, per_block, image[rows].size).reshape(-1, camera.columns)

    _for_each_tile(camera, grid.ras_from_ijk, tile)
    return image


def exact_lengths(structures: Structures, camera: Camera) -> np.ndarray:
    """Exact path length in mm through each structure: float32 ``[structures, rows, columns]``."""
    count = len(structures.combinations)
    membership = structures.membership.T.astype(float)
    result = np.empty((len(structures), camera.rows, camera.columns), np.float32)
    bricks = structure_bricks(structures)

    def tile(rows: slice, rays: Rays) -> None:
        ray, voxels, lengths_mm = _crossed_voxels(structures.shape, bricks, rays)
        pixels = rays.direction_ijk.shape[0]
        place = structures.combination.ravel()[voxels] * np.intp(pixels) + ray[:, None]
        total = np.bincount(place.ravel(), lengths_mm.ravel(), count * pixels)
        result[:, rows] = (membership @ total.reshape(count, -1)).reshape(len(result), -1, camera.columns)

    _for_each_tile(camera, structures.ras_from_ijk, tile)
    return result


def _crossed_voxels(
    shape: tuple[int, ...], bricks: np.ndarray, rays: Rays
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a tile's rays cross, block by block of slabs of each ray's main axis.

    In a slab of the axis it crosses most voxels of, a ray crosses at most one plane of each other axis, so it
    visits at most three voxels: the one it enters, one between the two crossings, the one it leaves.

    Returns:
        ray ``[n]``, flat voxel indices and lengths in mm ``[3, n, BLOCK]``.
    """
    size = np.array(shape[::-1])
    stride = np.array([1, shape[2], shape[1] * shape[2]])
    t_in, t_out = rays.clip(-0.5, size - 0.5)
    every = np.arange(t_in.size)
    main = np.abs(rays.direction_ijk).argmax(axis=-1)
    along = rays.direction_ijk[every, main]
    t_start = np.where(along > 0, t_in, t_out)
    at = rays.origin_ijk[main] + 0.5 + t_start * along
    slab = np.floor(at)
    low = at - slab
    high = low + (t_out - t_in) * np.abs(along)
    slope = rays.direction_ijk / along[:, None]
    entry = rays.origin_ijk + 0.5 + (t_start - low / along)[:, None] * rays.direction_ijk

    starts = np.arange(0.0, high.max(initial=1.0), BLOCK)
    occupied = _occupied_blocks(bricks, entry + 0.5, slope, starts, BLOCK)
    ray, block = np.nonzero(occupied & (starts < high[:, None]) & (t_out > t_in)[:, None])
    number = BLOCK * block[:, None] + np.arange(BLOCK)
    enter = np.maximum(number, low[ray, None])
    leave = np.maximum(np.minimum(number + 1, high[ray, None]), enter)

    def cell(position: np.ndarray, axis: np.ndarray) -> np.ndarray:
        return np.clip(position, 0, size[axis][:, None] - 1).astype(np.intp) * stride[axis][:, None]

    crossing, cells = [], []
    for axis in np.array([[1, 0, 0], [2, 2, 1]])[:, main[ray]]:
        begin, rate = entry[ray, axis][:, None], slope[ray, axis][:, None]
        one, other = np.floor(begin + enter * rate), np.floor(begin + leave * rate)
        with np.errstate(divide="ignore", invalid="ignore"):
            met = np.where(one != other, (np.maximum(one, other) - begin) / rate, leave)
        crossing.append(np.clip(met, enter, leave))
        cells.append((cell(one, axis), cell(other, axis)))
    (b_one, b_other), (c_one, c_other) = cells
    early, late = np.minimum(*crossing), np.maximum(*crossing)
    b_first = crossing[0] < crossing[1]
    between = np.where(b_first, b_other, b_one) + np.where(b_first, c_one, c_other)
    voxels = np.stack([b_one + c_one, between, b_other + c_other]) + cell(slab[ray, None] + number, main[ray])
    return ray, voxels, np.stack([early - enter, late - early, leave - late]) / np.abs(along[ray, None])
