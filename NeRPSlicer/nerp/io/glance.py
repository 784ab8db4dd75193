"""A glance at files: what can be known without decoding them, for folders of thousands."""

from __future__ import annotations

from pathlib import Path

from ..errors import NerpError
from .dicom import is_dicom_file
from .images import explained_reading, is_image_file, quiet_itk
from .itk_paths import itk_path
from .nifti import is_whole
from .xray import JSRT_BYTES
from .xray_dicom import xray_header
from .xray_pictures import FORMATS

PNG_END = b"IEND\xaeB`\x82"


def glance_at_xray(path: Path) -> None:
    """Look at an X-ray's header and length.

    Raises:
        NerpError: what `read_xray` would say, as far as it shows without the pixels.
    """
    with explained_reading(path):
        size = path.stat().st_size
        if not size:
            raise NerpError(f"{path} is empty; copy it again.")
        if is_image_file(path):
            counts, _, _ = _header(path)
            if sum(count > 1 for count in counts) != 2:
                raise NerpError(f"{path} has {' x '.join(map(str, counts))} voxels; an X-ray has one slice.")
        elif path.suffix.lower() == ".img" and size == JSRT_BYTES:
            return
        elif is_dicom_file(path):
            xray_header(path)
        else:
            _glance_at_picture(path)


def _glance_at_picture(path: Path) -> None:
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as picture:
            is_png = picture.format == "PNG"
    except Exception as error:  # Pillow raises a dozen kinds on damaged files
        if getattr(error, "errno", None):
            raise
        raise NerpError(f"{path} is no picture that can be read, or damaged; copy it again.") from error
    with path.open("rb") as file:
        file.seek(-min(64, path.stat().st_size), 2)
        if is_png and PNG_END not in file.read():
            raise NerpError(f"{path} is cut short; copy it again.")


def glance_at_ct(path: Path) -> None:
    """Look at the header and length of an image file that should hold a CT.

    Raises:
        NerpError: damaged, cut short, no volume, or of 8 bits, which hold labels but no HU.
    """
    with explained_reading(path):
        counts, _, pixel_type = _header(path)
        if ".nii" in path.name.lower() and not is_whole(path):
            raise NerpError(f"{path} is cut short; copy it again.")
    if sum(count > 1 for count in counts) != 3:
        raise NerpError(f"{path} has {' x '.join(map(str, counts))} voxels; a CT has three dimensions.")
    if "8-bit" in pixel_type:
        raise NerpError(f"{path} has 8-bit voxels: labels or a picture, no CT in HU.")


def image_grid(path: Path) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Voxels along each axis of an image file, and their edge lengths in mm.

    Raises:
        NerpError: its header cannot be read.
    """
    with explained_reading(path):
        counts, spacing_mm, _ = _header(path)
    return counts, spacing_mm


def _header(path: Path) -> tuple[tuple[int, ...], tuple[float, ...], str]:
    """Voxels along each axis, their edge lengths in mm and the kind of number, from an image file's
    header."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    try:
        with quiet_itk():
            reader.SetFileName(itk_path(path))
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise NerpError(
            f"{path} cannot be read (damaged, cut short or not what its name says?); copy it again."
        ) from error
    kind = SimpleITK.GetPixelIDValueAsString(reader.GetPixelIDValue())
    return reader.GetSize(), reader.GetSpacing(), kind
