"""Grey pictures out of picture files (Pillow) and of image files of one slice (SimpleITK)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import NerpError
from .images import quiet_itk
from .itk_paths import itk_path
from .nifti import is_whole

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
CHROMA = 0.15
"""Channels that differ by more than this share of the greatest value make a pixel coloured."""
COLOURED_SHARE = 0.02
"""A picture with more coloured pixels than this is one in colour; fewer are marks on a grey one."""
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Red, green and blue in grey (ITU-R BT.601)."""
SAMPLED = 1 << 16
"""Pixels that are looked at to count grey levels."""
PNG_COLOUR_16 = (2, 6)
"""Colour types of PNG that Pillow reads with 8 bits where the file has 16: RGB and RGBA."""


class Pixels(NamedTuple):
    """What a file says of its picture."""

    image: np.ndarray
    """``[rows, columns]``, of any real type."""
    pixel_spacing_mm: tuple[float, float] | None
    notices: tuple[str, ...]


def read_picture(path: Path) -> Pixels:
    """A picture that Pillow knows; resolution fields tell of print and are not used.

    Raises:
        NerpError: another format, damaged, several pictures or in colour.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    bits, colour_type = _png_type(path)
    if bits == 16 and colour_type in PNG_COLOUR_16:
        return read_flat_image(path)
    told = () if bits < 16 or not colour_type else (f"{path.name}: 16 bits with transparency, read with 8.",)
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if getattr(picture, "n_frames", 1) != 1:
                raise NerpError(f"{path} holds several pictures; give one.")
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
                upright = upright.convert("RGBA" if "transparency" in picture.info else "RGB")
            values = np.asarray(upright)
    except UnidentifiedImageError as error:
        raise NerpError(
            f"{path} is no picture that can be read (PNG, JPEG, DICOM, JSRT, NRRD or NIfTI); convert it."
        ) from error
    except NerpError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds on damaged files
        if getattr(error, "errno", None):
            raise
        raise NerpError(f"{path} is damaged or cut short; copy it again.") from error
    grey, marks = grey_of(values, path)
    return Pixels(grey, None, (*told, *marks))


def _png_type(path: Path) -> tuple[int, int]:
    """Bit depth and colour type in a PNG's header; (0, 0) for another file."""
    with path.open("rb") as file:
        start = file.read(26)
    return (start[24], start[25]) if len(start) == 26 and start[1:4] == b"PNG" else (0, 0)


def read_flat_image(path: Path) -> Pixels:
    """A file that SimpleITK knows, of one slice and one value (or grey in colour) a pixel.

    Raises:
        NerpError: damaged, several slices, complex numbers or in colour.
    """
    import SimpleITK

    try:
        with quiet_itk():
            image = SimpleITK.ReadImage(itk_path(path))
    except RuntimeError as error:
        raise NerpError(
            f"{path} cannot be read (damaged, cut short or not what its name says?); copy it again."
        ) from error
    if ".nii" in path.name.lower() and not is_whole(path):
        raise NerpError(f"{path} is cut short; copy it again.")
    if "complex" in image.GetPixelIDTypeAsString():
        raise NerpError(f"{path} holds complex numbers; save one real value for each pixel.")
    size, spacing = image.GetSize(), image.GetSpacing()
    axes = [axis for axis, count in enumerate(size) if count > 1]
    if len(axes) != 2:
        raise NerpError(f"{path} has {' x '.join(map(str, size))} voxels; an X-ray has one slice.")
    values = SimpleITK.GetArrayFromImage(image)
    channels = image.GetNumberOfComponentsPerPixel()
    values = values.reshape(size[axes[1]], size[axes[0]], *([channels] if channels > 1 else []))
    grey, told = grey_of(values, path)
    column_mm, row_mm = (float(spacing[axis]) for axis in axes)
    # 1 mm is what these formats say where nobody said anything.
    return Pixels(grey, None if column_mm == row_mm == 1.0 else (row_mm, column_mm), told)


def grey_of(values: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The grey picture in ``[rows, columns]`` or ``[rows, columns, channels]`` (grey, grey and opacity, RGB,
    RGBA), what is transparent black, and what there is to tell.

    Raises:
        NerpError: a picture in colour.
    """
    if values.ndim == 2:
        return values.astype(np.float32), ()
    if values.ndim != 3 or values.shape[2] not in (2, 3, 4):
        raise NerpError(f"{path} holds {values.shape[-1]} values a pixel; an X-ray has one.")
    top = float(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else max(float(values.max()), 1e-9)
    channels = values.astype(np.float32)
    opacity = channels[..., -1] / top if values.shape[2] in (2, 4) else None
    colours = channels[..., : 3 if values.shape[2] > 2 else 1]
    chroma = np.ptp(colours, axis=2)
    share = float((chroma > CHROMA * max(float(colours.max()), 1e-9)).mean())
    if share > COLOURED_SHARE:
        raise NerpError(f"{path} is a picture in colour; an X-ray is grey, convert it if it is one.")
    grey = colours @ LUMINANCE if chroma.any() else colours[..., 0]
    told = [f"{path.name}: {share:.1%} of the pixels are coloured marks; read as grey."] if share else []
    if opacity is not None and opacity.min() < 1:
        grey = grey * opacity
        told.append(f"{path.name}: what is transparent is read as black.")
    return grey, tuple(told)


def grey_levels(image: np.ndarray) -> int:
    """How many grey levels a picture has, by a sample of its pixels."""
    return int(np.unique(image.ravel()[:: max(1, image.size // SAMPLED)]).size)
