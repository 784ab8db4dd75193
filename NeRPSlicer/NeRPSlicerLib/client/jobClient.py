"""Jobs seen from a panel: started detached, looked at by a timer, found again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import qt
from nerp import jobs
from nerp.jobs import JobStatus

from .python import pythonExecutable

POLL_MS = 500
PATIENCE_S = 30.0


class Jobs(Protocol):
    """The part of ``nerp.jobs`` that the module uses."""

    def create(self, folder: Path, kind: str, configuration: dict[str, Any]) -> Path: ...
    def start(self, folder: Path, python: str) -> None: ...
    def look(self, folder: Path) -> JobStatus: ...
    def find(self, folder: Path, depth: int) -> list[JobStatus]: ...
    def request_stop(self, folder: Path, at_epoch: bool = False) -> None: ...
    def end(self, folder: Path) -> None: ...


class JobClient:
    """Follows one job.

    :param show: called with its status, whenever it was looked at.
    :param engine: ``nerp.jobs``, or a test's own.
    :param patience: seconds; a job that has not stopped so long after it was asked is ended.
    """

    def __init__(
        self, show: Callable[[JobStatus], None], engine: Jobs = jobs, patience: float = PATIENCE_S
    ) -> None:
        self.folder: Path | None = None
        self._show, self._engine, self._patience = show, engine, patience
        self._stopAsked = 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.connect("timeout()", self._poll)

    def start(self, folder: Path) -> None:
        """Start the job in a run folder, or resume it.

        :raises NerpError: no job there, or it cannot be started.
        """
        self._engine.start(folder, pythonExecutable())
        self.follow(folder)

    def create(self, folder: Path, kind: str, configuration: dict[str, Any]) -> Path:
        """Make the run folder of a job; see ``nerp.jobs.create``."""
        return self._engine.create(folder, kind, configuration)

    def look(self, folder: Path) -> JobStatus:
        """A job as it stands now."""
        return self._engine.look(folder)

    def follow(self, folder: Path) -> None:
        """Look at a job, now and as long as it works."""
        self.folder, self._stopAsked = folder, 0.0
        self._timer.start()
        self._poll()

    def cancel(self) -> None:
        """Ask the job to stop; it is ended if it does not. Harmless when repeated."""
        if self.folder is not None:
            self._engine.request_stop(self.folder)
            self._stopAsked = self._stopAsked or time.monotonic()
            self._poll()

    def finish(self) -> None:
        """Ask a training run to stop at the end of its epoch, however long that takes."""
        if self.folder is not None:
            self._engine.request_stop(self.folder, at_epoch=True)
            self._poll()

    def leave(self) -> None:
        """Look no more; the job goes on."""
        self._timer.stop()

    def _poll(self) -> None:
        status = self._engine.look(self.folder)
        if status.active and self._stopAsked and time.monotonic() - self._stopAsked > self._patience:
            self._engine.end(self.folder)
            status = self._engine.look(self.folder)
        if not status.active:
            self._timer.stop()
        self._show(status)
