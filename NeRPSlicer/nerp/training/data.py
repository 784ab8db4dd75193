"""What a run learns from: CTs and films found, split by patient, prepared once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from monai.data import Dataset

from ..atomic import write_json
from ..datasets import (
    Cache,
    Cases,
    CtCase,
    CtRecord,
    Records,
    Split,
    XrayCase,
    XrayRecord,
    load_lung_finder,
    prepare_cts,
    prepare_xrays,
    split,
    training_pairs,
)
from ..errors import NerpError
from ..jobs.job import Job
from .patients import Patients
from .plan import found_cts, found_xrays
from .run_folder import CACHE, SPLIT
from .settings import WATCHED, TrainingSettings

LISTED = 20
"""Left out files that the log names."""

R = TypeVar("R", CtRecord, XrayRecord)


class TrainingData:
    """CTs and films of a run.

    Args:
        job: whose configuration names the folders; told what was left out.
        settings: of the run.

    Raises:
        NerpError: a folder holds nothing that can be used, or not what the run was started with.
    """

    def __init__(self, job: Job, settings: TrainingSettings) -> None:
        cts = _listed(job, found_cts(job.configuration, job.folder))
        xrays = _listed(job, found_xrays(job.configuration, job.folder))
        cache = Cache(job.path(job.configuration.get("cache") or CACHE))
        parts = _parts(job, settings, {"ct": cts, "xray": xrays}, cache)
        size = settings.size
        finder = load_lung_finder() if job.configuration.get("find_lungs") else None

        def cts_of(cases: Cases[CtCase]) -> Sequence[CtRecord]:
            return _told(job, prepare_cts(cases, settings.ct_mm, cache)) if len(cases) else ()

        def xrays_of(cases: Cases[XrayCase]) -> Sequence[XrayRecord]:
            return _told(job, prepare_xrays(cases, size, size, finder, cache)) if len(cases) else ()

        (train_cts, held_cts), (train_xrays, held_xrays) = parts[0].apply(cts), parts[1].apply(xrays)
        records, films = cts_of(train_cts), xrays_of(train_xrays)
        self.patients = Patients(records)
        watched = held_cts.named([case.name for case in held_cts][:WATCHED])
        self.learnt_from = Patients(records[:WATCHED])
        held = Patients(cts_of(watched))
        self.watched = held if len(held) else self.learnt_from
        self.films = _stacked(films, size)
        held_films = xrays_of(held_xrays)
        self.held_films = _stacked(held_films, size)
        whole = sum(film.is_whole for film in (*films, *held_films))
        if whole:
            job.log(
                f"{whole} of {len(films) + len(held_films)} films stay whole: no lungs known or plausible."
            )
        self.pairs: Dataset = training_pairs(
            records, films, settings.seed, settings.steps, settings.views, settings.ct_augmentation
        )
        for part in parts:
            for notice in part.notices:
                job.log(notice)


def _parts(job: Job, settings: TrainingSettings, found: dict[str, Cases], cache: Cache) -> list[Split]:
    """The split of each kind of case: drawn once, then the one that the run was started with."""
    path = job.folder / SPLIT
    if not path.is_file():
        parts = {kind: split(cases, settings.seed, settings.held_out) for kind, cases in found.items()}
        record = {
            kind: {**part.to_dict(), "content": _contents(found[kind], cache)} for kind, part in parts.items()
        }
        write_json(path, record)
        return list(parts.values())
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
            job.log(f"{added} {kind} cases came after this run was started and take no part in it.")
    return list(parts.values())


def _contents(cases: Cases[Any], cache: Cache) -> dict[str, str]:
    """The content's hash of each case that has files, by name."""
    found = {}
    for case in cases:
        beside = case.masks if isinstance(case, XrayCase) else (case.labels,) if case.labels else ()
        if case.path:
            found[case.name] = cache.content_hash([case.path, *beside])
    return found


def _listed(job: Job, cases: Cases) -> Cases:
    for line in (*cases.notices, *cases.skipped_lines()[: LISTED + 1]):
        job.log(line)
    return cases


def _told(job: Job, records: Records[R]) -> Records[R]:
    for line in records.cases.skipped_lines()[: LISTED + 1]:
        job.log(line)
    for record in records:
        for notice in record.notices:
            job.log(f"{record.name}: {notice}")
    return records


def _stacked(films: Sequence[XrayRecord], size: int) -> np.ndarray:
    return np.stack([film.image for film in films]) if len(films) else np.empty((0, size, size), np.float32)
