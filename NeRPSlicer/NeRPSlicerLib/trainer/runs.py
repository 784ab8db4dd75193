"""Training runs on disk: found, and read on as they grow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nerp import jobs
from nerp.jobs import JobStatus

from ..client.jobClient import Jobs

KIND = "train"
SAMPLES, SAMPLE, FILMS = "samples", "step_", "films.png"
"""As `nerp.training.run_folder` has them, which is behind the wall."""


def findRuns(folders: Iterable[Path], engine: Jobs = jobs) -> list[JobStatus]:
    """The training runs in some folders, the newest first; each once.

    :param engine: ``nerp.jobs``, or a test's own.
    """
    found: dict[Path, JobStatus] = {}
    for folder in folders:
        for status in engine.find(folder, depth=1):
            if status.kind == KIND:
                found.setdefault(status.folder.absolute(), status)
    return sorted(found.values(), key=lambda status: (status.created, status.folder.name), reverse=True)


class RunReader:
    """What a run has told so far.

    :param folder: its run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        """Those of its reports, by step; names that are not known are kept."""
        self.sample: Path | None = None
        """The newest sample picture."""
        self._offset = 0

    def read(self) -> bool:
        """Read on; whether there is something new."""
        new, self._offset = jobs.read_events(self.folder, self._offset)
        reports = [event for event in new if _isStep(event.get("step"))]
        for event in reports:
            # A run that was killed tells the steps since its last checkpoint again.
            while self.events and self.events[-1]["step"] >= event["step"]:
                self.events.pop()
            self.events.append(event)
        sample = max((self.folder / SAMPLES).glob(f"{SAMPLE}{8 * '[0-9]'}.png"), default=None)
        isNew = sample != self.sample
        self.sample = sample
        return bool(reports) or isNew

    @property
    def films(self) -> Path | None:
        """Real films in the shape of the samples, where the run has written them."""
        path = self.folder / SAMPLES / FILMS
        return path if path.is_file() else None

    @property
    def gate(self) -> bool | None:
        """Whether the newest report kept the anatomy; None before the first."""
        kept = self.events[-1].get("gate") if self.events else None
        return kept if isinstance(kept, bool) else None


def _isStep(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
