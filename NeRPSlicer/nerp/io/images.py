"""Image files through SimpleITK: NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import NerpError
from .itk_paths import is_out_of_reach, itk_path
from .nifti import is_whole

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def is_image_file(path: Path) -> bool:
    """Whether the name ends like one of `SUFFIXES`."""
    return path.name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """The file's name without its suffix; ``.nii.gz`` and ``.seg.nrrd`` go as a whole."""
    name = path.name
    for suffix in (".seg.nrrd", *sorted(SUFFIXES, key=len, reverse=True)):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def read_image(path: Path, channels: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Voxels ``[K, J, I]`` and ``ras_from_ijk``.

    Args:
        path: a file of one of `SUFFIXES`.
        channels: accept several values a voxel: ``[K, J, I, channels]``.

    Raises:
        NerpError: not there, another format, damaged, or not a 3-D grey image of real numbers.
    """
    import SimpleITK

    if not path.is_file():
        raise NerpError(f"There is no file {path}; check the path.")
    if path.name.lower().endswith(ARCHIVES):
        raise NerpError(f"{path} is an archive; unpack it first.")
    if not is_image_file(path):
        raise NerpError(f"{path} is neither DICOM nor one of the formats {', '.join(SUFFIXES)}; convert it.")
    with quiet_itk():
        try:
            image = SimpleITK.ReadImage(itk_path(path))
        except RuntimeError as error:
            if "orthonormal" in str(error):
                raise NerpError(
                    f"{path} has axes that are not at right angles; resample it to a straight grid."
                ) from error
            if is_out_of_reach(path):
                raise NerpError(
                    f"{path} cannot be opened: on Windows SimpleITK needs names of plain letters (ASCII); "
                    "rename or move it."
                ) from error
            raise NerpError(
                f"{path} cannot be read (damaged, cut short or not what its name says?); copy it again."
            ) from error
    if ".nii" in path.name.lower() and not is_whole(path):
        raise NerpError(f"{path} is cut short; copy it again.")
    # A series of one time point is a volume.
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = SimpleITK.Extract(image, [*image.GetSize()[:-1], 0], [0] * image.GetDimension())
    voxel_values = image.GetNumberOfComponentsPerPixel()
    if image.GetDimension() != 3 or (voxel_values != 1 and not channels):
        raise NerpError(
            f"{path} has {image.GetDimension()} dimensions and {voxel_values} values a voxel; "
            "choose a file with 3 dimensions and one value."
        )
    if "complex" in image.GetPixelIDTypeAsString():
        raise NerpError(f"{path} holds complex numbers; save one real value for each voxel.")
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    lps_from_ijk[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), RAS_FROM_LPS @ lps_from_ijk


@contextmanager
def explained_reading(path: Path) -> Iterator[None]:
    """Turn what the operating system says against reading ``path`` into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise NerpError(
            f"{error.filename or path} cannot be read ({reason}); check the path and its permissions."
        ) from error


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK's remarks about headers off the terminal."""
    import SimpleITK

    shown = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(shown)
