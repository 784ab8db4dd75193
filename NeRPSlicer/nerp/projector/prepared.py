"""What is derived from a volume, its fields or its structures once and used by every picture."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

import numpy as np

from ..volume import AIR_HU, Volume

Source = TypeVar("Source")
Result = TypeVar("Result")

WATER_PER_MM = 0.0192
BONE_PER_MM = 0.0573


def once_per_object(function: Callable[[Source], Result]) -> Callable[[Source], Result]:
    """Keep the result of ``function(source)`` for as long as that very object lives."""
    results: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

    @wraps(function)
    def remembered(source: Source) -> Result:
        if source not in results:
            results[source] = function(source)
        return results[source]

    return remembered


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
    return Grid(attenuation_per_mm(volume.patient_hu()), volume.ras_from_ijk)


@once_per_object
def hu_above_air(volume: Volume) -> Grid:
    """The patient's HU + 1000, floor 0; 0 outside the body."""
    return Grid(np.maximum(volume.patient_hu() - np.float32(AIR_HU), 0), volume.ras_from_ijk)
