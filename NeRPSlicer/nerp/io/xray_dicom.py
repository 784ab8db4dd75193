"""A radiograph from DICOM: CR, DX and what was converted to DICOM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..errors import NerpError
from .dicom import DECODED_BY_PYDICOM, IMPLICIT, decode, quiet_pydicom, read_header
from .xray_pictures import Pixels, grey_levels, grey_of

MODALITIES = ("CR", "DX", "RG", "OT", "SC", "")  # codespell:ignore
"""Computed and digital radiography, radiographic imaging, other, converted, not said."""
FEWEST_WINDOWED = 16
"""A window that leaves fewer grey levels than this belongs to another picture."""


def read_dicom_xray(path: Path) -> Pixels:
    """The picture of a DICOM file, bone bright, after modality and VOI LUT (PS3.4 N.2).

    Raises:
        NerpError: not of `MODALITIES`, no picture, several, in colour or damaged.
    """
    header = xray_header(path)
    with _explained_header(path):
        return _read(path, header)


def xray_header(path: Path) -> Any:
    """The header of a file that holds one radiograph, pixels not read.

    Raises:
        NerpError: not of `MODALITIES`, no picture, several or damaged.
    """
    header = read_header(path)
    with _explained_header(path):
        _check(path, header)
    return header


@contextmanager
def _explained_header(path: Path) -> Iterator[None]:
    try:
        with quiet_pydicom():
            yield
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
        raise NerpError(f"{path} has a damaged header; copy it again.") from error


def _check(path: Path, header: Any) -> None:
    modality = str(header.get("Modality", "") or "")
    if modality not in MODALITIES:
        raise NerpError(f"{path} is DICOM of modality {modality}; a chest X-ray is CR or DX.")
    if "ImagePositionPatient" in header:
        raise NerpError(f"{path} is a slice with its place in the patient; a chest X-ray is CR or DX.")
    if "Rows" not in header:
        raise NerpError(f"{path} holds no picture or is cut short; copy it again.")
    if int(header.get("NumberOfFrames", 1) or 1) > 1:
        raise NerpError(f"{path} holds {header.NumberOfFrames} pictures; an X-ray is one.")


def _read(path: Path, header: Any) -> Pixels:
    if int(header.get("SamplesPerPixel", 1)) > 1:
        grey, told = grey_of(decode(path)[0], path)
        return Pixels(grey, *_spacing(path, header, told))
    values = _stored_values(path)
    padding = _padding(values, header)
    told = ()
    if header.get("PresentationIntentType") == "FOR PROCESSING":
        told = (f"{path.name}: a detector's raw picture (FOR PROCESSING), not made for reading.",)
    image, more = _windowed(path, values, header)
    # Either says that the least value is white (PS3.3 C.7.6.3.1.2, C.11.6); both together say it once.
    if (
        header.get("PhotometricInterpretation") == "MONOCHROME1"
        or header.get("PresentationLUTShape") == "INVERSE"
    ):
        image = image.max() + image.min() - image
    if padding is not None and padding.any() and not padding.all():
        image[padding] = image[~padding].min()
    return Pixels(image, *_spacing(path, header, (*told, *more)))


def _padding(values: np.ndarray, header: Any) -> np.ndarray | None:
    low = header.get("PixelPaddingValue")
    if low is None:
        return None
    high = header.get("PixelPaddingRangeLimit", low)
    return (values >= min(low, high)) & (values <= max(low, high))


def _stored_values(path: Path) -> np.ndarray:
    """The values as stored, whatever the compression.

    SimpleITK's GDCM, which decodes what pydicom alone cannot, turns MONOCHROME1 and rescales on its own, the
    wrong way round about the window: it gets a copy that tells of neither.
    """
    import pydicom

    dataset = pydicom.dcmread(path, force=True)
    if dataset.file_meta.get("TransferSyntaxUID", IMPLICIT) in DECODED_BY_PYDICOM:
        return decode(path)[0]
    for keyword in ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.PhotometricInterpretation = "MONOCHROME2"
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "film.dcm"
        dataset.save_as(copy)
        try:
            return decode(copy)[0]
        except NerpError as error:
            raise NerpError(str(error).replace(str(copy), str(path))) from error


def _windowed(path: Path, values: np.ndarray, header: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """After the modality LUT and the first VOI LUT or window, if one suits the picture: float32."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    values = apply_modality_lut(values, header)
    if "VOILUTSequence" in header:
        values = np.rint(values).astype(np.int32)  # a table is looked up by whole numbers
    windowed = np.asarray(apply_voi_lut(values, header), np.float32)
    values = values.astype(np.float32)
    if grey_levels(windowed) < min(FEWEST_WINDOWED, grey_levels(values)):
        return values, (f"{path.name}: its window leaves nothing of the picture and was not used.",)
    return windowed, ()


def _spacing(
    path: Path, header: Any, told: tuple[str, ...]
) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """mm between rows and columns at the detector, where the header tells (PS3.3 10.7.1.3)."""
    found = {}
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        given = [float(value) for value in header.get(keyword) or ()]
        if len(given) == 2 and all(0 < value < np.inf for value in given):
            found[keyword] = (given[0], given[1])
    if not found:
        return None, told
    keyword, spacing = next(iter(found.items()))
    if keyword == "PixelSpacing":
        told = (*told, f"{path.name}: pixels of {spacing[0]:g} mm by PixelSpacing, at the detector or not.")
    elif found.get("PixelSpacing", spacing) != spacing:
        told = (
            *told,
            f"{path.name}: pixels of {spacing[0]:g} mm at the detector (ImagerPixelSpacing); "
            f"PixelSpacing says {found['PixelSpacing'][0]:g} mm.",
        )
    return spacing, told
