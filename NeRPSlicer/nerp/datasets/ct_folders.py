"""The chest CTs of a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
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
    reason,
    with_unique_names,
)
from .dicom_folders import LABEL_KINDS, DicomObject, dicom_objects
from .layouts import CT_SETS, PublicSet, is_mask, known_set, mask_key, set_notices


def find_cts(folder: str | Path, labels: str | Path | None = None) -> Cases[CtCase]:
    """The CTs of a folder and its subfolders, or one file.

    Known are NSCLC Radiogenomics and NSCLC-Radiomics as TCIA gives them, MosMedData, DICOM trees with one
    series a folder, and plain folders of NIfTI, NRRD and MetaImage files. Of each DICOM study the series that
    a segmentation refers to is taken, else the one with the most slices.

    Args:
        folder: of CTs.
        labels: a folder of label maps, folders of masks, DICOM SEG or RTSTRUCT, matched by file stem; or a
            file, where there is one CT only. None takes those found among the CTs: in a folder of masks or
            labels, ending in ``_mask``, ``_seg`` or ``_labels``, or DICOM that refers to the CT.

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
    root = folder if folder.is_dir() else folder.parent
    files = files_below(folder) if folder.is_dir() else [folder]
    if given is not None and given.is_dir():
        files = [file for file in files if not file.is_relative_to(given)]
    images, beside = _images_and_labels(files, root)
    if given is not None:
        beside = {} if given.is_file() else _labels_by_key(given)
    found, skipped, sets = _image_cases(images, beside)
    series, more = _series_cases(files, root, beside, use_own=given is None)
    cases = sorted((*found, *series.values()), key=lambda case: str(case.path))
    for case in series.values():
        known = known_set(_names(case.path, root), CT_SETS)
        if known:
            sets[known[0]] += 1
    if given is not None and given.is_file():
        cases = _with_one_label(cases, given)
    labelled = sum(case.labels is not None for case in cases)
    if given is not None and cases and not labelled:
        raise NerpError(
            f"Nothing in {given} has the name of a CT in {folder} (for example {cases[0].name}); "
            "name label maps as their CTs."
        )
    notices = [*set_notices(sets, "CTs"), f"{len(cases)} CTs, {labelled} with labels."]
    result = Cases(with_unique_names(cases), (*skipped, *more), tuple(notices))
    return checked_cases(result, folder, "CT")


def thorax_cases(seeds: Iterable[int]) -> Cases[CtCase]:
    """Digital thoraces (`nerp.thorax`) as cases, one for each seed, to be mixed in with ``+``."""
    return Cases(tuple(CtCase(f"thorax-{seed}", f"thorax-{seed}", None, thorax=seed) for seed in seeds))


def _images_and_labels(files: list[Path], root: Path) -> tuple[list[Path], dict[str, Path]]:
    """Image files that are no labels, and labels by `mask_key`."""
    images: list[Path] = []
    labels: dict[str, Path] = {}
    for file in files:
        if is_image_file(file):
            if len(files) > 1 and is_mask(file, root):
                labels.setdefault(mask_key(file), file)
            else:
                images.append(file)
    return images, labels


def _labels_by_key(folder: Path) -> dict[str, Path]:
    """What may be labels in a folder, by the name it shares with its CT."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() or is_image_file(path) or is_dicom_file(path):
            found.setdefault(path.name.lower() if path.is_dir() else mask_key(path), path)
    return found


def _image_cases(
    images: list[Path], labels: dict[str, Path]
) -> tuple[list[CtCase], list[tuple[Path, str]], Counter[PublicSet]]:
    found: list[CtCase] = []
    skipped: list[tuple[Path, str]] = []
    sets: Counter[PublicSet] = Counter()
    for image in images:
        try:
            glance_at_ct(image)
        except NerpError as error:
            skipped.append((image, reason(error, image)))
            continue
        name = stem(image)
        known = known_set([name, *reversed(image.parent.parts)], CT_SETS)
        if known:
            sets[known[0]] += 1
        found.append(CtCase(name, known[1] if known else name, image, labels.get(name.lower())))
    return found, skipped, sets


def _names(path: Path | None, root: Path) -> list[str]:
    """The names of a folder and of those above it, down to the searched one, the nearest first."""
    if path is None:
        return []
    return [path.name, *(parent.name for parent in path.parents if parent.is_relative_to(root))]


def _series_cases(
    files: list[Path], root: Path, labels: dict[str, Path], use_own: bool
) -> tuple[dict[str, CtCase], list[tuple[Path, str]]]:
    """One CT of each DICOM study, by the study; and the folders left out."""
    objects, skipped = dicom_objects(file for file in files if not is_image_file(file))
    drawn = [one for one in objects if one.modality in LABEL_KINDS]
    drawn.sort(key=lambda one: LABEL_KINDS.index(one.modality))
    studies: dict[str, list[DicomObject]] = {}
    for one in objects:
        against = one.reason_against()
        if not against:
            studies.setdefault(one.study or str(one.path), []).append(one)
        elif one.modality not in LABEL_KINDS:
            skipped.append((one.path, against))
    chosen: dict[str, CtCase] = {}
    first: dict[str, str] = {}  # a patient's first CT names the patient: identifiers stay in the files
    for study, series in studies.items():
        best = max(series, key=lambda one: (_drawn_on(one, drawn) is not None, one.slices))
        skipped += [
            (one.path, f"{best.path.name} of the same study was taken") for one in series if one is not best
        ]
        names = _names(best.path, root)
        known = known_set(names, CT_SETS)
        name = known[1] if known else best.path.resolve().name
        own = _drawn_on(best, drawn) if use_own else None
        matched = labels.get(name.lower()) or labels.get(best.path.name.lower())
        patient = known[1] if known else first.setdefault(best.patient or study, name)
        chosen[study] = CtCase(name, patient, best.path, own.path if own else matched)
    return chosen, skipped


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
    case = cases[0]
    return [CtCase(case.name, case.patient, case.path, labels)]
