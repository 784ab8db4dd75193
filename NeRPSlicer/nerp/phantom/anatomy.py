"""Who the digital person is: the parameters that a seed draws, apart from the voxels they become.

Shapes are modelled once, on a reference adult in mm (RAS; x = 0 in the midline, z = 0 at the height of the
eighth thoracic vertebra), and scaled to the person; what differs in form rather than in size is named below.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from ..errors import NerpError
from ..poses import Normal, Uniform


@dataclass(frozen=True)
class Anatomy:
    """The drawn parameters of one person."""

    seed: int
    """Also names the noise, the vessel trees and the findings."""
    female: bool
    width: float
    """Left-right size over the reference adult's."""
    depth: float
    """Front-back size over the reference adult's."""
    height: float
    """Head-foot size over the reference adult's."""
    fat_mm: float
    """Subcutaneous fat over the ribs."""
    muscle: float
    """Thickness of pectoral and shoulder muscle over the reference's."""
    breast_mm: float
    """Depth of the breasts; 0 for none."""
    dome_right_mm: float
    """Height of the right diaphragm dome."""
    dome_left_mm: float
    """How far the left dome lies below the right."""
    heart: float
    """Linear size of the heart over the reference's."""
    heart_turn: float
    """Heart's axis from lying (positive) to upright (negative), degrees."""
    aorta: float
    """Linear size of the aortic arch over the reference's."""
    rib_slope: float
    """How steeply the ribs fall, over the reference's."""
    kyphosis_mm: float
    """Extra backward bow of the thoracic spine."""
    scoliosis_mm: float
    """Sideways bow of the spine; positive to the right."""
    clavicle_mm: float
    """How far the shoulders are lifted."""
    tilt_mm: float
    """How much higher the right shoulder stands than the left."""
    bone: float
    """Mineral content of bone over the reference's."""
    lung_hu: float
    """Mean HU of the lungs' parenchyma."""

    def lift_mm(self, side: int) -> float:
        """How far a shoulder (1 right, -1 left) stands above the reference's."""
        return self.clavicle_mm + side * self.tilt_mm / 2


_RANGES: dict[str, Uniform | Normal] = {
    "width": Normal(1.0, 0.04),
    "depth": Normal(1.0, 0.05),
    "height": Normal(1.0, 0.025),
    "fat_mm": Normal(9.0, 2.4),
    "muscle": Normal(1.0, 0.12),
    "breast_mm": Uniform(24.0, 48.0),
    "dome_right_mm": Normal(-77.0, 5.0),
    "dome_left_mm": Uniform(8.0, 18.0),
    "heart": Normal(0.96, 0.035),
    "heart_turn": Normal(0.0, 5.0),
    "aorta": Normal(1.0, 0.07),
    "rib_slope": Normal(0.95, 0.06),
    "kyphosis_mm": Normal(0.0, 3.0),
    "scoliosis_mm": Normal(0.0, 2.5),
    "clavicle_mm": Normal(0.0, 5.0),
    "tilt_mm": Normal(-2.0, 4.0),
    "bone": Normal(1.0, 0.07),
    "lung_hu": Normal(-906.0, 8.0),
}
# Women's chests are smaller in each direction; the factors follow the sexes' mean statures and chest sizes.
_FEMALE = {"width": 0.92, "depth": 0.93, "height": 0.94, "heart": 1.03, "muscle": 0.8, "bone": 0.95}


def draw_anatomy(seed: int) -> Anatomy:
    """The person of a seed: the same on every machine and with every library version.

    Raises:
        NerpError: the seed is not a whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise NerpError(f"The seed of a digital thorax is a whole number, not {seed!r}.")
    female = uniform(seed, "sex") < 0.5
    values = {name: drawn.quantile(uniform(seed, name)) for name, drawn in _RANGES.items()}
    if female:
        values |= {name: values[name] * factor for name, factor in _FEMALE.items()}
        values["fat_mm"] += 2.0
    else:
        values["breast_mm"] = 0.0
    return Anatomy(seed, female, **values)


def uniform(seed: int, *names: Any) -> float:
    """A number in (0, 1): 53 bits of a SHA-256 of seed and names."""
    text = "|".join(map(str, ("nerp thorax 1", seed, *names)))
    digest = hashlib.sha256(text.encode()).digest()
    return ((int.from_bytes(digest[:8], "big") >> 11) + 0.5) / 2**53
