"""Prepared cases on disk: made once, read by every later run.

A file holds arrays in NumPy's .npz without pickle, so that reading a cache runs no code. Its name is a digest
of what went in: the content of the case's files and the settings. Files are written aside and renamed: a
killed writer leaves nothing that is read, and several processes may fill one folder at once.
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import UNFINISHED, write_text, written_aside
from ..errors import NerpError
from ..io.images import explained_reading
from .cases import files_below

BLOCK = 1 << 20
ABANDONED_S = 3600.0
"""No writer takes an hour for one file."""
SETTLED_S = 3.0
"""The coarsest clock of a file system (FAT) counts two seconds."""


class Cache:
    """A folder of prepared cases.

    Args:
        folder: made when something is first written to it; what killed writers left there goes.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        for path in self.folder.glob(UNFINISHED + "*"):
            with suppress(OSError):  # another process may be faster, or still hold it
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    path.unlink()

    def read(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays under a key; None where there are none, or none that are whole."""
        try:
            with self._path(key).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (
            OSError,
            ValueError,
            EOFError,
            KeyError,
            NotImplementedError,  # a compression that zipfile does not know
            RuntimeError,  # encrypted, as a flipped bit says
            zipfile.BadZipFile,
            zlib.error,
        ):
            return None

    def write(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep arrays under a key.

        Raises:
            CannotWrite: the folder cannot be written or the disk is full.
        """
        with written_aside(self._path(key)) as aside, aside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def content_hash(self, paths: Iterable[Path]) -> str:
        """`content_hash`, remembered for files whose places, lengths and times have not changed since: a set
        of hundreds of CTs is not read anew at each start.

        Raises:
            NerpError: a file cannot be read.
            CannotWrite: the folder cannot be written.
        """
        paths = list(paths)
        memory, changed = self._memory_of(paths)
        try:
            return memory.read_text(encoding="ascii")
        except (OSError, ValueError):
            content = content_hash(paths)
        # A file may change again within the same tick of a coarse clock.
        if time.time() - changed > SETTLED_S:
            write_text(memory, content)
        return content

    def remembered_hash(self, paths: Iterable[Path]) -> str | None:
        """What `content_hash` would say if it need not read the files, else None; nothing is written."""
        try:
            return self._memory_of(list(paths))[0].read_text(encoding="ascii")
        except (OSError, ValueError, NerpError):
            return None

    def holds(self, key: str) -> bool:
        """Whether something lies under a key, whole or not."""
        return self._path(key).is_file()

    def _memory_of(self, paths: list[Path]) -> tuple[Path, float]:
        """Where the hash of such files is remembered, and when the last of them changed."""
        files = _files(paths)
        with explained_reading(paths[0]):
            stats = [file.stat() for file in files]
        seen = [
            [str(file.resolve()), stat.st_size, stat.st_mtime_ns]
            for file, stat in zip(files, stats, strict=True)
        ]
        path = self.folder / f"{cache_key('', {'files': seen})}.sha256"
        return path, max(stat.st_mtime for stat in stats)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def cache_key(content: str, settings: Mapping[str, Any]) -> str:
    """A name for what becomes of content under settings (plain data)."""
    record = json.dumps({"content": content, **settings}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(record.encode()).hexdigest()


def content_hash(paths: Iterable[Path]) -> str:
    """SHA-256 of files and, for folders, of every file below, in order; names count only by their order.

    Raises:
        NerpError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        with explained_reading(path):
            for file in _files([path]):
                digest.update(file.stat().st_size.to_bytes(8, "little"))
                with file.open("rb") as stream:
                    while block := stream.read(BLOCK):
                        digest.update(block)
    return digest.hexdigest()


def _files(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, folders by every file below."""
    return [file for path in paths for file in (files_below(path) if path.is_dir() else [path])]


def text_array(record: Any) -> np.ndarray:
    """Plain data as an array of bytes, which .npz keeps without pickle."""
    return np.frombuffer(json.dumps(record, allow_nan=False).encode(), np.uint8)


def from_text_array(array: np.ndarray) -> Any:
    """What `text_array` was made of."""
    return json.loads(array.tobytes().decode())
