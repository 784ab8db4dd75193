"""Jobs: they outlive their starter, tell the truth of themselves, stop, die and go on to the same bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from nerp import NerpError
from nerp.atomic import exclusive, explained, write_json
from nerp.cli import main
from nerp.export import Case, export_set, read_dataset
from nerp.jobs import control as control_module
from nerp.jobs import create, end, find, look, read_events, read_job, request_stop, start, stop
from nerp.jobs.job import Job, Stopped, run_job
from nerp.settings import ExportSettings
from patients import block, write_block

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and shell")
SETTINGS = ExportSettings(views=30, seed=7, rows=64, columns=64, raw=True, presets=("PA",))


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "previews" not in path.parts
    }


def wait_for(happened: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def export_job(folder: Path, run: str = "run", out: str = "set") -> Path:
    ct, labels = write_block(folder)
    case = {"name": "block", "ct": str(ct), "labels": str(labels)}
    return create(
        folder / run, "export", {"cases": [case], "settings": SETTINGS.to_dict(), "out": str(folder / out)}
    )


@pytest.fixture(scope="module")
def whole_set(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The set that `export_job` makes when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("whole")
    run = export_job(folder)
    assert run_job(run, {"export": "nerp.export.job"}) == "done"
    return content(folder / "set")


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Job], None]], dict[str, str]]:
    """Registers a function as the only kind of job, "work"."""

    def register(work: Callable[[Job], None]) -> dict[str, str]:
        module = ModuleType("kind_of_job")
        module.run = work  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "kind_of_job", module)
        return {"work": "kind_of_job"}

    return register


# --- from start to end


def test_a_started_export_ends_as_the_set_itself(tmp_path: Path, whole_set: dict[str, bytes]) -> None:
    run = export_job(tmp_path)
    assert look(run).state == "waiting"
    start(run)
    assert look(run).state in ("starting", "running")
    with pytest.raises(NerpError, match="running already"):
        start(run)
    wait_for(lambda: not look(run).active)
    status = look(run)
    assert (status.state, status.done, status.total, status.error) == ("done", 31, 31, "")
    assert content(tmp_path / "set") == whole_set and read_dataset(tmp_path / "set")["complete"]
    assert (tmp_path / "set" / "previews" / "contact_sheet.png").is_file()
    events, _ = read_events(run)
    assert [event.get("event") for event in events] == ["started", None, "done"]
    assert events[1]["drawn"] == 31
    inputs = read_job(run)["inputs"]
    assert len(inputs) == 2 and all(len(digest) == 64 for digest in inputs.values())


def test_the_job_alone_draws_what_export_set_draws(tmp_path: Path, whole_set: dict[str, bytes]) -> None:
    volume, structures = block()
    export_set([Case("block", lambda: (volume, structures))], SETTINGS, tmp_path)
    ours = {name for name in content(tmp_path) if name.startswith("images")}
    assert ours and all(content(tmp_path)[name] == whole_set[name] for name in ours)


def test_export_set_stops_between_projections_and_goes_on(
    tmp_path: Path, whole_set: dict[str, bytes]
) -> None:
    from nerp import read_ct, read_structures

    ct, labels = write_block(tmp_path)
    volume = read_ct(ct)
    case = Case("block", lambda: (volume, read_structures(labels, like=volume)))
    asked = iter(range(100))
    outcome = export_set([case], SETTINGS, tmp_path / "set", should_stop=lambda: next(asked) == 6)
    assert (outcome.drawn, outcome.stopped) == (5, True)
    assert not read_dataset(tmp_path / "set")["complete"]
    outcome = export_set([case], SETTINGS, tmp_path / "set")
    assert (outcome.drawn, outcome.kept, outcome.stopped) == (26, 5, False)
    assert content(tmp_path / "set") == whole_set


def test_stop_and_resume_make_the_same_bytes(tmp_path: Path, whole_set: dict[str, bytes]) -> None:
    run = export_job(tmp_path)
    start(run)
    wait_for(lambda: look(run).done >= 3)
    request_stop(run)
    assert look(run).state in ("stopping", "stopped")
    request_stop(run)
    wait_for(lambda: not look(run).active)
    assert look(run).state == "stopped" and 3 <= look(run).done < 31
    assert not read_dataset(tmp_path / "set")["complete"]
    assert stop(run).state == "stopped", "stopping what has stopped is harmless"
    start(run)
    wait_for(lambda: not look(run).active)
    assert look(run).state == "done"
    request_stop(run)
    assert not (run / "STOP").exists() or look(run).state == "done"
    assert content(tmp_path / "set") == whole_set


def test_killed_at_random_moments_it_goes_on_to_the_same_bytes(
    tmp_path: Path, whole_set: dict[str, bytes]
) -> None:
    run = export_job(tmp_path)
    rng = random.Random(5)
    kills = 0
    for _ in range(3):
        drawn = len(list(tmp_path.glob("set/images/*.png")))
        start(run)
        wait_for(lambda drawn=drawn: len(list(tmp_path.glob("set/images/*.png"))) > drawn)
        time.sleep(rng.uniform(0, 0.05))
        status = look(run)
        if status.state == "running" and status.pid is not None:
            kills += 1
            os.kill(status.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            wait_for(lambda: not look(run).active)
            status = look(run)
            assert status.state == "died" and "resume" in status.error and status.log == status.log[-5:]
            json.loads((run / "status.json").read_text(encoding="utf-8"))
    assert kills >= 2, "the runs ended before they could be killed"
    start(run)
    wait_for(lambda: not look(run).active)
    assert look(run).state == "done"
    assert content(tmp_path / "set") == whole_set
    assert not list(run.glob(".unfinished*"))


@posix
def test_it_outlives_the_program_that_started_it(tmp_path: Path) -> None:
    run = export_job(tmp_path)
    program = (
        f"import nerp.jobs, os, pathlib; nerp.jobs.start(pathlib.Path({str(run)!r})); os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run([sys.executable, "-c", program], check=False)
    assert parent.returncode == -signal.SIGKILL
    wait_for(lambda: look(run).state == "running")
    assert os.getpgid(look(run).pid or 0) == look(run).pid, "it leads its own process group"
    assert [status.folder for status in find(tmp_path)] == [run]
    wait_for(lambda: not look(run).active)
    assert look(run).state == "done"


STUBBORN = """
import subprocess, sys, time, types
module = types.ModuleType("stubborn")
def work(job):
    child = subprocess.Popen(["sleep", "600"])
    (job.folder / "child").write_text(str(child.pid))
    job.progress(1, 2)
    time.sleep(600)
module.run = work
sys.modules["stubborn"] = module
from pathlib import Path
from nerp.jobs.job import run_job
run_job(Path(sys.argv[-1]), {"stubborn": "stubborn"})
"""


def launcher(folder: Path) -> str:
    """A program that starts the interpreter as its child, as PythonSlicer does."""
    (folder / "stubborn.py").write_text(STUBBORN)
    path = folder / "launcher"
    path.write_text(f'#!/bin/sh\n"{sys.executable}" "{folder / "stubborn.py"}" "$@"\nexit $?\n')
    path.chmod(0o755)
    return str(path)


def is_gone(pid: int) -> bool:
    from nerp.jobs.processes import start_time

    return start_time(pid) is None


def has_child(run: Path) -> bool:
    """Whether the job has told its child's number, and not just made the file for it."""
    path = run / "child"
    return path.exists() and bool(path.read_text())


@posix
def test_what_does_not_stop_is_ended_with_its_children_behind_a_launcher(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "stubborn", {})
    start(run, python=launcher(tmp_path))
    wait_for(lambda: has_child(run) and look(run).state == "running")
    status = look(run)
    child = int((run / "child").read_text())
    assert status.pid and os.getpgid(status.pid) == status.pid and os.getpgid(child) == status.pid
    assert stop(run, patience_s=0.2).state == "stopped"
    wait_for(lambda: is_gone(child) and is_gone(status.pid or 0))
    end(run)
    assert stop(run).state == "stopped"
    start(run, python=launcher(tmp_path))
    wait_for(lambda: look(run).state == "running" and look(run).pid != status.pid)
    end(run)
    wait_for(lambda: not look(run).active)
    assert look(run).state == "stopped", "ended on purpose, not dead"


@posix
def test_children_of_a_killed_job_are_ended_when_it_is_resumed(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "stubborn", {})
    start(run, python=launcher(tmp_path))
    wait_for(lambda: has_child(run) and look(run).state == "running")
    pid, child = look(run).pid, int((run / "child").read_text())
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: look(run).state == "died")
    assert not is_gone(child)
    start(run, python=launcher(tmp_path))
    wait_for(lambda: is_gone(child))
    wait_for(lambda: look(run).state == "running" and look(run).pid != pid)
    stop(run, patience_s=0)
    assert look(run).state == "stopped"


# --- what a job tells


def test_progress_events_and_states(tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {"steps": 8})
    seen = []

    def work(job: Job) -> None:
        for n in range(job.configuration["steps"]):
            time.sleep(0.06)
            job.progress(n + 1, 8, f"step {n}")
            job.event(loss=float("nan") if n == 1 else 1 / (n + 1))
            seen.append(look(run))
        (job.checkpoints / "last.pt").write_bytes(b"weights")

    assert run_job(run, kind(work)) == "done"
    assert {status.state for status in seen} == {"running"} and seen[0].pid == os.getpid()
    assert any(status.eta_s and 0.01 < status.eta_s < 5 for status in seen)
    losses = [event["loss"] for event in read_events(run)[0] if "loss" in event]
    assert losses[:4] == [1, None, pytest.approx(1 / 3), 1 / 4]
    status = look(run)
    assert (status.done, status.total, status.eta_s, status.line) == (8, 8, None, "done, 8 of 8")
    assert (run / "checkpoints" / "last.pt").is_file()


def test_the_first_step_is_no_measure_of_the_others(tmp_path: Path, kind, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    clock = [1000.0]
    monkeypatch.setattr("nerp.jobs.job.time.monotonic", lambda: clock[0])
    left = []

    def work(job: Job) -> None:
        for n in range(4):
            job.progress(n, 10)
            left.append(look(run).eta_s)
            clock[0] += 60 if n == 0 else 2

    run_job(run, kind(work))
    assert left == [None, pytest.approx(540), pytest.approx(16), pytest.approx(14)]


def test_the_time_left_follows_the_latest_pace(tmp_path: Path, kind, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Steps found done pass at once and must not promise that the rest does."""
    run = create(tmp_path / "run", "work", {})
    clock = [1000.0]
    monkeypatch.setattr("nerp.jobs.job.time.monotonic", lambda: clock[0])

    def work(job: Job) -> None:
        for n in range(1, 61):
            clock[0] += 0.001 if n <= 30 else 10
            job.progress(n, 100)
        assert look(run).eta_s == pytest.approx(400)

    run_job(run, kind(work))


def test_a_heartbeat_tells_that_a_silent_job_lives(tmp_path: Path, kind, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("nerp.jobs.job.HEARTBEAT_S", 0.02)
    run = create(tmp_path / "run", "work", {})

    def beat() -> float:
        return json.loads((run / "status.json").read_text(encoding="utf-8"))["heartbeat"]

    def work(job: Job) -> None:
        first = beat()
        wait_for(lambda: beat() > first, 5)

    assert run_job(run, kind(work)) == "done"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NerpError("the CT is gone; look for it"), "the CT is gone; look for it"),
        (ZeroDivisionError("division by zero\nmore"), "ZeroDivisionError: division by zero; the log holds"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_a_failure_is_one_line_and_its_traceback_is_in_the_log(  # type: ignore[no-untyped-def]
    tmp_path: Path, kind, error: Exception, line: str
) -> None:
    run = create(tmp_path / "run", "work", {})

    def work(job: Job) -> None:
        raise error

    with pytest.raises(NerpError, match=line):
        run_job(run, kind(work))
    status = look(run)
    assert status.state == "failed" and line in status.error and "\n" not in status.error
    log = (run / "log.txt").read_text(encoding="utf-8")
    assert ("Traceback" in log) == (not isinstance(error, NerpError)) and line in log
    assert status.log[-1].endswith(status.error)


def test_on_a_full_disk_the_works_own_error_is_told(tmp_path: Path, kind, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    monkeypatch.setattr("nerp.jobs.job.time.sleep", lambda _: None)

    def work(job: Job) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        monkeypatch.setattr(Path, "open", full)
        job.progress(5, 9)
        with explained(tmp_path / "weights.pt"):
            full()

    with pytest.raises(NerpError, match=r"weights\.pt could not be written"):
        run_job(run, kind(work))
    monkeypatch.undo()
    assert not list(run.glob(".unfinished*")) and look(run).kind == "work"


@pytest.mark.parametrize("how", ["STOP", "SIGTERM", "SIGINT"])
def test_stop_terminate_and_ctrl_c_are_one(tmp_path: Path, kind, how: str) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    states = []

    def work(job: Job) -> None:
        assert not job.should_stop()
        if how == "STOP":
            request_stop(run)
        else:
            signal.raise_signal(getattr(signal, how))
        assert job.should_stop()
        states.append(look(run).state)
        raise Stopped

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert run_job(run, kind(work)) == "stopped"
    assert states == ["stopping"] and look(run).state == "stopped"
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert run_job(run, kind(lambda job: None)) == "done", "an old STOP does not stop a resumed job"


# --- who runs it


def test_one_runner_a_folder(tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})

    def work(job: Job) -> None:
        job.progress(3, 9)
        before = (run / "status.json").read_bytes()
        with pytest.raises(NerpError, match="running already"):
            run_job(run, {})
        assert (run / "status.json").read_bytes() == before

    assert run_job(run, kind(work)) == "done"


def test_a_runner_waits_for_one_that_is_just_ending(tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    program = (
        "import sys, time, pathlib; from nerp.atomic import exclusive\n"
        f"with exclusive(pathlib.Path({str(run)!r})): print('held', flush=True); time.sleep(0.5)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline()
        assert run_job(run, kind(lambda job: None)) == "done"


def test_a_lock_whose_name_was_removed_meanwhile_is_not_taken(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    fcntl = pytest.importorskip("fcntl", reason="POSIX locks")
    flock = fcntl.flock

    def after_the_other_ended(file: object, operation: int) -> None:
        (tmp_path / ".lock").unlink()
        (tmp_path / ".lock").touch()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", after_the_other_ended)
    with pytest.raises(NerpError, match="Another process"), exclusive(tmp_path):
        pass


def running_record(**changes: object) -> dict[str, object]:
    import platform

    from nerp.jobs.processes import start_time

    own = os.getpid()
    record = {"state": "running", "pid": own, "pid_started": start_time(own), "host": platform.node()}
    return {**record, "heartbeat": time.time(), "done": 1, "total": 3, **changes}


def test_a_pid_that_was_used_again_is_not_the_job(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "work", {})
    write_json(run / "status.json", running_record())
    assert look(run).state == "running"
    write_json(run / "status.json", running_record(pid_started="another moment"))
    assert look(run).state == "died"
    end(run)
    assert stop(run, 0).state == "died", "the innocent process (this one) is not ended"


def test_on_another_computer_only_the_heartbeat_counts(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "work", {})
    write_json(run / "status.json", running_record(host="elsewhere", pid=1))
    assert look(run).state == "running"
    end(run)
    assert look(run).state == "running"
    write_json(run / "status.json", running_record(host="elsewhere", heartbeat=time.time() - 300))
    assert look(run).state == "died"


def test_one_that_never_spoke_has_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create(tmp_path / "run", "work", {})
    write_json(run / "status.json", {"state": "starting", "heartbeat": time.time()})
    assert look(run).state == "starting"
    monkeypatch.setattr(control_module, "STARTING_S", 0.0)
    (run / "log.txt").write_text("python: No module named nerp\n")
    assert look(run).state == "died" and look(run).log == ("python: No module named nerp",)


# --- damage and refusals


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        '{"state": 3}',
        '{"state": "running"}',
        '{"state": "running", "pid": "x"}',
    ],
)
def test_a_damaged_status_is_a_dead_job_that_can_be_resumed(tmp_path: Path, kind, text: str) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    (run / "status.json").write_text(text)
    assert look(run).state == "died" and look(run).line.startswith("died")
    request_stop(run)
    end(run)
    assert run_job(run, kind(lambda job: job.progress(1, 1))) == "done"
    assert look(run).done == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "nerp-job"}', '{"schema": "x", "schema_version": 9}']
)
def test_a_damaged_job_is_told_and_never_started(tmp_path: Path, text: str) -> None:
    run = create(tmp_path / "run", "work", {})
    (run / "job.json").write_text(text)
    assert look(run).state == "damaged" and look(run).error
    assert [status.state for status in find(tmp_path)] == ["damaged"]
    for attempt in (lambda: start(run), lambda: run_job(run, {})):
        with pytest.raises(NerpError, match=r"damaged|version"):
            attempt()
    assert not (run / "status.json").exists()


def test_a_run_folder_is_not_made_over_something_else(tmp_path: Path) -> None:
    create(tmp_path / "run", "work", {})
    with pytest.raises(NerpError, match="holds a job already"):
        create(tmp_path / "run", "work", {})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    with pytest.raises(NerpError, match="not empty"):
        create(tmp_path / "photos", "work", {})
    for bad in (tmp_path / "photos" / "cat.png", tmp_path / "photos" / "cat.png" / "run"):
        with pytest.raises(NerpError, match="could not be written"):
            create(bad, "work", {})
    assert look(tmp_path / "nowhere").state == "damaged"


def test_an_interpreter_that_fails_is_known_at_once(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "work", {})
    before = time.monotonic()
    start(run)  # of a kind that the command does not know
    wait_for(lambda: not look(run).active)
    assert look(run).state == "failed"
    (run / "status.json").unlink()
    (run / "job.json").write_text("{")
    with pytest.raises(NerpError, match="damaged"):
        start(run)
    other = create(tmp_path / "other", "work", {})
    start(other, python=shutil.which("false") or sys.executable)
    wait_for(lambda: not look(other).active)
    assert (
        look(other).state in ("died", "failed") and time.monotonic() - before < control_module.STARTING_S / 2
    )


def test_an_interpreter_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "work", {})
    with pytest.raises(NerpError, match="could not be started"):
        start(run, python=str(tmp_path / "no-python"))
    assert look(run).state == "failed" and "choose another Python" in look(run).error


def test_an_unknown_kind_is_told_in_the_status(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "alchemy", {})
    with pytest.raises(NerpError, match="no job of kind 'alchemy'"):
        run_job(run, {"export": "nerp.export.job"})
    assert look(run).state == "failed" and "export" in look(run).error


def test_changed_or_missing_inputs_end_a_resumed_job(tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    series, file = tmp_path / "series", tmp_path / "labels.nrrd"
    series.mkdir()
    (series / "1.dcm").write_bytes(b"one")
    file.write_bytes(b"labels")
    run = create(tmp_path / "run", "work", {})
    kinds = kind(lambda job: job.check_inputs([series, file]))
    assert run_job(run, kinds) == "done"
    assert run_job(run, kinds) == "done"
    (series / "2.dcm").write_bytes(b"two")
    with pytest.raises(NerpError, match="series has changed"):
        run_job(run, kinds)
    file.unlink()
    with pytest.raises(NerpError, match="cannot be read"):
        run_job(run, kinds)


def test_inputs_in_the_run_folder_move_with_it(tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    (run / ".inputs").mkdir()
    (run / ".inputs" / "ct").write_bytes(b"one")
    kinds = kind(lambda job: job.check_inputs([job.path(".inputs/ct")]))
    assert run_job(run, kinds) == "done"
    assert list(read_job(run)["inputs"]) == [".inputs/ct"], "no path of this computer"
    moved = run.rename(tmp_path / "moved")
    assert run_job(moved, kinds) == "done"
    (moved / ".inputs" / "ct").write_bytes(b"two")
    with pytest.raises(NerpError, match="ct has changed"):
        run_job(moved, kinds)


def test_a_torn_event_is_left_out_and_the_next_is_whole(tmp_path: Path, kind) -> None:  # type: ignore[no-untyped-def]
    run = create(tmp_path / "run", "work", {})
    (run / "events.jsonl").write_text('{"epoch": 1}\n{"epoch": 2, "lo')
    events, place = read_events(run)
    assert events == [{"epoch": 1}] and place == len('{"epoch": 1}\n')
    run_job(run, kind(lambda job: job.event(epoch=np.int64(3), losses={"d": np.float32("nan"), "g": [0.5]})))
    assert [event["epoch"] for event in read_events(run)[0] if "epoch" in event] == [1, 3]
    assert read_events(run)[0][2]["losses"] == {"d": None, "g": [0.5]}
    later, _ = read_events(run, place)
    assert [event["epoch"] for event in later if "epoch" in event] == [3]


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"cases": 3, "settings": SETTINGS.to_dict(), "out": "set"},
        {"cases": [{"name": "x"}], "settings": SETTINGS.to_dict(), "out": "set"},
        {"cases": [], "settings": [], "out": "set"},
        {
            "cases": [{"name": "x", "ct": "absent.nrrd", "labels": None}],
            "settings": SETTINGS.to_dict(),
            "out": "s",
        },
    ],
)
def test_an_export_that_makes_no_sense_is_one_line(tmp_path: Path, configuration: dict) -> None:
    run = create(tmp_path / "run", "export", configuration)
    with pytest.raises(NerpError, match=r"not that of an export|cannot be read|These settings"):
        run_job(run, {"export": "nerp.export.job"})
    assert look(run).state == "failed"


def test_the_run_folder_may_lie_hidden_in_the_set(tmp_path: Path, whole_set: dict[str, bytes]) -> None:
    run = export_job(tmp_path, run="set/.job")
    for _ in range(2):
        assert run_job(run, {"export": "nerp.export.job"}) == "done"
    files = content(tmp_path / "set")
    assert {name: files[name] for name in files if not name.startswith(".job/")} == whole_set
    assert [status.folder for status in find(tmp_path)] == [run]


def test_a_case_that_cannot_be_drawn_fails_the_job_and_the_others_are_drawn(tmp_path: Path) -> None:
    ct, _ = write_block(tmp_path)
    (tmp_path / "text.nrrd").write_text("not a volume")
    small = ExportSettings(views=1, rows=16, columns=16).to_dict()
    cases = [
        {"name": path.stem, "ct": f"../{path.name}", "labels": None} for path in (tmp_path / "text.nrrd", ct)
    ]
    run = create(tmp_path / "run", "export", {"cases": cases, "settings": small, "out": "../set"})
    with pytest.raises(NerpError, match="text was left out"):
        run_job(run, {"export": "nerp.export.job"})
    assert [path.name for path in (tmp_path / "set" / "images").iterdir()] == ["block0_v000.png"]


# --- the command


def test_the_command_runs_tells_lists_and_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = export_job(tmp_path)
    assert main(["job", str(run), "--status"]) == 0
    assert capsys.readouterr().out == f"{run}: export waiting\n"
    assert main(["job", str(run)]) == 0
    assert main(["job", str(tmp_path), "--list", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["state"], record["active"], record["folder"]) == ("done", False, str(run))
    assert main(["job", str(run), "--stop"]) == 0
    assert main(["job", str(tmp_path / "set")]) == 2
    assert "holds no job" in capsys.readouterr().err
    assert main(["job", str(tmp_path / "set"), "--stop"]) == 2


@posix
def test_ctrl_c_in_a_terminal_stops_the_job(tmp_path: Path) -> None:
    run = export_job(tmp_path)
    command = [sys.executable, "-m", "nerp", "job", str(run)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: look(run).done >= 2)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130 and "Traceback" not in told
    assert look(run).state == "stopped"


@pytest.mark.parametrize("what", [[], ["--status"], ["--list"], ["--stop"], ["--start"]])
def test_a_folder_that_is_not_there_is_one_line(
    what: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["job", str(tmp_path / "nowhere"), *what]) == 2
    assert "nowhere; check the path." in capsys.readouterr().err
    assert main(["job", str(tmp_path), "--list"]) == 0
    assert "No jobs in" in capsys.readouterr().err
