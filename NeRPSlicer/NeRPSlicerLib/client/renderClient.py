"""The render worker's client: sends requests, keeps what a new worker must be told after one has died."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import qt
from slicer.i18n import tr as _

from .workerProcess import Start, WorkerProcess

Reply = dict[str, Any]
MOST_RESTARTS, RESTARTS_WITHIN_S = 3, 60.0

_HELLO, _RESTORED, _FOLLOWED, _CANCELLED = 0, -1, -2, -3
"""Numbers of requests of the client's own."""


class _Open(NamedTuple):
    """A request without its answer."""

    what: dict[str, Any]
    whenAnswered: Callable[[Reply], None] | None
    onProgress: Callable[[int, int, str], None] | None


class RenderClient:
    """A worker that seems to live for ever: started at the first request, again after a death.

    :param filesFolder: where arrays for the worker are kept as long as a new worker may need them; made, and
        removed by `close`.
    :param tell: called with one line for people when a worker died or cannot be started.
    :param start: starts a worker; tests give one of their own.
    """

    def __init__(self, filesFolder: Path, tell: Callable[[str], None], start: Start = WorkerProcess) -> None:
        self.filesFolder = filesFolder
        self.hello: Reply = {}
        """What the worker runs on; empty until it has said so."""
        self.whenHello: Callable[[], None] = lambda: None
        self.whenRestored: Callable[[], None] = lambda: None
        """Called when a worker that was started in place of a dead one knows all that the other knew."""
        self._volumeToFollow: dict[str, Any] | None = None
        self._following = self._restarting = False
        self._tell, self._start = tell, start
        self._worker = None
        self._number = 0
        self._waiting: dict[int, _Open] = {}
        self._state: list[dict[str, Any]] = []
        self._deaths: list[float] = []
        self._expectEnd = self._closed = False
        self._reason = ""
        filesFolder.mkdir(parents=True, exist_ok=True)

    # --- requests -------------------------------------------------------------------------------------------

    def request(
        self,
        what: dict[str, Any],
        whenAnswered: Callable[[Reply], None] | None = None,
        onProgress: Callable[[int, int, str], None] | None = None,
    ) -> int:
        """Send a request.

        :param what: the request, see docs/worker.md; a CT or structures are kept for a worker to come.
        :param whenAnswered: called with the answer; an answer may be an error or skipped.
        :param onProgress: called with (done, all, text).
        :return: the request's number.
        """
        if self._worker is None:
            self._startWorker()
        self._keepState(what)
        if what["do"] != "draw":
            self._follow()
        self._number += 1
        self._waiting[self._number] = _Open(what, whenAnswered, onProgress)
        self._worker.send({**what, "request": self._number})
        return self._number

    def forget(self, number: int) -> None:
        """Take a request back: the worker gives it up where it can, and its answer passes unheard."""
        if number not in self._waiting:
            return
        what = self._waiting[number].what
        self._waiting[number] = _Open(what, None, None)
        self._state = [kept for kept in self._state if kept is not what]
        if self._worker is not None:
            self._worker.send({"do": "cancel", "number": number, "request": _CANCELLED})

    def withdraw(self, kind: str) -> None:
        """A worker to come need not be told what requests of a kind have told this one."""
        self._state = [kept for kept in self._state if kept["do"] != kind]

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited, or a worker that was started again does not know all that it must."""
        return bool(self._waiting) or self._following or self._restarting or self._volumeToFollow is not None

    @property
    def worker(self):
        """The worker, or None where none runs."""
        return self._worker

    def close(self) -> None:
        """End the worker and remove the files."""
        self._closed = True
        self._waiting.clear()
        if self._worker is not None:
            self._worker.stop()
            shutil.rmtree(self._worker.folder, ignore_errors=True)
            self._worker = None
        shutil.rmtree(self.filesFolder, ignore_errors=True)

    def renew(self) -> None:
        """Let another worker, one that finds what has been installed, go on with what this one knew."""
        if self._worker is not None:
            old, self._worker = self._worker, None
            self._following = False
            old.stop()
            shutil.rmtree(old.folder, ignore_errors=True)
        if self._waiting:
            self._startWorker()

    def adopt(self, record: Reply) -> Reply:
        """Take over an array that the worker handed over once, so that it outlives the worker.

        :return: its record with the new place.
        """
        self.filesFolder.mkdir(parents=True, exist_ok=True)
        target = self.filesFolder / record["file"]
        (self._worker.folder / record["file"]).replace(target)
        return {**record, "file": str(target)}

    def remember(self, requests: list[dict[str, Any]]) -> None:
        """What a worker to come must be told so that it knows what this one knows."""
        self._state = list(requests)

    # --- inside ---------------------------------------------------------------------------------------------

    def _keepState(self, what: dict[str, Any]) -> None:
        kind = what["do"]
        if kind in ("volume", "example", "release"):
            self._state, self._volumeToFollow = [], None
        if kind == "structures" and what.get("mode", "replace") != "add":
            self._state = [kept for kept in self._state if kept["do"] != "structures"]
        if kind == "model":
            self._state = [kept for kept in self._state if kept["do"] != "model"]
        if kind in ("volume", "structures", "model"):
            self._state.append(what)

    def _startWorker(self, restoring: bool = False) -> None:
        """Start a worker, tell it what the one before knew, and ask again what is open."""
        self._expectEnd, self._reason = False, ""
        unanswered = {id(request.what) for request in self._waiting.values()}
        onlyPictures = all(request.what["do"] == "draw" for request in self._waiting.values())
        # What a model makes of a CT depends on the body, and takes longer than to find it.
        onlyPictures = onlyPictures and all(kept["do"] != "model" for kept in self._state)
        self._worker = self._start(self._onReply, self._onEnd)
        self._worker.send({"do": "hello", "request": _HELLO})
        self._volumeToFollow = None
        for request in self._state:
            if id(request) not in unanswered:
                number = _RESTORED
                if request["do"] == "volume" and restoring and onlyPictures:
                    if self._waiting:
                        # Finding the patient's body takes seconds: the picture comes back before that.
                        self._volumeToFollow = request
                        request = {**request, "body": False}
                    else:
                        number, self._following = _FOLLOWED, True
                self._worker.send({**request, "request": number})
        for number, request in self._waiting.items():
            self._worker.send({**request.what, "request": number})

    def _onReply(self, reply: Reply) -> None:
        number = reply.get("request")
        if "bye" in reply:
            self._expectEnd = True
        elif number is None:
            self._reason = reply.get("error", "")
        elif number == _HELLO:
            self.hello = reply
            self.whenHello()
        elif "progress" in reply:
            onProgress = self._waiting[number].onProgress if number in self._waiting else None
            if onProgress is not None:
                onProgress(*reply["progress"], reply.get("text", ""))
        elif number == _FOLLOWED:
            self._following = False
            self.whenRestored()
        else:
            answered = self._waiting.pop(number, None)
            if answered is not None and answered.whenAnswered is not None:
                answered.whenAnswered(reply)
            # A drag goes on: its next pictures come before the patient's body.
            if "camera" in reply and not self._waiting:
                self._follow()

    def _follow(self) -> None:
        """Send the CT whose body the worker has not been asked for yet."""
        if self._volumeToFollow is not None and self._worker is not None:
            self._worker.send({**self._volumeToFollow, "request": _FOLLOWED})
            self._volumeToFollow, self._following = None, True

    def _onEnd(self, reason: str) -> None:
        """The worker has gone: quietly when it was idle, else start another."""
        dead, self._worker = self._worker, None
        self._following = False
        if dead is not None:
            shutil.rmtree(dead.folder, ignore_errors=True)
        # Nobody asks a new worker for what was taken back.
        self._waiting = {n: request for n, request in self._waiting.items() if request.whenAnswered}
        if self._expectEnd and not self._waiting:
            return
        now = time.monotonic()
        self._deaths = [*(t for t in self._deaths if now - t < RESTARTS_WITHIN_S), now]
        if self.hello and len(self._deaths) <= MOST_RESTARTS:
            self._tell(_("The render worker ended unexpectedly and was started again."))
            # Not from within the signal of the process that has just ended.
            self._restarting = True
            qt.QTimer.singleShot(0, self._restart)
            return
        failed, self._waiting = self._waiting, {}
        line = _("The render worker cannot be started ({0}).").format(
            self._reason or reason or _("no reason is known")
        )
        self._tell(line)
        for request in failed.values():
            if request.whenAnswered is not None:
                request.whenAnswered({"error": line})

    def _restart(self) -> None:
        self._restarting = False
        if self._worker is None and not self._closed:
            self._startWorker(restoring=True)
