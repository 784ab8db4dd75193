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
    occupied = values != 0
    for axis in range(3):
        # Along one axis: cell c reads padded voxels c and c + 1; brick b counts cells 4b - 2 .. 4b + 5, which
        # are two groups of four.
        before, behind = [(slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None))]
        voxels = np.pad(occupied, [(int(a == axis),) * 2 for a in range(3)])
        cells = voxels[before] | voxels[behind]
        bricks = -(-cells.shape[axis] // BRICK)
        end = (bricks + 1) * BRICK - HALO - cells.shape[axis]
        cells = np.pad(cells, [(HALO, end) if a == axis else (0, 0) for a in range(3)])
        shape = (*cells.shape[:axis], bricks + 1, BRICK, *cells.shape[axis + 1 :])
        groups: np.ndarray = np.any(cells.reshape(shape), axis=axis + 1)
        occupied = groups[before] | groups[behind]
    return occupied.astype(np.uint8)
