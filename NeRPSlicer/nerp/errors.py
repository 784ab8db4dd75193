"""The errors a user can meet."""

from __future__ import annotations


class NerpError(Exception):
    """Something a user can put right: one line that says what happened and what to do next.

    Panels show the line; the command line prints it and exits with status 2.
    """


class CannotWrite(NerpError):
    """A file or folder cannot be written (permissions, full disk, in use): going on is pointless."""


class InUse(CannotWrite):
    """Another process holds the folder."""
