"""DICOM Segmentation: binary, fractional, label map; segments may overlap."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NerpError
from ..structures import Code, Structures
from ..volume import Volume
from .grids import onto_ct
from .images import RAS_FROM_LPS
from .label_names import Label, named_structures
from .masks import LazyMasks

if TYPE_CHECKING:
    from pydicom import Dataset

HALF = 0.5
"""A voxel belongs to a fractional segment from this share or probability."""


def read_dicom_seg(path: Path, like: Volume | None) -> Structures:
    """The segments of a DICOM SEG; see `read_structures`.

    Raises:
        NerpError: damaged, not of a volume, or made in another frame of reference than the CT's.
    """
    import highdicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            seg = highdicom.seg.segread(path)
            descriptions = [seg.get_segment_description(number) for number in seg.segment_numbers]
            first, ras_from_ijk = _voxels(seg, seg.segment_numbers[0])
        except Exception as error:  # highdicom and pydicom raise a dozen kinds on what they cannot use
            raise NerpError(f"{path} is no DICOM segmentation of a volume, or it is damaged.") from error
        check_frame(path, str(seg.get("FrameOfReferenceUID", "")), like)
        numbers = list(seg.segment_numbers)
        labels = [_label(description) for description in descriptions]
        items = named_structures(zip(numbers, labels, strict=True))
        notices: dict[str, None] = {}

        def mask(number: int) -> np.ndarray:
            voxels, place = (first, ras_from_ijk) if number == numbers[0] else _voxels(seg, number)
            if like is None:
                return voxels
            placed = onto_ct(voxels, place, like, path.name)
            if placed.notice:
                notices[placed.notice] = None
            return placed.voxels

        structures = Structures.from_masks(
            LazyMasks(items, lambda item: mask(item.value)), like.ras_from_ijk if like else ras_from_ijk
        )
    structures.notices = tuple(notices)
    return structures


def check_frame(path: Path, frame_of_reference: str, like: Volume | None) -> None:
    """Refuse what was drawn in another space than the CT's, where both name theirs.

    Raises:
        NerpError: the frames of reference differ.
    """
    if like is not None and frame_of_reference and like.frame_of_reference not in ("", frame_of_reference):
        raise NerpError(
            f"{path} was drawn on another examination than {like.name} (another frame of reference); "
            "choose the CT it belongs to."
        )


def _voxels(seg: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
    """One segment as a boolean ``[K, J, I]`` and its ``ras_from_ijk``."""
    volume = seg.get_volume(segment_numbers=[number], rescale_fractional=True, allow_missing_positions=True)
    lps_from_kji = np.asarray(volume.affine, float)
    return np.asarray(volume.array)[..., 0] >= HALF, RAS_FROM_LPS @ lps_from_kji[:, [2, 1, 0, 3]]


def _label(description: Dataset) -> Label:
    lab = description.get("RecommendedDisplayCIELabValue")
    return Label(
        str(description.get("SegmentLabel", "")),
        None if lab is None else rgb_from_lab([float(part) for part in lab]),
        code_of(description.get("SegmentedPropertyTypeCodeSequence")),
    )


def code_of(sequence: Any) -> Code | None:
    """The first code of a DICOM code sequence."""
    if not sequence:
        return None
    item = sequence[0]
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
    code = Code(str(item.get("CodingSchemeDesignator", "")), str(value), str(item.get("CodeMeaning", "")))
    return code if code.scheme and code.value else None


def rgb_from_lab(lab: list[float]) -> tuple[int, int, int]:
    """8-bit sRGB of DICOM's CIELab values (PS3.3 C.10.7.1.1), each 0 to 65535.

    The standard speaks of white D50, but what writes segmentations (PixelMed, dcmqi, highdicom) converts
    under sRGB's own white D65 (IEC 61966-2-1): only so do colours come back as they were chosen.
    """
    lightness, a, b = lab[0] / 65535 * 100, lab[1] / 65535 * 255 - 128, lab[2] / 65535 * 255 - 128
    fy = (lightness + 16) / 116
    f = np.array([fy + a / 500, fy, fy - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.95047, 1.0, 1.08883)
    rgb_from_xyz = np.array(
        [(3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570)]
    )
    linear = np.clip(rgb_from_xyz @ xyz, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = np.rint(255 * curved)
    return int(red), int(green), int(blue)
