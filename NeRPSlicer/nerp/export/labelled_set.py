"""A labelled projection set: drawn view by view, resumed after any end, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..atomic import exclusive, remove_unfinished
from ..errors import CannotWrite, NerpError
from ..geometry import Camera
from ..installation import made_with
from ..poses import CameraDraw, draw_camera
from ..projector import project
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume
from .cases import Case
from .index import (
    DATASET,
    Records,
    append_record,
    is_whole,
    label_table,
    read_dataset,
    read_records,
    write_dataset,
    write_records,
)
from .record import write_projection

Progress = Callable[[int, int, str], None]
"""Called with (projections done, all, what is being done)."""


@dataclass
class Outcome:
    """What an export did."""

    drawn: int = 0
    """Projections drawn now."""
    kept: int = 0
    """Projections found whole from an earlier run."""
    empty: dict[str, list[str]] = field(default_factory=dict)
    """Projection id to the structures that have no pixel in it."""
    notices: list[str] = field(default_factory=list)
    """What a person should know of the CTs and label maps read."""
    failed: dict[str, str] = field(default_factory=dict)
    """Case to why it could not be drawn."""
    stopped: bool = False
    """Whether it ended early because it was asked to; the same call goes on."""


@dataclass(frozen=True)
class View:
    """One projection to draw: a standard projection, or else a variational camera."""

    name: str
    preset: str | None = None
    index: int | None = None

    def camera(self, volume: Volume, settings: ExportSettings) -> tuple[Camera, CameraDraw | None]:
        """The camera, and the draw that a variational one comes from."""
        size = settings.rows, settings.columns
        if self.index is None:
            return Camera.preset(str(self.preset), volume, *size), None
        draw = draw_camera(volume, settings.seed, self.index, settings.ranges, settings.preset, *size)
        return draw.camera(volume, *size), draw


def views_of(settings: ExportSettings) -> list[View]:
    """The projections of each case, standard ones first: PA, LL, v000, v001."""
    standard = [View(preset, preset=preset) for preset in settings.presets]
    return standard + [View(f"v{index:03d}", index=index) for index in range(settings.views)]


def export_set(
    cases: Sequence[Case],
    settings: ExportSettings,
    folder: Path,
    progress: Progress = lambda done, total, text: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Draw every view of every case into ``folder``; what is there and whole stays.

    A case that cannot be read or drawn is noted in the outcome and the others go on.

    Args:
        cases: their names must differ.
        settings: must equal those of a set that is there, save that views and presets may grow.
        folder: made when missing.
        progress: see `Progress`.
        should_stop: asked before every reading and every projection; True ends the export there.

    Raises:
        NerpError: two cases of one name, or the folder holds another set or other files.
        CannotWrite: the folder is in use or cannot be written.
    """
    if len({case.name for case in cases}) != len(cases):
        raise NerpError("Two CTs of a set have the same name; rename one of them.")
    _check_folder(folder, settings)
    outcome = Outcome()
    views = views_of(settings)
    with exclusive(folder):
        remove_unfinished(folder)
        records, labels, makers = _earlier(folder)
        write_dataset(folder, settings, labels, records, makers, complete=False)
        write_records(folder, records)
        for n, case in enumerate(cases):
            done = n * len(views)
            if outcome.stopped or should_stop():
                outcome.stopped = True
                break
            progress(done, len(cases) * len(views), f"{case.name}: reading")
            try:
                volume, structures = _loaded(case, settings, outcome)
                for view in views:
                    if should_stop():
                        outcome.stopped = True
                        break
                    progress(done, len(cases) * len(views), f"{case.name} {view.name}")
                    _keep_or_draw(folder, case.name, view, volume, structures, settings, records, outcome)
                    done += 1
            except CannotWrite:
                raise
            except NerpError as error:
                outcome.failed[case.name] = str(error)
                continue
            labels.update(label_table(structures) if structures is not None else {})
        write_records(folder, records)
        complete = not (outcome.failed or outcome.stopped)
        write_dataset(folder, settings, labels, records, makers, complete)
    if not outcome.stopped:
        progress(len(cases) * len(views), len(cases) * len(views), "done")
    return outcome


def _check_folder(folder: Path, settings: ExportSettings) -> None:
    """Refuse a folder that holds other files, or a set made with other settings."""
    if folder.is_dir() and (folder / DATASET).is_file():
        differences = ExportSettings.from_dict(read_dataset(folder)["settings"]).differences(settings)
        if differences:
            raise NerpError(
                f"{folder} holds a set made with other settings ({'; '.join(differences)}); "
                "choose another folder."
            )
    elif folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise NerpError(f"{folder} is not empty and holds no labelled set; choose another folder.")


def _earlier(folder: Path) -> tuple[Records, dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Whole records, label table and makers of the set that is there; this installation joins the makers."""
    makers = [made_with()]
    if not (folder / DATASET).is_file():
        return {}, {}, makers
    dataset = read_dataset(folder)
    records = {name: record for name, record in read_records(folder).items() if is_whole(folder, record)}
    labels = {
        label["name"]: {key: value for key, value in label.items() if key != "value"}
        for label in dataset["labels"]
    }
    if records:
        makers = dataset["made_with"] + [maker for maker in makers if maker not in dataset["made_with"]]
    return records, labels, makers


def _loaded(case: Case, settings: ExportSettings, outcome: Outcome) -> tuple[Volume, Structures | None]:
    volume, structures = case.load()
    if structures is not None:
        structures = structures.select([name for name in structures.names if settings.wanted(name)])
    outcome.notices += [f"{case.name}: {notice}" for notice in volume.notices]
    if structures is not None:
        outcome.notices += [f"{case.name}: {notice}" for notice in structures.notices]
    return volume, structures


def _keep_or_draw(
    folder: Path,
    case: str,
    view: View,
    volume: Volume,
    structures: Structures | None,
    settings: ExportSettings,
    records: Records,
    outcome: Outcome,
) -> None:
    name = f"{case}_{view.name}"
    record = records.get(name)
    if record is None:
        camera, draw = view.camera(volume, settings)
        picture = project(volume, camera, settings.method, settings.samples, structures)
        names = {
            "image": f"images/{name}.png",
            "raw": f"raw/{name}.nrrd",
            "mask": f"masks/{name}__{{structure}}.png",
            "thickness": f"thickness/{name}__{{structure}}.nrrd",
        }
        written = write_projection(folder, names, picture, volume, structures, settings, draw)
        record = {"id": name, "case": case, "view": view.name, **written}
        append_record(folder, record)
        records[name] = record
        outcome.drawn += 1
    else:
        labelled = None if structures is None else structures.hash
        for what, recorded, now in (
            ("CT", record["ct"]["sha256"], volume.hash),
            ("label map", record["structures_sha256"], labelled),
        ):
            if recorded != now:
                raise NerpError(
                    f"{folder} holds projections of another {what} named {case}; rename the file or choose "
                    "another folder."
                )
        outcome.kept += 1
    if record["empty_masks"]:
        outcome.empty[name] = record["empty_masks"]
