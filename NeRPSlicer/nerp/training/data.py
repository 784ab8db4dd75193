"""What a run learns from: CTs and films found, split by patient, prepared once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from monai.data import Dataset

from ..atomic import write_json
from ..datasets import (
    Cache,
    Cases,
    CtRecord,
    Records,
    Split,
    XrayRecord,
    load_lung_finder,
    prepare_cts,
    prepare_xrays,
    split,
    training_pairs,
)
from ..errors import NerpError
from ..jobs.job import Job, Stopped
from .patients import Patients
from .plan import found_cts, found_xrays
from .run_folder import CACHE, SPLIT
from .settings import TrainingSettings

WHAT = {"ct": "CTs", "xray": "X-rays"}
LISTED = 20
"""Left out files that the log names."""

R = TypeVar("R", CtRecord, XrayRecord)


class TrainingData:
    """CTs and films of a run.

    Args:
        job: whose configuration names the folders; told what was left out.
        settings: of the run.

    Attributes:
        sources: what sets the folders hold and their terms, one line each.

    Raises:
        NerpError: a folder holds nothing that can be used, or not what the run was started with.
        Stopped: asked to while cases are prepared.
    """

    def __init__(self, job: Job, settings: TrainingSettings) -> None:
        found: dict[str, Cases] = {
            "ct": found_cts(job.configuration, job.folder),
            "xray": found_xrays(job.configuration, job.folder),
        }
        for cases in found.values():
            _list(job, cases)
        self.sources = [line for cases in found.values() for line in cases.notices]
        cache = Cache(job.path(job.configuration.get("cache") or CACHE))
        size = settings.size
        finder = load_lung_finder() if job.configuration.get("find_lungs") else None
        parts = _former_split(job, found, cache)
        if parts:
            found = {kind: found[kind].named((*part.train, *part.held_out)) for kind, part in parts.items()}

        def preparing(what: str) -> Callable[[int, int], None]:
            def told(done: int, count: int) -> None:
                job.progress(job.done, settings.steps, f"preparing {what}: {done} of {count}")
                if job.should_stop():
                    raise Stopped

            return told

        cts = prepare_cts(found["ct"], settings.ct_mm, cache, progress=preparing("CTs"))
        xrays = prepare_xrays(found["xray"], size, size, finder, cache, progress=preparing("X-rays"))
        _tell(job, cts, already=len(found["ct"].skipped))
        _tell(job, xrays, already=len(found["xray"].skipped))
        # Only now is known what can be used: a damaged file must not be all that one side has.
        parts = parts or _new_split(job, settings, {"ct": cts.cases, "xray": xrays.cases}, cache)

        records, films = cts.named(parts["ct"].train), xrays.named(parts["xray"].train)
        self.patients = Patients(records)
        held = Patients(cts.named(parts["ct"].held_out))
        self.watched = held if len(held) else self.patients
        self.held_cts = held.names
        self.films = _stacked(films, size)
        held_films = xrays.named(parts["xray"].held_out)
        self.held_films = _stacked(held_films, size)
        whole = sum(film.is_whole for film in (*films, *held_films))
        if whole:
            job.log(
                f"{whole} of {len(films) + len(held_films)} films stay whole: no lungs known or plausible."
            )
        self.pairs: Dataset = training_pairs(
            records, films, settings.seed, settings.steps, settings.views, settings.ct_augmentation
        )
        for kind, part in parts.items():
            for notice in part.notices:
                job.log(f"{WHAT[kind]}: {notice}")


def _new_split(
    job: Job, settings: TrainingSettings, found: dict[str, Cases], cache: Cache
) -> dict[str, Split]:
    """The split of each kind of case, drawn and written."""
    parts = {kind: split(cases, settings.seed, settings.held_out) for kind, cases in found.items()}
    record = {
        kind: {**part.to_dict(), "content": _contents(found[kind], cache)} for kind, part in parts.items()
    }
    write_json(job.folder / SPLIT, record)
    return parts


def _former_split(job: Job, found: dict[str, Cases], cache: Cache) -> dict[str, Split]:
    """The split of each kind of case that the run was started with; none where it was not."""
    path = job.folder / SPLIT
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        contents = {kind: dict(record[kind].pop("content")) for kind in found}
        parts = {kind: Split.from_dict(record[kind]) for kind in found}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NerpError(f"{path} is damaged; start a new run.") from error
    for kind, part in parts.items():
        cases = found[kind].named((*part.train, *part.held_out))
        for name, content in _contents(cases, cache).items():
            if contents[kind].get(name) != content:
                raise NerpError(f"{name} has changed since this run was started; start a new run.")
        added = len(found[kind]) - len(cases)
        if added:
            job.log(f"{added} more {WHAT[kind]} than this run was started with: they take no part in it.")
    return parts


def _contents(cases: Cases[Any], cache: Cache) -> dict[str, str]:
    """The content's hash of each case that has files, by name."""
    return {case.name: cache.content_hash(case.files) for case in cases if case.files}


def _list(job: Job, cases: Cases) -> None:
    for line in (*cases.notices, *cases.skipped_lines()[: LISTED + 1]):
        job.log(line)


def _tell(job: Job, records: Records[R], already: int) -> None:
    """What preparing has told of its cases, beyond what was left out already."""
    skipped = records.cases.skipped[already:]
    for line in replace(records.cases, skipped=skipped).skipped_lines()[: LISTED + 1]:
        job.log(line)
    for record in records:
        for notice in record.notices:
            job.log(f"{record.name}: {notice}")


def _stacked(films: Sequence[XrayRecord], size: int) -> np.ndarray:
    return np.stack([film.image for film in films]) if len(films) else np.empty((0, size, size), np.float32)
