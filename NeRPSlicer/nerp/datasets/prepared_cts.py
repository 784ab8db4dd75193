"""CTs prepared for training: coarse, labelled, from the cache where they were prepared before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import phantom
from ..errors import NerpError
from ..io import read_ct, read_structures
from ..structures import Code, Structure, Structures
from ..volume import Volume
from .cache import Cache, cache_key, from_text_array, text_array
from .cases import Cases, CtCase
from .coarse import coarse_structures, coarse_volume
from .records import MEMORY_BYTES, Records, prepared

VERSION = 1
"""Goes up when the same CT and settings give another record: older caches are then not read."""
LEAST_AIR_HU = -500
"""A chest CT holds air: what has none below this is a label map or not in HU."""


@dataclass(frozen=True, eq=False)
class CtRecord:
    """A CT on a coarse grid of cubes."""

    name: str
    patient: str
    volume: Volume
    """int16 HU ``[K, J, I]``, air outside the body; with ``ras_from_ijk``, body, body_box and hash."""
    structures: Structures | None
    """On the same grid; None where the CT has no labels, or none that can be used."""
    notices: tuple[str, ...] = ()
    """What its files have to tell."""

    @property
    def nbytes(self) -> int:
        labels = 0 if self.structures is None else self.structures.combination.nbytes
        return self.volume.hu.nbytes + self.volume.body.nbytes + labels


def prepare_ct(case: CtCase, spacing_mm: float, cache: Cache | None = None) -> CtRecord:
    """A CT and its structures on cubes of ``spacing_mm`` (`nerp.datasets.coarse`).

    Args:
        case: files, or the seed of a digital thorax.
        spacing_mm: edge length of the coarse grid.
        cache: read first, written after.

    Raises:
        NerpError: the CT cannot be read, holds no air, or the grid would be too large or too small.
        CannotWrite: the cache cannot be written.
    """
    key = ""
    if cache is not None:
        key = _key(cache.content_hash(_sources(case)), case, spacing_mm)
        arrays = cache.read(key)
        if arrays is not None:
            with suppress(KeyError, TypeError, ValueError):  # not what was written: made anew
                return _record(case, arrays)
    volume, structures, notices = _read(case)
    coarse = coarse_volume(volume, spacing_mm)
    small = None if structures is None else coarse_structures(structures, coarse)
    arrays = _arrays(coarse, small, notices)
    if cache is not None:
        cache.write(key, arrays)
    return _record(case, arrays)


def prepare_cts(
    cases: Cases[CtCase],
    spacing_mm: float,
    cache: Cache | None = None,
    memory_bytes: float = MEMORY_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Records[CtRecord]:
    """Every CT prepared once; see `prepare_ct` and `nerp.datasets.records.prepared`."""
    return prepared(
        cases, partial(prepare_ct, spacing_mm=spacing_mm, cache=cache), "CT", memory_bytes, progress
    )


def is_prepared(case: CtCase, spacing_mm: float, cache: Cache) -> bool:
    """Whether `prepare_ct` need not read the case: so it seems without reading anything."""
    content = cache.remembered_hash(_sources(case))
    return content is not None and cache.holds(_key(content, case, spacing_mm))


def _sources(case: CtCase) -> list[Path]:
    """Files whose content decides what becomes of a case."""
    if case.path is None:  # what a seed draws changes with the drawing
        return sorted(Path(phantom.__file__).parent.glob("*.py"))
    return case.files


def _key(content: str, case: CtCase, spacing_mm: float) -> str:
    of_seed = "" if case.path else f"thorax {case.thorax} "
    return cache_key(of_seed + content, {"kind": "ct", "version": VERSION, "spacing_mm": spacing_mm})


def _read(case: CtCase) -> tuple[Volume, Structures | None, tuple[str, ...]]:
    if case.path is None:
        volume, structures = phantom.thorax(seed=case.thorax or 0)
        return volume, structures, ()
    volume = read_ct(case.path)
    if volume.hu.min() > LEAST_AIR_HU:
        raise NerpError(
            f"{case.path} holds no air, its least value is {volume.hu.min():g}: a label map, or not in HU."
        )
    if case.labels is None:
        return volume, None, volume.notices
    try:
        labels = read_structures(case.labels, like=volume)
    except NerpError as error:
        return volume, None, (*volume.notices, f"{case.name}: labels not used. {error}")
    return volume, labels, (*volume.notices, *labels.notices)


def _arrays(volume: Volume, structures: Structures | None, notices: tuple[str, ...]) -> dict[str, np.ndarray]:
    record: dict[str, Any] = {"notices": list(notices)}
    arrays = {"hu": volume.hu, "body": volume.body, "ras_from_ijk": volume.ras_from_ijk}
    if structures is not None:
        arrays["combination"] = structures.combination
        record["combinations"] = [list(members) for members in structures.combinations]
        record["items"] = [
            {**vars(item), "code": vars(item.code) if item.code else None} for item in structures.items
        ]
    return {**arrays, "record": text_array(record)}


def _record(case: CtCase, arrays: dict[str, np.ndarray]) -> CtRecord:
    record = from_text_array(arrays["record"])
    volume = Volume(arrays["hu"], arrays["ras_from_ijk"], arrays["body"], case.name)
    structures = None
    if "combination" in arrays:
        items = [
            Structure(
                **{
                    **item,
                    "color": tuple(item["color"]),
                    "code": Code(**item["code"]) if item["code"] else None,
                }
            )
            for item in record["items"]
        ]
        structures = Structures(
            arrays["combination"],
            [tuple(members) for members in record["combinations"]],
            items,
            arrays["ras_from_ijk"],
        )
    return CtRecord(case.name, case.patient, volume, structures, tuple(record["notices"]))
