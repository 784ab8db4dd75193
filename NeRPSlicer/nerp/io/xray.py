"""One call for every chest X-ray: PNG, JPEG, DICOM CR and DX, JSRT, NRRD, NIfTI."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import NerpError
from .dicom import is_dicom_file
from .images import ARCHIVES, explained_reading, is_image_file
from .xray_dicom import read_dicom_xray
from .xray_pictures import Pixels, grey_levels, read_flat_image, read_picture

JSRT_SIDE = 2048
JSRT_BYTES = 2 * JSRT_SIDE**2
JSRT_WHITE, JSRT_SPACING_MM = 4095, 0.175
FEWEST_LEVELS = 8
"""A radiograph has more grey levels than this, a mask fewer."""


@dataclass(frozen=True, eq=False)
class Xray:
    """A chest X-ray on its own grey scale."""

    image: np.ndarray
    """float32 ``[rows, columns]``, bone bright (MONOCHROME2); the file's grey scale, not normalised."""
    pixel_spacing_mm: tuple[float, float] | None
    """mm between rows and between columns; None where the file does not say."""
    notices: tuple[str, ...] = ()
    """What a person should know of how it was read, one line each."""


def read_xray(path: str | Path) -> Xray:
    """A chest X-ray, bone bright.

    Args:
        path: a PNG (8 or 16 bit, grey, with transparency, in palette or in colour that is grey all the same),
            JPEG, TIFF, BMP or GIF; a DICOM picture (CR, DX); a headerless ``.IMG`` of the JSRT set; or an
            NRRD, MetaImage or NIfTI file of one slice.

    Returns:
        the picture; DICOM values have passed modality and VOI LUT.

    Raises:
        NerpError: not there, another format, damaged, several pictures, in colour, a mask, or no picture at
            all (every pixel the same); the line says which.
    """
    path = Path(path)
    with explained_reading(path):
        pixels = _read(path)
    image = np.ascontiguousarray(pixels.image, np.float32)
    if not np.isfinite(image).all():
        raise NerpError(f"{path} holds NaN or infinite pixels; export it again.")
    if grey_levels(image) < FEWEST_LEVELS:
        what = "every pixel is the same" if image.min() == image.max() else "it looks like a mask"
        raise NerpError(f"{path} is no radiograph: {what}; choose the picture itself.")
    doubt = (
        ()
        if (bone_brightness(image) or 0) >= 0
        else (f"{path.name}: lungs are brighter than the spine; is it inverted, or no frontal film?",)
    )
    return Xray(image, pixels.pixel_spacing_mm, (*pixels.notices, *doubt))


def read_lung_masks(paths: Iterable[str | Path]) -> np.ndarray:
    """The union of mask pictures: boolean ``[rows, columns]``.

    Grey levels from half of the greatest on are lung, whatever values a set writes (0/1, 0/1/2, 0/255) and
    whatever a lossy compression made of them.

    Raises:
        NerpError: a mask that cannot be read, or masks of several sizes.
    """
    union: np.ndarray | None = None
    for path in map(Path, paths):
        with explained_reading(path):
            image = _read(path).image
        mask = image >= image.max() / 2 if image.max() > 0 else np.zeros(image.shape, bool)
        if union is not None and union.shape != mask.shape:
            raise NerpError(f"{path} has shape {mask.shape}, the mask beside it {union.shape}; use one size.")
        union = mask if union is None else union | mask
    if union is None:
        raise NerpError("There is no mask to read; give at least one file.")
    return union


def bone_brightness(image: np.ndarray) -> float | None:
    """How much brighter the middle of a frontal film is than the lung fields beside it, as a share of the
    picture's range; negative where black and white are exchanged, None for a picture below 32 pixels.

    On 159 films of three sets it lies between 0.02 and 0.6.
    """
    if min(image.shape) < 32:
        return None
    low, high = np.percentile(image, (1, 99))

    def level(top: float, bottom: float, left: float, right: float) -> float:
        rows, columns = image.shape
        return float(
            np.median(image[int(top * rows) : int(bottom * rows), int(left * columns) : int(right * columns)])
        )

    lungs = (level(0.25, 0.65, 0.15, 0.38) + level(0.25, 0.65, 0.62, 0.85)) / 2
    return (level(0.3, 0.9, 0.44, 0.56) - lungs) / max(float(high - low), 1e-9)


def _read(path: Path) -> Pixels:
    if path.is_dir():
        raise NerpError(f"{path} is a folder; choose one picture in it.")
    if not path.is_file():
        raise NerpError(f"There is no file {path}; check the path.")
    if path.name.lower().endswith(ARCHIVES):
        raise NerpError(f"{path} is an archive; unpack it first.")
    if not path.stat().st_size:
        raise NerpError(f"{path} is empty; copy it again.")
    if is_image_file(path):
        return read_flat_image(path)
    is_jsrt = path.suffix.lower() == ".img"
    if is_jsrt and path.stat().st_size == JSRT_BYTES:
        return _read_jsrt(path)
    if is_dicom_file(path):
        return read_dicom_xray(path)
    if is_jsrt:
        raise NerpError(
            f"{path} has {path.stat().st_size} bytes, a JSRT film has {JSRT_BYTES}; copy it again."
        )
    return read_picture(path)


def _read_jsrt(path: Path) -> Pixels:
    """Big-endian 12-bit values without a header, 0 = white (Shiraishi 2000)."""
    stored = np.fromfile(path, ">u2").reshape(JSRT_SIDE, JSRT_SIDE)
    if stored.max() > JSRT_WHITE:
        raise NerpError(f"{path} is no JSRT film: it holds more than 12 bits; choose another file.")
    return Pixels(JSRT_WHITE - stored.astype(np.float32), (JSRT_SPACING_MM, JSRT_SPACING_MM), ())
