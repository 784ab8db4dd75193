"""Which process is which, on three systems; those that are not here by what their calls return."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nerp.jobs import processes

RUNNING = "R 1 7 7 0 -1 4194304 81 0 0 0 0 0 0 0 20 0 1 0 {ticks} 2899968"


def stat_of(folder: Path, pid: int, text: str) -> None:
    (folder / str(pid)).mkdir(parents=True)
    (folder / str(pid) / "stat").write_text(text)
    boot = folder / "sys" / "kernel" / "random" / "boot_id"
    boot.parent.mkdir(parents=True, exist_ok=True)
    boot.write_text("first-boot\n")


def test_this_process_and_a_child_are_told_apart_until_the_child_is_a_zombie() -> None:
    own = processes.start_time(os.getpid())
    assert own and processes.is_running(os.getpid(), own)
    time.sleep(0.02)  # clock ticks are 10 ms
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = processes.start_time(child.pid)
        assert started and started != own and not processes.is_running(child.pid, own)
        child.kill()
        deadline = time.monotonic() + 10
        while processes.start_time(child.pid) is not None:  # not waited for: a zombie
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert processes.start_time(child.pid) is None


def test_linux_reads_the_start_behind_any_name(tmp_path: Path) -> None:
    stat_of(tmp_path, 7, f"7 (a) b (c)) {RUNNING.format(ticks=4711)}\n")
    assert processes.linux_start_time(7, tmp_path) == "first-boot 4711"
    assert processes.linux_start_time(8, tmp_path) is None
    stat_of(tmp_path, 9, f"9 (python) {RUNNING.format(ticks=5).replace('R', 'Z', 1)}\n")
    assert processes.linux_start_time(9, tmp_path) is None


@pytest.mark.parametrize(
    ("output", "started"),
    [
        ("Ss   Tue Nov 24 10:47:56 2026\n", "Tue Nov 24 10:47:56 2026"),
        ("S+   Tue Nov  3 10:47:56 2026    \n", "Tue Nov 3 10:47:56 2026"),
        ("Z    Tue Nov 24 10:47:56 2026\n", None),
        ("", None),
    ],
)
def test_ps_is_read_in_one_language_and_time_zone(
    monkeypatch: pytest.MonkeyPatch, output: str, started: str | None
) -> None:
    def run(command: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess:
        assert command[-1] == "42" and (env["LC_ALL"], env["TZ"]) == ("C", "UTC")
        return subprocess.CompletedProcess(command, 0, stdout=output)

    monkeypatch.setattr(processes.subprocess, "run", run)
    assert processes.ps_start_time(42) == started


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_ps_knows_this_process() -> None:
    started = processes.ps_start_time(os.getpid())
    assert started and started == processes.ps_start_time(os.getpid())
    assert time.strptime(started, "%a %b %d %H:%M:%S %Y")


class Call:
    """One function of kernel32 that writes its answers where ctypes points it to."""

    def __init__(self, answer) -> None:  # type: ignore[no-untyped-def]
        self.answer, self.calls = answer, []

    def __call__(self, *arguments):  # type: ignore[no-untyped-def]
        self.calls.append(arguments)
        return self.answer(*arguments)


class Kernel32:
    def __init__(self, handle: int = 0x123456789A, code: int = 259, low: int = 7, high: int = 1) -> None:
        def exit_code(_, pointer):  # type: ignore[no-untyped-def]
            pointer._obj.value = code
            return 1

        def times(_, created, *rest):  # type: ignore[no-untyped-def]
            created._obj.dwLowDateTime, created._obj.dwHighDateTime = low, high
            return 1

        self.OpenProcess = Call(lambda *_: handle)
        self.GetExitCodeProcess = Call(exit_code)
        self.GetProcessTimes = Call(times)
        self.CloseHandle = Call(lambda _: 1)


def test_windows_tells_the_creation_time_of_a_running_process() -> None:
    kernel32 = Kernel32()
    assert processes.windows_start_time(42, kernel32) == str((1 << 32) + 7)
    assert kernel32.OpenProcess.calls == [(0x1000, False, 42)]
    ((handle,),) = kernel32.CloseHandle.calls
    assert isinstance(handle, ctypes.c_void_p) and handle.value == 0x123456789A, "64-bit handles stay whole"


def test_windows_knows_no_process_that_has_ended_or_never_was() -> None:
    ended = Kernel32(code=0)
    assert processes.windows_start_time(42, ended) is None and len(ended.CloseHandle.calls) == 1
    absent = Kernel32(handle=0)
    assert processes.windows_start_time(42, absent) is None and not absent.CloseHandle.calls


def test_windows_starts_without_a_window_and_ends_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.sys, "platform", "win32")
    commands = []
    monkeypatch.setattr(
        processes.subprocess, "run", lambda command, **options: commands.append((command, options))
    )
    assert processes.detached() == {"creationflags": 0x08000000 | 0x00000200}
    assert processes.own_group() is None
    processes.end_process(42, None)
    ((command, options),) = commands
    assert command == ["taskkill", "/T", "/F", "/PID", "42"] and options["check"] is False
