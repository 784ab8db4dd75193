"""What a sick person adds: nodules, fluid in the pleura, a lobe without air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import NerpError
from .anatomy import uniform
from .canvas import Canvas, Shape, Slices
from .lungs import SIDES, Fissures, scattered
from .texture import noise

MAX_LESIONS = 12
LOBES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_lower")
_SHRUNK = {
    "right_upper": Fissures(oblique_mm=16, minor_mm=8, minor_tilt=0.9, minor_bow_mm=16),
    "right_middle": Fissures(oblique_mm=20, minor_mm=-24),
    "right_lower": Fissures(oblique_mm=-30, oblique_tilt=0.75),
    "left_upper": Fissures(oblique_mm=50, oblique_tilt=-0.4),
    "left_lower": Fissures(oblique_mm=-30, oblique_tilt=0.75),
}
"""Where the fissures stand when a lobe has lost its air."""
_NORMAL = Fissures()


@dataclass(frozen=True)
class Findings:
    """What is wrong with a person."""

    lesions: int = 0
    """Nodules in the lungs."""
    effusion: str | None = None
    """"left" or "right": fluid in the pleura of a person who stands."""
    collapse: str | None = None
    """One of `LOBES`."""

    def __post_init__(self) -> None:
        if isinstance(self.lesions, bool) or not isinstance(self.lesions, int):
            raise NerpError(f"The number of lesions is a whole number, not {self.lesions!r}.")
        if not 0 <= self.lesions <= MAX_LESIONS:
            raise NerpError(f"A digital thorax has 0 to {MAX_LESIONS} lesions, not {self.lesions}.")
        if self.effusion not in (None, *SIDES):
            raise NerpError(f"An effusion is on the left or the right, not {self.effusion!r}.")
        if self.collapse not in (None, *LOBES):
            raise NerpError(f"The lobe that collapses is one of {', '.join(LOBES)}, not {self.collapse!r}.")

    def fissures(self, word: str) -> Fissures:
        """Where the fissures of the left or right lung stand."""
        collapsed = self.collapse is not None and self.collapse.startswith(word)
        return _SHRUNK[str(self.collapse)] if collapsed else _NORMAL

    def raised_mm(self) -> dict[int, float]:
        """How far each side's dome is drawn up (1 right, -1 left): a lobe that shrinks pulls on it."""
        if self.collapse is None:
            return {}
        side, lobe = self.collapse.split("_")
        return {SIDES[side]: {"upper": 8.0, "middle": 4.0, "lower": 16.0}[lobe]}


def fluid(canvas: Canvas, box: Slices, inside: np.ndarray, top_mm: float) -> np.ndarray:
    """Distance to the air side of an effusion over a box, negative in the fluid.

    The fluid's surface is a bowl that climbs the chest wall all round, so that its edge fades upward on a
    radiograph (the meniscus sign).

    Args:
        canvas: the grid.
        box: voxels.
        inside: distance to the inner wall.
        top_mm: z of the bowl's bottom.
    """
    _, _, z = canvas.axes(box)
    return z - np.float32(top_mm) - 85 * np.exp(np.minimum(inside, 0) / np.float32(20))


def draw_lesions(canvas: Canvas, box: Slices, lung: np.ndarray, count: int, seed: int) -> None:
    """Nodules of 7 to 17 mm radius, lumpy, wholly inside air-holding lung."""
    places = scattered(canvas, box, lung, 60, seed, "lesion", depth_mm=18.0)
    order = sorted(range(len(places)), key=lambda n: uniform(seed, "lesion", n))
    lumps = noise(lung.shape, 7 * seed + 5, 3)
    for number, at in enumerate(order[:count], start=1):
        radius = 7 + 10 * uniform(seed, "lesion radius", number)
        radii = [radius * (0.85 + 0.3 * uniform(seed, "lesion axis", number, axis)) for axis in "xyz"]
        ball = canvas.ellipsoid(places[at], radii)
        rough = canvas.within(Shape(box, lumps), ball.box) * np.float32(0.6)
        shape = Shape(ball.box, np.maximum(ball.distance + rough, canvas.within(Shape(box, lung), ball.box)))
        canvas.paint(shape, 38, f"lesion_{number}")
