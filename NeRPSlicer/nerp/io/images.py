"""CT and label map files: NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import NerpError
from ..structures import Structures
from ..volume import Volume

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_ct(path: str | Path, separate_body: bool = True) -> Volume:
    """A CT in HU from an image file.

    Args:
        path: NIfTI, NRRD or MetaImage, 3-D, one channel.
        separate_body: False takes everything in the volume for the patient.

    Raises:
        NerpError: no such file, another format, unreadable, or not a 3-D grey image.
    """
    path = Path(path)
    voxels, ras_from_ijk = _read(path)
    return Volume(voxels, ras_from_ijk, None if separate_body else False, _stem(path))


def read_structures(path: str | Path, like: Volume | None = None) -> Structures:
    """Structures of a label map file; values get the names ``label_<value>``.

    Args:
        path: NIfTI, NRRD or MetaImage of whole numbers, 0 is background.
        like: the CT that the label map must lie on.

    Raises:
        NerpError: unreadable, not whole numbers, or on another grid than ``like``.
    """
    path = Path(path)
    labels, ras_from_ijk = _read(path)
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all() or (labels != np.rint(labels)).any():
            raise NerpError(f"{path} holds fractions, a label map holds whole numbers; is this the CT?")
        labels = labels.astype(np.int32)
    if like is not None:
        # Headers round: half a thousandth of a voxel is the same grid.
        drift = np.abs(np.linalg.inv(like.ras_from_ijk) @ ras_from_ijk - np.eye(4)).max()
        if labels.shape != like.shape or drift > 5e-4 * max(labels.shape):
            raise NerpError(
                f"{path} has another grid than {like.name} ({labels.shape} against {like.shape} voxels); "
                "resample it onto the CT."
            )
    return Structures.from_labels(labels, ras_from_ijk)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels ``[K, J, I]`` and ras_from_ijk."""
    import SimpleITK

    if not path.is_file():
        raise NerpError(f"There is no file {path}; check the path.")
    if not path.name.lower().endswith(SUFFIXES):
        raise NerpError(f"{path} is none of the formats that can be read: {', '.join(SUFFIXES)}.")
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise NerpError(f"{path} cannot be read (damaged or cut short?); copy it again.") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise NerpError(
            f"{path} has {image.GetDimension()} dimensions and {image.GetNumberOfComponentsPerPixel()} "
            "channels; a CT or label map has 3 dimensions and one channel."
        )
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    lps_from_ijk[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), RAS_FROM_LPS @ lps_from_ijk


def _stem(path: Path) -> str:
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem
