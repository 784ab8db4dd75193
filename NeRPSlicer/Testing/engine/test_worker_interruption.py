"""What nobody waits for any more is given up: pictures between two bands, a CT between two steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from nerp import Camera, project
from nerp.display import display_of
from nerp.worker import bands
from nerp.worker.loop import Item, serve
from nerp.worker.session import Session
from patients import block
from worker_client import Worker, structures_request, volume_request


class Slow:
    """A handler that works in three steps; while it does, what ``meanwhile`` holds comes in."""

    def __init__(self, queue: SimpleQueue[Item], meanwhile: list[Item]) -> None:
        self.queue, self.meanwhile = queue, meanwhile
        self.steps: list[int] = []

    def handle(self, request: dict[str, Any], check: Callable[[], None]) -> dict[str, Any]:
        for _ in range(3):
            check()
            self.steps.append(request["request"])
            while self.meanwhile:
                self.queue.put(self.meanwhile.pop(0))
        return {"done": True}

    def forget_prepared(self) -> None: ...


def run(request: Item, *meanwhile: Item) -> tuple[list[int], list[dict[str, Any]], str]:
    """The steps that were worked at, the answers, and why it ended."""
    queue: SimpleQueue[Item] = SimpleQueue()
    queue.put(request)
    slow = Slow(queue, list(meanwhile))
    told: list[dict[str, Any]] = []
    reason = serve(queue, slow, told.append, 0.01)
    return slow.steps, told, reason


def request(do: str, identifier: int, **more: Any) -> dict[str, Any]:
    return {"do": do, "request": identifier, **more}


@pytest.mark.parametrize("do", ["draw", "volume"])
def test_a_newer_one_of_its_kind_ends_it(do: str) -> None:
    steps, told, _ = run(request(do, 1), request("structures", 2), request(do, 3))
    assert steps == [1, 2, 2, 2, 3, 3, 3]
    assert told == [
        {"request": 1, "skipped": True},
        {"request": 2, "done": True},
        {"request": 3, "done": True},
    ]


def test_another_kind_does_not() -> None:
    assert run(request("volume", 1), request("draw", 2))[0] == [1, 1, 1, 2, 2, 2]
    assert run(request("structures", 1), request("structures", 2))[0] == [1, 1, 1, 2, 2, 2]


def test_a_request_is_taken_back_while_it_is_worked_at_or_waits() -> None:
    steps, told, _ = run(request("film", 1), request("cancel", 2, number=1), request("film", 3))
    assert steps == [1, 3, 3, 3]
    assert told[0] == {"request": 1, "skipped": True} and told[1] == {"request": 2, "cancelled": 1}
    waiting = [request("structures", 2), request("cancel", 3, number=2), request("cancel", 4, number=99)]
    steps, told, _ = run(request("draw", 1), *waiting)
    assert steps == [1, 1, 1] and told[1] == {"request": 2, "skipped": True}
    assert [reply["request"] for reply in told] == [1, 2, 3, 4], "one answer each"
    assert run({"do": "draw", "request": None}, request("cancel", 2))[1][0] == {"request": None, "done": True}


def test_the_end_of_input_ends_it_at_once() -> None:
    assert run(request("example", 1), None) == ([1], [{"request": 1, "skipped": True}], "end")
    assert run(request("example", 1), request("quit", 2))[0] == [1, 1, 1], "what was asked before is answered"


class Enough(Exception):
    pass


def stop_at(count: int) -> Callable[[], None]:
    """A check that ends the work when it is asked for the ``count``-th time."""
    asked = iter(range(1, count))

    def check() -> None:
        if next(asked, None) is None:
            raise Enough

    return check


@pytest.fixture
def session(tmp_path: Path):  # type: ignore[no-untyped-def]
    told: list[dict[str, Any]] = []
    with Session(tmp_path, told.append) as session:
        yield session, told


@pytest.mark.parametrize("method", ["drr", "fixed", "mida"])
def test_bands_make_the_whole_picture(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    volume, structures = block()
    camera = Camera.from_angles(volume, (10.0, 5.0, 3.0), rows=52, columns=40, mirrored=True)
    whole = project(volume, camera, method, 64, structures)
    monkeypatch.setattr(bands, "BAND_PIXELS", 8 * camera.columns)
    asked: list[int] = []
    picture = bands.project_in_bands(lambda: asked.append(1), volume, camera, method, 64, structures, None)
    assert len(asked) == 7 and picture.camera == camera
    np.testing.assert_allclose(picture.image, whole.image, rtol=1e-5, atol=1e-6)
    for name, length in whole.path_length.items():
        np.testing.assert_allclose(picture.path_length[name], length, rtol=1e-5, atol=1e-3)
    shown, expected = display_of(picture), display_of(whole)
    assert shown.low == pytest.approx(expected.low, abs=1e-4) and shown.curve == expected.curve
    with pytest.raises(Enough):
        bands.project_in_bands(stop_at(3), volume, camera, method, 64, structures, None)


def test_a_picture_that_was_given_up_leaves_the_one_before(session, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    session, _ = session
    volume, structures = block()
    monkeypatch.setattr(bands, "BAND_PIXELS", 1)
    session.handle(request("volume", 1, **volume_request(tmp_path / "in", volume)))
    session.handle(request("structures", 2, **structures_request(tmp_path / "in", structures)))
    draw = request("draw", 3, camera=Camera.preset("PA", volume, 32, 32).to_dict())
    first = session.handle(draw)["picture"]
    before = (tmp_path / first["file"]).read_bytes()
    with pytest.raises(Enough):
        session.handle(draw, stop_at(4))
    assert (tmp_path / first["file"]).read_bytes() == before
    assert session.handle(draw)["picture"]["file"] != first["file"]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_ct_is_given_up_between_any_two_steps_and_loaded_again(session, tmp_path, step: int) -> None:  # type: ignore[no-untyped-def]
    session, told = session
    volume, _ = block()
    load = request("volume", 1, **volume_request(tmp_path / "in", volume))
    with pytest.raises(Enough):
        session.handle(load, stop_at(step))
    assert len(told) == step - 1 and session.volume is None
    assert session.handle(load)["volume"]["hash"] == volume.hash


def test_a_worker_takes_back_a_picture_that_would_take_long(tmp_path: Path) -> None:
    volume, _ = block()
    camera = Camera.preset("PA", volume, 8192, 8192)
    with Worker(tmp_path / "nerp-session-a") as worker:
        worker.ask("volume", **volume_request(tmp_path / "in", volume))
        number = worker.send("draw", camera=camera.to_dict(), method="fixed", samples=16384)
        worker.send("cancel", number=number)
        assert worker.reply() == {"request": number, "skipped": True}
        assert worker.reply()["cancelled"] == number
        assert "picture" in worker.ask("draw", camera=camera.resized(16, 16).to_dict())
        worker.send("draw", camera=camera.to_dict(), method="fixed", samples=16384)
        assert worker.end() == 0, "its client has gone: no picture is finished for nobody"
