"""From a radiograph's numbers to a picture for the eye; the numbers themselves are never touched.

Default (`display_of`): the window runs between two percentiles of the projected body; ``drr`` and
``drr-sampled`` then pass a film-like curve, the other methods a straight line. A model's pictures pass the
tone curve that was fitted with it, between percentiles of where the body is thick. "paper" is min-max and a
straight line, as in the NeRP paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from .errors import NerpError

PERCENTILES = (0.5, 99.5)
THICK = 0.5
"""Share of a picture's greatest accumulated opacity from which the body is thick. Films that a tone curve is
fitted on are cut to the lungs; without the skin and what lies beside it a whole chest has their black."""
FILM_METHODS = ("drr", "drr-sampled")
FILM_GAMMA = 4.0
FILM_MIDDLE = 0.5


class HasTone(Protocol):
    """What the display needs of the model that drew a radiograph."""

    @property
    def tone(self) -> Sequence[float]: ...

    @property
    def window(self) -> tuple[float, float] | None: ...


class HasPicture(Protocol):
    """What the display needs of a radiograph."""

    @property
    def image(self) -> np.ndarray: ...
    @property
    def opacity(self) -> np.ndarray | None: ...
    @property
    def method(self) -> str: ...
    @property
    def model(self) -> HasTone | None: ...


@dataclass(frozen=True)
class Display:
    """How numbers become grey levels; the record that goes into the sidecar."""

    low: float
    """Shown black."""
    high: float
    """Shown white."""
    curve: str = "linear"
    """"linear", "film" or "tone"."""
    gamma: float = FILM_GAMMA
    """Film only: steepness of the curve in its middle, before it is scaled to run from 0 to 1."""
    middle: float = FILM_MIDDLE
    """Film only: where between low (0) and high (1) the curve is steepest."""
    tone: tuple[float, ...] = ()
    """Tone only: grey levels in [0, 1] at evenly spaced places from low to high, straight between."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tone", tuple(self.tone))
        if self.curve not in ("linear", "film", "tone"):
            raise NerpError(f'A display curve is "linear", "film" or "tone", not {self.curve!r}.')
        if (self.curve == "tone") != (len(self.tone) > 1):
            raise NerpError("A tone curve, and no other, has grey levels at two places and more.")
        if not all(map(math.isfinite, (self.low, self.high, self.gamma, self.middle))) or self.gamma <= 0:
            raise NerpError("A display needs finite limits and a positive gamma.")

    def grey(self, image: np.ndarray, bits: int = 8) -> np.ndarray:
        """Grey levels of any shape, uint8 or with ``bits=16`` uint16, over the type's whole range.

        A window without width shows everything at or below it black.

        The film curve is the logistic function, the usual model of film's density over log exposure (Hurter
        and Driffield) with its toe and shoulder; a line integral of attenuation is the negative log exposure.
        """
        width = self.high - self.low
        if width > 0:
            t: Any = np.clip((np.asarray(image, np.float64) - self.low) / width, 0, 1)
        else:
            t = (np.asarray(image, np.float64) > self.high).astype(np.float64)
        if self.curve == "film":
            black, white = _logistic(-self.gamma * self.middle), _logistic(self.gamma * (1 - self.middle))
            t = (_logistic(self.gamma * (t - self.middle)) - black) / (white - black)
        if self.curve == "tone":
            t = np.interp(t, np.linspace(0, 1, len(self.tone)), self.tone)
        return np.rint((2**bits - 1) * t).astype({8: np.uint8, 16: np.uint16}[bits])

    def to_dict(self) -> dict[str, Any]:
        """Plain data that ``Display(**record)`` turns back into an equal display."""
        record = asdict(self)
        tone = record.pop("tone")
        return {**record, "tone": list(tone)} if tone else record


def display_of(radiograph: HasPicture, preset: str = "default") -> Display:
    """The display of a radiograph.

    Args:
        radiograph: picture ``[rows, columns]``, its accumulated opacity if it has one, its method and model.
        preset: "default" or "paper".

    Raises:
        NerpError: another preset.
    """
    image = radiograph.image
    if preset == "paper":
        return Display(float(image.min()), float(image.max()))
    if preset != "default":
        raise NerpError(f'The display preset is "default" or "paper", not {preset!r}.')
    if radiograph.model is not None:
        low, high = radiograph.model.window or thick_window_of(radiograph)
        return Display(low, high, "tone", tone=tuple(radiograph.model.tone))
    # Without an opacity, the least value is what a ray that meets nothing gets.
    body = radiograph.opacity > 0 if radiograph.opacity is not None else image > image.min()
    low, high = np.percentile(image[body] if body.any() else image, PERCENTILES)
    return Display(float(low), float(high), "film" if radiograph.method in FILM_METHODS else "linear")


def thick_window(image: np.ndarray, opacity: np.ndarray) -> tuple[float, float]:
    """Black and white of a picture that passes a tone curve: two percentiles where the patient is thick.

    Args:
        image: ``[rows, columns]``.
        opacity: accumulated, the same shape.
    """
    low, high = np.percentile(image[opacity >= THICK * opacity.max()], PERCENTILES)
    return float(low), float(high)


def thick_window_of(radiograph: HasPicture) -> tuple[float, float]:
    """`thick_window` of a radiograph that has an opacity, as those of all methods with a model have."""
    assert radiograph.opacity is not None
    return thick_window(radiograph.image, radiograph.opacity)


def _logistic(x: np.ndarray | float) -> np.ndarray | float:
    return 1 / (1 + np.exp(-x))
