"""The chest X-rays of a folder."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import NerpError
from ..io.dicom import is_dicom_file, quiet_pydicom, read_header
from ..io.glance import glance_at_xray
from ..io.images import SUFFIXES, stem
from .cases import (
    Cases,
    XrayCase,
    checked_cases,
    checked_folder,
    files_below,
    names_of,
    reason,
    with_unique_names,
)
from .layouts import OTHER_ORGANS, XRAY_SETS, PublicSet, is_mask, known_set, masks_of, set_notices

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".img", ".dcm", *SUFFIXES)
INDEX = "index.csv"


def find_xrays(folder: str | Path, identified: dict[str, str] | None = None) -> Cases[XrayCase]:
    """The chest X-rays of a folder and its subfolders, or one file.

    Known are Shenzhen (ChinaSet), Montgomery, JSRT with SCR masks and NIH ChestX-ray14 by their file names; a
    folder with an ``index.csv`` (columns ``file`` or ``id``, and ``patient`` where known) and ``images``,
    ``masks``; and plain folders. Masks lie in a folder of masks or end in ``_mask`` and share the picture's
    stem. The patient is the set's, the index's, the DICOM header's (named after its first film), else the
    film's own.

    Args:
        folder: of X-rays.
        identified: patient by DICOM identifier, filled here; one for several folders that may share patients.
            It stays in memory.

    Returns:
        the cases, ordered by path; what only decoding can show comes out when they are prepared.

    Raises:
        NerpError: no such folder, or nothing in it can be used.
    """
    folder = Path(folder)
    checked_folder(folder)
    films, pictures = _films_and_masks(folder)
    patients: dict[Path, str] = {}
    skipped: list[tuple[Path, str]] = []
    if (folder / INDEX).is_file():
        films, patients, missing = _indexed(folder, films)
        skipped += missing
    found: list[XrayCase] = []
    sets: Counter[PublicSet] = Counter()
    # A DICOM patient's first film names the patient: identifiers stay in the files.
    first = {} if identified is None else identified
    names = names_of(films, folder if folder.is_dir() else folder.parent)
    masks = masks_of(names, pictures)
    for film in films:
        try:
            glance_at_xray(film)
        except NerpError as error:
            skipped.append((film, reason(error, film)))
            continue
        known = known_set([stem(film)], XRAY_SETS)
        if known:
            sets[known[0]] += 1
        patient = patients.get(film) or (known[1] if known else names[film])
        identifier = "" if film in patients or known else _dicom_patient(film)
        if identifier:
            patient = first.setdefault(identifier, patient)
        found.append(XrayCase(names[film], patient, film, tuple(masks.get(film, ()))))
    masked = sum(bool(case.masks) for case in found)
    notices = [*set_notices(sets, "X-rays"), f"{len(found)} X-rays, {masked} with lung masks."]
    cases = Cases(with_unique_names(found), tuple(skipped), tuple(notices))
    return checked_cases(cases, folder, "chest X-ray")


def _dicom_patient(path: Path) -> str:
    """PatientID of a DICOM file, only to be compared; "" for other files and where there is none."""
    if not is_dicom_file(path) or path.suffix.lower() == ".img":
        return ""
    with quiet_pydicom():
        return str(read_header(path, ["PatientID"]).get("PatientID", "") or "")


def _films_and_masks(folder: Path) -> tuple[list[Path], list[Path]]:
    """Pictures that are no masks, and masks of lungs."""
    films: list[Path] = []
    masks: list[Path] = []
    if folder.is_file():
        return [folder], masks
    for path in _pictures(files_below(folder)):
        if not is_mask(path, folder):
            films.append(path)
        elif path.parent.name.lower() not in OTHER_ORGANS:
            masks.append(path)
    return films, masks


def _pictures(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        if path.name.lower().endswith(PICTURES) or (not path.suffix and is_dicom_file(path)):
            yield path


def _indexed(folder: Path, films: list[Path]) -> tuple[list[Path], dict[Path, str], list[tuple[Path, str]]]:
    """The films that the folder's index lists, their patients, and those listed that are not there.

    Raises:
        NerpError: an index without a column ``file`` or ``id``, not in UTF-8, or ambiguous.
    """
    try:
        with (folder / INDEX).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise NerpError(f"{folder / INDEX} is no CSV in UTF-8 ({error}); save it as UTF-8.") from error
    column = next((name for name in ("file", "id") if rows and name in rows[0]), None)
    if column is None:
        raise NerpError(f"{folder / INDEX} has no column file or id with entries; add one or remove it.")
    by_path = {film.relative_to(folder).as_posix(): film for film in films}
    by_name: dict[str, list[Path]] = {}
    for one in films:
        by_name.setdefault(one.name if column == "file" else stem(one), []).append(one)
    listed: list[Path] = []
    patients: dict[Path, str] = {}
    missing: list[tuple[Path, str]] = []
    for row in rows:
        name = (row[column] or "").strip()
        film = by_path.get(name.replace("\\", "/").removeprefix("./"))
        if film is None:
            alike = by_name.get(Path(name).name if column == "file" else name, [])
            if len(alike) > 1:
                raise NerpError(f"{folder / INDEX}: {name} may be any of {len(alike)} films; give paths.")
            film = alike[0] if alike else None
        if film is None:
            missing.append((folder / (name or INDEX), f"listed in {INDEX} but not there"))
            continue
        listed.append(film)
        if (row.get("patient") or "").strip():
            patients[film] = row["patient"].strip()
    return sorted(listed), patients, missing
