"""A trained model in the render worker: computed once for a CT, drawn as fast as any other fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nerp
import numpy as np
import pytest
from learned_models import TONE, learned, patient, tone_only
from nerp import Camera, NerpError
from nerp.display import Display
from nerp.worker.loop import Interrupted, _is_needless
from nerp.worker.session import Session
from worker_client import Worker, volume_request

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("safetensors")

SIZE = 24


class Client:
    """A session in this process, with a CT loaded."""

    def __init__(self, folder: Path) -> None:
        self.told: list[dict[str, Any]] = []
        self.volume = patient()
        self.session = Session(folder, self.told.append)
        self.ask("volume", **volume_request(folder / "client", self.volume))
        self.volume = self.session.volume  # with the body that the session found
        self.camera = Camera.preset("PA", self.volume, SIZE, SIZE)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        return self.session.handle({"do": do, "request": 7, **request})

    def draw(self, **request: Any) -> dict[str, Any]:
        return self.ask("draw", camera=self.camera.to_dict(), samples=64, **request)

    def array(self, record: dict[str, Any]) -> np.ndarray:
        path = self.session.folder / record["file"]
        return np.array(np.memmap(path, record["dtype"], "r", shape=tuple(record["shape"])))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(tmp_path)
    with client.session:
        yield client


def test_a_picture_is_the_one_that_the_engine_draws(client: Client, tmp_path: Path) -> None:
    folder = learned(tmp_path / "model")
    answer = client.ask("model", model=str(folder))
    model = nerp.load_model(folder)
    assert answer["model"] == {"name": "little", "sha256": model.hash, "method": "vrr"}
    shares = [told["progress"] for told in client.told if told.get("request") == 7 and "progress" in told]
    assert shares[0][1] == 3 and shares[3] == [0, 100], "of the CT, then of the model"
    assert [done for done, _ in shares[3:]] == sorted(done for done, _ in shares[3:]) and len(shares) > 8
    reply = client.draw(method="vrr", model=str(folder))
    expected = model.draw(client.volume, client.camera, 64)
    assert np.array_equal(client.array(reply["picture"]), expected.image)
    assert reply["method"] == "vrr" and reply["model"] == {"name": "little", "sha256": model.hash}
    display = Display(**reply["display"])
    assert display.curve == "tone" and display.tone == TONE.grey


def test_a_zero_head_draws_the_fixed_radiance(client: Client, tmp_path: Path) -> None:
    folder = str(learned(tmp_path / "model", changed=0))
    expected = client.array(client.draw(method="fixed")["picture"])
    reply = client.draw(method="vrr", model=folder, difference=True)
    assert np.abs(client.array(reply["picture"]) - expected).max() <= 1e-6
    assert np.abs(client.array(reply["difference"])).max() <= 1e-6


def test_the_difference_is_what_the_model_changed(client: Client, tmp_path: Path) -> None:
    folder = str(learned(tmp_path / "model"))
    reply = client.draw(method="vrr", model=folder, difference=True)
    fixed = client.array(client.draw(method="fixed")["picture"])
    changed = client.array(reply["picture"]) - fixed
    assert np.array_equal(client.array(reply["difference"]), changed) and np.abs(changed).max() > 0.01
    assert "difference" not in client.draw(method="fixed", difference=True)
    assert "difference" not in client.draw(method="vrr", model=folder)


def test_the_mapper_runs_once_for_a_ct(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nerp.networks.learned as learned_module

    calls = []
    compute = learned_module.learned_fields
    monkeypatch.setattr(learned_module, "learned_fields", lambda *given: calls.append(1) or compute(*given))
    folder = str(learned(tmp_path / "model"))
    client.ask("model", model=folder)
    for angle in (0, 5):
        client.draw(method="vrr", model=folder, quality="small" if angle else "full")
    client.draw(method="drr")
    client.draw(method="vrr", model=folder)
    client.ask("model", model=folder)
    assert len(calls) == 1
    client.ask("volume", **volume_request(tmp_path / "client", client.volume))
    client.draw(method="vrr", model=folder)
    assert len(calls) == 2, "another CT has other fields"


def test_a_large_ct_keeps_one_methods_fields_alone(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerp.worker.session.MANY_VOXELS", 10)
    folder = str(learned(tmp_path / "model"))
    client.ask("model", model=folder)
    model = client.session._models.get(folder, "vrr")
    client.draw(method="vrr", model=folder)
    assert model.is_ready(client.session.volume)
    client.draw(method="drr")
    assert not model.is_ready(client.session.volume)
    with pytest.raises(NerpError, match="too large"):
        client.draw(method="vrr", model=folder, difference=True)


def test_a_tone_curve_alone_is_the_fixed_radiance(client: Client, tmp_path: Path) -> None:
    folder = str(tone_only(tmp_path / "model"))
    assert client.ask("model", model=folder)["model"]["method"] == "fixed"
    plain, toned = client.draw(method="fixed"), client.draw(method="fixed", model=folder)
    assert np.array_equal(client.array(plain["picture"]), client.array(toned["picture"]))
    assert (plain["display"]["curve"], toned["display"]["curve"]) == ("linear", "tone")
    with pytest.raises(NerpError, match="film look are of the method fixed, not vrr"):
        client.draw(method="vrr", model=folder)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"do": "model"}, "named by its folder"),
        ({"do": "model", "model": "/nowhere"}, "no model /nowhere"),
        ({"do": "draw", "method": "vrr"}, "needs a trained model"),
        ({"do": "draw", "method": "vrr", "model": 7}, "named by its folder"),
        ({"do": "draw", "method": "vrr", "model": "/nowhere"}, "no model /nowhere"),
    ],
)
def test_what_cannot_be_drawn_is_told(client: Client, request_: dict, told: str) -> None:
    with pytest.raises(NerpError, match=told):
        client.ask(**{"camera": client.camera.to_dict(), **request_})
    assert client.draw(method="drr")["method"] == "drr", "the session goes on"


def test_a_picture_is_saved_by_the_model(client: Client, tmp_path: Path) -> None:
    from nerp.settings import ExportSettings

    folder = learned(tmp_path / "model")
    settings = ExportSettings(
        views=0,
        cameras=(client.camera.to_dict(),),
        rows=SIZE,
        columns=SIZE,
        samples=64,
        method="vrr",
        model=nerp.load_model(folder).hash,
    )
    request = {"folder": str(tmp_path / "set"), "settings": settings.to_dict()}
    saved = client.ask("save", **request, model=str(folder))
    assert (tmp_path / "set" / saved["image"]).is_file()
    with pytest.raises(NerpError, match="not the one that these settings name"):
        client.ask("save", **request)


def test_moving_on_gives_up_pictures_and_never_the_fields() -> None:
    from collections import deque

    model, draw, volume = ({"do": do, "request": n} for n, do in enumerate(("model", "draw", "volume"), 1))
    assert not _is_needless(model, deque([draw, {"do": "cancel", "number": 2}]))
    assert _is_needless(model, deque([volume])) and _is_needless(model, deque([{**model, "request": 9}]))
    assert _is_needless(model, deque([{"do": "cancel", "number": 1}]))
    assert _is_needless(draw, deque([draw])) and not _is_needless(draw, deque([model]))


def test_cancel_ends_the_mapper_between_its_layers(client: Client, tmp_path: Path) -> None:
    folder = str(learned(tmp_path / "model"))
    begun = len(client.told)

    def check() -> None:
        if len(client.told) > begun + 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        client.session.handle({"do": "model", "model": folder}, check)
    assert client.told[-1]["progress"][0] < 50
    assert client.ask("model", model=folder)["model"]["name"] == "little"


def test_a_worker_loads_torch_only_for_a_model(tmp_path: Path) -> None:
    """As a bare Slicer has it: without torch one line says what is missing, and other methods go on."""
    volume = patient()
    folder, tone = str(learned(tmp_path / "model")), str(tone_only(tmp_path / "tone"))
    camera = Camera.preset("PA", volume, 8, 8).to_dict()
    with Worker(tmp_path / "nerp-session-a", bare=True) as worker:
        hello = worker.ask("hello")
        assert hello["lacking"] == ["torch", "monai"] and hello["methods"][0] == "vrr"
        worker.ask("volume", **volume_request(tmp_path / "client", volume))
        told = worker.ask("model", model=folder)["error"]
        assert "little needs torch, monai" in told and "\n" not in told
        picture = worker.ask("draw", camera=camera, samples=16, method="fixed", model=tone)
        assert picture["display"]["curve"] == "tone"
