"""Small patients that tests project and write to files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK
from nerp import Structures, Volume
from nerp.structures import Structure


def block(seed: int = 0) -> tuple[Volume, Structures]:
    """A block of soft tissue with two dark lungs, a bright spine and texture; a tiny structure "speck"."""
    rng = np.random.default_rng(seed)
    hu = np.full((30, 34, 44), -1000, np.int16)
    hu[:, 5:29, 5:39] = 40 + rng.integers(-20, 20, (30, 24, 34))
    labels = np.zeros(hu.shape, np.uint8)
    labels[5:25, 9:23, 9:18], labels[5:25, 9:23, 26:35], labels[:, 24:28, 20:24] = 1, 2, 3
    labels[12, 12, 21] = 4
    hu[(labels == 1) | (labels == 2)] -= 850
    hu[labels == 3] += 700
    ras_from_ijk = np.array([[-8.0, 0, 0, 170], [0, -8, 0, 130], [0, 0, 9, -140], [0, 0, 0, 1]])
    items = [
        Structure("lung_right", 1, (0, 151, 206)),
        Structure("lung_left", 2, (0, 200, 206)),
        Structure("spine", 3),
        Structure("speck", 4),
    ]
    return Volume(hu, ras_from_ijk, name="block"), Structures.from_labels(labels, ras_from_ijk, items)


def write_image(path: Path, voxels: np.ndarray, ras_from_ijk: np.ndarray) -> Path:
    """An image file of voxels ``[K, J, I]``."""
    lps_from_ijk = np.diag([-1.0, -1, 1, 1]) @ ras_from_ijk
    spacing = np.linalg.norm(lps_from_ijk[:3, :3], axis=0)
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps_from_ijk[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps_from_ijk[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))
    return path


def write_block(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Files of `block`: CT and label map."""
    volume, structures = block(seed)
    return (
        write_image(folder / f"block{seed}.nrrd", volume.hu, volume.ras_from_ijk),
        write_image(folder / f"labels{seed}.nrrd", structures.combination, volume.ras_from_ijk),
    )
