"""Files that travel with the engine: presets and the table of structures."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from .errors import NerpError


def resource(*parts: str) -> Path:
    """A file of ``Resources``, which lies beside ``nerp`` in the source tree and inside it in the wheel.

    Raises:
        NerpError: the file is in neither place.
    """
    package = Path(__file__).resolve().parent
    for root in (package, package.parent):
        path = root.joinpath("Resources", *parts)
        if path.exists():
            return path
    raise NerpError(f"{'/'.join(parts)} is missing from this installation; install nerp again.")


@cache
def structure_presets() -> dict[str, Any]:
    """``Resources/Presets/structures.json``: the masks' thresholds and the groups structures are shown in."""
    return json.loads(resource("Presets", "structures.json").read_text(encoding="utf-8"))


def structure_threshold_mm(name: str) -> float:
    """The path length in mm from which a pixel belongs to the mask of structure ``name``: its own, else its
    group's."""
    thresholds = structure_presets()["minimum_mm"]
    own = (mm for pattern, mm in thresholds["patterns"].items() if fnmatchcase(name.lower(), pattern))
    return float(next(own, thresholds["groups"].get(structure_group(name), thresholds["else"])))


def structure_group(name: str) -> str:
    """The group that structure ``name`` is shown in, for example "Bones"."""
    groups = structure_presets()["groups"]
    lower = name.lower()
    return next(
        (group for group, patterns in groups.items() if any(fnmatchcase(lower, p) for p in patterns)), "Other"
    )
