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
    if cell == 1:
        return _hashed(int(np.prod(shape)), seed).reshape(shape)
    lattice = tuple(int(n / cell) + 2 for n in shape)
    values = _hashed(int(np.prod(lattice)), seed).reshape(lattice)
    for axis, count in enumerate(shape):
        at = np.arange(count, dtype=np.float32) / np.float32(cell)
        low = at.astype(int)
        share = (at - low).reshape([-1 if n == axis else 1 for n in range(3)])
        # A weighted mean of independent values is calmer than they are.
        between = values.take(low, axis) * (1 - share) + values.take(low + 1, axis) * share
        values = between * np.float32(1.5**0.5)
    return values


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
