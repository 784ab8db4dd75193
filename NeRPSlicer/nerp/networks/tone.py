"""The tone curve: what a film's contrast makes of a picture, fitted once on real ones.

Contrast is not what the Mapper is for: pictures pass this curve before the Discriminator and the eye.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import NerpError

KNOTS = 33


@dataclass(frozen=True)
class ToneCurve:
    """A monotone curve from [0, 1] to [0, 1], straight between evenly spaced knots."""

    grey: tuple[float, ...] = tuple(np.linspace(0, 1, KNOTS).tolist())
    """The curve at its knots."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "grey", tuple(map(float, self.grey)))
        grey = np.array(self.grey)
        if (
            len(grey) < 2
            or not np.isfinite(grey).all()
            or grey[0] < 0
            or grey[-1] > 1
            or (np.diff(grey) < 0).any()
        ):
            raise NerpError("A tone curve rises within [0, 1]; this one does not.")

    @classmethod
    def fitted(cls, pictures: Iterable[np.ndarray], films: Iterable[np.ndarray]) -> ToneCurve:
        """The curve that gives all pictures together the grey levels of all films together.

        Args:
            pictures: from black to white (`nerp.display.thick_window`) as [0, 1], any sizes.
            films: likewise, between two percentiles of each.
        """
        share = np.linspace(0, 1, 1025)
        source, target = (
            np.quantile(np.concatenate([np.ravel(image) for image in images]), share)
            for images in (pictures, films)
        )
        levels, first = np.unique(source, return_index=True)
        grey = np.interp(np.linspace(0, 1, KNOTS), levels, target[first])
        return cls(tuple(np.maximum.accumulate(np.clip(grey, 0, 1)).tolist()))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Normalized grey levels of any shape through the curve, float32."""
        knots = np.linspace(0, 1, len(self.grey))
        return np.interp(picture, knots, self.grey).astype(np.float32)
