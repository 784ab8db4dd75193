"""Which process is which: pids are used again, a pid with its start time is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

NO_WINDOW = 0x08000000
"""CREATE_NO_WINDOW (Windows): a hidden console that children share, where none would flash up one each."""
NEW_GROUP = 0x00000200
"""CREATE_NEW_PROCESS_GROUP (Windows)."""


def start_time(pid: int) -> str | None:
    """When a process started, as an opaque text equal for equal moments; None where no such process runs."""
    if sys.platform == "win32":
        import ctypes

        return windows_start_time(pid, ctypes.WinDLL("kernel32"))
    proc = Path("/proc")
    return linux_start_time(pid, proc) if (proc / "self" / "stat").is_file() else ps_start_time(pid)


def is_running(pid: int, started: str) -> bool:
    """Whether that very process still runs."""
    return start_time(pid) == started


def linux_start_time(pid: int, proc: Path) -> str | None:
    """From ``/proc``: the boot and the clock ticks since it (man 5 proc, field 22 of stat)."""
    try:
        # The command's name, in brackets, may hold anything; the fields after it are numbers and letters.
        state, *fields = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = (proc / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    except OSError:
        return None
    return None if state in "ZX" else f"{boot} {fields[18]}"


def ps_start_time(pid: int) -> str | None:
    """From ``ps`` (macOS and other systems without /proc), to the second, in UTC."""
    # ps writes in the reader's time zone and language otherwise.
    plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    state, _, started = done.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else " ".join(started.split())


def windows_start_time(pid: int, kernel32: Any) -> str | None:
    """From GetProcessTimes: 100 ns since 1601."""
    import ctypes
    from ctypes import wintypes

    kernel32.OpenProcess.restype = wintypes.HANDLE
    query_limited_information, still_active = 0x1000, 259
    handle = wintypes.HANDLE(kernel32.OpenProcess(query_limited_information, False, pid))
    if not handle:
        return None
    try:
        code, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
        if not kernel32.GetExitCodeProcess(handle, ctypes.byref(code)) or code.value != still_active:
            return None
        if not kernel32.GetProcessTimes(handle, *map(ctypes.byref, times)):
            return None
        return str(times[0].dwHighDateTime << 32 | times[0].dwLowDateTime)
    finally:
        kernel32.CloseHandle(handle)


def detached() -> dict[str, Any]:
    """What `subprocess.Popen` needs to start a process that outlives this one, in a group of its own."""
    if sys.platform == "win32":
        return {"creationflags": NO_WINDOW | NEW_GROUP}
    return {"start_new_session": True}


def lead_group() -> None:
    """Make this process the leader of a session of its own, where a launcher that was started `detached`
    leads it instead."""
    if sys.platform != "win32" and os.getpgrp() != os.getpid():
        os.setsid()


def own_group() -> int | None:
    """The process group that this process leads; None where another leads it, or on Windows."""
    return os.getpid() if sys.platform != "win32" and os.getpgrp() == os.getpid() else None


def end_process(pid: int, group: int | None) -> None:
    """End a process and its descendants at once; harmless where it has gone.

    Args:
        pid: the process.
        group: the process group that it leads, if it does.
    """
    if sys.platform == "win32":
        command = ["taskkill", "/T", "/F", "/PID", str(pid)]
        subprocess.run(command, creationflags=NO_WINDOW, capture_output=True, check=False)
        return
    with suppress(ProcessLookupError):
        if group:
            os.killpg(group, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
