"""A projected picture with what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import NerpError
from ..geometry import Camera
from ..resources import structure_threshold_mm


@dataclass(frozen=True)
class DrawnBy:
    """The model that a picture was drawn by."""

    name: str
    """For people."""
    sha256: str
    """See `nerp.models.ModelDescription`."""
    tone: tuple[float, ...]
    """Its tone curve at evenly spaced knots, for the eye alone."""
    window: tuple[float, float] | None = None
    """Black and white of the fixed radiance's picture of the same camera, as in training: a picture that sets
    its own shows again what the model took away. None where that was not drawn."""
    correlation_with_fixed: float | None = None
    """With the fixed radiance's picture of the same camera, inside the projected body; None where it was not
    asked for."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One projection: bone bright, patient's right on the viewer's left in PA and AP."""

    image: np.ndarray
    """float32 ``[rows, columns]``; its unit depends on the method (drr: dimensionless line integral)."""
    camera: Camera
    method: str
    samples: int | None
    """Samples a ray; None where the method is exact."""
    opacity: np.ndarray | None = None
    """Accumulated opacity in [0, 1], float32 ``[rows, columns]``; None for methods without one."""
    path_length: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Exact path length through each structure in mm, float32 ``[rows, columns]``."""
    model: DrawnBy | None = None
    """None where no model had a part in it."""

    @property
    def is_blank(self) -> bool:
        """Whether the picture is the same all over: no ray meets the patient. One pixel does not tell."""
        return self.image.size > 1 and bool(self.image.min() == self.image.max())

    def mask(self, name: str, minimum_mm: float | None = None) -> np.ndarray:
        """Where the path through a structure is at least ``minimum_mm``: boolean ``[rows, columns]``.

        Args:
            name: the structure.
            minimum_mm: None takes the structure's threshold from ``Resources/Presets/structures.json``.

        Raises:
            NerpError: the structure was not projected.
        """
        if name not in self.path_length:
            known = ", ".join(self.path_length) or "none"
            raise NerpError(f"Structure {name!r} was not projected; projected are: {known}.")
        return self.path_length[name] >= (structure_threshold_mm(name) if minimum_mm is None else minimum_mm)


def likeness(picture: Radiograph, fixed: Radiograph) -> float | None:
    """Correlation of a picture with the fixed radiance's of the same camera inside the projected body
    (Pearson's); None where one of them has no contrast."""
    assert fixed.opacity is not None
    inside = fixed.opacity > 0
    if not inside.any():
        return None
    ours, theirs = (part.image[inside].astype(np.float64) for part in (picture, fixed))
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    scale = float(np.sqrt((ours**2).sum() * (theirs**2).sum()))
    return float((ours * theirs).sum()) / scale if scale > 0 else None
