"""One call for every segmentation: label maps, folders of masks, .seg.nrrd, DICOM SEG, RTSTRUCT."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import NerpError
from ..structures import MAX_LABEL, Structures
from ..volume import Volume
from .dicom import is_dicom_file, read_header
from .dicom_seg import read_dicom_seg
from .grids import onto_ct
from .images import explained_reading, is_image_file, read_image, stem
from .label_names import (
    Label,
    LabelTable,
    NamesLike,
    label_table,
    named_structures,
    table_beside,
    table_inside_nifti,
)
from .masks import LazyMasks
from .rtstruct import read_rtstruct
from .slicer_segmentation import read_slicer_segmentation, segment_fields

DICOM_KINDS = ("SEG", "RTSTRUCT")


def read_structures(
    path: str | Path, like: Volume | None = None, names: NamesLike | None = None
) -> Structures:
    """Named structures, on the CT's grid where a CT is given.

    Args:
        path: a label map (NIfTI, NRRD, MetaImage), a Slicer segmentation (.seg.nrrd), a DICOM SEG or RTSTRUCT
            file or the folder of one, or a folder with one mask file for each structure.
        like: the CT. Labels on another grid are resampled onto it by nearest neighbour, which
            ``structures.notices`` tells. RTSTRUCT needs it.
        names: label maps only: what values are called (`label_table`). None looks into the file, then beside
            it for a table of its name or of its folder; what stays unnamed is ``label_<value>``, and a mask
            whose only value is 1 has its file's name.

    Returns:
        structures whose names can stand in file names; ``original_name``, colours and codes as the file has
        them. Those of a list (segments, contours, files) stay even when empty; of a label map, those that
        occur.

    Raises:
        NerpError: not there, unreadable, no labels, or no labelled voxel lies on the CT.
    """
    path = Path(path)
    with explained_reading(path):
        return _read(path, like, names)


def _read(path: Path, like: Volume | None, names: NamesLike | None) -> Structures:
    if not path.exists():
        raise NerpError(f"There is no file or folder {path}; check the path.")
    if path.is_dir():
        masks = sorted(file for file in path.iterdir() if is_image_file(file) and file.is_file())
        if masks:
            return _told_empty(_read_masks(path, masks, like))
        path = _only_dicom(path)
    if is_image_file(path):
        if segment_fields(path):
            return _told_empty(read_slicer_segmentation(path, like))
        return _read_label_map(path, like, names)
    if is_dicom_file(path):
        modality = str(read_header(path, ["Modality"]).get("Modality", ""))
        if modality == "SEG":
            return _told_empty(read_dicom_seg(path, like))
        if modality == "RTSTRUCT":
            return _told_empty(read_rtstruct(path, like))
        raise NerpError(
            f"{path} is DICOM of modality {modality or 'unknown'}; structures come as SEG or RTSTRUCT."
        )
    read_image(path)  # says what is wrong with the name
    raise NerpError(f"{path} holds no structures.")


def _read_label_map(path: Path, like: Volume | None, names: NamesLike | None) -> Structures:
    labels, ras_from_ijk = read_image(path)
    labels = whole_numbers(labels, path)
    values = present_values(labels)
    if not values:
        raise NerpError(f"{path} holds no label, every voxel is 0; choose the label map.")
    table, told = _names_of(path, values, names)
    nameless = [value for value in values if value not in table]
    if nameless:
        told = [
            *told,
            f"{path.name}: no name for the label values {_listed(nameless)}; they are called "
            "label_<value>. A table of names beside it, or --names, tells which are lungs.",
        ]
    items = named_structures((value, table.get(value, Label(""))) for value in values)
    if like is not None:
        labels, notice = onto_ct(labels, ras_from_ijk, like, path.name)
        told = [*told, notice] if notice else told
        ras_from_ijk = like.ras_from_ijk
    structures = Structures.from_labels(labels, ras_from_ijk, items)
    structures.notices = tuple(told)
    return _told_empty(structures)


def _names_of(path: Path, values: list[int], names: NamesLike | None) -> tuple[LabelTable, list[str]]:
    if names is not None:
        return label_table(names), []
    inside = table_inside_nifti(path) if ".nii" in path.name.lower() else {}
    if inside:
        return inside, [f"{path.name}: names from its header."]
    beside = table_beside(path, stem(path), values)
    if beside:
        return beside[0], [f"{path.name}: names from {beside[1].name}."]
    return ({1: Label(stem(path))} if values == [1] else {}), []


def _read_masks(folder: Path, files: list[Path], like: Volume | None) -> Structures:
    """A folder with one mask for each structure, as TotalSegmentator writes it; the first sets the grid."""
    items = named_structures((value, Label(stem(file))) for value, file in enumerate(files, start=1))
    notices: dict[str, None] = {}
    frame = like
    if frame is None:
        voxels, ras_from_ijk = read_image(files[0])
        frame = Volume(np.zeros(voxels.shape, np.int16), ras_from_ijk, False, folder.name)

    def mask(file: Path) -> np.ndarray:
        voxels, ras_from_ijk = read_image(file)
        voxels = whole_numbers(voxels, file)
        if len(present_values(voxels)) > 1:
            raise NerpError(f"{file} holds more than one label; give that file by itself.")
        placed = onto_ct(voxels > 0, ras_from_ijk, frame, file.name)
        if placed.notice:
            notices[placed.notice.replace(file.name, f"Masks of {folder.name}", 1)] = None
        return placed.voxels

    structures = Structures.from_masks(
        LazyMasks(items, lambda item: mask(files[item.value - 1])), frame.ras_from_ijk
    )
    structures.notices = tuple(notices)
    return structures


def _only_dicom(folder: Path) -> Path:
    found = [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and is_dicom_file(file)
        and str(read_header(file, ["Modality"]).get("Modality", "")) in DICOM_KINDS
    ]
    if len(found) != 1:
        what = f"{len(found)} DICOM segmentations; give one of them: " if found else "no segmentation"
        named = ", ".join(str(file.relative_to(folder)) for file in found[:5])
        raise NerpError(f"{folder} holds {what}{named}.")
    return found[0]


def whole_numbers(labels: np.ndarray, path: Path) -> np.ndarray:
    """Labels as integers of at most 32 bits: NumPy before 2.2 cannot count uint64.

    Raises:
        NerpError: fractions, negative values or values beyond `MAX_LABEL`.
    """
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise NerpError(f"{path} holds fractions, a label map holds whole numbers; is this the CT?")
    if labels.min() < 0:
        raise NerpError(f"{path} holds {int(labels.min())}, but labels start at 1; is this the CT?")
    if labels.max() > MAX_LABEL:
        raise NerpError(
            f"{path} holds {int(labels.max())}, but labels go up to {MAX_LABEL}; is this the label map?"
        )
    small = labels.dtype.kind in "iu" and labels.dtype.itemsize <= 4
    return labels if small else labels.astype(np.int32)


def present_values(labels: np.ndarray) -> list[int]:
    """The label values that occur, background left out, in order."""
    found: set[int] = set()
    for section in labels:
        # Counting is faster than sorting, unless the values are codes of many digits.
        few = section.max() < 1 << 16
        found.update((np.flatnonzero(np.bincount(section.ravel())) if few else np.unique(section)).tolist())
    return sorted(found - {0})


def _told_empty(structures: Structures) -> Structures:
    empty = [name for name, count in structures.counts().items() if not count]
    if empty:
        structures.notices = (*structures.notices, f"No voxel belongs to {_listed(empty)}.")
    return structures


def _listed(values: list[int] | list[str]) -> str:
    more = f" and {len(values) - 10} more" if len(values) > 10 else ""
    return ", ".join(map(str, values[:10])) + more
