"""Which parts of a field are surely empty."""

from __future__ import annotations

import numpy as np

BRICK = 4
"""Edge of a brick in voxels. A sample whose brick is marked empty has nothing within BRICK voxels of it."""


def occupied_bricks(values: np.ndarray) -> np.ndarray:
    """Bricks of a field zero-padded by one voxel on each side, with everything within BRICK voxels counted
    in.

    Args:
        values: ``[K, J, I]``.

    Returns:
        uint8 ``[bricks_k, bricks_j, bricks_i]``: 0 where the brick of BRICK^3 cells of the padded grid and
        its 26 neighbours (hence every voxel that a trilinear sample within BRICK voxels of it reaches) are
        exactly zero.
    """
    # Cell c of the padded grid reads padded voxels c and c + 1: brick b reads voxels 4b .. 4b + 4, that is
    # original voxels 4b - 1 .. 4b + 3. Padding by one in front and counting the neighbour's first voxel
    # covers the halo.
    occupied = values != 0
    for axis in range(3):
        n = occupied.shape[axis]
        bricks = -(-(n + 2) // BRICK)
        padding = [(0, 0)] * 3
        padding[axis] = (1, bricks * BRICK - n - 1)
        occupied = np.pad(occupied, padding)
        shape = list(occupied.shape)
        shape[axis : axis + 1] = [bricks, BRICK]
        own: np.ndarray = np.any(occupied.reshape(shape), axis=axis + 1)
        first = occupied[(slice(None),) * axis + (slice(0, None, BRICK),)]
        reach = np.array(own)
        ahead = (slice(None),) * axis + (slice(1, None),)
        behind = (slice(None),) * axis + (slice(None, -1),)
        reach[behind] |= first[ahead]
        dilated = np.array(reach)
        dilated[behind] |= reach[ahead]
        dilated[ahead] |= reach[behind]
        occupied = dilated
    return occupied.astype(np.uint8)
