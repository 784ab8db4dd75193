"""A job seen from inside: what the work tells, asks and leaves behind."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import __version__
from ..atomic import exclusive, explained, remove_unfinished, write_json
from ..errors import CannotWrite, InUse, NerpError
from .control import DETACHED, look
from .folder import CHECKPOINTS, EVENTS, JOB, LOG, STATUS, STOP, now, read_job, read_status, stop_asked
from .processes import lead_group, own_group, start_time

HEARTBEAT_S = 5.0
EVERY_S = 0.2
"""Progress is written at most this often."""
RECENT = 20
"""Steps whose pace tells the time left."""
PATIENCE_S = 5.0
"""How long a runner waits for one that is just ending."""


Show = Callable[[int, int, str], None]


class Stopped(Exception):
    """The work ended early because it was asked to."""


class Job:
    """A running job: a context manager that keeps ``status.json`` true.

    Leaving the block well makes the state "done"; `Stopped` makes it "stopped"; any other error "failed",
    with its line in the status and its traceback in ``log.txt``.

    Args:
        folder: its run folder, held by this process alone.
        show: called with steps done, steps in all and what is being done, each time that is told.
    """

    def __init__(self, folder: Path, show: Show = lambda done, total, text: None) -> None:
        self.folder, self._show = folder, show
        record = read_job(folder)
        self.kind = str(record.get("kind", ""))
        self.configuration: dict[str, Any] = record["configuration"]
        before = read_status(folder) or {}
        self._status: dict[str, Any] = {
            "state": "running",
            "pid": os.getpid(),
            "pid_started": start_time(os.getpid()),
            "group": own_group(),
            "host": platform.node(),
            "started": now(),
            "done": before.get("done", 0),
            "total": before.get("total", 0),
            "text": "",
            "eta_s": None,
            "error": "",
        }
        self._pace: deque[tuple[float, int]] = deque(maxlen=RECENT)
        self._signalled = False
        self._written = -math.inf
        self._lock = threading.Lock()
        self._ended = threading.Event()

    # --- what the work uses ---------------------------------------------------------------------------------

    @property
    def checkpoints(self) -> Path:
        """The folder for checkpoints, made when missing."""
        path = self.folder / CHECKPOINTS
        with explained(path):
            path.mkdir(exist_ok=True)
        return path

    @property
    def done(self) -> int:
        """Steps told last, at first those of a former run."""
        return int(self._status["done"])

    def path(self, name: str) -> Path:
        """A path of the configuration; a relative one is relative to the run folder."""
        return self.folder / name

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say how far the work is; the time left follows from the pace of the latest steps."""
        moment = time.monotonic()
        with self._lock:
            if not self._pace or self._pace[-1][1] != done:
                self._pace.append((moment, done))
            # The first step takes longer than all others: kernels are compiled, caches filled.
            (begin, first), (last, _) = self._pace[len(self._pace) > 2], self._pace[-1]
            eta = (last - begin) / (done - first) * (total - done) if done > first else None
            self._status.update(done=done, total=total, text=text, eta_s=eta and round(eta, 1))
            if moment - self._written >= EVERY_S:
                self._write()
        self._show(done, total, text)

    def event(self, **metrics: Any) -> None:
        """Add a line to ``events.jsonl``: the time and these numbers, texts, lists and dictionaries; NaN and
        infinity become null."""
        record = {"time": round(time.time(), 3), **_plain(metrics)}
        self._append(EVENTS, json.dumps(record, ensure_ascii=False, allow_nan=False))

    def log(self, line: str) -> None:
        """Add a line to ``log.txt``."""
        self._append(LOG, f"{now()} {line}")

    def should_stop(self, epoch_over: bool = True) -> bool:
        """Whether to end at the next good moment: by raising `Stopped`, with what is done kept.

        Args:
            epoch_over: False where a request to stop at the end of an epoch may wait.
        """
        if not self._signalled and not stop_asked(self.folder, epoch_over):
            return False
        with self._lock:
            if self._status["state"] == "running":
                self._status["state"] = "stopping"
                self._write()
        return True

    def check_inputs(self, paths: Iterable[Path]) -> None:
        """Note the SHA-256 of each input file or folder in ``job.json``, or compare it with what a former
        run noted; what lies in the run folder by its relative path, so that both may move.

        Raises:
            NerpError: an input is missing or has changed.
        """
        record = read_job(self.folder)
        found = {self._noted(path): _sha256(path) for path in paths}
        for path, digest in found.items():
            if record["inputs"].get(path, digest) != digest:
                raise NerpError(f"{path} has changed since this job was started; start a new job.")
        if record["inputs"] != found:
            write_json(self.folder / JOB, {**record, "inputs": {**record["inputs"], **found}})

    def _noted(self, path: Path) -> str:
        inside = path.is_relative_to(self.folder)
        return path.relative_to(self.folder).as_posix() if inside else str(path)

    # --- its life -------------------------------------------------------------------------------------------

    def __enter__(self) -> Job:
        for name in (EVENTS, LOG):
            _end_torn_line(self.folder / name)
        self.event(event="started", nerp=__version__, python=platform.python_version(), pid=os.getpid())
        with self._lock:
            self._write()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """`Stopped` ends here; other errors go on as a `NerpError` of one line."""
        self._ended.set()
        state, line = "done", ""
        if isinstance(error, (Stopped, KeyboardInterrupt)):
            state = "stopped"
        elif error is not None:
            state, line = "failed", _line_of(error)
            if not isinstance(error, NerpError):
                with suppress(CannotWrite):
                    self.log("".join(traceback.format_exception(kind, error, trace)).rstrip())
        with self._lock:
            self._status.update(state=state, error=line, eta_s=None)
            self._write(last=True)
        with suppress(CannotWrite):  # on a full disk the error that ended the work is the one to tell
            self.event(event=state)
            self.log(state + (f": {line}" if line else ""))
        if state == "failed" and not isinstance(error, NerpError):
            raise NerpError(line) from error
        return state == "stopped"

    @property
    def state(self) -> str:
        return self._status["state"]

    def stop_by_signal(self, *_: Any) -> None:
        """Behave as if STOP had been written."""
        self._signalled = True

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            with self._lock:
                if not self._ended.is_set():
                    self._write()

    def _write(self, last: bool = False) -> None:
        """Replace ``status.json``; only the last one is worth waiting for, the next comes soon otherwise."""
        self._written = time.monotonic()
        for attempt in range(20 if last else 1):
            try:
                write_json(self.folder / STATUS, {**self._status, "heartbeat": time.time()})
                return
            except CannotWrite:  # a reader has it open (Windows), or the disk is full
                time.sleep(0.1 * bool(attempt))

    def _append(self, name: str, line: str) -> None:
        path = self.folder / name
        with explained(path), path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")


def run_job(folder: Path, kinds: Mapping[str, str], show: Show = lambda done, total, text: None) -> str:
    """Do what ``job.json`` describes, in this process; a job that was stopped or killed goes on.

    Args:
        folder: the run folder.
        kinds: kind to the module whose ``run(job)`` does it.
        show: see `Job`.

    Returns:
        "done" or "stopped" (by STOP, Ctrl-C or a request to terminate).

    Raises:
        NerpError: no job there, unknown kind, another process runs it, or the work failed.
    """
    read_job(folder)
    if os.environ.pop(DETACHED, None):
        lead_group()
    with _alone(folder):
        if (read_status(folder) or {}).get("state") != "starting":
            (folder / STOP).unlink(missing_ok=True)
        remove_unfinished(folder)
        job = Job(folder, show)
        with _signals(job), job:
            if job.should_stop():
                raise Stopped
            if job.kind not in kinds:
                raise NerpError(f"There is no job of kind {job.kind!r}; this nerp knows {', '.join(kinds)}.")
            importlib.import_module(kinds[job.kind]).run(job)
    return job.state


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder; wait a little for a runner that has told its end but not yet let go."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        holding = exclusive(folder)
        try:
            holding.__enter__()
            break
        except InUse:
            seen = look(folder)
            if seen.state in ("running", "stopping") or time.monotonic() > deadline:
                raise NerpError(f"The job in {folder} is running already; wait for it or stop it.") from None
            time.sleep(0.05)
    try:
        yield
    finally:
        holding.__exit__(None, None, None)


@contextmanager
def _signals(job: Job) -> Iterator[None]:
    """Ctrl-C and requests to terminate behave as STOP; signals reach the main thread alone."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {number: signal.signal(number, job.stop_by_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _plain(value: Any) -> Any:
    """Data that JSON can hold; a number of NumPy's or torch's (``.item()``) as Python's."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _line_of(error: BaseException) -> str:
    if isinstance(error, NerpError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory; choose smaller pictures or close other programs, and resume."
    told = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {told}; the log holds more."


def _end_torn_line(path: Path) -> None:
    """A line that a kill cut off is ended, so that the next begins on its own."""
    with explained(path):
        content = path.read_bytes() if path.is_file() else b""
        if content and not content.endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")


def _sha256(path: Path) -> str:
    """SHA-256 of a file's content, or of a folder's names and contents."""
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    try:
        for file in files:
            if path.is_dir():
                digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            with file.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
    except OSError as error:
        raise NerpError(f"{path} cannot be read ({error.strerror or error}); is it still there?") from error
    return digest.hexdigest()
