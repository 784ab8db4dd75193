"""The render worker as a process: started, flooded, killed, orphaned, alone with what a bare Slicer has."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from nerp import Camera, Structures, Volume, project
from nerp.geometry import VolumeGeometry
from nerp.jobs.processes import start_time
from nerp.poses import draw_camera
from patients import block
from worker_client import ENGINE, Worker, structures_request, volume_request

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture(scope="module")
def patient() -> tuple[Volume, Structures]:
    return block()


def session(folder: Path, name: str = "a") -> Path:
    return folder / f"nerp-session-{name}"


def poses(volume: Volume, count: int) -> list[Camera]:
    return [draw_camera(volume, 3, n, rows=96, columns=96).camera(volume, 96, 96) for n in range(count)]


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while start_time(pid) is not None:
        assert time.monotonic() < deadline, "the process lives on"
        time.sleep(0.01)


def test_a_session_from_hello_to_the_empty_folder(tmp_path: Path, patient: tuple[Volume, Structures]) -> None:
    volume, structures = patient
    with Worker(session(tmp_path)) as worker:
        hello = worker.ask("hello")
        assert (hello["protocol"], hello["gpus"]) == (1, None) and "drr" in hello["methods"]
        loaded = worker.ask("volume", **volume_request(tmp_path / "in", volume))
        assert [reply["progress"] for reply in worker.progress] == [[0, 3], [1, 3], [2, 3]]
        record = loaded["volume"]
        assert record["hash"] == volume.hash and record["notices"] == list(volume.notices)
        geometry = VolumeGeometry(
            tuple(record["shape"]), np.array(record["ras_from_ijk"]), np.array(record["body_box"])
        )
        (tmp_path / "in" / "ct").unlink()  # not needed any more
        told = worker.ask("structures", **structures_request(tmp_path / "in", structures))
        assert {row["name"]: row["voxels"] for row in told["structures"]} == structures.counts()
        for camera in (Camera.preset("PA", geometry, 96, 80), *poses(volume, 1)):
            reply = worker.ask("draw", camera=camera.to_dict(), method="fixed", samples=64)
            expected = project(volume, camera, "fixed", 64, structures)
            assert (worker.array(reply["picture"]) == expected.image).all()
            assert reply["camera"] == camera.to_dict() and reply["description"] == camera.description
        before = worker.ask("draw", camera=camera.to_dict())["picture"]["file"]
        assert worker.ask("draw", camera=camera.to_dict())["picture"]["file"] != before, "double-buffered"
        worker.send("quit")
        assert worker.reply() == {"bye": "quit"}
        assert worker.end() == 0 and worker.log == b""
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_of_thirty_poses_the_newest_is_drawn_and_each_is_answered(
    tmp_path: Path, patient: tuple[Volume, Structures]
) -> None:
    volume, _ = patient
    with Worker(session(tmp_path)) as worker:
        worker.ask("volume", **volume_request(tmp_path / "in", volume, method="fixed"))
        cameras = poses(volume, 30)
        numbers = [worker.send("draw", camera=camera.to_dict(), method="fixed") for camera in cameras]
        replies = [worker.reply() for _ in numbers]
        assert [reply["request"] for reply in replies] == numbers
        drawn = [reply for reply in replies if "picture" in reply]
        assert 1 <= len(drawn) < 30 and all("skipped" in reply for reply in replies if reply not in drawn)
        assert drawn[-1]["request"] == numbers[-1]
        picture = worker.array(drawn[-1]["picture"])
        assert (picture == project(volume, cameras[-1], "fixed").image).all()


def test_after_a_kill_another_goes_on_with_the_state(
    tmp_path: Path, patient: tuple[Volume, Structures]
) -> None:
    volume, structures = patient
    camera = poses(volume, 1)[0].to_dict()
    state = [
        ("volume", volume_request(tmp_path / "in", volume)),
        ("structures", structures_request(tmp_path / "in", structures)),
    ]
    pictures, masks = [], []
    for attempt in ("first", "second"):
        with Worker(session(tmp_path, attempt)) as worker:
            for do, request in state:
                assert "error" not in worker.ask(do, **request)
            reply = worker.ask("draw", camera=camera)
            pictures.append(worker.array(reply["picture"]))
            masks.append(worker.array(reply["masks"]))
            if attempt == "first":
                worker.send("draw", camera=camera)
                worker.process.kill()
                worker.process.wait()
    assert (pictures[0] == pictures[1]).all() and (masks[0] == masks[1]).all() and masks[0].any()
    assert not session(tmp_path, "first").exists(), "the second removed what the first left"


PARENT = """
import subprocess, sys, time
pipe = subprocess.PIPE
worker = subprocess.Popen([sys.executable, "-m", "nerp.worker", {folder!r}], stdin=pipe, stdout=pipe)
print(worker.stdout.readline().decode(), flush=True)
time.sleep(600)
"""


@posix
def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = PARENT.format(folder=str(session(tmp_path)))
    environment = {**os.environ, "PYTHONPATH": str(ENGINE)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        pid = json.loads(parent.stdout.readline())["pid"]
        assert session(tmp_path).exists()
        parent.kill()
    wait_until_gone(pid)
    assert not list(tmp_path.iterdir())


def test_it_ends_when_nobody_asks(tmp_path: Path) -> None:
    with Worker(session(tmp_path), "--idle", "0.3") as worker:
        assert worker.reply() == {"bye": "idle"}
        assert worker.process.wait(10) == 0
    assert not list(tmp_path.iterdir())


@posix
def test_ctrl_c_in_the_clients_terminal_is_not_for_the_worker(tmp_path: Path) -> None:
    with Worker(session(tmp_path)) as worker:
        worker.process.send_signal(signal.SIGINT)
        assert "backend" in worker.ask("hello")


def test_two_workers_at_once(tmp_path: Path, patient: tuple[Volume, Structures]) -> None:
    volume, _ = patient
    other, _ = block(1)
    with Worker(session(tmp_path, "a")) as a, Worker(session(tmp_path, "b")) as b:
        a.ask("volume", **volume_request(tmp_path / "in a", volume))
        b.ask("volume", **volume_request(tmp_path / "in b", other))
        camera = poses(volume, 1)[0]
        for _ in range(2):
            for worker in (a, b):
                worker.send("draw", camera=camera.to_dict())
            for worker, source in ((a, volume), (b, other)):
                assert (worker.array(worker.reply()["picture"]) == project(source, camera).image).all()


def test_on_what_a_bare_slicer_has(
    tmp_path: Path, patient: tuple[Volume, Structures], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, structures = patient
    camera = poses(volume, 1)[0]
    with Worker(session(tmp_path), bare=True) as worker:
        hello = worker.ask("hello", gpus=True)
        assert (hello["numba"], hello["gpus"]) == (False, []) and "SciPy" in hello["backend"]
        worker.ask("volume", **volume_request(tmp_path / "in", volume))
        worker.ask("structures", **structures_request(tmp_path / "in", structures))
        reply = worker.ask(
            "draw", camera=camera.to_dict(), method="fixed", quality="small", lengths=["spine"]
        )
        picture, spine = worker.array(reply["picture"]), worker.array(reply["lengths"])[0]
        assert picture.shape == (96, 96), "a slow method has fewer pixels to draw"
        quick = worker.ask("draw", camera=camera.to_dict(), method="drr", quality="small", structures=False)
        assert quick["picture"]["shape"] == [128, 128]
        assert worker.end() == 0 and worker.log == b""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "numba" else found(name, *rest)
    )
    expected = project(volume, camera.resized(192, 192), "fixed", 384, structures, preview=True)
    assert (picture == expected.image).all() and (spine == expected.path_length["spine"]).all()


def test_what_is_no_request_is_told_and_the_next_is_answered(tmp_path: Path) -> None:
    with Worker(session(tmp_path)) as worker:
        for line in (b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"do": '):
            worker.send_line(line)
            reply = worker.reply()
            assert reply["request"] is None and reply["error"].startswith("A request is")
        worker.send_line(b"")
        assert "no request 'dance'" in worker.ask("dance")["error"]
        assert "backend" in worker.ask("hello")
        assert worker.end() == 0


NOISY = """
import os
import nerp.worker.session as session
def noisy():
    print("print"); os.write(1, b"native\\n")
    return "noisy"
session.backend_name = noisy
import runpy, sys
sys.argv = ["worker", {folder!r}]
runpy.run_module("nerp.worker", run_name="__main__")
"""


def test_nothing_but_replies_goes_to_standard_output(tmp_path: Path) -> None:
    done = subprocess.Popen(
        [sys.executable, "-c", NOISY.format(folder=str(session(tmp_path)))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
    )
    with done:
        assert done.stdin and done.stdout and done.stderr
        done.stdin.write(b'{"do": "hello", "request": 5}\n')
        done.stdin.flush()
        assert json.loads(done.stdout.readline())["ready"]
        assert json.loads(done.stdout.readline())["backend"] == "noisy"
        done.stdin.close()
        assert json.loads(done.stdout.readline()) == {"bye": "end"}
        assert sorted(done.stderr.read().split()) == [b"native", b"print"]


def test_hello_never_loads_torch_unless_asked() -> None:
    program = (
        "import sys, pathlib; from nerp.worker.session import Session\n"
        "Session(pathlib.Path('.'), print).handle({'do': 'hello'})\n"
        "assert not {'torch', 'monai', 'SimpleITK', 'pydicom'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(ENGINE)})


@pytest.mark.parametrize("name", ["pictures", "nerp-session-taken"])
def test_a_folder_that_is_not_its_own_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "cat.png").touch()
    command = [sys.executable, "-m", "nerp.worker", str(tmp_path / name)]
    environment = {**os.environ, "PYTHONPATH": str(ENGINE)}
    if name == "pictures":
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment
        )
    else:
        with Worker(tmp_path / name) as worker:
            done = subprocess.run(
                command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment
            )
            assert "backend" in worker.ask("hello")
    assert done.returncode == 2 and done.stderr == ""
    error = json.loads(done.stdout)["error"]
    assert ("must begin with" if name == "pictures" else "Another process") in error
    assert (tmp_path / name).exists() == (name == "pictures")
