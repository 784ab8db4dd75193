"""What is derived from a volume, its fields or its structures once and used by every picture."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

import numpy as np

from ..radiance import Fields, fixed_radiance
from ..structures import Structures
from ..volume import AIR_HU, Volume
from .bricks import occupied_bricks

Result = TypeVar("Result")

WATER_PER_MM = 0.0192
BONE_PER_MM = 0.0573


def once_per_object(function: Callable[..., Result]) -> Callable[..., Result]:
    """Keep the latest result of ``function(source, *parameters)`` for as long as that very object lives."""
    results: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

    @wraps(function)
    def remembered(source: object, *parameters: float) -> Result:
        kept = results.get(source)
        if kept is None or kept[0] != parameters:
            kept = results[source] = parameters, function(source, *parameters)
        return kept[1]

    return remembered


fixed_fields = once_per_object(fixed_radiance)
"""A CT's fixed radiance by its opacity ratio."""


@dataclass(frozen=True, eq=False)
class Grid:
    """One scalar field, zero outside its grid."""

    values: np.ndarray
    """float32 ``[K, J, I]``."""
    ras_from_ijk: np.ndarray
    """``[4, 4]``, mm."""


def attenuation_per_mm(hu: np.ndarray) -> np.ndarray:
    """Linear attenuation near 70 keV, floor 0: through air, water (0.0192 / mm) and bone (0.0573 / mm at
    1000 HU)."""
    slope = np.where(hu > 0, np.float32(BONE_PER_MM - WATER_PER_MM), np.float32(WATER_PER_MM))
    return np.maximum(WATER_PER_MM + hu * (slope / np.float32(1000)), 0, dtype=np.float32)


@once_per_object
def attenuation(volume: Volume) -> Grid:
    """The patient's linear attenuation, per mm; 0 outside the body."""
    values = volume.patient_hu()
    for section in values:  # what lies between HU and attenuation need not be as large as the CT
        section[...] = attenuation_per_mm(section)
    return Grid(values, volume.ras_from_ijk)


@once_per_object
def hu_above_air(volume: Volume) -> Grid:
    """The patient's HU + 1000, floor 0; 0 outside the body."""
    return Grid(np.maximum(volume.patient_hu() - np.float32(AIR_HU), 0), volume.ras_from_ijk)


@once_per_object
def windowed(volume: Volume, low_hu: float, high_hu: float) -> Grid:
    """The patient's HU clipped to a window, plus 1000; 0 outside the body."""
    grid = hu_above_air(volume)
    clipped = np.clip(grid.values, np.float32(low_hu - AIR_HU), np.float32(high_hu - AIR_HU))
    return Grid(np.where(volume.body, clipped, np.float32(0)), grid.ras_from_ijk)


@once_per_object
def normalized(volume: Volume, low_hu: float, high_hu: float) -> Grid:
    """The patient's HU with a window mapped to [0, 1]; 0 outside the body."""
    scaled = (volume.patient_hu() - np.float32(low_hu)) / np.float32(high_hu - low_hu)
    return Grid(np.where(volume.body, np.clip(scaled, 0, 1), np.float32(0)), volume.ras_from_ijk)


def _halved(values: np.ndarray) -> np.ndarray:
    """Means over 2 x 2 x 2 voxels, zero outside the grid."""
    total = np.zeros([-(-n // 2) for n in values.shape], np.float32)
    for k, j, i in np.ndindex(2, 2, 2):
        part = values[k::2, j::2, i::2]
        total[tuple(map(slice, part.shape))] += part
    total /= 8
    return total


def _halved_frame(ras_from_ijk: np.ndarray) -> np.ndarray:
    old_from_new = np.diag([2.0, 2.0, 2.0, 1.0])
    old_from_new[:3, 3] = 0.5
    return ras_from_ijk @ old_from_new


@once_per_object
def halved_grid(grid: Grid) -> Grid:
    """The same field at half the resolution."""
    return Grid(_halved(grid.values), _halved_frame(grid.ras_from_ijk))


@once_per_object
def halved_fields(fields: Fields) -> Fields:
    """The same fields at half the resolution; matter is averaged by its opacity, as light is by the
    picture."""
    opacity, emission = _halved(fields.opacity), _halved(fields.opacity * fields.matter)
    matter = np.divide(emission, opacity, out=_halved(fields.matter), where=opacity > 0)
    return Fields(matter, opacity, _halved_frame(fields.ras_from_ijk), fields.body_box)


@once_per_object
def grid_bricks(grid: Grid) -> np.ndarray:
    """See `bricks.occupied_bricks`."""
    return occupied_bricks(grid.values)


@once_per_object
def field_bricks(fields: Fields) -> np.ndarray:
    """Where nothing is opaque, nothing is seen; see `bricks.occupied_bricks`."""
    return occupied_bricks(fields.opacity)


@once_per_object
def structure_bricks(structures: Structures) -> np.ndarray:
    """See `bricks.occupied_bricks`."""
    return occupied_bricks(structures.combination)
