"""A labelled projection set: drawn view by view, resumed after any end, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..atomic import exclusive
from ..errors import CannotWrite, NerpError
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume
from .cases import Case, file_name
from .drawing import BLANK, Model, check_model, drawn
from .index import append_record
from .previews import SHEET, write_previews
from .projection_set import ProjectionSet
from .views import View, views_of

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


def export_set(
    cases: Sequence[Case],
    settings: ExportSettings,
    folder: Path,
    progress: Progress = lambda done, total, text: None,
    should_stop: Callable[[], bool] = lambda: False,
    previews: bool = False,
    model: Model | None = None,
) -> Outcome:
    """Draw every view of every case into ``folder``; what is there and whole stays.

    A case that cannot be read or drawn is noted in the outcome and the others go on.

    Args:
        cases: their names must differ.
        settings: must equal those of a set that is there as far as pictures were drawn with them, save that
            views, presets and cameras may grow.
        folder: made when missing.
        progress: see `Progress`.
        should_stop: asked before every reading and every projection; True ends the export there.
        previews: whether to draw those for people too, at the end.
        model: the one that the settings name.

    Raises:
        NerpError: nothing to draw, two cases of one name, or the folder holds another set or other files.
        CannotWrite: the folder is in use or cannot be written.
    """
    names = [case.name for case in cases]
    if len({name.casefold() for name in names}) != len(names):
        raise NerpError("Two CTs of a set have the same name; rename one of them.")
    for name in names:
        if name != file_name(name):
            raise NerpError(f"{name!r} cannot be part of a file name; use {file_name(name)!r}.")
    check_model(settings, model)
    outcome = Outcome()
    views = views_of(settings)
    if not views:
        raise NerpError("Nothing to draw: ask for at least one view or one standard projection.")
    total = len(cases) * len(views)
    with exclusive(folder):
        kept = ProjectionSet(folder, settings)
        kept.cases |= set(names)
        kept.complete = False
        kept.begin()
        kept.write()
        for n, case in enumerate(cases):
            done = n * len(views)
            if outcome.stopped or should_stop():
                outcome.stopped = True
                break
            progress(done, total, f"{case.name}: reading")
            try:
                volume, structures = _loaded(case, settings, outcome)
                name = kept.name_of(case.name, volume)
                for view in views:
                    if should_stop():
                        outcome.stopped = True
                        break
                    progress(done, total, f"{case.name} {view.name}")
                    _keep_or_draw(kept, name, view, volume, structures, settings, outcome, model)
                    done += 1
            except CannotWrite:
                raise
            except NerpError as error:
                outcome.failed[case.name] = str(error)
        kept.complete = kept.has_all()
        kept.write()
        if previews and kept.records and not outcome.stopped:
            progress(total, total, "previews")
            if outcome.drawn or not (folder / SHEET).is_file():
                write_previews(folder)
    if not outcome.stopped:
        progress(total, total, "done")
    return outcome


def _loaded(case: Case, settings: ExportSettings, outcome: Outcome) -> tuple[Volume, Structures | None]:
    volume, structures = case.load()
    if structures is not None:
        structures = settings.select(structures)
    outcome.notices += [f"{case.name}: {notice}" for notice in volume.notices]
    if structures is not None:
        outcome.notices += [f"{case.name}: {notice}" for notice in structures.notices]
    return volume, structures


def _keep_or_draw(
    kept: ProjectionSet,
    case: str,
    view: View,
    volume: Volume,
    structures: Structures | None,
    settings: ExportSettings,
    outcome: Outcome,
    model: Model | None,
) -> None:
    name = f"{case}_{view.name}"
    record = kept.whole(name)
    if record is None:
        camera, draw = view.camera(volume, settings, structures)
        picture = drawn(volume, camera, settings, structures, model)
        record = kept.add(case, view.name, picture, volume, structures, draw)
        append_record(kept.folder, record)
        outcome.drawn += 1
        if picture.is_blank:
            outcome.notices.append(f"{name}: {BLANK}")
    else:
        if record.get("structures_sha256") != (None if structures is None else structures.hash):
            raise kept.another("label map", case)
        outcome.kept += 1
    if record["empty_masks"]:
        outcome.empty[name] = record["empty_masks"]
