"""Arrays that pass between the worker and its client through memory-mapped files."""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import explained
from ..errors import NerpError

LEAST_BYTES = 1 << 16
TYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64", "bool")


class DoubleBuffer:
    """Two files written in turn: the client reads one while the next array goes into the other.

    Windows neither deletes nor shortens a file that anyone has mapped. So files never change their size: an
    array that does not fit gets two larger ones of other names, and a smaller one lies at the beginning.

    Args:
        folder: the session folder.
        name: what the files' names begin with.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._turn = 0
        self._capacity = 0
        self._maps: list[mmap.mmap] = []

    def write(self, array: np.ndarray) -> dict[str, Any]:
        """Put an array into the other file.

        Returns:
            where it lies: "file" (in the session folder), "shape", "dtype".

        Raises:
            CannotWrite: the disk is full.
        """
        array = np.ascontiguousarray(array)
        if array.nbytes > self._capacity:
            self._grow(array.nbytes)
        self._turn = 1 - self._turn
        self._maps[self._turn][: array.nbytes] = array.tobytes()
        return {"file": self._path(self._turn).name, "shape": list(array.shape), "dtype": array.dtype.name}

    def close(self) -> None:
        """Let go of the files, and remove those that the client has let go of."""
        for mapped in self._maps:
            mapped.close()
        for turn in (0, 1):
            with suppress(OSError):
                self._path(turn).unlink(missing_ok=True)
        self._maps, self._capacity = [], 0

    def _path(self, turn: int) -> Path:
        return self._folder / f"{self._name}-{self._capacity}-{turn}"

    def _grow(self, size: int) -> None:
        self.close()
        self._capacity = max(LEAST_BYTES, 1 << (size - 1).bit_length())
        try:
            for turn in (0, 1):
                with explained(self._path(turn)):
                    # Written, not only sized: a full disk must be found here, not as a signal when drawing.
                    self._path(turn).write_bytes(bytes(self._capacity))
                    with self._path(turn).open("r+b") as file:
                        self._maps.append(mmap.mmap(file.fileno(), self._capacity))
        except NerpError:
            self.close()
            raise


def write_array(folder: Path, name: str, array: np.ndarray) -> dict[str, Any]:
    """Write an array that is handed over once; returns where it lies, as `DoubleBuffer.write` does."""
    with explained(folder / name):
        (folder / name).write_bytes(np.ascontiguousarray(array).tobytes())
    return {"file": name, "shape": list(array.shape), "dtype": array.dtype.name}


def read_array(folder: Path, record: Mapping[str, Any], what: str) -> np.ndarray:
    """A copy of an array of the client's, after which its file is not needed any more.

    Args:
        folder: what a relative path is relative to.
        record: "file", "shape", "dtype" (one of `TYPES`); C order, this machine's byte order.
        what: how to call it when something is wrong.

    Raises:
        NerpError: missing file, unknown type, a size that does not fit the shape.
    """
    try:
        path, dtype = folder / str(record["file"]), str(record["dtype"])
        shape = _shape(record["shape"])
    except KeyError as error:
        raise NerpError(f"{what} needs {error}: send file, shape and dtype.") from None
    if dtype not in TYPES:
        raise NerpError(f"{what}: there is no type {dtype!r}; send one of {', '.join(TYPES)}.")
    try:
        size = path.stat().st_size
        if size != math.prod(shape) * np.dtype(dtype).itemsize:
            raise NerpError(f"{what}: {path} holds {size} bytes, which is not {dtype} of shape {shape}.")
        return np.fromfile(path, dtype).reshape(shape)
    except OSError as error:
        raise NerpError(f"{what}: {path} cannot be read ({error.strerror or error}).") from error


def _shape(given: Any) -> tuple[int, ...]:
    if not isinstance(given, Sequence) or not all(isinstance(n, int) and n > 0 for n in given):
        raise NerpError(f"A shape is a list of whole numbers above 0, not {given!r}.")
    return tuple(given)
