"""A CT as training uses it: tensors on the grid trained on, and cameras that see its chest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
import torch

from ..datasets import CtRecord, Records
from ..geometry import Camera, VolumeGeometry
from ..lungs import with_lungs
from ..networks.learned import Orientation
from ..poses import CameraRanges, draw_camera
from ..projector import autograd
from ..radiance import FIXED_SHARE, fixed_matter, max_opacity
from ..structures import Structures
from ..volume import Volume

MEMORY_BYTES = 1 << 30
"""Tensors of patients kept unless told otherwise."""


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
    def of(
        cls, volume: Volume, structures: Structures | None = None, geometry: VolumeGeometry | None = None
    ) -> Patient:
        """A patient of a CT on the grid to train on.

        Args:
            volume, structures: of the CT.
            geometry: found before, where this patient was made once already.
        """
        orientation = Orientation(volume.ras_from_ijk)
        hu, body = orientation.turned(volume.hu), orientation.turned(volume.body)
        if geometry is None:
            ras_from_seen = volume.ras_from_ijk @ orientation.ijk_from_seen(volume.shape)
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

    @property
    def nbytes(self) -> int:
        """Memory of the tensors."""
        return self.matter.nbytes + self.body.nbytes

    def on(self, device: torch.device) -> Patient:
        """The same patient with its tensors on a device."""
        if self.matter.device == device:
            return self
        return replace(self, matter=self.matter.to(device), body=self.body.to(device))

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


class Patients(Sequence[Patient]):
    """The patients of prepared CTs, made when their turn comes; the last ones used stay in memory.

    Args:
        records: the prepared CTs.
        memory_bytes: tensors kept in memory, of one patient at least.
    """

    def __init__(self, records: Records[CtRecord], memory_bytes: int = MEMORY_BYTES) -> None:
        self._records, self._memory_bytes = records, memory_bytes
        self._kept: OrderedDict[int, Patient] = OrderedDict()
        self._geometries: dict[int, VolumeGeometry] = {}

    def __len__(self) -> int:
        return len(self._records)

    @property
    def names(self) -> list[str]:
        """Of all, none of which need be made for it."""
        return [case.name for case in self._records.cases]

    @overload
    def __getitem__(self, index: int) -> Patient: ...
    @overload
    def __getitem__(self, index: slice) -> list[Patient]: ...
    def __getitem__(self, index: int | slice) -> Patient | list[Patient]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        if position not in self._kept:
            record = self._records[position]
            patient = Patient.of(record.volume, record.structures, self._geometries.get(position))
            self._geometries[position] = patient.geometry
            self._kept[position] = patient
        self._kept.move_to_end(position)
        while (
            len(self._kept) > 1
            and sum(patient.nbytes for patient in self._kept.values()) > self._memory_bytes
        ):
            self._kept.popitem(last=False)
        return self._kept[position]
