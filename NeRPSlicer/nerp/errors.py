"""The one error a user can meet."""

from __future__ import annotations


class NerpError(Exception):
    """Something a user can put right: one line that says what happened and what to do next.

    Panels show the line; the command line prints it and exits with status 2.
    """
