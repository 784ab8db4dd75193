"""A labelled projection set: drawn view by view, resumed after any end, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..atomic import exclusive, explained, remove_unfinished
from ..errors import CannotWrite, NerpError
from ..geometry import Camera
from ..installation import made_with
from ..poses import CameraDraw, draw_camera
from ..projector import project
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume
from .cases import Case, file_name
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

FOLDERS = ("images", "masks", "raw", "thickness", "previews")
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
    """One projection to draw: a standard projection, a given camera, or else a variational one."""

    name: str
    preset: str | None = None
    index: int | None = None
    given: Camera | None = None

    def camera(self, volume: Volume, settings: ExportSettings) -> tuple[Camera, CameraDraw | None]:
        """The camera, and the draw that a variational one comes from."""
        size = settings.rows, settings.columns
        if self.given is not None:
            return self.given.resized(*size), None
        if self.index is None:
            return Camera.preset(str(self.preset), volume, *size), None
        draw = draw_camera(volume, settings.seed, self.index, settings.ranges, settings.preset, *size)
        return draw.camera(volume, *size), draw


def views_of(settings: ExportSettings) -> list[View]:
    """The projections of each case: standard ones (PA, LL), given cameras (c000), variational ones (v000)."""
    return [
        *(View(preset, preset=preset) for preset in settings.presets),
        *(View(f"c{n:03d}", given=Camera.from_dict(camera)) for n, camera in enumerate(settings.cameras)),
        *(View(f"v{index:03d}", index=index) for index in range(settings.views)),
    ]


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
        settings: must equal those of a set that is there, save that views, presets and cameras may grow.
        folder: made when missing.
        progress: see `Progress`.
        should_stop: asked before every reading and every projection; True ends the export there.

    Raises:
        NerpError: two cases of one name, or the folder holds another set or other files.
        CannotWrite: the folder is in use or cannot be written.
    """
    names = [case.name for case in cases]
    if len({name.casefold() for name in names}) != len(names):
        raise NerpError("Two CTs of a set have the same name; rename one of them.")
    for name in names:
        if name != file_name(name):
            raise NerpError(f"{name!r} cannot be part of a file name; use {file_name(name)!r}.")
    outcome = Outcome()
    views = views_of(settings)
    total = len(cases) * len(views)
    with exclusive(folder):
        kept = _Set(folder, settings, set(names))
        for n, case in enumerate(cases):
            done = n * len(views)
            if outcome.stopped or should_stop():
                outcome.stopped = True
                break
            progress(done, total, f"{case.name}: reading")
            try:
                volume, structures = _loaded(case, settings, outcome)
                name = kept.name_of(case.name, volume)
                kept.add_labels(structures)
                for view in views:
                    if should_stop():
                        outcome.stopped = True
                        break
                    progress(done, total, f"{case.name} {view.name}")
                    _keep_or_draw(kept, name, view, volume, structures, settings, outcome)
                    done += 1
            except CannotWrite:
                raise
            except NerpError as error:
                outcome.failed[case.name] = str(error)
        kept.close()
    if not outcome.stopped:
        progress(total, total, "done")
    return outcome


class _Set:
    """What is known of the set on disk while it is drawn; the folder is held."""

    def __init__(self, folder: Path, settings: ExportSettings, cases: set[str]) -> None:
        self.folder = folder
        self.settings = settings
        self.cases = cases
        self.labels: dict[str, dict[str, Any]] = {}
        self.records: Records = {}
        self.makers: list[dict[str, Any]] = []
        self._earlier: set[str] = set()
        self._take_up()
        remove_unfinished(folder, *(folder / name for name in FOLDERS))
        self._write_dataset()
        write_records(folder, self.records)

    def _take_up(self) -> None:
        """What an earlier run left; refuses a folder of other files, or a set made with other settings."""
        if not (self.folder / DATASET).is_file():
            with explained(self.folder):
                others = [path.name for path in self.folder.iterdir() if not path.name.startswith(".")]
            if others:
                raise NerpError(
                    f"{self.folder} is not empty and holds no labelled set; choose another folder."
                )
            return
        dataset = read_dataset(self.folder)
        earlier = ExportSettings.from_dict(dataset["settings"])
        differences = earlier.differences(self.settings)
        if differences:
            raise NerpError(
                f"{self.folder} holds a set made with other settings ({'; '.join(differences)}); "
                "choose another folder."
            )
        self.settings = earlier.grown_to(self.settings)
        self._earlier = set(dataset["cases"])
        self.cases |= self._earlier
        self.labels = {
            label["name"]: {key: value for key, value in label.items() if key != "value"}
            for label in dataset["labels"]
        }
        self.records = read_records(self.folder)
        self.makers = dataset["made_with"]

    def another(self, what: str, case: str) -> NerpError:
        """The error where a set holds another CT or label map of a name."""
        return NerpError(
            f"{self.folder} holds projections of another {what} named {case}; give this one another name or "
            "choose another folder."
        )

    def name_of(self, name: str, volume: Volume) -> str:
        """The name that the set has for a CT; ``name`` for one that it does not hold.

        What a case is called can depend on which others are given beside it; the CT itself decides.

        Raises:
            NerpError: the set holds another CT of that name, or one that differs in case alone.
        """
        known = (r["case"] for r in self.records.values() if r["ct"]["sha256"] == volume.hash)
        found = next(known, name)
        if found != name and name not in self._earlier:
            self.cases.discard(name)
        for record in self.records.values():
            case = record["case"]
            # Some file systems know no case: such files would replace those of the other.
            if case != found and case.casefold() == found.casefold():
                self.cases -= {found} - self._earlier
                raise NerpError(f"{self.folder} holds {case}; give {found} another name.")
            if case == found and record["ct"]["sha256"] != volume.hash:
                raise self.another("CT", found)
        return found

    def whole(self, name: str) -> dict[str, Any] | None:
        """A projection whose files are all there, unchanged."""
        record = self.records.get(name)
        return record if record is not None and is_whole(self.folder, record) else None

    def add_labels(self, structures: Structures | None) -> None:
        """Name a case's structures in the label table, before its first picture."""
        if structures is not None:
            self.labels.update(label_table(structures))
            self._write_dataset()

    def add(self, record: dict[str, Any]) -> None:
        """A projection whose files are written."""
        append_record(self.folder, record)
        self.records[record["id"]] = record
        maker = made_with()
        if maker not in self.makers:
            self.makers.append(maker)

    def close(self) -> None:
        """Put the records in order and say whether every projection of every case is there."""
        write_records(self.folder, self.records)
        wanted = {f"{case}_{view.name}" for case in self.cases for view in views_of(self.settings)}
        self._write_dataset(complete=wanted <= set(self.records))

    def _write_dataset(self, complete: bool = False) -> None:
        write_dataset(
            self.folder, self.settings, self.cases, self.labels, self.records, self.makers, complete
        )


def _loaded(case: Case, settings: ExportSettings, outcome: Outcome) -> tuple[Volume, Structures | None]:
    volume, structures = case.load()
    if structures is not None:
        structures = settings.select(structures)
    outcome.notices += [f"{case.name}: {notice}" for notice in volume.notices]
    if structures is not None:
        outcome.notices += [f"{case.name}: {notice}" for notice in structures.notices]
    return volume, structures


def _keep_or_draw(
    kept: _Set,
    case: str,
    view: View,
    volume: Volume,
    structures: Structures | None,
    settings: ExportSettings,
    outcome: Outcome,
) -> None:
    name = f"{case}_{view.name}"
    record = kept.whole(name)
    if record is None:
        camera, draw = view.camera(volume, settings)
        picture = project(volume, camera, settings.method, settings.samples, structures)
        written = write_projection(
            kept.folder, partial(_path_of, name), picture, volume, structures, settings, draw
        )
        record = {"id": name, "case": case, "view": view.name, **written}
        kept.add(record)
        outcome.drawn += 1
    else:
        if record.get("structures_sha256") != (None if structures is None else structures.hash):
            raise kept.another("label map", case)
        outcome.kept += 1
    if record["empty_masks"]:
        outcome.empty[name] = record["empty_masks"]


def _path_of(projection: str, kind: str, structure: str) -> str:
    name = f"{projection}__{structure}" if structure else projection
    return {
        "image": f"images/{name}.png",
        "raw": f"raw/{name}.nrrd",
        "mask": f"masks/{name}.png",
        "thickness": f"thickness/{name}.nrrd",
    }[kind]
