"""Which parts of a field are surely empty."""

from __future__ import annotations

import numpy as np

BRICK = 4
"""Edge of a brick in cells of the padded grid."""
HALO = 2
"""A point in a brick marked empty has nothing but zeros within HALO cells of it."""


def occupied_bricks(values: np.ndarray) -> np.ndarray:
    """Bricks of a field zero-padded by one voxel on each side, with everything within HALO cells counted in.

    Args:
        values: ``[K, J, I]``.

    Returns:
        uint8 ``[bricks_k, bricks_j, bricks_i]``: 0 where every voxel that a trilinear sample within HALO
        cells of the brick of BRICK^3 cells reaches is exactly zero.
    """
    occupied = values
    for axis in range(3):
        # Along one axis cell c reads voxels c - 1 and c, and brick b counts cells 4b - 2 .. 4b + 5.
        bricks = -(-(values.shape[axis] + 1) // BRICK)
        reach = [slice(max(0, BRICK * b - HALO - 1), BRICK * (b + 1) + HALO) for b in range(bricks)]
        before = (slice(None),) * axis
        occupied = np.stack([np.any(occupied[(*before, part)], axis=axis) for part in reach], axis=axis)
    return occupied.astype(np.uint8)
