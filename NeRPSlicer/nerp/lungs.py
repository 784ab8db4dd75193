"""Where a CT's lungs are, as far as a camera needs to know: a few points that span them."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from .geometry import VolumeGeometry, box_corners, transform_points
from .resources import structure_group
from .structures import Structures
from .volume import Volume

SEEN_MM = 50.0
"""Lung thinner than this from front to back is hardly seen on a film: the recess deep behind the diaphragm.
What else it takes, a rim and a centimetre of the apex, lies within the margin."""
LEAST_ML = 200.0
"""Both lungs together, at least; less is the end of a lung in a CT of the abdomen."""
COARSE_MM = 4.0
LUNG_HU = -500
GAS_HU = -970
"""An air space whose median is below is gas in the bowel; lungs hold blood, emphysema some still."""
VESSELS = 1
"""Coarse voxels about a vessel that count as lung."""
OPENING_MM = 10.0
"""Trachea and bronchi are narrower than a ball of this radius."""
REGAINED = 3
"""Coarse voxels at the lungs' thin edges that the ball leaves out."""
LEAST_SHARE = 0.15
"""Of the greatest air space: a smaller one is no lung."""
DIRECTIONS = 400

_found: WeakKeyDictionary[Volume, tuple[Structures | None, VolumeGeometry]] = WeakKeyDictionary()
"""The record of a CT by the structures given last, for as long as that very object lives."""


def with_lungs(volume: Volume, structures: Structures | None = None) -> VolumeGeometry:
    """The record that cameras are placed by, with its lungs.

    Args:
        volume: the CT.
        structures: where some are lungs or lobes, those decide, else the air inside the body.

    Returns:
        ``lungs`` holds the points ``[n, 3]``, RAS mm; where no lungs are found the corners of the body's box.
    """
    kept = _found.get(volume)
    if kept is None or kept[0] is not structures:
        points = lung_points(volume, structures)
        lungs = box_corners(volume.body_box) if points is None else points
        kept = _found[volume] = structures, replace(volume.geometry, lungs=lungs)
    return kept[1]


def lung_points(volume: Volume, structures: Structures | None = None) -> np.ndarray | None:
    """The outermost points, in many directions, of the lungs that a film shows: ``[n, 3]``, RAS mm; None
    where there are no lungs.

    Films are cut to the lungs that people or the lung finder see on them; see `SEEN_MM`.
    """
    for found in (_labelled(structures), _aerated(volume)):
        if found is not None:
            mask, ras_from_ijk = found
            voxel_ml = abs(np.linalg.det(ras_from_ijk[:3, :3])) / 1000
            if mask.sum() * voxel_ml >= LEAST_ML:
                return _outermost(_thick(mask, ras_from_ijk), ras_from_ijk)
    return None


def _thick(mask: np.ndarray, ras_from_ijk: np.ndarray) -> np.ndarray:
    spacing = np.linalg.norm(ras_from_ijk[:3, :3], axis=0)
    along = int(np.abs(ras_from_ijk[1, :3] / spacing).argmax())
    mm = mask.sum(axis=2 - along, keepdims=True) * spacing[along]
    thick = mm >= SEEN_MM
    return mask & thick if thick.any() else mask


def _labelled(structures: Structures | None) -> tuple[np.ndarray, np.ndarray] | None:
    names = [name for name in structures.names if structure_group(name) == "Lungs"] if structures else []
    if structures is None or not names:
        return None
    places = [structures.names.index(name) for name in names]
    belongs: np.ndarray = structures.membership[:, places].any(axis=1)  # type: ignore[assignment]
    return belongs[structures.combination], structures.ras_from_ijk


def _aerated(volume: Volume) -> tuple[np.ndarray, np.ndarray] | None:
    """Air inside the body that is neither airway nor bowel gas, on every few voxels."""
    from scipy import ndimage

    spacing = np.array(volume.spacing_mm[::-1])
    steps = np.maximum(1, np.rint(COARSE_MM / spacing).astype(int))
    every = tuple(slice(None, None, int(step)) for step in steps)
    hu = volume.hu[every]
    # Closed over vessels, which would keep the ball out.
    air = ndimage.binary_closing(hu < LUNG_HU, iterations=VESSELS) & volume.body[every]
    offsets = np.ogrid[tuple(slice(-n, n + 1) for n in (OPENING_MM / (spacing * steps)).astype(int))]
    ball = sum((o * mm) ** 2 for o, mm in zip(offsets, spacing * steps, strict=True)) <= OPENING_MM**2
    wide = ndimage.binary_dilation(ndimage.binary_erosion(air, ball, border_value=1), ball) & air
    labels, count = ndimage.label(wide)
    if not count:
        return None
    numbers = np.arange(1, count + 1)
    sizes = np.bincount(labels.ravel())[1:]
    breathes = ndimage.median(hu, labels, numbers) > GAS_HU
    if not breathes.any():
        return None
    kept = numbers[breathes & (sizes >= LEAST_SHARE * sizes[breathes].max())]
    lungs = ndimage.binary_dilation(np.isin(labels, kept), iterations=REGAINED, mask=air)
    return lungs, volume.ras_from_ijk @ np.diag([*steps[::-1], 1.0])


def _outermost(mask: np.ndarray, ras_from_ijk: np.ndarray) -> np.ndarray:
    rows = mask.any(axis=2)
    k, j = np.nonzero(rows)
    lines = mask[k, j]
    ends = (lines.argmax(axis=1), mask.shape[2] - 1 - lines[:, ::-1].argmax(axis=1))
    points = transform_points(ras_from_ijk, np.concatenate([np.column_stack([i, j, k]) for i in ends]))
    return points[np.unique((points @ _directions().T).argmax(axis=0))]


def _directions() -> np.ndarray:
    """``[DIRECTIONS, 3]``: unit vectors evenly over the sphere (Fibonacci lattice)."""
    n = np.arange(DIRECTIONS) + 0.5
    height, turn = 1 - 2 * n / DIRECTIONS, np.pi * (1 + 5**0.5) * n
    around = np.sqrt(1 - height**2)
    return np.column_stack([around * np.cos(turn), around * np.sin(turn), height])
