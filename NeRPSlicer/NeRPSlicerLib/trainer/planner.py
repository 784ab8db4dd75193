"""What a run will need, asked of ``nerp train --estimate`` in a process: Slicer's own loads no torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import qt
from slicer.i18n import tr as _

from ..client.python import ENGINE_PARENT, processEnvironment, pythonExecutable

REST_MS = 400
"""A person goes on typing: asked once nothing has changed for so long."""


class Planner(Protocol):
    """What the panel needs of a planner."""

    def ask(self, arguments: list[str]) -> None: ...
    def cancel(self) -> None: ...


StartPlanner = Callable[[Callable[[dict[str, Any]], None], Callable[[str], None]], Planner]


class ProcessPlanner:
    """Asks for one plan at a time, the newest.

    :param whenPlanned: called with the plan, see ``nerp.training.plan``.
    :param whenRefused: called with one line for people.
    """

    def __init__(
        self, whenPlanned: Callable[[dict[str, Any]], None], whenRefused: Callable[[str], None]
    ) -> None:
        self._whenPlanned, self._whenRefused = whenPlanned, whenRefused
        self._process = None
        self._arguments: list[str] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.connect("timeout()", self._start)

    def ask(self, arguments: list[str]) -> None:
        """Ask soon; an answer to an earlier question does not come any more.

        :param arguments: of ``nerp train``.
        """
        self.cancel()
        self._arguments = arguments
        self._timer.start()

    def cancel(self) -> None:
        """Ask no more."""
        self._timer.stop()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(100)

    def _start(self) -> None:
        process = self._process = qt.QProcess()
        process.setProcessEnvironment(processEnvironment())
        # -m looks in the current folder first: not in one with files of the user's.
        process.setWorkingDirectory(str(ENGINE_PARENT))

        def finished(code: int, status) -> None:
            if process is not self._process:
                return
            self._process = None
            told = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
            errors = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
            self._answer(int(code), told, errors)

        def failed(error) -> None:
            if error == qt.QProcess.FailedToStart and process is self._process:
                self._process = None
                self._whenRefused(_("{0} cannot be started.").format(pythonExecutable()))

        process.connect("finished(int,QProcess::ExitStatus)", finished)
        process.connect("errorOccurred(QProcess::ProcessError)", failed)
        process.start(pythonExecutable(), ["-m", "nerp", "train", *self._arguments, "--estimate"])

    def _answer(self, code: int, told: str, errors: str) -> None:
        lines = [line for line in errors.splitlines() if line.strip()]
        try:
            found = json.loads(told) if code == 0 else None
        except ValueError:
            found = None
        if isinstance(found, dict):
            self._whenPlanned(found)
        else:
            last = lines[-1] if lines else _("The estimate gave no answer.")
            self._whenRefused(last.removeprefix("nerp train: "))
