"""What makes the slices of a DICOM series a volume, and what keeps them from being one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .images import RAS_FROM_LPS

MIN_SLICES = 20
SPACING_TOLERANCE = 0.01
"""Slice positions may stray from even steps by this share of a step."""
ROUNDING_MM = 0.0101
"""Headers give positions to two decimals or better: a step may be wrong by this much."""
PROJECTIONS = {"MIP", "MINIP", "MAX_IP", "MIN_IP", "MEAN_IP", "AVERAGE_IP", "PROJECTION IMAGE", "RAYSUM"}
"""Values of ImageType that name a picture through the patient instead of a slice."""


@dataclass(frozen=True)
class Slice:
    """One slice as its header tells of it; positions in LPS mm as DICOM has them."""

    file: Path
    frame: int | None
    """Frame of an enhanced multi-frame image."""
    rows: int
    columns: int
    channels: int
    image_type: tuple[str, ...]
    position: tuple[float, ...]
    """Centre of the first voxel; empty where the header has none."""
    orientation: tuple[float, ...]
    """Direction of a row, then of a column; empty where the header has none."""
    spacing: tuple[float, ...]
    """mm between rows, between columns; empty where the header has none."""
    slope: float
    intercept: float
    padding: tuple[float, float] | None
    """Stored values from and to that mean "outside the picture"."""

    @classmethod
    def from_header(cls, file: Path, frame: int | None, headers: Sequence[Any]) -> Slice:
        """A slice from its headers, the most specific first: a frame's, the shared ones, the file's."""

        def find(keyword: str, default: Any = None) -> Any:
            values = (header.get(keyword) for header in headers)
            return next((value for value in values if value not in (None, "")), default)

        def numbers(keyword: str, count: int) -> tuple[float, ...]:
            values = find(keyword, ())
            try:
                found = tuple(float(value) for value in values)
            except (TypeError, ValueError):
                return ()
            return found if len(found) == count and all(map(math.isfinite, found)) else ()

        low = find("PixelPaddingValue")
        high = find("PixelPaddingRangeLimit", low)
        kinds = find("FrameType", find("ImageType", ()))
        return cls(
            file=file,
            frame=frame,
            rows=int(find("Rows", 0)),
            columns=int(find("Columns", 0)),
            channels=int(find("SamplesPerPixel", 1)),
            image_type=tuple(str(kind).upper() for kind in ([kinds] if isinstance(kinds, str) else kinds)),
            position=numbers("ImagePositionPatient", 3),
            orientation=numbers("ImageOrientationPatient", 6),
            spacing=numbers("PixelSpacing", 2),
            slope=float(find("RescaleSlope", 1)),
            intercept=float(find("RescaleIntercept", 0)),
            padding=None if low is None else (float(min(low, high)), float(max(low, high))),
        )


@dataclass
class Series:
    """The slices that share a SeriesInstanceUID."""

    uid: str
    number: str
    description: str
    patient: str
    """PatientID: only ever compared, never shown."""
    modality: str
    frame_of_reference: str
    slices: list[Slice]
    copies: int = 0
    """Files left out because another file holds the same image."""

    def __str__(self) -> str:
        title = f" ({self.description})" if self.description else ""
        count = f"{len(self.slices)} image" + ("s" if len(self.slices) != 1 else "")
        return f"series {self.number or self.uid}{title}, {count}"

    @property
    def sort_key(self) -> tuple[float, str]:
        return (float(self.number) if self.number.isdigit() else math.inf, self.uid)

    @cached_property
    def images(self) -> list[Slice]:
        """The slices without localizers."""
        return [one for one in self.slices if "LOCALIZER" not in one.image_type]

    def reason_against(self) -> str:
        """Why this series is no CT volume, in a few words; "" where it is one."""
        images = self.images
        if self.modality not in ("CT", ""):
            return f"no CT, its modality is {self.modality}"
        if not images:
            return "a localizer"
        if any(PROJECTIONS.intersection(one.image_type) for one in images):
            return "projections (MIP or alike), no slices"
        if any(one.channels != 1 for one in images):
            return "pictures in colour"
        if not all(one.position and one.orientation and one.spacing for one in images):
            return "slices without position, orientation or pixel spacing"
        if len(images) < MIN_SLICES:
            return f"{len(images)} slices, at least {MIN_SLICES} are needed"
        for what, values in (
            ("sizes", [(one.rows, one.columns) for one in images]),
            ("pixel spacings", [one.spacing for one in images]),
            ("orientations", [one.orientation for one in images]),
        ):
            if np.abs(np.array(values, float) - np.array(values[0], float)).max() > 1e-3:
                return f"slices of several {what}"
        if not np.isclose(np.linalg.norm(self._normal), 1, atol=1e-3) or min(images[0].spacing) <= 0:
            return "an impossible orientation or pixel spacing"
        return self._reason_against_steps()

    def _reason_against_steps(self) -> str:
        positions = np.array([one.position for one in self.ordered()])
        along = np.diff(positions @ self._normal)
        step = float(np.median(along))
        tolerance = max(SPACING_TOLERANCE * step, ROUNDING_MM)
        if along.min() <= tolerance:
            return "several slices at one position (phases or reconstructions in one series?)"
        if along.max() > 1.5 * step:
            missing = int(np.rint(along / step - 1).clip(0).sum())
            return f"slices are missing ({missing} of {missing + len(positions)})"
        if np.abs(along - step).max() > tolerance:
            return f"uneven slices, {along.min():.2f} to {along.max():.2f} mm apart"
        even = positions[0] + np.arange(len(positions))[:, None] * self._step
        if np.linalg.norm(positions - even, axis=1).max() > max(tolerance, 0.1 * min(self.images[0].spacing)):
            return "slices that do not lie on a straight line"
        return ""

    def ordered(self) -> list[Slice]:
        """The slices by position along their normal."""
        return sorted(self.images, key=lambda one: float(np.array(one.position) @ self._normal))

    def notices(self) -> list[str]:
        """What a person should know of a series that is used."""
        told = []
        if self.copies:
            told.append(f"{self.copies} files hold an image that another file holds too; each is used once.")
        if len(self.images) < len(self.slices):
            told.append(f"{len(self.slices) - len(self.images)} localizers inside the series are left out.")
        cosine = float(self._step @ self._normal / np.linalg.norm(self._step))
        tilt = math.degrees(math.acos(min(1.0, cosine)))
        if tilt > 0.1:
            told.append(f"The slices are tilted by {tilt:.1f} degrees (gantry); the grid is kept slanted.")
        return told

    @cached_property
    def _normal(self) -> np.ndarray:
        orientation = np.array(self.images[0].orientation)
        return np.cross(orientation[:3], orientation[3:])

    @property
    def _step(self) -> np.ndarray:
        ordered = self.ordered()
        return (np.array(ordered[-1].position) - ordered[0].position) / (len(ordered) - 1)

    def ras_from_ijk(self) -> np.ndarray:
        """``[4, 4]``, mm: i along a row, j along a column, k along the slices (DICOM PS3.3 C.7.6.2.1.1)."""
        first = self.ordered()[0]
        between_rows, between_columns = first.spacing
        lps_from_ijk = np.eye(4)
        lps_from_ijk[:3, 0] = np.array(first.orientation[:3]) * between_columns
        lps_from_ijk[:3, 1] = np.array(first.orientation[3:]) * between_rows
        lps_from_ijk[:3, 2] = self._step
        lps_from_ijk[:3, 3] = first.position
        return RAS_FROM_LPS @ lps_from_ijk
