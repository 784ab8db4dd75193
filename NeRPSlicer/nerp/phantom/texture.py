"""Noise from a hash of the voxel's place: the same on every machine, and no cartoon-smooth tissue."""

from __future__ import annotations

import numpy as np


def noise(shape: tuple[int, int, int], seed: int, cell: float) -> np.ndarray:
    """Smooth noise of mean 0 and standard deviation about 1: float32 ``shape``.

    Args:
        shape: voxels along K, J, I.
        seed: any whole number.
        cell: size in voxels of the lattice whose hashed values are interpolated.
    """
    from scipy import ndimage

    lattice = tuple(int(np.ceil(n / cell)) + 2 for n in shape)
    values = _hashed(int(np.prod(lattice)), seed).reshape(lattice)
    if cell == 1:
        return values[: shape[0], : shape[1], : shape[2]]
    smooth = ndimage.zoom(
        values, [n * cell / m for n, m in zip(lattice, lattice, strict=True)], order=1, prefilter=False
    )
    smooth = smooth[: shape[0], : shape[1], : shape[2]]
    return smooth * np.float32(1 / max(float(smooth.std()), 1e-6))


def _hashed(count: int, seed: int) -> np.ndarray:
    """Sum of the two 16-bit halves of a 32-bit hash (murmur3's finaliser), standardised: float32
    ``[count]``."""
    h = np.arange(count, dtype=np.uint32)
    h += np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    h ^= h >> np.uint32(16)
    total = (h & np.uint32(0xFFFF)).astype(np.float32) + (h >> np.uint32(16)).astype(np.float32)
    return (total - np.float32(65535)) / np.float32(65536 / 6**0.5)
