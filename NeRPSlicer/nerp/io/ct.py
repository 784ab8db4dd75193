"""One call for every CT: DICOM, NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from pathlib import Path

from ..errors import NerpError
from ..volume import Volume
from .dicom import is_dicom_file, read_dicom_ct
from .images import explained_reading, is_image_file, read_image, stem


def read_ct(path: str | Path, separate_body: bool = True, series: str | int | None = None) -> Volume:
    """A CT in HU.

    Args:
        path: a DICOM folder (searched with its subfolders), one file of a DICOM series (its folder is read),
            or a NIfTI, NRRD or MetaImage file with 3 dimensions and one value a voxel.
        separate_body: False takes everything in the volume for the patient.
        series: DICOM only: SeriesInstanceUID or series number; None takes the usable CT series with the most
            slices and says what was left out (``volume.notices``).

    Returns:
        a volume named after its file or folder, never after the patient.

    Raises:
        NerpError: not there, another format, damaged, or no CT volume (also: every voxel the same); the line
            says which and why.
    """
    path = Path(path)
    body = None if separate_body else False
    with explained_reading(path):
        volume = _read(path, body, series)
    first = volume.hu[0, 0, 0]
    if all((section == first).all() for section in volume.hu):
        raise NerpError(f"{path} is empty, every voxel is {first:g}; export or convert it again.")
    return volume


def _read(path: Path, body: bool | None, series: str | int | None) -> Volume:
    if not path.exists():
        raise NerpError(f"There is no file or folder {path}; check the path.")
    if path.is_dir() or (is_dicom_file(path) and not is_image_file(path)):
        return read_dicom_ct(path, series, body)
    if series is not None:
        raise NerpError(f"{path} is no DICOM series, so there is no series to choose; leave it out.")
    voxels, ras_from_ijk = read_image(path)
    return Volume(voxels, ras_from_ijk, body, stem(path))
