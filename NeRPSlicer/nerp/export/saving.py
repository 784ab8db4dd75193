"""One picture more in a labelled set: what a person sees, kept in the form of all others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import NerpError
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume
from .cases import Case, file_name
from .index import DATASET, read_dataset, read_records
from .labelled_set import Progress, export_set
from .previews import write_previews

TAKEN_OVER = ("seed", "ranges", "preset", "raw", "thickness")
"""Of a set that is there: they say nothing of how a given camera's picture looks."""


def save_view(
    volume: Volume,
    structures: Structures | None,
    settings: ExportSettings,
    folder: Path,
    name: str,
    progress: Progress = lambda done, total, text: None,
) -> dict[str, Any]:
    """Draw a picture into a labelled set that is made when missing, and grows otherwise.

    Args:
        volume, structures: what to draw.
        settings: with one camera, no views and no standard projections.
        folder: of the set.
        name: the case's, should the set not hold this CT yet.
        progress: see `Progress`.

    Returns:
        the picture's record in ``projections.jsonl``; that of before where the set holds this very picture.

    Raises:
        NerpError: not one camera, the set was made with other settings or of another CT of that name, or the
            folder holds other files.
        CannotWrite: the folder is in use or cannot be written.
    """
    if len(settings.cameras) != 1 or settings.views or settings.presets:
        raise NerpError("One picture is saved at a time: send one camera and no other views.")
    (camera,) = settings.cameras
    if (folder / DATASET).is_file():
        there = ExportSettings.from_dict(read_dataset(folder)["settings"])
        cameras = there.cameras if camera in there.cameras else (*there.cameras, camera)
        settings = replace(settings, cameras=cameras, **{key: getattr(there, key) for key in TAKEN_OVER})
    outcome = export_set([Case(file_name(name), lambda: (volume, structures))], settings, folder, progress)
    for reason in outcome.failed.values():
        raise NerpError(reason)
    write_previews(folder, folder.name)
    view = f"c{settings.cameras.index(camera):03d}"
    return next(
        record
        for record in read_records(folder).values()
        if record["view"] == view and record["ct"]["sha256"] == volume.hash
    )
