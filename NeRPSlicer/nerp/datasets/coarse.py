"""A CT on a coarse grid of cubes: what the Mapper works on, in training and later."""

from __future__ import annotations

import math

import numpy as np

from ..errors import NerpError
from ..geometry import box_corners, transform_points
from ..io.grids import onto_ct
from ..structures import Structures
from ..volume import AIR_HU, Volume

MARGIN_MM = 10.0
"""Air kept around the body: rays enter and leave through it."""
AXES = np.diag([-1.0, -1.0, 1.0])
"""i toward the patient's left, j toward the back, k toward the head, as in DICOM's axial slices."""
MOST_VOXELS = 256**3


def coarse_volume(volume: Volume, spacing_mm: float) -> Volume:
    """The patient on cubes of ``spacing_mm``, axes along the patient's, cut to the body's box and a margin.

    Couch and air outside the body are air. Voxels are means over blocks of the CT's own, then interpolated
    between (trilinear), so that nothing is skipped; the grid lies in the CT's box.

    Args:
        volume: of any orientation, oblique too.
        spacing_mm: edge length.

    Returns:
        int16 HU ``[K, J, I]`` with ``ras_from_ijk`` and body.

    Raises:
        NerpError: an edge length that is not positive or leaves more than 256^3 or too few voxels.
    """
    if not 0 < spacing_mm < math.inf:
        raise NerpError(f"The coarse grid's spacing must be positive mm, not {spacing_mm!r}.")
    factors = [
        max(1, min(n // 2, int(spacing_mm / mm)))
        for n, mm in zip(volume.shape, volume.spacing_mm[::-1], strict=True)
    ]
    hu, body, shift = _block_means(volume, factors)
    ras_from_block = volume.ras_from_ijk @ shift
    ras_from_ijk, shape = _grid(volume, ras_from_block, hu.shape, spacing_mm)
    block_from_ijk = np.linalg.inv(ras_from_block) @ ras_from_ijk
    resampled = _interpolated(hu, block_from_ijk, shape, AIR_HU)
    inside = _interpolated(body, block_from_ijk, shape, 0) >= 0.5
    return Volume(np.rint(resampled).astype(np.int16), ras_from_ijk, inside, volume.name)


def coarse_structures(structures: Structures, coarse: Volume) -> Structures:
    """Structures at the voxel centres of a coarse volume (nearest neighbour)."""
    voxels = onto_ct(structures.combination, structures.ras_from_ijk, coarse, coarse.name).voxels
    return Structures(
        voxels, structures.combinations, structures.items, coarse.ras_from_ijk, structures.notices
    )


def _block_means(volume: Volume, factors: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU (air outside the body) and body as means over blocks, float32; ``ijk_from_block`` ``[4, 4]``.

    What no whole block is left for, at most half a coarse voxel, is left out at the far faces.
    """
    whole = [n // f for n, f in zip(volume.shape, factors, strict=True)]
    hu, body = (np.zeros(whole, np.float32) for _ in range(2))
    rows, columns = whole[1] * factors[1], whole[2] * factors[2]
    blocks = (whole[1], factors[1], whole[2], factors[2])
    for k in range(whole[0] * factors[0]):
        mask = volume.body[k, :rows, :columns]
        section = np.where(mask, volume.hu[k, :rows, :columns], np.float32(AIR_HU)).astype(np.float32)
        hu[k // factors[0]] += section.reshape(blocks).mean(axis=(1, 3), dtype=np.float32)
        body[k // factors[0]] += mask.reshape(blocks).mean(axis=(1, 3), dtype=np.float32)
    ijk_from_block = np.eye(4)
    for axis, factor in enumerate(reversed(factors)):
        ijk_from_block[axis, axis], ijk_from_block[axis, 3] = factor, (factor - 1) / 2
    return hu / np.float32(factors[0]), body / np.float32(factors[0]), ijk_from_block


def _grid(
    volume: Volume, ras_from_block: np.ndarray, shape: tuple[int, ...], spacing_mm: float
) -> tuple[np.ndarray, tuple[int, int, int]]:
    """``ras_from_ijk`` and shape of the coarse grid, whose centres lie in the CT's box."""
    last = np.array(shape[::-1]) - 1.0
    corners = transform_points(ras_from_block, box_corners(np.array([np.zeros(3), last])))
    lower = np.maximum(corners.min(axis=0), volume.body_box[0] - MARGIN_MM)
    upper = np.minimum(corners.max(axis=0), volume.body_box[1] + MARGIN_MM)
    # The tolerance keeps a grid that already fits whole.
    counts = np.floor((upper - lower) / spacing_mm + 1e-6).astype(int) + 1
    if counts.min() < 2 or counts.prod() > MOST_VOXELS:
        raise NerpError(
            f"{volume.name} on cubes of {spacing_mm:g} mm would have {' x '.join(map(str, counts))} voxels; "
            f"choose a {'smaller' if counts.min() < 2 else 'greater'} spacing."
        )
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = AXES * spacing_mm
    middle, half = (lower + upper) / 2, (counts - 1) * spacing_mm / 2
    ras_from_ijk[:3, 3] = middle - np.diag(AXES) * half
    i, j, k = (int(n) for n in counts)
    return ras_from_ijk, (k, j, i)


def _interpolated(
    values: np.ndarray, values_from_ijk: np.ndarray, shape: tuple[int, int, int], outside: float
) -> np.ndarray:
    """Trilinear values at a grid's centres, ``outside`` beyond the outermost centres: float32."""
    from scipy import ndimage

    # SciPy counts axes k, j, i; the transform counts i, j, k.
    matrix = values_from_ijk[:3, :3][::-1, ::-1]
    offset = values_from_ijk[:3, 3][::-1]
    return ndimage.affine_transform(
        values, matrix, offset, shape, np.float32, order=1, mode="constant", cval=outside
    )
