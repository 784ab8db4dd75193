"""The specification: every projection in plain float64 NumPy, one formula after the other.

Arrays are ``[K, J, I]``; rays come in that grid's index frame (`rays.Rays`); pictures are ``[rows,
columns]``. Slow on purpose: the other backends are tested against this file.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .rays import Rays


def trilinear(values: np.ndarray, points_ijk: np.ndarray) -> np.ndarray:
    """Trilinear interpolation at ``[..., 3]`` index points of a field that is zero outside its grid."""
    padded = np.pad(np.asarray(values, np.float64), 1)
    i, j, k = np.moveaxis(points_ijk + 1.0, -1, 0)
    last_k, last_j, last_i = (n - 2 for n in padded.shape)
    i0, j0, k0 = (np.clip(np.floor(x).astype(int), 0, n) for x, n in ((i, last_i), (j, last_j), (k, last_k)))
    result = np.zeros(i.shape)
    for dk in (0, 1):
        for dj in (0, 1):
            for di in (0, 1):
                weight = (
                    np.maximum(0, 1 - abs(i - i0 - di))
                    * np.maximum(0, 1 - abs(j - j0 - dj))
                    * np.maximum(0, 1 - abs(k - k0 - dk))
                )
                result += weight * padded[k0 + dk, j0 + dj, i0 + di]
    return result


def clip_to_support(shape: tuple[int, ...], rays: Rays) -> tuple[np.ndarray, np.ndarray]:
    """t_in, t_out of the zero-padded trilinear field: indices -1 to n on each axis."""
    return rays.clip(-1.0, np.array(shape[::-1], float))


def samples_along(
    shape: tuple[int, ...], rays: Rays, samples: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The midpoints of ``samples`` equal steps on each clipped ray: (points ``[..., 3]``, step in mm
    ``[...]``)."""
    t_in, t_out = clip_to_support(shape, rays)
    step_mm = (t_out - t_in) / samples
    for n in range(samples):
        t = t_in + (n + 0.5) * step_mm
        yield rays.origin_ijk + t[..., None] * rays.direction_ijk, step_mm


def emission_absorption(
    matter: np.ndarray, opacity: np.ndarray, rays: Rays, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """I = sum_i T_i a_i m_i with a_i = 1 - exp(-s_i d), T_1 = 1, T_{i+1} = T_i (1 - a_i); and A = 1 -
    T_{N+1}."""
    image = np.zeros(rays.direction_ijk.shape[:-1])
    transmittance = np.ones_like(image)
    for points, step_mm in samples_along(matter.shape, rays, samples):
        alpha = 1 - np.exp(-trilinear(opacity, points) * step_mm)
        image += transmittance * alpha * trilinear(matter, points)
        transmittance *= 1 - alpha
    return image, 1 - transmittance


def sampled_integral(values: np.ndarray, rays: Rays, samples: int) -> np.ndarray:
    """Line integral (unit of ``values`` times mm) by the midpoint rule."""
    image = np.zeros(rays.direction_ijk.shape[:-1])
    for points, step_mm in samples_along(values.shape, rays, samples):
        image += step_mm * trilinear(values, points)
    return image


def sampled_mean(values: np.ndarray, rays: Rays, samples: int) -> np.ndarray:
    """Mean over the samples of the clipped ray."""
    image = np.zeros(rays.direction_ijk.shape[:-1])
    for points, _ in samples_along(values.shape, rays, samples):
        image += trilinear(values, points) / samples
    return image


def sampled_maximum(values: np.ndarray, rays: Rays, samples: int) -> np.ndarray:
    """Maximum over the samples of the clipped ray, at least 0 (the field's value outside)."""
    image = np.zeros(rays.direction_ijk.shape[:-1])
    for points, _ in samples_along(values.shape, rays, samples):
        image = np.maximum(image, trilinear(values, points))
    return image


def mida(values: np.ndarray, opacity_per_mm: float, rays: Rays, samples: int) -> np.ndarray:
    """Maximum intensity difference accumulation (Bruckner and Groeller 2009, Eq. 1 to 3) of values in [0, 1].

    The opacity of a sample is 1 - exp(-f * opacity_per_mm * d).
    """
    color = np.zeros(rays.direction_ijk.shape[:-1])
    alpha_sum, greatest = np.zeros_like(color), np.zeros_like(color)
    for points, step_mm in samples_along(values.shape, rays, samples):
        f = trilinear(values, points)
        beta = 1 - np.maximum(0, f - greatest)
        greatest = np.maximum(greatest, f)
        alpha = 1 - np.exp(-f * opacity_per_mm * step_mm)
        color = beta * color + (1 - beta * alpha_sum) * alpha * f
        alpha_sum = beta * alpha_sum + (1 - beta * alpha_sum) * alpha
    return color


def _crossed_voxels(
    shape: tuple[int, ...], rays: Rays
) -> Iterator[tuple[tuple[int, int], np.ndarray, np.ndarray]]:
    """For each ray: (row, column), the flat index of each voxel it crosses, the length in it in mm (Siddon
    1985)."""
    size = np.array(shape[::-1])
    t_in, t_out = rays.clip(-0.5, size - 0.5)
    for pixel in np.ndindex(t_in.shape):
        if t_out[pixel] <= t_in[pixel]:
            continue
        direction = rays.direction_ijk[pixel]
        planes = [
            (np.arange(size[a] + 1) - 0.5 - rays.origin_ijk[a]) / direction[a]
            for a in range(3)
            if direction[a] != 0
        ]
        t = np.sort(
            np.clip(np.concatenate([*planes, [t_in[pixel], t_out[pixel]]]), t_in[pixel], t_out[pixel])
        )
        middles = rays.origin_ijk + ((t[1:] + t[:-1]) / 2)[:, None] * direction
        i, j, k = np.clip(np.floor(middles + 0.5).astype(int), 0, size - 1).T
        yield pixel, np.ravel_multi_index((k, j, i), shape), np.diff(t)


def exact_integral(values: np.ndarray, rays: Rays) -> np.ndarray:
    """Line integral over the exact radiological path: sum of voxel value times length in the voxel, mm."""
    image = np.zeros(rays.direction_ijk.shape[:-1])
    for pixel, voxels, lengths_mm in _crossed_voxels(values.shape, rays):
        image[pixel] = values.ravel()[voxels].astype(np.float64) @ lengths_mm
    return image


def exact_lengths(combination: np.ndarray, count: int, rays: Rays) -> np.ndarray:
    """``[count, rows, columns]``: exact path length in mm through the voxels of each combination index."""
    lengths = np.zeros((count, *rays.direction_ijk.shape[:-1]))
    for pixel, voxels, lengths_mm in _crossed_voxels(combination.shape, rays):
        lengths[(slice(None), *pixel)] = np.bincount(combination.ravel()[voxels], lengths_mm, count)
    return lengths
