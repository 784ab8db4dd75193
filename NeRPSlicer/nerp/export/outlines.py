"""Which structures previews outline at first: all of them would hide the picture."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ..resources import structure_group

COLORS = {
    "Findings": (255, 80, 220),
    "Lungs": (64, 200, 255),
    "Heart and great vessels": (255, 92, 80),
    "Shoulders and limbs": (120, 230, 120),
    "Other": (255, 190, 60),
}
"""Group to its colour on contact sheets."""
WHOLE_GROUPS = ("Findings", "Lungs")
CHOSEN = ("heart", "clavic*")
MOST_OTHERS = 12


def outlined(names: Iterable[str]) -> dict[str, str]:
    """The structures to outline, with their groups.

    Findings, lungs (lobes only where lungs are not there as a whole), heart and clavicles; where there is
    none of these, the first few of the others.
    """
    groups = {name: structure_group(name) for name in names}
    found = {
        name: group
        for name, group in groups.items()
        if group in WHOLE_GROUPS or any(fnmatchcase(name, pattern) for pattern in CHOSEN)
    }
    if any(group == "Lungs" and "lobe" not in name for name, group in found.items()):
        found = {name: group for name, group in found.items() if not (group == "Lungs" and "lobe" in name)}
    return found or dict.fromkeys(list(groups)[:MOST_OTHERS], "Other")
