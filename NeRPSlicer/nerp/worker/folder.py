"""The session folder: one worker's, emptied and removed at its end, and at the next worker's start if it was
killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..atomic import exclusive, explained
from ..errors import NerpError

PREFIX = "nerp-session-"
"""How a session folder's name begins: nothing else is ever removed."""
MARK = "worker"
"""This file tells that a worker has taken the folder."""


@contextmanager
def session_folder(folder: Path) -> Iterator[Path]:
    """Take a session folder, made when missing, for this process; remove it with all files at the end.

    Raises:
        NerpError: its name does not begin with `PREFIX`, another worker has it, or it cannot be written.
    """
    folder = folder.absolute()
    if not folder.name.startswith(PREFIX):
        raise NerpError(f"A session folder is removed at the end, so its name must begin with {PREFIX}.")
    taken = False
    try:
        with exclusive(folder):
            taken = True
            with explained(folder / MARK):
                (folder / MARK).touch()
            remove_dead_sessions(folder.parent)
            yield folder
    finally:
        if taken:
            _remove(folder)


def remove_dead_sessions(parent: Path) -> None:
    """Remove the session folders in ``parent`` whose workers have gone."""
    for mark in parent.glob(f"{PREFIX}*/{MARK}"):
        try:
            with exclusive(mark.parent):
                pass
        except NerpError:  # its worker lives, or it is another user's
            continue
        _remove(mark.parent)


def _remove(folder: Path) -> None:
    """Remove a folder, its mark last: what a client still has mapped stays on Windows, for the next worker
    to find."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != MARK:
            with suppress(OSError):
                path.unlink()
    if [path.name for path in folder.iterdir()] == [MARK]:
        shutil.rmtree(folder, ignore_errors=True)
