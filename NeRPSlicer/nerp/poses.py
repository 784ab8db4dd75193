"""Variational cameras: a standard projection, varied within ranges, seeded and replayable one by one.

Drawing parameters (`draw_camera` -> `CameraDraw`) is separate from applying them (`CameraDraw.camera`), so a
draw can be saved and replayed. A draw depends on nothing but the seed, the CT's hash, the index and the
ranges: cameras can be drawn in any order and number, and adding a CT changes no other CT's cameras.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from statistics import NormalDist
from typing import Any, ClassVar, Protocol

import numpy as np

from .collimation import collimated_to
from .errors import NerpError
from .geometry import PRESETS, Camera, HasGeometry, PositionerAngles

MAX_ATTEMPTS = 100
COLLIMATIONS = ("covered", "lungs")
"""What a field is: all that the CT covers about the central ray, or the lungs and a margin."""
MIN_COVERED_SHARE = 0.5
"""A pose is redrawn when the field it can cover falls below this share of the preset's own."""


class SeedableGeometry(HasGeometry, Protocol):
    """A Volume or its `VolumeGeometry` with the CT's hash."""

    @property
    def hash(self) -> str: ...


@dataclass(frozen=True)
class Uniform:
    """Every value from ``low`` to ``high`` is equally likely."""

    low: float
    high: float

    kind: ClassVar[str] = "uniform"

    def quantile(self, u: float) -> float:
        return self.low + u * (self.high - self.low)


@dataclass(frozen=True)
class Normal:
    """A normal distribution, cut off at three standard deviations."""

    mean: float
    sd: float

    kind: ClassVar[str] = "normal"

    def quantile(self, u: float) -> float:
        standard = NormalDist()
        tail = standard.cdf(-3.0)
        return self.mean + self.sd * standard.inv_cdf(tail + u * (1 - 2 * tail))


Range = Uniform | Normal
RangeLike = Range | float | tuple[float, float] | list[float] | Mapping[str, Any]


def parse_range(value: RangeLike, what: str) -> Range:
    """The one place where a range is read.

    Args:
        value: a number (always that value), a pair ``(low, high)``, ``{"uniform": [low, high]}`` or
            ``{"normal": [mean, sd]}``.
        what: the parameter's name, for the error.

    Raises:
        NerpError: none of these, not finite, low above high, or a negative standard deviation.
    """
    if isinstance(value, (Uniform, Normal)):
        chosen: Range = value
    else:
        try:
            kind: str = "uniform"
            numbers: Any = value
            if isinstance(value, Mapping):
                kind, numbers = next(iter(value.items()))
            if np.ndim(numbers) == 0:
                numbers = (numbers, numbers)
            first, second = map(float, numbers)
            kinds: dict[str, type[Uniform] | type[Normal]] = {"uniform": Uniform, "normal": Normal}
            chosen = kinds[kind](first, second)
            if isinstance(value, Mapping) and len(value) != 1:
                raise ValueError("two kinds")
        except (KeyError, TypeError, ValueError, StopIteration):
            raise NerpError(
                f'The range of {what} must be a number, [low, high], {{"uniform": [low, high]}} or '
                f'{{"normal": [mean, sd]}}, not {value!r}.'
            ) from None
    bounds = (chosen.low, chosen.high) if isinstance(chosen, Uniform) else (0.0, chosen.sd)
    if not all(np.isfinite(tuple(asdict(chosen).values()))) or bounds[0] > bounds[1]:
        raise NerpError(
            f"The range of {what} must be finite and run from low to high (a spread is not negative)."
        )
    return chosen


@dataclass(frozen=True)
class CameraRanges:
    """What a variational camera may differ in from its preset; each field takes what `parse_range` reads."""

    primary: Range = Uniform(-15.0, 15.0)
    """Added to the preset's primary angle (LAO+/RAO-), degrees."""
    secondary: Range = Uniform(-10.0, 10.0)
    """Added to the secondary angle (CRA+/CAU-), degrees."""
    roll: Range = Uniform(-5.0, 5.0)
    """Turn of the detector about the beam, degrees."""
    shift_right: Range = Uniform(-15.0, 15.0)
    """Isocentre moved toward the patient's right, mm."""
    shift_anterior: Range = Uniform(-10.0, 10.0)
    """Isocentre moved toward the patient's front, mm."""
    shift_superior: Range = Uniform(-20.0, 20.0)
    """Isocentre moved toward the patient's head, mm."""
    distance: Range = Uniform(0.9, 1.1)
    """Factor on the preset's source-to-image distance; the gap between body and detector stays."""
    field: Range = Uniform(0.85, 1.0)
    """Factor on the field's height and width; 1 is the whole of the collimation's field."""
    collimation: str = "covered"
    """One of `COLLIMATIONS`; "lungs" needs a record with lungs (`nerp.lungs.with_lungs`)."""

    def __post_init__(self) -> None:
        for name in RANGE_NAMES:
            object.__setattr__(self, name, parse_range(getattr(self, name), name))
        if self.collimation not in COLLIMATIONS:
            raise NerpError(f'The collimation is "covered" or "lungs", not {self.collimation!r}.')

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into equal ranges."""
        parsed: dict[str, Range] = {name: getattr(self, name) for name in RANGE_NAMES}
        ranges = {name: {value.kind: list(asdict(value).values())} for name, value in parsed.items()}
        return {**ranges, "collimation": self.collimation}

    @classmethod
    def from_dict(cls, record: Mapping[str, RangeLike]) -> CameraRanges:
        """Ranges from plain data; a parameter that is not named keeps its default.

        Raises:
            NerpError: a name that is no parameter, or a range that cannot be read.
        """
        names = [item.name for item in fields(cls)]
        if not isinstance(record, Mapping) or set(record) - set(names):
            raise NerpError(f"Camera ranges are an object with some of the names {', '.join(names)}.")
        return cls(**record)  # type: ignore[arg-type]


RANGE_NAMES = tuple(item.name for item in fields(CameraRanges) if item.name != "collimation")


@dataclass(frozen=True)
class CameraDraw:
    """The parameters of one variational camera: all it takes, with a volume, to make the camera again."""

    preset: str
    """The standard projection that is varied."""
    seed: int
    index: int
    """Which camera of the seed's sequence, from 0."""
    attempt: int
    """How many draws before this one were rejected."""
    primary: float
    """Degrees added to the preset's primary angle."""
    secondary: float
    """Degrees added to the secondary angle."""
    roll: float
    """Degrees."""
    shift_right: float
    """mm."""
    shift_anterior: float
    """mm."""
    shift_superior: float
    """mm."""
    distance: float
    """Factor on the source-to-image distance."""
    field: float
    """Factor on the field's height and width."""
    collimation: str = "covered"
    """One of `COLLIMATIONS`."""

    def camera(
        self,
        volume: HasGeometry,
        rows: int = 256,
        columns: int = 256,
        field: str | tuple[float, float] | None = None,
    ) -> Camera:
        """The camera of this draw.

        Args:
            volume: a Volume or its geometry record, with lungs where the field is about them.
            rows, columns: picture size.
            field: one of `COLLIMATIONS`, or (height, width) in mm on the detector, before this draw's factor;
                None takes the draw's own.

        Raises:
            NerpError: the beam misses the CT, too little of the field is covered, the source is in the body,
                or nobody has looked for the lungs.
        """
        field = self.collimation if field is None else field
        preset = PRESETS[self.preset]
        shift_ras = np.array([self.shift_right, self.shift_anterior, self.shift_superior])
        covered = Camera.from_angles(
            volume,
            PositionerAngles(preset.primary + self.primary, self.secondary, self.roll),
            rows=rows,
            columns=columns,
            source_to_image_mm=preset.source_to_image_mm * self.distance,
            gap_mm=preset.gap_mm,
            isocenter_ras=volume.body_box.mean(axis=0) + shift_ras,
            film_mm=preset.film_mm,
            mirrored=preset.mirrored,
            view=self.preset,
        )
        lower, upper = volume.body_box
        if ((covered.focal_spot_ras >= lower) & (covered.focal_spot_ras <= upper)).all():
            raise NerpError(
                "The X-ray source stands inside the body; choose a longer source-to-image distance."
            )
        straight = Camera.preset(self.preset, volume, rows, columns)
        if covered.field_mm[0] < MIN_COVERED_SHARE * straight.field_mm[0]:
            raise NerpError(
                f"The CT covers less than {MIN_COVERED_SHARE:.0%} of the {self.preset} field; "
                "use smaller ranges."
            )
        if field == "lungs":
            lungs = getattr(volume, "lungs", None)
            if lungs is None:
                raise NerpError(
                    'A field about the lungs needs a record with lungs (nerp.lungs); or take "covered".'
                )
            return collimated_to(covered, volume, lungs, self.field, preset.film_mm)
        height, width = covered.field_mm if isinstance(field, str) else field
        return replace(covered, pixel_spacing_mm=(height * self.field / rows, width * self.field / columns))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that ``CameraDraw(**record)`` turns back into an equal draw."""
        return asdict(self)


def draw_camera(
    volume: SeedableGeometry,
    seed: int,
    index: int,
    ranges: CameraRanges | None = None,
    preset: str = "PA",
    rows: int = 256,
    columns: int = 256,
) -> CameraDraw:
    """The parameters of camera ``index``; poses that cannot be used (`CameraDraw.camera`) are drawn anew.

    Args:
        volume: a Volume or its geometry record with the CT's hash.
        seed: any whole number.
        index: from 0.
        ranges: None takes the defaults.
        preset: the standard projection that is varied.
        rows, columns: their proportion decides how much of the field the CT covers.

    Raises:
        NerpError: no usable pose in `MAX_ATTEMPTS` draws.
    """
    if preset not in PRESETS:
        raise NerpError(f"There is no projection {preset!r}; choose one of {', '.join(PRESETS)}.")
    if not volume.hash:
        raise NerpError(
            "Seeded cameras are drawn by the CT's hash, which this record lacks; pass volume.geometry."
        )
    if index < 0:
        raise NerpError(f"Random cameras are counted from 0; there is no {index}.")
    ranges = ranges or CameraRanges()
    reason = ""
    for attempt in range(MAX_ATTEMPTS):
        values = {
            name: getattr(ranges, name).quantile(_uniform(seed, volume.hash, index, attempt, name))
            for name in RANGE_NAMES
        }
        draw = CameraDraw(preset, seed, index, attempt, **values, collimation=ranges.collimation)
        try:
            draw.camera(volume, rows, columns)
        except NerpError as error:
            reason = str(error)
        else:
            return draw
    raise NerpError(
        f"None of {MAX_ATTEMPTS} cameras drawn about {preset} can be used; narrow the ranges. "
        f"The last one: {reason}"
    )


def sample_camera(
    volume: SeedableGeometry,
    seed: int,
    index: int,
    ranges: CameraRanges | None = None,
    preset: str = "PA",
    rows: int = 256,
    columns: int = 256,
    field: str | tuple[float, float] | None = None,
) -> Camera:
    """Variational camera ``index`` of a seed; see `draw_camera` and `CameraDraw.camera`."""
    return draw_camera(volume, seed, index, ranges, preset, rows, columns).camera(
        volume, rows, columns, field
    )


def sample_cameras(
    volume: SeedableGeometry,
    count: int,
    seed: int,
    ranges: CameraRanges | None = None,
    preset: str = "PA",
    rows: int = 256,
    columns: int = 256,
    field: str | tuple[float, float] | None = None,
) -> list[Camera]:
    """The first ``count`` variational cameras of a seed; see `sample_camera`."""
    if count < 0:
        raise NerpError(f"The number of cameras must be 0 or more, not {count}.")
    return [
        sample_camera(volume, seed, index, ranges, preset, rows, columns, field) for index in range(count)
    ]


def _uniform(seed: int, volume_hash: str, index: int, attempt: int, name: str) -> float:
    """A number in (0, 1), the same on every machine and with every library version: 53 bits of a SHA-256."""
    digest = hashlib.sha256(f"nerp camera 1|{seed}|{volume_hash}|{index}|{attempt}|{name}".encode()).digest()
    return ((int.from_bytes(digest[:8], "big") >> 11) + 0.5) / 2**53
