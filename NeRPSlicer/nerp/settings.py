"""What a person chooses for a set of projections: one frozen record for command line, panel, job and
sidecar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from .errors import NerpError
from .geometry import PRESETS, Camera
from .poses import CameraRanges
from .resources import structure_threshold_mm

if TYPE_CHECKING:
    from .structures import Structure, Structures

SCHEMA_VERSION = 1
METHODS = ("fixed", "drr", "drr-sampled", "aip", "mip", "mida")
"""How a CT is drawn (`nerp.project`)."""
LEARNED = "vrr"
"""How the fields of a model with a Mapper are drawn; one without has its tone curve for "fixed"."""
GROWING = ("views", "presets", "cameras")
"""What may differ when a set is made longer: everything else must be equal, and cameras begin alike."""
LIMITS = {"views": (0, 100_000), "rows": (1, 16_384), "columns": (1, 16_384), "samples": (1, 65_536)}


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
    cameras: tuple[Mapping[str, Any], ...] = ()
    """Cameras drawn too, as `Camera.to_dict` writes them; the pictures have ``rows`` and ``columns``."""
    method: str = "drr"
    """One of `METHODS`, or `LEARNED`."""
    model: str | None = None
    """SHA-256 of the model (`nerp.models.ModelDescription.sha256`): of "vrr" always, of "fixed" where its
    pictures pass a tone curve."""
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
    separate_body: bool = True
    """Separate the patient from couch, sheets and tubes first."""
    raw: bool = False
    """Write the float32 numbers too."""
    thickness: bool = False
    """Write each structure's path length in mm too."""

    def __post_init__(self) -> None:
        for name in ("presets", "structures", "cameras"):
            if isinstance(getattr(self, name), str):
                raise NerpError(f"{name} is a list of names, not {getattr(self, name)!r}.")
            try:
                object.__setattr__(self, name, tuple(getattr(self, name)))
            except TypeError as error:
                raise NerpError(f"{name} is a list, not {getattr(self, name)!r}.") from error
        if not isinstance(self.ranges, CameraRanges):
            object.__setattr__(self, "ranges", CameraRanges.from_dict(self.ranges))
        cameras = [Camera.from_dict(record).to_dict() for record in self.cameras]
        object.__setattr__(self, "cameras", tuple(cameras))
        for preset in (*self.presets, self.preset):
            if preset not in PRESETS:
                raise NerpError(f"There is no projection {preset!r}; choose one of {', '.join(PRESETS)}.")
        self._check_method()
        if self.display not in ("default", "paper"):
            raise NerpError(f'The display is "default" or "paper", not {self.display!r}.')
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise NerpError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
        if not isinstance(self.minimum_mm, Mapping):
            raise NerpError(f"Least path lengths are given by name, not as {self.minimum_mm!r}.")
        for pattern, mm in self.minimum_mm.items():
            if not 0 < mm < math.inf:
                raise NerpError(f"The least path length of {pattern} must be positive mm, not {mm!r}.")

    def _check_method(self) -> None:
        if self.method not in (LEARNED, *METHODS):
            raise NerpError(
                f"There is no method {self.method!r}; choose one of {', '.join((LEARNED, *METHODS))}."
            )
        if self.model is not None and not isinstance(self.model, str):
            raise NerpError(f"A model is named by its SHA-256, not by {self.model!r}.")
        if self.method == LEARNED and self.model is None:
            raise NerpError("The method vrr needs a trained model; choose one, or make one: `nerp train`.")
        if self.model is not None and self.method not in (LEARNED, "fixed"):
            raise NerpError(f"A model has no part in the method {self.method}; leave out one of them.")

    def threshold_mm(self, name: str) -> float:
        """The path length in mm from which a pixel is in the mask of structure ``name``."""
        chosen = (mm for pattern, mm in self.minimum_mm.items() if fnmatchcase(name, pattern))
        return float(next(chosen, structure_threshold_mm(name)))

    def select(self, structures: Structures) -> Structures:
        """The structures to project; a pattern that meets none is told in the result's notices.

        Raises:
            NerpError: no pattern meets any structure.
        """
        names = [item.name for item in structures if any(_meets(item, p) for p in self.structures)]
        if not names and len(structures):
            raise NerpError(
                f"None of the structures is named {' or '.join(self.structures)}; "
                f"there are: {', '.join(structures.names)}."
            )
        idle = [p for p in self.structures if p != "*" and not any(_meets(item, p) for item in structures)]
        selected = structures if names == list(structures.names) else structures.select(names)
        selected.notices = (*structures.notices, *(f"No structure is named {p}." for p in idle))
        return selected

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into equal settings."""
        record = {item.name: getattr(self, item.name) for item in fields(self)}
        record.update(
            ranges=self.ranges.to_dict(),
            presets=list(self.presets),
            cameras=[dict(camera) for camera in self.cameras],
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

    def grown_to(self, other: ExportSettings) -> ExportSettings:
        """These settings with as many views, presets and cameras as either has."""
        presets = dict.fromkeys((*self.presets, *other.presets))
        cameras = max(self.cameras, other.cameras, key=len)
        return replace(self, views=max(self.views, other.views), presets=tuple(presets), cameras=cameras)

    def differences(self, other: ExportSettings) -> list[str]:
        """What keeps ``other`` from going on with a set of these settings, for example "method is drr, not
        fixed"; views, presets and cameras may grow."""
        mine, others = self.to_dict(), other.to_dict()
        found = [
            f"{name} is {mine[name]}, not {others[name]}"
            for name in mine
            if name not in GROWING and mine[name] != others[name]
        ]
        shared = min(len(self.cameras), len(other.cameras))
        if self.cameras[:shared] != other.cameras[:shared]:
            found.append("its cameras are others")
        return found


def _meets(item: Structure, pattern: str) -> bool:
    """Whether a pattern means a structure, by its name here or in its file, in any case."""
    names = (item.name, item.original_name or item.name)
    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)
