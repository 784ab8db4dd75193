"""Arrays that pass between Slicer and the worker through files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt

SLAB_BYTES = 16 << 20
"""Written between two turns of the event loop, so that a large CT does not hold up the panel."""


def readArray(folder: Path, record: dict[str, Any]) -> np.ndarray:
    """A copy of an array of the worker's, which will be overwritten by the one after the next.

    :param folder: the worker's session folder.
    :param record: "file", "shape", "dtype" of its answer.
    """
    path, dtype, shape = folder / record["file"], np.dtype(record["dtype"]), tuple(record["shape"])
    return np.array(np.memmap(path, dtype, "r", shape=shape))


def arrayRecord(path: Path, array: np.ndarray) -> dict[str, Any]:
    """What a request says of an array's file."""
    return {"file": str(path), "shape": list(array.shape), "dtype": array.dtype.name}


class ArrayWriter:
    """Writes an array slab by slab between events.

    :param path: the file, replaced.
    :param array: any size; written in C order.
    :param whenDone: called at the end.
    :param onProgress: called with the share done, 0 to 1.
    :param whenFailed: called with the OSError.
    """

    def __init__(
        self,
        path: Path,
        array: np.ndarray,
        whenDone: Callable[[], None],
        onProgress: Callable[[float], None],
        whenFailed: Callable[[OSError], None],
    ) -> None:
        self._array, self._next = array, 0
        self._whenDone, self._onProgress, self._whenFailed = whenDone, onProgress, whenFailed
        self._step = max(1, SLAB_BYTES // max(1, array[:1].nbytes))
        self._file = None
        self._path = path
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._writeSlab)
        self._timer.start()

    def cancel(self) -> None:
        self._timer.stop()
        if self._file is not None:
            self._file.close()

    def _writeSlab(self) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("wb")
            slab = self._array[self._next : self._next + self._step]
            self._file.write(np.ascontiguousarray(slab).data)
        except OSError as error:
            self.cancel()
            self._whenFailed(error)
            return
        self._next += self._step
        self._onProgress(min(1.0, self._next / len(self._array)))
        if self._next >= len(self._array):
            self.cancel()
            self._whenDone()
