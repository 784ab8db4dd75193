"""How a radiance is trained: one frozen record for command line, panel and run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from ..ct_augmentation import WINDOWS_HU, CtAugmentation
from ..errors import NerpError
from ..poses import CameraRanges

SCHEMA_VERSION = 2
HISTOGRAM_POINTS = 10
"""Of the authors' preset."""
WATCHED = 8
"""CTs, of those held out and of those trained on, that a report draws."""
MAPPERS = ("slim", "vnet", "unet")
"""Names in `networks.mapper.MAPPERS`, which torch need not be loaded for."""
DEVICES = ("auto", "cpu", "cuda")
WHOLE = ("steps", "head_start", "size", "samples", "views", "seed", "penalty_every", "report_every")

NEARLY_STRAIGHT: Mapping[str, Any] = {
    "primary": [-8.0, 8.0],
    "secondary": [-6.0, 6.0],
    "roll": [-3.0, 3.0],
    "field": [0.9, 1.0],
    "collimation": "lungs",
}
"""Films are taken nearly straight: what pictures from farther aside differ in is no lack of realism."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long, how large, how fast, and what anatomy may cost."""

    preset: str = "small"
    """Which of `PRESETS` these settings started from."""
    seed: int = 0
    """Of weights, cameras, pairs and augmentation."""
    steps: int = 3000
    """Steps of Mapper and Discriminator."""
    head_start: int = 150
    """So many of them for the Discriminator alone: a Mapper taught by one that knows nothing goes astray."""
    minutes: float = 0.0
    """End after so many minutes even if steps are left; 0 is no limit."""
    mapper: str = "slim"
    """"slim", "vnet" (the paper's) or "unet" (the authors')."""
    mapper_mm: float = 12.0
    """Voxel size of the Mapper's grid, about."""
    ct_mm: float = 4.0
    """Voxel size of the CTs trained on."""
    widths: tuple[int, ...] = (8, 16, 32, 64)
    """Channels of the Discriminator's levels."""
    size: int = 48
    """Rows and columns of the pictures."""
    samples: int = 96
    """Samples a ray."""
    views: int = 4
    """Cameras drawn for each call of the Mapper."""
    ranges: CameraRanges = field(default_factory=lambda: CameraRanges.from_dict(NEARLY_STRAIGHT))
    """What cameras may differ in; by default their field is cut as films are, to the lungs and a margin."""
    opacity_ratio: float = 100.0
    """The paper's bandwidth ratio of matter to opacity."""
    tone_curve: bool = True
    """Whether pictures pass a curve fitted on the films before the Discriminator."""
    mapper_rate: float = 3e-4
    """Learning rate of the Mapper (Adam)."""
    discriminator_rate: float = 1e-3
    """Learning rate of the Discriminator."""
    betas: tuple[float, float] = (0.0, 0.99)
    """Of both."""
    average: float = 0.998
    """Decay of the Mapper's averaged weights, which are what is kept."""
    penalty: float = 0.1
    """Weight of R1, the squared gradient of the Discriminator at real pictures."""
    penalty_every: int = 16
    """Steps between two penalties."""
    augment: bool = True
    """Whether real and drawn pictures are moved, brightened and made noisy at random before
    the Discriminator."""
    ct_augmentation: CtAugmentation = field(default_factory=CtAugmentation)
    """What the Mapper's view of a CT may suffer; the fields start from the CT as it is."""
    anatomy: float = 0.0
    """Weight of the distance to the fixed radiance's picture (the paper's lambda); 0 steers it."""
    target_correlation: float = 0.95
    """What a steered weight aims at: correlation with the fixed radiance's picture inside the body."""
    target_change: float = 0.12
    """The same for the greatest change of a patch, see `change_limit`."""
    floor: float = 0.9
    """The anatomy gate: least correlation inside the body."""
    structure_floor: float = 0.85
    """The anatomy gate: least correlation inside each structure."""
    change_limit: float = 0.2
    """The anatomy gate: greatest change of a patch an eighth of the picture wide, share of the grey scale
    from black to white."""
    held_out: float = 0.5
    """Share of the patients with films, and of those with CTs, that training never sees."""
    report_every: int = 100
    """Steps between two events with metrics, sample pictures and a checkpoint."""
    device: str = "auto"
    """"cpu", "cuda" (an NVIDIA card), or "auto": the card where there is one. Only on a CPU does a resumed
    run equal an uninterrupted one bit for bit."""
    mixed_precision: bool = True
    """Whether both networks compute in bfloat16 on a graphics card."""
    gradient_checkpointing: bool = False
    """Whether the Mapper's gradients compute its blocks again instead of keeping their insides."""

    def __post_init__(self) -> None:
        self._check_kinds()
        if not isinstance(self.ranges, CameraRanges):
            object.__setattr__(self, "ranges", CameraRanges.from_dict(self.ranges))
        if not isinstance(self.ct_augmentation, CtAugmentation):
            object.__setattr__(self, "ct_augmentation", CtAugmentation.from_dict(self.ct_augmentation))
        limits = {
            "seed": (0, 2**62),
            "steps": (1, 10**7),
            "head_start": (0, 10**6),
            "size": (16, 1024),
            "samples": (8, 4096),
            "views": (1, 64),
            "mapper_mm": (0.5, 32),
            "ct_mm": (0.5, 16),
            "opacity_ratio": (1.5, 1e6),
            "mapper_rate": (0, 1),
            "discriminator_rate": (0, 1),
            "average": (0, 1),
            "penalty": (0, 1e6),
            "penalty_every": (1, 10**6),
            "anatomy": (0, 1e6),
            "target_correlation": (0, 1),
            "floor": (-1, 1),
            "structure_floor": (-1, 1),
            "target_change": (0, 1),
            "change_limit": (0, 1),
            "held_out": (0, 0.9),
            "report_every": (1, 10**6),
            "minutes": (0, 1e6),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not _is_number(value) or not least <= value <= most:
                raise NerpError(f"{name} must be a number from {least:g} to {most:g}, not {value!r}.")
        self._check_networks()

    def _check_kinds(self) -> None:
        for name in WHOLE:
            if not _is_whole(getattr(self, name)):
                raise NerpError(f"{name} must be a whole number, not {getattr(self, name)!r}.")
        for name in ("tone_curve", "augment", "mixed_precision", "gradient_checkpointing"):
            if not isinstance(getattr(self, name), bool):
                raise NerpError(f"{name} must be true or false, not {getattr(self, name)!r}.")
        if not isinstance(self.preset, str):
            raise NerpError(f"preset must be a name, not {self.preset!r}.")
        if self.mapper not in MAPPERS:
            raise NerpError(f"There is no mapper {self.mapper!r}; choose one of {', '.join(MAPPERS)}.")
        if self.device not in DEVICES:
            raise NerpError(f"There is no device {self.device!r}; choose one of {', '.join(DEVICES)}.")
        for name in ("widths", "betas"):
            if not isinstance(getattr(self, name), (list, tuple)):
                raise NerpError(f"{name} must be a list of numbers, not {getattr(self, name)!r}.")
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def _check_networks(self) -> None:
        if not all(_is_whole(width) and width > 0 for width in self.widths):
            raise NerpError(f"widths must be positive whole numbers, not {self.widths!r}.")
        if len(self.betas) != 2 or not all(_is_number(beta) and 0 <= beta < 1 for beta in self.betas):
            raise NerpError(f"betas must be two numbers from 0 to below 1, not {self.betas!r}.")
        if not self.widths:
            raise NerpError("widths must name at least one level of the Discriminator.")
        multiple = 2 ** (len(self.widths) - 1)
        if self.size % multiple:
            raise NerpError(
                f"Pictures of {self.size} pixels cannot be halved {len(self.widths) - 1} times; "
                f"choose a multiple of {multiple}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into equal settings."""
        record = {item.name: getattr(self, item.name) for item in fields(self)}
        record.update(ranges=self.ranges.to_dict(), ct_augmentation=self.ct_augmentation.to_dict())
        record.update(widths=list(self.widths), betas=list(self.betas))
        return {"version": SCHEMA_VERSION, **record}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TrainingSettings:
        """The settings that `to_dict` wrote.

        Raises:
            NerpError: another version, unknown names or values that make no sense.
        """
        values = dict(record)
        if values.pop("version", None) != SCHEMA_VERSION:
            raise NerpError(f"These training settings are not of version {SCHEMA_VERSION}; start a new run.")
        unknown = set(values) - {item.name for item in fields(cls)}
        if unknown:
            near = get_close_matches(sorted(unknown)[0], [item.name for item in fields(cls)], 1)
            meant = f"; did you mean {near[0]}?" if near else "; nerp train --estimate shows all there are."
            raise NerpError(f"Unknown training settings: {', '.join(sorted(unknown))}{meant}")
        return cls(**values)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


PRESETS: Mapping[str, TrainingSettings] = {
    "small": TrainingSettings(),
    "paper": TrainingSettings(
        preset="paper",
        steps=200_000,
        mapper="vnet",
        mapper_mm=1.5,
        ct_mm=1.5,
        widths=(64, 128, 256, 512, 512),
        size=256,
        samples=512,
        views=1,
        mapper_rate=1e-4,
        discriminator_rate=4e-4,
        average=0.999,
        head_start=0,
        penalty=1.0,
        anatomy=1.0,
        report_every=1000,
        gradient_checkpointing=True,
    ),
    "authors": TrainingSettings(
        preset="authors",
        steps=100_000,
        mapper="unet",
        mapper_mm=1.5,
        ct_mm=1.5,
        widths=(64, 128, 256, 512, 512),
        size=256,
        samples=512,
        views=1,
        opacity_ratio=50.0,
        tone_curve=False,
        mapper_rate=2e-4,
        discriminator_rate=2e-4,
        betas=(0.5, 0.999),
        average=0.0,
        head_start=0,
        penalty=0.0,
        augment=False,
        ct_augmentation=CtAugmentation(tuple(WINDOWS_HU), HISTOGRAM_POINTS),
        anatomy=10.0,
        report_every=1000,
        gradient_checkpointing=True,
    ),
}
"""Where settings start: "small" shows progress on a CPU in minutes; the others are the paper's and, as far as
they are known, its second author's (docs/training.md says what differs)."""
