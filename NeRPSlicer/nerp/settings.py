"""What a person chooses for a set of projections: one frozen record for command line, panel, job and
sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from .errors import NerpError
from .geometry import PRESETS
from .poses import CameraRanges
from .resources import structure_threshold_mm

SCHEMA_VERSION = 1
GROWING = ("views", "presets")
"""What may differ when a set is made longer: everything else must be equal."""


@dataclass(frozen=True)
class ExportSettings:
    """How a labelled set is drawn."""

    views: int = 10
    """Variational cameras per CT, index 0 to views - 1 of the seed's sequence."""
    seed: int = 0
    """Seed of the variational cameras; with the CT's hash and the index it decides a camera."""
    presets: tuple[str, ...] = ()
    """Standard projections drawn too, for example ("PA", "LL")."""
    preset: str = "PA"
    """The standard projection that the variational cameras vary."""
    ranges: CameraRanges = field(default_factory=CameraRanges)
    """What the variational cameras may differ in."""
    method: str = "drr"
    """One of `nerp.projector.METHODS`."""
    rows: int = 256
    """Height of the pictures in pixels."""
    columns: int = 256
    """Width of the pictures in pixels."""
    samples: int = 512
    """Samples a ray; the exact method "drr" ignores it."""
    display: str = "default"
    """How numbers become grey levels: "default" or "paper" (`nerp.display.display_of`)."""
    structures: tuple[str, ...] = ("*",)
    """Names or patterns such as "lung*" of the structures to project."""
    minimum_mm: Mapping[str, float] = field(default_factory=dict)
    """Pattern to path length in mm from which a pixel is in the mask, before ``structures.json``."""
    raw: bool = False
    """Write the float32 numbers too."""
    thickness: bool = False
    """Write each structure's path length in mm too."""

    def __post_init__(self) -> None:
        from .projector import METHODS

        for name in ("presets", "structures"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.ranges, Mapping):
            object.__setattr__(self, "ranges", CameraRanges.from_dict(self.ranges))
        for preset in (*self.presets, self.preset):
            if preset not in PRESETS:
                raise NerpError(f"There is no projection {preset!r}; choose one of {', '.join(PRESETS)}.")
        if self.method not in METHODS:
            raise NerpError(f"There is no method {self.method!r}; choose one of {', '.join(METHODS)}.")
        if self.display not in ("default", "paper"):
            raise NerpError(f'The display is "default" or "paper", not {self.display!r}.')
        for name, least in (("views", 0), ("rows", 1), ("columns", 1), ("samples", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise NerpError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        if not self.views and not self.presets:
            raise NerpError("Nothing to draw: ask for at least one view or one standard projection.")
        for pattern, mm in self.minimum_mm.items():
            if not mm > 0:
                raise NerpError(f"The least path length of {pattern} must be positive mm, not {mm!r}.")

    def threshold_mm(self, name: str) -> float:
        """The path length in mm from which a pixel is in the mask of structure ``name``."""
        chosen = (mm for pattern, mm in self.minimum_mm.items() if fnmatchcase(name, pattern))
        return float(next(chosen, structure_threshold_mm(name)))

    def wanted(self, name: str) -> bool:
        """Whether structure ``name`` is projected."""
        return any(fnmatchcase(name, pattern) for pattern in self.structures)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into equal settings."""
        record = {item.name: getattr(self, item.name) for item in fields(self)}
        record.update(
            ranges=self.ranges.to_dict(),
            presets=list(self.presets),
            structures=list(self.structures),
            minimum_mm=dict(self.minimum_mm),
        )
        return {"version": SCHEMA_VERSION, **record}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ExportSettings:
        """The settings that `to_dict` wrote.

        Raises:
            NerpError: another version, unknown names or values that make no sense.
        """
        values = dict(record)
        if values.pop("version", None) != SCHEMA_VERSION:
            raise NerpError(f"These settings are not of version {SCHEMA_VERSION}; export the set anew.")
        unknown = set(values) - {item.name for item in fields(cls)}
        if unknown:
            raise NerpError(f"Unknown settings: {', '.join(sorted(unknown))}; export the set anew.")
        return cls(**values)

    def differences(self, other: ExportSettings) -> list[str]:
        """What keeps ``other`` from going on with a set of these settings, for example "method is drr, not
        fixed"; views and presets may grow."""
        mine, others = self.to_dict(), other.to_dict()
        return [
            f"{name} is {mine[name]}, not {others[name]}"
            for name in mine
            if name not in GROWING and mine[name] != others[name]
        ]
