"""A CT from DICOM: find the series, choose one, decode its slices."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NerpError
from ..volume import AIR_HU, Volume
from .dicom_series import Series, Slice
from .images import quiet_itk
from .itk_paths import itk_path

if TYPE_CHECKING:
    from pydicom import Dataset

HEADER = """
    SOPClassUID SOPInstanceUID SeriesInstanceUID SeriesNumber SeriesDescription PatientID FrameOfReferenceUID
    Modality ImageType ImagePositionPatient ImageOrientationPatient PixelSpacing Rows Columns SamplesPerPixel
    BitsAllocated PixelRepresentation RescaleSlope RescaleIntercept PixelPaddingValue PixelPaddingRangeLimit
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
""".split()
IMPLICIT = "1.2.840.10008.1.2"
CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1")
"""CT Image Storage, Enhanced CT Image Storage."""
BARE_STARTS = (b"\x02\0\0\0", b"\x08\0\0\0", b"\x08\0\x05\0", b"\x08\0\x08\0")
"""First tags of files without a preamble: (0002,0000), (0008,0000), (0008,0005), (0008,0008)."""
MAX_NAMED = 5
"""How many series an error names."""
DECODED_BY_PYDICOM = (
    IMPLICIT,
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
)
"""Transfer syntaxes that pydicom decodes with NumPy alone: uncompressed, deflated, RLE."""


def is_dicom_file(path: Path) -> bool:
    """Whether the file begins as DICOM does: a preamble and DICM, or a bare group 0002 or 0008."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    return start[128:] == b"DICM" or start[:4] in BARE_STARTS


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Odd values in a header are not the user's concern; what matters is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_header(path: Path, tags: list[str] | None = None) -> Dataset:
    """A DICOM file without its pixels.

    Raises:
        NerpError: not DICOM or damaged.
    """
    import pydicom

    try:
        with quiet_pydicom():
            return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=tags)  # type: ignore[arg-type]
    except Exception as error:  # pydicom raises a dozen kinds on damaged files
        raise NerpError(f"{path} is damaged or not DICOM; copy it again.") from error


def read_dicom_ct(path: Path, series: str | int | None = None, body: bool | None = None) -> Volume:
    """The one CT series of a folder, or the series that a file belongs to.

    Args:
        path: a folder (searched with its subfolders) or one file of the series.
        series: SeriesInstanceUID or series number; None takes the usable CT series with the most slices.
        body: see `Volume`.

    Raises:
        NerpError: no usable CT series, with the reason for each; or CTs of several patients.
    """
    found = find_series(path)
    if path.is_file():
        own = str(read_header(path, ["SeriesInstanceUID"]).get("SeriesInstanceUID", ""))
        found = [one for one in found if one.uid == own]
    if series is not None:
        chosen_by_user = [one for one in found if str(series) in (one.uid, one.number)]
        if not chosen_by_user:
            there = "; ".join(map(str, found))
            raise NerpError(f"{path} has no series {series}; there are: {there}.")
        found = chosen_by_user
    reasons = {one.uid: one.reason_against() for one in found}
    usable = [one for one in found if not reasons[one.uid]]
    if not usable:
        told = "; ".join(f"{one}: {reasons[one.uid]}" for one in found[:MAX_NAMED])
        more = f"; and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
        raise NerpError(f"{path} holds no CT that can be used. {told}{more}.")
    if len({one.patient for one in usable}) > 1:
        raise NerpError(
            f"{path} holds CTs of {len({one.patient for one in usable})} patients; give one patient's folder "
            "or choose a series."
        )
    chosen = max(usable, key=lambda one: len(one.slices))
    notices = [
        f"Left out {one}: {reasons[one.uid] or 'another usable CT, choose it by its number'}."
        for one in found
        if one is not chosen and one.modality in ("CT", "")
    ]
    if path.is_file() and len(chosen.slices) > 1:
        notices.append(f"{path.name} is one of the {len(chosen.slices)} images of its series; all were read.")
    hu = read_pixels(chosen)
    name = (path if path.is_dir() else path.parent).resolve().name or "ct"
    return Volume(
        hu,
        chosen.ras_from_ijk(),
        body,
        name=name,
        notices=[*notices, *chosen.notices()],
        frame_of_reference=chosen.frame_of_reference,
    )


def find_series(path: Path) -> list[Series]:
    """Every DICOM series with pixels in a folder and below, or in a file's own folder.

    Raises:
        NerpError: there is no DICOM file.
    """
    files = sorted(path.rglob("*") if path.is_dir() else path.parent.iterdir())
    found: dict[str, Series] = {}
    seen = set()
    for file in files:
        if not (file.is_file() and is_dicom_file(file)):
            continue
        try:
            with quiet_pydicom():
                image = _image(file, read_header(file, HEADER))
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
            raise NerpError(f"{file} has a damaged header; copy it again.") from error
        if image is None:
            continue
        identity, alone = image
        one = found.setdefault(alone.uid, alone)
        if identity in seen:
            one.copies += 1
        elif one is not alone:
            one.slices.extend(alone.slices)
        seen.add(identity)
    if not found:
        raise NerpError(f"{path} holds no DICOM images; give the folder of a CT series or an image file.")
    return sorted(found.values(), key=lambda one: one.sort_key)


def _image(file: Path, header: Any) -> tuple[str, Series] | None:
    """What tells an image from all others, and the series as far as this file goes; None for no image."""
    if "Rows" not in header:
        if (header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")) in CT_CLASSES:
            raise NerpError(f"{file} is cut short; copy it again.")
        return None

    def text(keyword: str) -> str:
        return str(header.get(keyword, "") or "")

    # A careless anonymiser gives all slices one identifier: the position tells them apart.
    identity = str((text("SOPInstanceUID") or file, header.get("ImagePositionPatient")))
    return identity, Series(
        uid=text("SeriesInstanceUID"),
        number=text("SeriesNumber"),
        description=text("SeriesDescription"),
        patient=text("PatientID"),
        modality=text("Modality"),
        frame_of_reference=text("FrameOfReferenceUID"),
        slices=list(_slices(file, header)),
    )


def _slices(file: Path, header: Any) -> Iterator[Slice]:
    """One slice of a plain image, or one per frame of an enhanced multi-frame image."""
    frames = header.get("PerFrameFunctionalGroupsSequence")
    if frames is None:
        yield Slice.from_header(file, None, [header])
        return
    shared = header.get("SharedFunctionalGroupsSequence") or [None]
    for number, frame in enumerate(frames):
        groups = [
            element.value[0] for group in (frame, shared[0]) if group for element in group if element.value
        ]
        yield Slice.from_header(file, number, [*groups, header])


def read_pixels(series: Series) -> np.ndarray:
    """The slices in HU, ``[K, J, I]``, padding as air: int16 where every value is whole, else float32.

    Raises:
        NerpError: a slice is cut short, damaged or compressed in a way that cannot be decoded here.
    """
    slices = series.ordered()
    whole = all(float(one.slope).is_integer() and float(one.intercept).is_integer() for one in slices)
    hu = np.empty((len(slices), slices[0].rows, slices[0].columns), np.int16 if whole else np.float32)
    decoded: tuple[Path, np.ndarray, bool] | None = None
    for k, one in enumerate(slices):
        if decoded is None or decoded[0] != one.file:
            decoded = (one.file, *decode(one.file))
        _, values, is_rescaled = decoded
        values = values[one.frame] if values.ndim == 3 and one.frame is not None else values
        if values.shape != hu.shape[1:]:
            raise NerpError(f"{one.file} does not hold the grey slice its header tells of; export it again.")
        scaled = values if is_rescaled else values * np.float32(one.slope) + np.float32(one.intercept)
        hu[k] = np.clip(scaled, -32768, 32767)
        if one.padding is not None:
            low, high = (one.slope * bound + one.intercept for bound in one.padding)
            hu[k][(scaled >= low - 0.5 * one.slope) & (scaled <= high + 0.5 * one.slope)] = AIR_HU
    return hu


def decode(file: Path) -> tuple[np.ndarray, bool]:
    """The values of an image and whether slope and intercept are applied already.

    Compressed images go through SimpleITK's GDCM, which needs no plug-in and applies the rescale it finds.
    """
    import pydicom
    import SimpleITK

    try:
        with quiet_pydicom(), quiet_itk():
            dataset = pydicom.dcmread(file, force=True)
            syntax = dataset.file_meta.get("TransferSyntaxUID", IMPLICIT)
            if syntax in DECODED_BY_PYDICOM:
                dataset.file_meta.TransferSyntaxUID = syntax
                return dataset.pixel_array, False
            values = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(itk_path(file)))
            return (values[0] if len(values) == 1 else values), True
    except NerpError:
        raise
    except Exception as error:  # each decoder raises its own kinds
        raise NerpError(
            f"{file} cannot be decoded (cut short, damaged or a rare compression); export it again."
        ) from error
