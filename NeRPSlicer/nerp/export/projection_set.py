"""A labelled set on disk while it grows: what its pictures bind, and how one more comes to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..atomic import explained, remove_unfinished
from ..errors import NerpError
from ..geometry import Camera
from ..installation import made_with
from ..poses import CameraDraw
from ..projector import Radiograph
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume
from .index import (
    DATASET,
    Records,
    is_whole,
    label_table,
    read_dataset,
    read_records,
    write_dataset,
    write_records,
)
from .record import write_projection
from .views import GIVEN, SAVED, VARIATIONAL, next_saved, numbered, views_of

FOLDERS = ("images", "masks", "raw", "thickness", "previews")


class ProjectionSet:
    """What is known of the set in a folder that the caller holds (`exclusive`); reading it writes nothing.

    Args:
        folder: of the set, or an empty one.
        settings: what is to be drawn.
        taken_over: settings that are those of the set, whatever ``settings`` say.

    Raises:
        NerpError: the folder holds other files, or a set made with other settings.
    """

    def __init__(self, folder: Path, settings: ExportSettings, taken_over: Collection[str] = ()) -> None:
        self.folder = folder
        self.settings = settings
        """With as many views as the set has, if those are more."""
        self.cases: set[str] = set()
        """The cases that are to have every view of the settings."""
        self.labels: dict[str, dict[str, Any]] = {}
        self.records: Records = {}
        self.makers: list[dict[str, Any]] = []
        self._earlier: set[str] = set()
        self._take_up(taken_over)
        self.complete = self.has_all()
        """What `write_dataset` says of it: an export that is under way is not."""

    def _take_up(self, taken_over: Collection[str]) -> None:
        if not (self.folder / DATASET).is_file():
            with explained(self.folder):
                others = [path.name for path in self.folder.iterdir() if not path.name.startswith(".")]
            if others:
                raise NerpError(
                    f"{self.folder} is not empty and holds no labelled set; choose another folder."
                )
            return
        dataset = read_dataset(self.folder)
        self.records = read_records(self.folder)
        if not self.records:
            # What failed before its first picture may be mended in any way.
            return
        earlier = ExportSettings.from_dict(dataset["settings"])
        self.settings = replace(self.settings, **{name: getattr(earlier, name) for name in taken_over})
        earlier = self._bound(earlier)
        differences = earlier.differences(self.settings)
        if differences:
            raise NerpError(
                f"{self.folder} holds a set made with other settings ({'; '.join(differences)}); "
                "choose another folder."
            )
        self.settings = earlier.grown_to(self.settings)
        exported = {r["case"] for r in self.records.values() if not r["view"].startswith(SAVED)}
        only_saved = {r["case"] for r in self.records.values()} - exported
        self._earlier = set(dataset["cases"]) - only_saved
        self.cases |= self._earlier
        self.labels = {
            label["name"]: {key: value for key, value in label.items() if key != "value"}
            for label in dataset["labels"]
        }
        self.makers = dataset["made_with"]

    def _bound(self, earlier: ExportSettings) -> ExportSettings:
        """Earlier settings as far as pictures were drawn with them: what has none follows the new ones."""
        views, new = {record["view"] for record in self.records.values()}, self.settings
        cameras = [
            there if n >= len(new.cameras) or numbered(GIVEN, n) in views else new.cameras[n]
            for n, there in enumerate(earlier.cameras)
        ]
        earlier = replace(earlier, cameras=tuple(cameras))
        if any(view.startswith(VARIATIONAL) for view in views):
            return earlier
        return replace(earlier, seed=new.seed, ranges=new.ranges, preset=new.preset)

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

    def next_saved(self, case: str) -> str:
        """The view under which a case's next picture is saved."""
        return next_saved(record["view"] for record in self.records.values() if record["case"] == case)

    def record_of(
        self, volume: Volume, structures: Structures | None, camera: Camera
    ) -> dict[str, Any] | None:
        """The record of a picture that is there already, its files whole or not; of none that was drawn by
        chance, whose record says more."""
        wanted = volume.hash, None if structures is None else structures.hash, camera.to_dict(), None
        for record in self.records.values():
            labels, shown, draw = (record.get(key) for key in ("structures_sha256", "camera", "draw"))
            if (record["ct"]["sha256"], labels, shown, draw) == wanted:
                return record
        return None

    def whole(self, name: str) -> dict[str, Any] | None:
        """A projection whose files are all there, unchanged."""
        record = self.records.get(name)
        return record if record is not None and is_whole(self.folder, record) else None

    def add(
        self,
        case: str,
        view: str,
        picture: Radiograph,
        volume: Volume,
        structures: Structures | None,
        draw: CameraDraw | None = None,
    ) -> dict[str, Any]:
        """Write a projection's files.

        Returns:
            its record, which the caller writes: appended, or with all others by `write`.
        """
        self._name_labels(structures)
        name = f"{case}_{view}"
        written = write_projection(
            self.folder, partial(_path_of, name), picture, volume, structures, self.settings, draw
        )
        record = {"id": name, "case": case, "view": view, **written}
        self.records[name] = record
        maker = made_with()
        if maker not in self.makers:
            self.makers.append(maker)
        return record

    def _name_labels(self, structures: Structures | None) -> None:
        """No mask is there before its structure is in the label table, and no picture before a set."""
        labels = {**self.labels, **({} if structures is None else label_table(structures))}
        if labels != self.labels or not (self.folder / DATASET).is_file():
            self.labels = labels
            self.write_dataset()

    def begin(self) -> None:
        """Clear away what a killed writer left; once it is sure that something will be written."""
        remove_unfinished(self.folder, *(self.folder / name for name in FOLDERS))

    def write(self) -> None:
        """Write all records, in order, and what they make of the set."""
        write_records(self.folder, self.records)
        self.write_dataset()

    def write_dataset(self) -> None:
        """Write what the set is, with its counts."""
        cases = self.cases | {record["case"] for record in self.records.values()}
        write_dataset(
            self.folder, self.settings, cases, self.labels, self.records, self.makers, self.complete
        )

    def has_all(self) -> bool:
        """Whether there is a record of every view of every case."""
        views = views_of(self.settings)
        return {f"{case}_{view.name}" for case in self.cases for view in views} <= set(self.records)


def _path_of(projection: str, kind: str, structure: str) -> str:
    name = f"{projection}__{structure}" if structure else projection
    return {
        "image": f"images/{name}.png",
        "raw": f"raw/{name}.nrrd",
        "mask": f"masks/{name}.png",
        "thickness": f"thickness/{name}.nrrd",
    }[kind]
