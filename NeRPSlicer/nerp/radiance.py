"""From HU to the two fields that the Viewer marches through."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .errors import NerpError
from .geometry import checked_affine
from .volume import Volume

REFERENCE_STEP_MM = 0.75
"""The paper's opacity is one per sample, at 512 samples through about 384 mm of chest: 0.75 mm a sample."""

FIXED_SHARE = 1 / 8
"""The fixed radiance's share of the greatest opacity: the heart stays visible, see docs/method.md."""


OPACITY_RATIO = 100.0
"""The paper's bandwidth ratio of matter to opacity; its second author's code has 50."""


def max_opacity(opacity_ratio: float = OPACITY_RATIO) -> float:
    """The greatest opacity per mm for a bandwidth ratio of matter to opacity."""
    return -math.log(1 - 1 / opacity_ratio) / REFERENCE_STEP_MM


@dataclass(frozen=True, eq=False)
class Fields:
    """Matter and opacity on one grid, zero outside it."""

    matter: np.ndarray
    """Emission, dimensionless, in [0, 1]: float32 ``[K, J, I]`` (the paper's y^mu)."""
    opacity: np.ndarray
    """Extinction per mm, in [0, s_max]: float32 ``[K, J, I]`` (the paper's y^gamma)."""
    ras_from_ijk: np.ndarray
    """``[4, 4]``, mm."""
    body_box: np.ndarray | None = None
    """``[2, 3]`` RAS mm, where the CT's body is known: lets a camera be placed by the fields alone."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ras_from_ijk", checked_affine(self.ras_from_ijk, "fields: ras_from_ijk"))
        for name in ("matter", "opacity"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float32))
        if self.matter.shape != self.opacity.shape or self.matter.ndim != 3:
            raise NerpError(
                f"Matter {self.matter.shape} and opacity {self.opacity.shape} must share one 3-D grid."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.matter.shape  # type: ignore[return-value]


def fixed_matter(hu: np.ndarray) -> np.ndarray:
    """m = clip((HU + 1000) / 2000, .005, .995): the bounds keep its logit finite. float32, shape of
    ``hu``."""
    matter = hu.astype(np.float32)
    matter += 1000
    matter /= 2000
    return np.clip(matter, 0.005, 0.995, out=matter)


def fixed_radiance(volume: Volume, opacity_ratio: float = OPACITY_RATIO) -> Fields:
    """The paper's "fixed HU-based y^mu and constant y^gamma": matter by HU, one opacity inside the body, 0
    outside."""
    opacity = np.where(volume.body, np.float32(FIXED_SHARE * max_opacity(opacity_ratio)), np.float32(0))
    return Fields(fixed_matter(volume.hu), opacity, volume.ras_from_ijk, volume.body_box)
