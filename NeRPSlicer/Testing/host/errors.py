"""Errors in slots, timers and observers, which Qt and VTK print but never raise: tests ask for them."""

from __future__ import annotations

import sys

collected: list[BaseException] = []


def install() -> None:
    """Collect what would only have been printed."""
    before = sys.excepthook

    def hook(kind, error, traceback):
        collected.append(error)
        before(kind, error, traceback)

    sys.excepthook = hook


def report(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)


def take() -> list[BaseException]:
    """What was collected since the last call."""
    taken = collected.copy()
    collected.clear()
    return taken
