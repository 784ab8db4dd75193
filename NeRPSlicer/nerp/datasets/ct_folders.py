"""The chest CTs of a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import NerpError
from ..io.dicom import is_dicom_file
from ..io.glance import glance_at_ct
from ..io.images import is_image_file, stem
from .cases import (
    Cases,
    CtCase,
    checked_cases,
    checked_folder,
    files_below,
    names_of,
    reason,
    with_unique_names,
)
from .dicom_folders import LABEL_KINDS, DicomObject, dicom_objects
from .layouts import CT_SETS, MASK_FOLDERS, PublicSet, is_mask, known_set, mask_key, masks_of, set_notices


def find_cts(folder: str | Path, labels: str | Path | None = None, some_match: bool = True) -> Cases[CtCase]:
    """The CTs of a folder and its subfolders, or one file.

    Known are NSCLC Radiogenomics and NSCLC-Radiomics as TCIA gives them, MosMedData, DICOM trees with one
    series a folder, and plain folders of NIfTI, NRRD and MetaImage files. Of each DICOM study the series that
    a segmentation refers to is taken, else the one with the most slices.

    Args:
        folder: of CTs.
        labels: a folder of label maps, folders of masks, DICOM SEG or RTSTRUCT, matched by file stem; or a
            file, where there is one CT only. None takes those found among the CTs: in a folder of masks or
            labels, ending in ``_mask``, ``_seg`` or ``_labels``, or DICOM that refers to the CT.
        some_match: refuse labels of which none matches; not where they are those of several folders.

    Returns:
        the cases, ordered by path; what only decoding can show comes out when they are prepared.

    Raises:
        NerpError: no such folder, nothing in it can be used, or no label matches.
    """
    folder = Path(folder)
    checked_folder(folder)
    given = None if labels is None or Path(labels) == folder else Path(labels)
    if given is not None:
        checked_folder(given)
    if folder.is_file() and not is_image_file(folder) and is_dicom_file(folder):
        folder = folder.parent  # as nerp.read_ct does
    root = folder if folder.is_dir() else folder.parent
    files = files_below(folder) if folder.is_dir() else [folder]
    if given is not None and given.is_dir():
        files = [file for file in files if not file.is_relative_to(given)]
    elif given is not None:
        files = [file for file in files if file != given]
    images, beside = _images_and_labels(files, root)
    if given is not None:
        beside = []
    by_name = (
        _labels_by_name(given)
        if given is not None and given.is_dir()
        else {mask_key(label): label for label in beside}
    )
    found, skipped, sets = _image_cases(images, root, beside, by_name, use_own=given is None)
    series, more, more_sets = _series_cases(files, root, by_name, use_own=given is None)
    cases = sorted((*found, *series), key=lambda case: str(case.path))
    if given is not None and given.is_file():
        cases = _with_one_label(cases, given)
    labelled = sum(case.labels is not None for case in cases)
    if given is not None and some_match and cases and not labelled:
        raise NerpError(
            f"Nothing in {given} has the name of a CT in {folder} (for example {cases[0].name}); "
            "name label maps as their CTs."
        )
    notices = [*set_notices(sets + more_sets, "CTs"), f"{len(cases)} CTs, {labelled} with labels."]
    result = Cases(with_unique_names(cases), (*skipped, *more), tuple(notices))
    return checked_cases(result, folder, "CT")


def thorax_cases(seeds: Iterable[int]) -> Cases[CtCase]:
    """Digital thoraces (`nerp.thorax`) as cases, one for each seed, to be mixed in with ``+``."""
    return Cases(tuple(CtCase(f"thorax-{seed}", f"thorax-{seed}", None, thorax=seed) for seed in seeds))


def _images_and_labels(files: list[Path], root: Path) -> tuple[list[Path], list[Path]]:
    """Image files that are no labels, and labels."""
    images: list[Path] = []
    labels: list[Path] = []
    for file in files:
        if is_image_file(file):
            if len(files) > 1 and is_mask(file, root):
                labels.append(file)
            else:
                images.append(file)
    return images, labels


def _labels_by_name(folder: Path) -> dict[str, Path]:
    """What may be labels in a folder, by the name it shares with its CT."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() or is_image_file(path) or is_dicom_file(path):
            found.setdefault(path.name.lower() if path.is_dir() else mask_key(path), path)
    return found


def _image_cases(
    images: list[Path], root: Path, beside: list[Path], by_name: dict[str, Path], use_own: bool
) -> tuple[list[CtCase], list[tuple[Path, str]], Counter[PublicSet]]:
    found: list[CtCase] = []
    skipped: list[tuple[Path, str]] = []
    sets: Counter[PublicSet] = Counter()
    names = names_of(images, root)
    own = masks_of(names, beside)
    for image in images:
        try:
            glance_at_ct(image)
        except NerpError as error:
            skipped.append((image, reason(error, image)))
            continue
        name = names[image]
        known = known_set([stem(image), *_names(image.parent, root)], CT_SETS)
        if known:
            sets[known[0]] += 1
        label = own.get(image, [None])[0] if use_own else by_name.get(name.lower())
        found.append(CtCase(name, known[1] if known else name, image, label))
    if use_own:
        alone = Counter(case.path.parent for case in found if case.path)
        found = [
            replace(case, labels=_masks_beside(case.path))
            if case.path and case.labels is None and alone[case.path.parent] == 1
            else case
            for case in found
        ]
    return found, skipped, sets


def _masks_beside(image: Path) -> Path | None:
    """The folder of masks beside the one CT of a folder, as TotalSegmentator's set has it."""
    for folder in sorted(image.parent.iterdir()):
        if (
            folder.is_dir()
            and folder.name.lower() in MASK_FOLDERS
            and any(map(is_image_file, folder.iterdir()))
        ):
            return folder
    return None


def _names(path: Path, root: Path) -> list[str]:
    """The names of a folder and of those above it, down to the searched one, the nearest first."""
    return [path.name, *(parent.name for parent in path.parents if parent.is_relative_to(root))]


def _series_cases(
    files: list[Path], root: Path, labels: dict[str, Path], use_own: bool
) -> tuple[list[CtCase], list[tuple[Path, str]], Counter[PublicSet]]:
    """One CT of each DICOM study, the folders left out, and the sets met."""
    objects, skipped = dicom_objects(file for file in files if not is_image_file(file))
    drawn = [one for one in objects if one.modality in LABEL_KINDS]
    drawn.sort(key=lambda one: LABEL_KINDS.index(one.modality))
    chosen, left = _one_of_each_study(objects, drawn)
    folders = Counter(one.path.name for one in chosen)
    cases: list[CtCase] = []
    sets: Counter[PublicSet] = Counter()
    first: dict[str, str] = {}  # a patient's first CT names the patient: identifiers stay in the files
    for one in chosen:
        known = known_set(_names(one.path, root), CT_SETS)
        if known:
            sets[known[0]] += 1
            name = patient = known[1]
        else:
            parts = one.path.relative_to(root).parts
            name = "_".join(parts) if folders[one.path.name] > 1 else one.path.resolve().name
            patient = first.setdefault(one.patient or one.study or str(one.path), name)
        own = _drawn_on(one, drawn) if use_own else None
        cases.append(CtCase(name, patient, one.path, own.path if own else labels.get(name.lower())))
    return cases, [*skipped, *left], sets


def _one_of_each_study(
    objects: list[DicomObject], drawn: list[DicomObject]
) -> tuple[list[DicomObject], list[tuple[Path, str]]]:
    """The series that a segmentation was drawn on, else the one with the most slices; and why not others."""
    left: list[tuple[Path, str]] = []
    studies: dict[str, list[DicomObject]] = {}
    for one in objects:
        against = one.reason_against()
        if not against:
            studies.setdefault(one.study or str(one.path), []).append(one)
        elif one.modality not in LABEL_KINDS:
            left.append((one.path, against))
    chosen: list[DicomObject] = []
    for series in studies.values():
        best = max(series, key=lambda one: (_drawn_on(one, drawn) is not None, one.slices))
        chosen.append(best)
        told = f"{best.path.name} of the same study was taken"
        left += [(one.path, told) for one in series if one is not best]
    return chosen, left


def _drawn_on(series: DicomObject, drawn: list[DicomObject]) -> DicomObject | None:
    """The segmentation that refers to a series; one without references, of its study and space."""
    for one in drawn:
        if series.series in one.refers_to:
            return one
    for one in drawn:
        if (
            not one.refers_to
            and one.study == series.study
            and one.frame_of_reference == series.frame_of_reference
        ):
            return one
    return None


def _with_one_label(cases: list[CtCase], labels: Path) -> list[CtCase]:
    if len(cases) != 1:
        raise NerpError(f"{labels} is one file, but there are {len(cases)} CTs; give a folder of labels.")
    return [replace(cases[0], labels=labels)]
