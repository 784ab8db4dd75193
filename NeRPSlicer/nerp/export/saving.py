"""One picture more in a labelled set: what a person sees, kept in the form of all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..atomic import exclusive
from ..errors import NerpError
from ..geometry import Camera
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume
from .cases import file_name
from .drawing import Model, check_model, drawn
from .previews import write_set_page
from .projection_set import ProjectionSet

TAKEN_OVER = ("seed", "ranges", "preset", "raw", "thickness")
"""Of a set that is there: they say nothing of how a given camera's picture looks."""


def save_view(
    volume: Volume,
    structures: Structures | None,
    settings: ExportSettings,
    folder: Path,
    name: str,
    check: Callable[[], None] = lambda: None,
    model: Model | None = None,
) -> dict[str, Any]:
    """Draw a picture into a labelled set that is made when missing, and grows otherwise.

    The picture belongs to this CT alone and is known by its record: the set's settings, which say what is
    drawn of every CT, stay as they are. What a save takes does not depend on the pictures that are there, but
    for their list.

    Args:
        volume, structures: what to draw.
        settings: with one camera, no views and no standard projections.
        folder: of the set.
        name: the case's, should the set not hold this CT yet.
        check: called before the picture is drawn and before it is written; what it raises ends the save
            there, and nothing has changed.
        model: the one that the settings name.

    Returns:
        the picture's record in ``projections.jsonl``; that of before where the set holds this very picture.

    Raises:
        NerpError: not one camera, the set was made with other settings or of another CT of that name, or the
            folder holds other files.
        CannotWrite: the folder is in use or cannot be written.
    """
    if len(settings.cameras) != 1 or settings.views or settings.presets:
        raise NerpError("One picture is saved at a time: send one camera and no other views.")
    check_model(settings, model)
    camera = Camera.from_dict(settings.cameras[0]).resized(settings.rows, settings.columns)
    with exclusive(folder):
        kept = ProjectionSet(folder, replace(settings, cameras=()), TAKEN_OVER)
        if structures is not None:
            structures = settings.select(structures)
        there = kept.record_of(volume, structures, camera)
        if there is not None and kept.whole(there["id"]):
            return there
        case = kept.name_of(file_name(name), volume)
        view = kept.next_saved(case) if there is None else there["view"]
        check()
        picture = drawn(volume, camera, settings, structures, model)
        check()
        kept.begin()
        record = kept.add(case, view, picture, volume, structures)
        kept.complete = kept.has_all()
        kept.write()
        write_set_page(folder, kept.records)
    return record
