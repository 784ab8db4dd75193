"""Files written aside and renamed: a reader sees the whole file or none, whatever ends the writer."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import CannotWrite, InUse

UNFINISHED = ".unfinished-"
"""How the name of a file that is still being written begins."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path in the same folder to write to; renamed to ``path`` when the block ends well, else removed.

    Raises:
        CannotWrite: the folder cannot be made or written, or the disk is full.
    """
    aside = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    with explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            _rename(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


def _rename(aside: Path, path: Path) -> None:
    # On Windows a viewer or a virus scanner may hold the file for a moment.
    for _ in range(20 if sys.platform == "win32" else 0):
        try:
            aside.replace(path)
            return
        except PermissionError:
            time.sleep(0.05)
    aside.replace(path)


CURES = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "free some space or choose another folder",
    errno.EFBIG: "free some space or choose another folder",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder you may write to",
    errno.ENAMETOOLONG: "choose a folder with a shorter path",
}
"""What helps against an error of the system; anything else: another folder."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says against writing ``path`` into one line."""
    try:
        yield
    except OSError as error:
        cure = CURES.get(error.errno or 0, "choose another folder")
        raise CannotWrite(f"{path} could not be written ({error.strerror or error}); {cure}.") from error


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process alone; the system lets go of it however the process ends.

    Raises:
        InUse: another process holds it.
        CannotWrite: the folder cannot be made or written.
    """
    path = folder / ".lock"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    with file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The one before may have removed the name since it was opened: another can then take it anew.
                if path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                    raise FileNotFoundError
        except (BlockingIOError, PermissionError, FileNotFoundError):
            raise InUse(f"Another process is writing to {folder}; wait for it or stop it.") from None
        except OSError:
            pass  # a file system without locks, as some network drives are
        try:
            yield
        finally:
            if sys.platform != "win32":  # Windows cannot remove an open file
                path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    with written_aside(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with ``\\n`` line ends on every system, down to the disk: records outlive a power
    cut."""
    with written_aside(path) as aside, aside.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, record: Any) -> None:
    """Write JSON that is pleasant to read and equal for equal content; NaN is refused."""
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def remove_unfinished(*folders: Path) -> None:
    """Remove what a killed writer left in these folders, not below: others may be writing there."""
    for folder in folders:
        for path in folder.glob(UNFINISHED + "*"):
            with explained(path):
                path.unlink(missing_ok=True)
