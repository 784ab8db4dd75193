"""A CT as training uses it: tensors on the grid trained on, and cameras that see its chest."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from ..geometry import Camera, VolumeGeometry
from ..lungs import with_lungs
from ..networks.learned import Orientation
from ..poses import CameraRanges, draw_camera
from ..projector import autograd
from ..radiance import FIXED_SHARE, fixed_matter, max_opacity
from ..structures import Structures
from ..volume import Volume


@dataclass(frozen=True, eq=False)
class Patient:
    """One CT."""

    name: str
    geometry: VolumeGeometry
    """Of the arrays below: axes along S, A, R or their opposites, as networks see them."""
    spacing_mm: tuple[float, ...]
    """Along K, J, I."""
    matter: torch.Tensor
    """Fixed matter, float32 ``[1, 1, D, H, W]``."""
    body: torch.Tensor
    """1 inside, 0 outside, float32 ``[1, 1, D, H, W]``."""
    volume: Volume = field(repr=False)
    """What the tensors were made of."""
    structures: Structures | None = field(default=None, repr=False)

    @classmethod
    def of(cls, volume: Volume, structures: Structures | None = None) -> Patient:
        """A patient of a CT on the grid to train on."""
        orientation = Orientation(volume.ras_from_ijk)
        ras_from_seen = volume.ras_from_ijk @ orientation.ijk_from_seen(volume.shape)
        hu, body = orientation.turned(volume.hu), orientation.turned(volume.body)
        lungs = with_lungs(volume, structures).lungs
        geometry = VolumeGeometry(hu.shape, ras_from_seen, volume.body_box, volume.hash, lungs)

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, np.float32))[None, None]

        return cls(
            volume.name,
            geometry,
            orientation.spacing_mm,
            tensor(fixed_matter(hu)),
            tensor(body),
            volume,
            structures,
        )

    def matter_of(self, hu: torch.Tensor) -> torch.Tensor:
        """Fixed matter ``[1, 1, D, H, W]`` of HU ``[1, K, J, I]`` on the volume's grid."""
        turned = Orientation(self.volume.ras_from_ijk).turned(hu[0].numpy())
        return torch.from_numpy(fixed_matter(np.ascontiguousarray(turned)))[None, None]

    def fixed_opacity(self, opacity_ratio: float) -> torch.Tensor:
        """The fixed radiance's opacity per mm."""
        return self.body * (FIXED_SHARE * max_opacity(opacity_ratio))

    def cameras(self, seed: int, first: int, count: int, ranges: CameraRanges, size: int) -> list[Camera]:
        """Variational cameras from the front, replayable by seed and index."""
        return [
            draw_camera(self.geometry, seed, first + n, ranges).camera(self.geometry, size, size)
            for n in range(count)
        ]

    def pictures(
        self, matter: torch.Tensor, opacity: torch.Tensor, cameras: list[Camera], samples: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Emission-absorption pictures of fields of this patient and accumulated opacity, ``[V, rows,
        columns]`` each."""
        frames = (
            torch.from_numpy(np.array(self.geometry.ras_from_ijk))[None],
            torch.from_numpy(np.stack([camera.ras_from_camera for camera in cameras]))[None],
            torch.from_numpy(np.stack([camera.pixel_from_camera for camera in cameras]))[None],
        )
        frames = tuple(frame.to(matter.device) for frame in frames)  # type: ignore[assignment]
        size = cameras[0].rows, cameras[0].columns
        image, accumulated = autograd.project(matter, opacity, *frames, *size, samples)
        return image[0], accumulated[0]
