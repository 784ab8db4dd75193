"""What the live preview asks the worker for, and takes back."""

from __future__ import annotations

from pathlib import Path

import pytest


class Client:
    """Keeps what it is asked for; answers when told."""

    def __init__(self) -> None:
        self.open: dict[int, tuple[dict, object]] = {}
        self.forgotten: list[str] = []
        self._number = 0

    def request(self, what, whenAnswered):
        self._number += 1
        self.open[self._number] = what, whenAnswered
        return self._number

    def forget(self, number) -> None:
        self.forgotten.append(self.open.pop(number)[0]["stage"])

    def answer(self) -> None:
        ((what, whenAnswered),) = self.open.values()
        self.open.clear()
        assert what.get("picture", True) == (what["stage"] != "masks")
        whenAnswered({"camera": {}, "picture": what})

    @property
    def asked(self) -> list[str]:
        return [what["stage"] for what, _ in self.open.values()]


@pytest.fixture
def live(app):
    from NeRPSlicerLib.client.live import LivePreview

    client, shown = Client(), []
    preview = LivePreview(client, lambda stage: {"stage": stage}, lambda stage, reply: shown.append(stage))
    yield preview, client, shown
    preview.cancel()


@pytest.mark.parametrize("done", ["full", "masks"])
def test_a_move_takes_back_what_came_before_it(live, done):
    preview, client, shown = live
    preview.drawFull()
    if done == "masks":
        client.answer()
    assert client.asked == [done]
    preview.moved()
    assert client.forgotten == [done] and client.asked == ["small"]
    preview.moved()
    assert client.forgotten == [done], "a small picture is finished: the eye follows it"
    client.answer()
    assert client.asked == ["small"] and shown[-1] == "small"


def test_a_full_picture_takes_back_an_older_one(live):
    preview, client, _ = live
    preview.drawFull()
    preview.drawFull()
    assert client.forgotten == ["full"] and client.asked == ["full"]


def test_cancel_takes_back_everything(live):
    preview, client, _ = live
    preview.moved()
    preview.cancel()
    assert client.forgotten == ["small"] and not client.asked and not preview.active


class Worker:
    """Keeps what it is sent."""

    def __init__(self, onReply, onEnd) -> None:
        self.folder = Path("nowhere")
        self.sent, self.onReply, self.onEnd = [], onReply, onEnd

    def send(self, request) -> None:
        self.sent.append(request)

    def stop(self) -> None: ...

    @property
    def asked(self) -> list[tuple]:
        return [(request["do"], request.get("body", True)) for request in self.sent]


@pytest.fixture
def started(app, tmp_path):
    """A client and the workers that it has started."""
    from NeRPSlicerLib.client.renderClient import RenderClient

    workers: list[Worker] = []

    def start(onReply, onEnd):
        workers.append(Worker(onReply, onEnd))
        return workers[-1]

    client = RenderClient(tmp_path / "files", lambda line: None, start)
    yield client, workers
    client.close()


def test_the_client_tells_the_worker_and_a_new_one_is_not_asked_again(app, started):
    client, workers = started
    heard = []
    number = client.request({"do": "volume", "name": "ct"}, heard.append)
    workers[0].onReply({"request": 0, "numba": True})
    client.forget(number)
    client.forget(number + 1)
    assert [request["do"] for request in workers[0].sent] == ["hello", "volume", "cancel"]
    assert workers[0].sent[-1]["number"] == number and client.busy
    draw = client.request({"do": "draw"}, heard.append)
    workers[0].onEnd("")
    app.wait(20)
    assert [(r["do"], r["request"]) for r in workers[1].sent] == [("hello", 0), ("draw", draw)]
    workers[1].onReply({"request": -3, "cancelled": number})
    workers[1].onReply({"request": draw, "skipped": True})
    assert heard == [{"request": draw, "skipped": True}] and not client.busy


def test_in_a_drag_the_next_picture_comes_before_the_patients_body(app, started):
    client, workers = started
    volume = client.request({"do": "volume", "name": "ct"}, lambda reply: None)
    workers[0].onReply({"request": 0, "numba": True})
    workers[0].onReply({"request": volume, "volume": {}})
    first = client.request({"do": "draw"}, lambda reply: client.request({"do": "draw"}, lambda reply: None))
    workers[0].onEnd("")
    app.wait(20)
    picture = {"picture": {}, "camera": {}}
    workers[1].onReply({"request": first, **picture})
    assert workers[1].asked == [("hello", True), ("volume", False), ("draw", True), ("draw", True)]
    workers[1].onReply({"request": first + 1, "masks": {}, "camera": {}})
    assert workers[1].asked[4:] == [("volume", True)] and client.busy
    restored = []
    client.whenRestored = lambda: restored.append(True)
    workers[1].onReply({"request": -2, "volume": {}})
    assert restored and not client.busy


def test_a_worker_that_is_started_again_is_busy_until_it_knows_the_patient(app, started):
    client, workers = started
    volume = client.request({"do": "volume", "name": "ct"}, lambda reply: None)
    workers[0].onReply({"request": 0, "numba": True})
    workers[0].onReply({"request": volume, "volume": {}})
    assert not client.busy
    workers[0].onEnd("")
    assert client.busy
    app.wait(20)
    assert workers[1].asked == [("hello", True), ("volume", True)] and client.busy
    workers[1].onReply({"request": -2, "volume": {}})
    assert not client.busy


@pytest.mark.parametrize("when", ["before the kill", "after it"])
def test_nothing_but_a_picture_is_drawn_without_the_patients_body(app, started, when):
    client, workers = started
    volume = client.request({"do": "volume", "name": "ct"}, lambda reply: None)
    workers[0].onReply({"request": 0, "numba": True})
    workers[0].onReply({"request": volume, "volume": {}})
    client.request({"do": "draw"}, lambda reply: None)
    if when == "before the kill":
        client.request({"do": "save"}, lambda reply: None)
    workers[0].onEnd("")
    app.wait(20)
    if when == "after it":
        client.request({"do": "save"}, lambda reply: None)
    asked = workers[1].asked
    assert asked.index(("volume", True)) < asked.index(("save", True)) == len(asked) - 1
