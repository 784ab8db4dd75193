"""Public sets, known by their file names: whose picture it is and on which terms it is given.

Figures and terms are those of the sets' own pages, see docs/datasets.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..io.images import stem

MASK_FOLDERS = {
    *("mask", "masks", "manualmask", "leftmask", "rightmask"),
    *("label", "labels", "labelstr", "labelsts", "seg", "segmentation", "segmentations"),
    *("left lung", "right lung"),
}
"""Folders, in lower case, whose pictures or volumes are masks of others."""
OTHER_ORGANS = {"heart", "left clavicle", "right clavicle"}
"""Folders of SCR masks that are no lungs."""
MASK_ENDINGS = re.compile(r"[_-](mask|masks|msk|seg|label|labels)$", re.IGNORECASE)


@dataclass(frozen=True)
class PublicSet:
    """How a public set is known and what must be said of it."""

    name: str
    pattern: re.Pattern[str]
    """Matches a file's stem or a folder's name; group 1 is the patient."""
    terms: str
    """Licence and conditions, one sentence."""


XRAY_SETS = (
    PublicSet(
        "Shenzhen (ChinaSet)",
        re.compile(r"(CHNCXR_\d{4})_[01]"),
        "the National Library of Medicine asks to be acknowledged and Jaeger 2014 to be cited",
    ),
    PublicSet(
        "Montgomery",
        re.compile(r"(MCUCXR_\d{4})_[01]"),
        "the National Library of Medicine asks to be acknowledged and Jaeger 2014 to be cited",
    ),
    PublicSet(
        "JSRT",
        re.compile(r"(JPC(?:LN|NN)\d{3})"),
        "given for research; Shiraishi 2000 and, for SCR masks, van Ginneken 2006 are to be cited",
    ),
    PublicSet(
        "NIH ChestX-ray14",
        re.compile(r"(\d{8})_\d{3}"),
        "free use with attribution to the NIH Clinical Center and citation of Wang 2017",
    ),
)
CT_SETS = (
    PublicSet("NSCLC Radiogenomics", re.compile(r"((?:R01|AMC)-\d{3})"), "CC BY 3.0, Bakr 2018"),
    PublicSet("NSCLC-Radiomics", re.compile(r"(LUNG1-\d{3})"), "CC BY-NC 3.0, Aerts 2014"),
    PublicSet(
        "MosMedData",
        re.compile(r"(study_\d{4})"),
        "CC BY-NC-ND 3.0, Morozov 2020: it forbids derivatives, so do not pass on pictures or models made "
        "from it",
    ),
)


def known_set(names: Iterable[str], sets: tuple[PublicSet, ...]) -> tuple[PublicSet, str] | None:
    """The set that one of these names (a stem, folders) belongs to, and the patient."""
    for name in names:
        for one in sets:
            found = one.pattern.fullmatch(name)
            if found:
                return one, found[1]
    return None


def is_mask(path: Path, folder: Path) -> bool:
    """Whether a file below ``folder`` is a mask or label map of another, by its folders and its name."""
    folders = {part.lower() for part in path.relative_to(folder).parts[:-1]}
    return (
        bool(folders & MASK_FOLDERS)
        or path.name.lower().endswith(".seg.nrrd")
        or bool(MASK_ENDINGS.search(stem(path)))
    )


def mask_key(path: Path) -> str:
    """What a mask's name shares with its picture's, in lower case."""
    return MASK_ENDINGS.sub("", stem(path)).lower()


def masks_of(names: Mapping[Path, str], masks: Iterable[Path]) -> dict[Path, list[Path]]:
    """For each picture its masks: those of its stem or name; of several pictures the nearest by folders.

    Args:
        names: of the pictures, by path.
        masks: in order.
    """
    by_key: dict[str, list[Path]] = {}
    for picture, name in names.items():
        for key in {stem(picture).lower(), name.lower()}:
            by_key.setdefault(key, []).append(picture)
    found: dict[Path, list[Path]] = {}
    for mask in masks:
        pictures = by_key.get(mask_key(mask), [])
        steps = [_steps_between(picture.parent, mask.parent) for picture in pictures]
        for picture, count in zip(pictures, steps, strict=True):
            if count == min(steps):
                found.setdefault(picture, []).append(mask)
    return found


def _steps_between(one: Path, other: Path) -> int:
    """How many folders lie on the way."""
    shared = sum(a == b for a, b in zip(one.parts, other.parts, strict=False))
    return len(one.parts) + len(other.parts) - 2 * shared


def set_notices(found: Counter[PublicSet], what: str) -> list[str]:
    """One line for each known set: how many cases, on which terms."""
    return [f"{count} {what} of {one.name}: {one.terms}." for one, count in found.most_common()]
