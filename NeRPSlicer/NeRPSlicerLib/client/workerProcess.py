"""The render worker's process: lines of JSON to it and from it, all by Qt's signals."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import qt
import slicer

from .python import ENGINE_PARENT, processEnvironment, pythonExecutable

_LOG_LINES = 20


class Worker(Protocol):
    """What the client needs of a worker."""

    folder: Path
    """Where its arrays lie."""

    def send(self, request: dict[str, Any]) -> None: ...
    def stop(self) -> None: ...


Start = Callable[[Callable[[dict[str, Any]], None], Callable[[str], None]], Worker]
"""Starts a worker: ``start(onReply, onEnd)``; ``onEnd`` gets the last line of its log."""


class WorkerProcess:
    """A worker in a QProcess; started at once, in a session folder of its own.

    :param onReply: called with each line that the worker sends.
    :param onEnd: called once when it has gone, or could not be started, with what is known of the reason.
    :param python: the interpreter; None takes Slicer's.
    """

    def __init__(self, onReply, onEnd, python: str | None = None) -> None:
        self.folder = Path(slicer.app.temporaryPath) / f"nerp-session-{uuid.uuid4().hex[:12]}"
        self.program = python or pythonExecutable()
        self._onReply, self._onEnd = onReply, onEnd
        self._rest = b""
        self._log: list[str] = []
        self._process = qt.QProcess()
        self._process.setProcessEnvironment(processEnvironment())
        # -m looks in the current folder first: not in one with files of the user's.
        self._process.setWorkingDirectory(str(ENGINE_PARENT))
        self._process.connect("readyReadStandardOutput()", self._onOutput)
        self._process.connect("readyReadStandardError()", self._onLog)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._onError)
        self._process.start(self.program, ["-m", "nerp.worker", str(self.folder)])

    @property
    def pid(self) -> int:
        return int(self._process.processId())

    def send(self, request: dict[str, Any]) -> None:
        self._process.write(json.dumps(request).encode() + b"\n")

    def kill(self) -> None:
        """End the worker at once, as a crash does."""
        self._process.kill()

    def stop(self) -> None:
        """End the worker; ``onEnd`` is not called."""
        self._onReply = self._onEnd = None
        # The end of its input ends the worker at once, unless it is drawing.
        self._process.closeWriteChannel()
        if not self._process.waitForFinished(100):
            self._process.kill()
            self._process.waitForFinished(100)

    def _onOutput(self) -> None:
        *lines, self._rest = (self._rest + _bytes(self._process.readAllStandardOutput())).split(b"\n")
        for line in lines:
            if line.strip() and self._onReply is not None:
                self._onReply(json.loads(line))

    def _onLog(self) -> None:
        text = _bytes(self._process.readAllStandardError()).decode("utf-8", "replace")
        self._log = [*self._log, *filter(str.strip, text.splitlines())][-_LOG_LINES:]

    def _onFinished(self, _code: int, _status) -> None:
        self._end(self._log[-1] if self._log else "")

    def _onError(self, error) -> None:
        if error == qt.QProcess.FailedToStart:
            self._end(f"{self.program} cannot be started")

    def _end(self, reason: str) -> None:
        onEnd, self._onEnd = self._onEnd, None
        if onEnd is not None:
            onEnd(reason)


def _bytes(array) -> bytes:
    return bytes(array.data())
