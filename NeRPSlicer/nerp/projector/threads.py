"""Bands of rows on a pool of threads; kernels, NumPy and SciPy release Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

BAND_ROWS = 8


def thread_count() -> int:
    """Threads in use: NERP_THREADS where set, else the processors this process may run on."""
    asked = os.environ.get("NERP_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="nerp")


def bands(rows: int, height: int = BAND_ROWS) -> list[tuple[int, int]]:
    """(first, end) of each band of rows."""
    return [(first, min(first + height, rows)) for first in range(0, rows, height)]


def for_each_band(work: Callable[[int, int], None], pieces: Iterable[tuple[int, int]]) -> None:
    """Call ``work(first, end)`` for every band and wait for all; this thread works too."""
    queue = iter(pieces)

    def drain() -> None:
        for first, end in queue:
            work(first, end)

    threads = thread_count()
    helpers = [_pool(threads - 1).submit(drain) for _ in range(threads - 1)] if threads > 1 else []
    try:
        drain()
    finally:
        # Reading every result waits, and raises what a band raised.
        for helper in helpers:
            helper.result()
