"""Jobs seen from outside: start, look, find, stop; what a panel and the command line use."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import explained, write_json, write_text
from ..errors import NerpError
from .folder import AT_EPOCH, JOB, LOG, STATUS, STOP, last_log_lines, read_job, read_status
from .processes import detached, end_process, is_running, start_time

ACTIVE = ("starting", "running", "stopping")
RESUMABLE = ("waiting", "stopped", "failed", "died")
STARTING_S = 60.0
"""A job that has not spoken this long after its start never will; from a slow disk Python takes its time."""
SILENT_S = 60.0
"""A job on another computer counts as alive when its heartbeat is younger."""
KILL_S = 5.0
"""What the system needs at most to end a process that it was told to."""
DETACHED = "NERP_JOB_DETACHED"
"""Set in the environment of a job that was started detached."""
DEPTH = 3

_started: list[tuple[Path, subprocess.Popen]] = []
"""What this process started; asked now and then, so that ended ones do not stay as zombies."""


@dataclass(frozen=True)
class JobStatus:
    """A job as it stands now."""

    folder: Path
    kind: str
    state: str
    """"waiting" (never started), "starting", "running", "stopping", "stopped", "done", "failed", "died"
    (killed, or the computer went off) or "damaged" (``job.json`` cannot be read)."""
    done: int = 0
    total: int = 0
    """Steps of the work; 0 while unknown."""
    text: str = ""
    """What is being done."""
    eta_s: float | None = None
    """Seconds left, where known."""
    error: str = ""
    """One line: why it failed, died or is damaged."""
    log: tuple[str, ...] = ()
    """The last lines of ``log.txt`` of a job that failed or died."""
    pid: int | None = None
    created: str = ""

    @property
    def resumable(self) -> bool:
        """Whether it can be gone on with."""
        return self.state in RESUMABLE

    @property
    def active(self) -> bool:
        """Whether a process works on it, or is about to."""
        return self.state in ACTIVE

    @property
    def line(self) -> str:
        """The status for people, for example "running, 12 of 40, about 30 s left: block PA"."""
        parts = [self.state]
        if self.total:
            parts.append(f"{self.done} of {self.total}")
        if self.active and self.eta_s is not None:
            parts.append(f"about {self.eta_s:.0f} s left")
        told = self.error or (self.text if self.active else "")
        return ", ".join(parts) + (f": {told}" if told else "")


def look(folder: Path) -> JobStatus:
    """A job as it stands now; never raises, whatever lies in the folder. About 0.2 ms."""
    for _, child in _started:
        child.poll()
    try:
        job = read_job(folder)
    except NerpError as damage:
        return JobStatus(folder, "", "damaged", error=str(damage))
    kind, created = str(job.get("kind", "")), str(job.get("created", ""))
    record = read_status(folder)
    if record is None:
        return JobStatus(folder, kind, "waiting", created=created)
    state = str(record.get("state", ""))
    error = str(record.get("error") or "")
    if state not in (*ACTIVE, "stopped", "done", "failed"):
        state, error = "died", f"{folder / STATUS} is damaged; resume the job."
    elif state in ACTIVE and not _is_alive(folder, record):
        if (folder / STOP).exists():
            state = "stopped"
        else:
            state, error = "died", "The job was killed or could not start; see its log and resume it."
    if state == "running" and (folder / STOP).exists():
        state = "stopping"
    pid = record.get("pid")
    eta = record.get("eta_s")
    return JobStatus(
        folder,
        kind,
        state,
        _whole(record.get("done")),
        _whole(record.get("total")),
        str(record.get("text") or ""),
        float(eta) if isinstance(eta, (int, float)) else None,
        error,
        last_log_lines(folder) if state in ("failed", "died") else (),
        pid if isinstance(pid, int) else None,
        created,
    )


def _is_alive(folder: Path, record: dict[str, Any]) -> bool:
    beat = record.get("heartbeat")
    silent_s = time.time() - beat if isinstance(beat, (int, float)) else float("inf")
    if record["state"] == "starting":
        child = next((child for path, child in reversed(_started) if path == folder.absolute()), None)
        return silent_s < STARTING_S and (child is None or child.returncode is None)
    if record.get("host") != platform.node():
        return silent_s < SILENT_S
    pid, started = record.get("pid"), record.get("pid_started")
    return isinstance(pid, int) and isinstance(started, str) and is_running(pid, started)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def find(folder: Path, depth: int = DEPTH) -> list[JobStatus]:
    """The jobs in a folder and at most ``depth`` levels below, by name; hidden folders included."""
    return [look(path) for path in _run_folders(folder, depth)]


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / JOB).is_file():
        yield folder
    elif depth > 0:
        try:
            below = sorted(entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        except OSError:
            return
        for path in below:
            yield from _run_folders(Path(path), depth - 1)


def start(folder: Path, python: str = sys.executable) -> None:
    """Start a job, or resume it, in a process that outlives this one; returns at once.

    Args:
        folder: a run folder, see `create`.
        python: the interpreter; may be a launcher that starts the real one (PythonSlicer).

    Raises:
        NerpError: no job there, it is running already, or the interpreter cannot be started.
        CannotWrite: the folder cannot be written.
    """
    folder = folder.absolute()
    seen = look(folder)
    if seen.state == "damaged":
        raise NerpError(seen.error)
    if seen.active:
        raise NerpError(f"The job in {folder} is running already; wait for it or stop it.")
    if seen.state == "died":
        _end_orphans(read_status(folder) or {})
    with explained(folder / STOP):
        (folder / STOP).unlink(missing_ok=True)
    waiting = {"state": "starting", "done": seen.done, "total": seen.total, "heartbeat": time.time()}
    write_json(folder / STATUS, waiting)
    root = Path(__file__).resolve().parents[2]
    paths = filter(None, (str(root), os.environ.get("PYTHONPATH")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1", DETACHED: "1"}
    with explained(folder / LOG), (folder / LOG).open("ab") as log:
        try:
            child = subprocess.Popen(
                [python, "-m", "nerp", "job", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # -m looks for modules in the current folder first: not in one with files of the user's.
                cwd=root,
                **detached(),
            )
        except OSError as error:
            line = f"{python} could not be started ({error.strerror or error}); choose another Python."
            write_json(folder / STATUS, {**waiting, "state": "failed", "error": line})
            raise NerpError(line) from error
    _started.append((folder, child))


def request_stop(folder: Path, at_epoch: bool = False) -> None:
    """Ask a job to stop at its next step; returns at once. Harmless when repeated or when it has ended.

    Args:
        folder: its run folder.
        at_epoch: let training go on to the end of its epoch; takes no earlier request back.
    """
    if look(folder).active and not (at_epoch and (folder / STOP).exists()):
        write_text(folder / STOP, AT_EPOCH if at_epoch else "")


def end(folder: Path) -> None:
    """End a job's process and all its descendants; what it wrote is whole, and it can be resumed.

    Returns at once: `look` says "stopped" as soon as the process has gone. A job on another computer is left
    alone.
    """
    record, state = read_status(folder) or {}, look(folder).state
    if state == "died":
        _end_orphans(record)
    elif state in ("running", "stopping") and record.get("host") == platform.node():
        write_text(folder / STOP, "")
        end_process(record["pid"], record.get("group"))


def _end_orphans(record: dict[str, Any]) -> None:
    """End what a killed job's process left of its group: such children may still hold the folder."""
    pid, group = record.get("pid"), record.get("group")
    # While a group has members its number is not given to a new process: nobody's pid means it is ours.
    if isinstance(pid, int) and group == pid and record.get("host") == platform.node():
        if start_time(pid) is None:
            end_process(pid, group)


def stop(folder: Path, patience_s: float = 30.0) -> JobStatus:
    """Ask a job to stop, wait, and end it if it does not; a panel uses `request_stop`, `look` and `end`.

    Returns:
        the job as it stands then.
    """
    request_stop(folder)
    _wait(folder, patience_s)
    end(folder)
    _wait(folder, KILL_S)
    return look(folder)


def _wait(folder: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while look(folder).active and time.monotonic() < deadline:
        time.sleep(0.05)
