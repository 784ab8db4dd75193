"""Chest X-rays prepared for training, from the cache where they were prepared before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from ..io.xray import Xray, read_lung_masks, read_xray
from .cache import Cache, cache_key, from_text_array, text_array
from .cases import Cases, XrayCase
from .films import film_window, prepare_lungs, prepare_xray
from .records import MEMORY_BYTES, Records, prepared

VERSION = 1
"""Goes up when the same film and settings give another record: older caches are then not read."""


class LungFinder(Protocol):
    """Finds the lungs of a film that has no mask."""

    key: str
    """Changes when its answers may change; "" keeps nothing in a cache apart."""

    def __call__(self, xray: Xray) -> np.ndarray | None:
        """Both lungs as a boolean ``[rows, columns]`` of the film's proportions; None where none are
        plausible."""
        ...


@dataclass(frozen=True, eq=False)
class XrayRecord:
    """A film as training sees it."""

    name: str
    patient: str
    image: np.ndarray
    """float32 ``[rows, columns]`` in [0, 1], of half precision, bone bright."""
    lungs: np.ndarray | None
    """Boolean ``[rows, columns]`` where the film was cut to lungs; None where it stayed whole."""
    notices: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the film was not cut to its lungs."""
        return self.lungs is None

    @property
    def nbytes(self) -> int:
        return self.image.nbytes + (0 if self.lungs is None else self.lungs.nbytes)


def prepare_xray_case(
    case: XrayCase,
    rows: int = 256,
    columns: int = 256,
    finder: LungFinder | None = None,
    cache: Cache | None = None,
) -> XrayRecord:
    """A film, cut to its lungs by its masks, else by what ``finder`` finds, else whole; see `prepare_xray`.

    Args:
        case: the film's files.
        rows, columns: of the result.
        finder: asked where the case has no masks.
        cache: read first, written after.

    Raises:
        NerpError: film or mask cannot be read, or the mask is another film's.
        CannotWrite: the cache cannot be written.
    """
    key = ""
    if cache is not None:
        settings = {"kind": "xray", "version": VERSION, "rows": rows, "columns": columns}
        settings["finder"] = finder.key if finder is not None and not case.masks else ""
        key = cache_key(cache.content_hash([case.path, *case.masks]), settings)
        arrays = cache.read(key)
        if arrays is not None:
            with suppress(KeyError, TypeError, ValueError):  # not what was written: made anew
                return _record(case, arrays)
    xray = read_xray(case.path)
    lungs = read_lung_masks(case.masks) if case.masks else finder(xray) if finder else None
    if lungs is not None and not lungs.any():
        lungs = None
    arrays = {
        "image": prepare_xray(xray, lungs, rows, columns).astype(np.float16),
        "notices": text_array(list(xray.notices)),
    }
    if lungs is not None:
        window = film_window(xray.image, lungs, columns / rows)
        arrays["lungs"] = prepare_lungs(lungs, window, xray.image, rows, columns)
    if cache is not None:
        cache.write(key, arrays)
    return _record(case, arrays)


def prepare_xrays(
    cases: Cases[XrayCase],
    rows: int = 256,
    columns: int = 256,
    finder: LungFinder | None = None,
    cache: Cache | None = None,
    memory_bytes: float = MEMORY_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Records[XrayRecord]:
    """Every film prepared once; see `prepare_xray_case` and `nerp.datasets.records.prepared`."""
    prepare = partial(prepare_xray_case, rows=rows, columns=columns, finder=finder, cache=cache)
    return prepared(cases, prepare, "chest X-ray", memory_bytes, progress)


def _record(case: XrayCase, arrays: dict[str, np.ndarray]) -> XrayRecord:
    notices = tuple(from_text_array(arrays["notices"]))
    # From half precision in every case, so that a run does not depend on what a cache held.
    return XrayRecord(
        case.name, case.patient, arrays["image"].astype(np.float32), arrays.get("lungs"), notices
    )
