"""What a CT's grey scale may suffer before the Mapper sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import NerpError

WINDOWS_HU = {"full": (-1000, 1000), "lung": (-1350, 150), "soft": (-160, 240), "bone": (-500, 1300)}
"""Ranges of HU that an augmented CT may show; "full" is what the fixed radiance maps to matter."""


@dataclass(frozen=True)
class CtAugmentation:
    """What a CT's grey scale may suffer before the Mapper sees it; nothing by default: contrast is the tone
    curve's matter (docs/method.md). The authors' code uses all windows and histogram shift."""

    windows: tuple[str, ...] = ()
    """Names of `WINDOWS_HU`, one drawn a step; none leaves HU as they are."""
    histogram_points: int = 0
    """Control points of a random monotone curve over HU (MONAI's RandHistogramShift); 0 leaves it out, else
    at least 3."""

    def __post_init__(self) -> None:
        if not isinstance(self.windows, (list, tuple)) or type(self.histogram_points) is not int:
            raise NerpError("A CT augmentation has a list of windows and a whole number of histogram_points.")
        object.__setattr__(self, "windows", tuple(map(str, self.windows)))
        unknown = set(self.windows) - set(WINDOWS_HU)
        if unknown:
            raise NerpError(
                f"There is no CT window {sorted(unknown)[0]!r}; there are: {', '.join(WINDOWS_HU)}."
            )
        if self.histogram_points and self.histogram_points < 3:
            raise NerpError(f"A histogram shift has at least 3 control points, not {self.histogram_points}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into an equal augmentation."""
        return {"windows": list(self.windows), "histogram_points": self.histogram_points}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> CtAugmentation:
        """What `to_dict` wrote.

        Raises:
            NerpError: something else.
        """
        try:
            return cls(**record)
        except TypeError as error:
            raise NerpError(f"{record!r} is no CT augmentation ({error}).") from error
