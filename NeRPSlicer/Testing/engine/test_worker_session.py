"""What the render worker does for each request, and what it refuses and survives."""

from __future__ import annotations

import errno
import gc
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from nerp import Camera, NerpError, Structures, Volume, project
from nerp.atomic import exclusive
from nerp.display import display_of
from nerp.projector import METHODS
from nerp.structures import Structure
from nerp.worker import session as session_module
from nerp.worker.buffers import DoubleBuffer
from nerp.worker.folder import remove_dead_sessions, session_folder
from nerp.worker.layers import combined, label_map
from nerp.worker.loop import Item, serve
from nerp.worker.session import Session
from patients import block
from worker_client import structures_request, volume_request


class Desk:
    """A session in this process and what it sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[dict[str, Any]] = []
        self.session = Session(folder, self.told.append)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        return self.session.handle({"do": do, "request": 1, **request})

    def array(self, record: dict[str, Any]) -> np.ndarray:
        size = int(np.prod(record["shape"]))
        return np.fromfile(self.folder / record["file"], record["dtype"], size).reshape(record["shape"])


@pytest.fixture
def desk(tmp_path: Path):  # type: ignore[no-untyped-def]
    desk = Desk(tmp_path)
    with desk.session:
        yield desk
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(("picture", "masks", "lengths"))]


@pytest.fixture
def loaded(desk: Desk) -> tuple[Desk, Volume, Structures, Camera]:
    volume, structures = block()
    desk.ask("volume", **volume_request(desk.folder / "in", volume))
    desk.ask("structures", **structures_request(desk.folder / "in", structures))
    return desk, volume, structures, Camera.preset("PA", volume, 48, 40)


# --- pictures


@pytest.mark.parametrize("method", METHODS)
def test_pictures_are_the_engines_bit_for_bit(loaded, method: str) -> None:  # type: ignore[no-untyped-def]
    desk, volume, structures, camera = loaded
    window = (-200.0, 300.0) if method in ("aip", "mip", "mida") else None
    record = {"camera": camera.to_dict(), "method": method, "samples": 32, "window_hu": window}
    reply = desk.ask("draw", **record, lengths=["spine", "lung_left"])
    expected = project(volume, camera, method, 32, structures, window)
    assert (desk.array(reply["picture"]) == expected.image).all()
    assert reply["display"] == display_of(expected).to_dict() and reply["volume"] == volume.hash
    lengths = desk.array(reply["lengths"])
    assert (lengths[0] == expected.path_length["spine"]).all()
    assert (lengths[1] == expected.path_length["lung_left"]).all()
    small = desk.ask("draw", **record, quality="small", small=[20, 18, 8])
    quick = project(volume, camera.resized(40, 36), method, 16, structures, window, preview=True)
    assert (desk.array(small["picture"]) == quick.image).all()
    assert small["camera"] == quick.camera.to_dict() and small["quality"] == "small"


def test_small_pictures_keep_the_proportions(loaded) -> None:  # type: ignore[no-untyped-def]
    desk, _, _, camera = loaded
    reply = desk.ask("draw", camera=camera.to_dict(), method="fixed", quality="small")
    assert reply["picture"]["shape"] == [128, 107] and reply["samples"] == 256
    reply = desk.ask("draw", camera=camera.to_dict(), rows=24, columns=20)
    assert reply["picture"]["shape"] == [24, 20]


def test_masks_follow_thresholds_in_both_forms(loaded) -> None:  # type: ignore[no-untyped-def]
    desk, volume, structures, camera = loaded
    picture = project(volume, camera, structures=structures)
    record = {"camera": camera.to_dict(), "minimum_mm": {"lung*": 60, "speck": 500}}
    bits = desk.ask("draw", **record, masks="bits")
    assert bits["names"] == structures.names and bits["empty"] == ["speck"]
    unpacked = np.unpackbits(desk.array(bits["masks"]), axis=-1, count=40).astype(bool)
    limits = {"lung_right": 60, "lung_left": 60, "speck": 500, "spine": 1}
    for name, mask in zip(bits["names"], unpacked, strict=True):
        assert (mask == picture.mask(name, limits[name])).all()
    labels = desk.array(desk.ask("draw", **record)["masks"])
    spine, lung = picture.mask("spine", 1), picture.mask("lung_left", 60)
    assert labels.dtype == np.uint8 and (labels[spine] == 1 + structures.names.index("spine")).all()
    assert (labels[lung & ~spine] == 1 + structures.names.index("lung_left")).all()
    assert (labels > 0).sum() == unpacked.any(axis=0).sum()
    some = desk.ask("draw", **record, structures=["spine"])
    assert some["names"] == ("spine",) and (desk.array(some["masks"]) == picture.mask("spine", 1)).all()
    kept = desk.session._selected
    desk.ask("draw", **record, structures=["spine"])
    assert desk.session._selected is kept, "selected once, not for each picture"
    both = desk.ask("draw", **record, structures=["spine", "lung_left"], masks="bits", lengths=["spine"])
    assert both["names"] == ("lung_left", "spine")
    assert np.allclose(desk.array(both["lengths"])[0], picture.path_length["spine"], atol=1e-3)
    assert "masks" not in desk.ask("draw", camera=camera.to_dict(), structures=False)
    assert "masks" not in desk.ask("draw", camera=camera.to_dict(), masks=None)


def test_masks_can_be_drawn_alone(loaded) -> None:  # type: ignore[no-untyped-def]
    desk, _, _, camera = loaded
    whole = desk.ask("draw", camera=camera.to_dict(), quality="small", small=[24, 20, 2], lengths=["spine"])
    labels, spine = desk.array(whole["masks"]), desk.array(whole["lengths"])
    desk.session.forget_prepared()
    prepared = weakref.ref(desk.session.volume)
    more = {"camera": camera.to_dict(), "method": "fixed", "small": [24, 20, 2], "quality": "small"}
    alone = desk.ask("draw", **more, lengths=["spine"], picture=False)
    assert not {"picture", "display", "samples"} & set(alone)
    assert alone["camera"]["rows"] == 24 and alone["names"] == whole["names"]
    assert (desk.array(alone["masks"]) == labels).mean() > 0.99
    np.testing.assert_allclose(desk.array(alone["lengths"]), spine, atol=1e-3)
    assert desk.session._drawn_by == ("drr", None), "nothing else was prepared"
    assert prepared() is desk.session.volume
    with pytest.raises(NerpError, match="nothing to draw"):
        desk.ask("draw", camera=camera.to_dict(), structures=False, picture=False)


def test_the_smallest_structure_is_on_top() -> None:
    masks = np.zeros((300, 1, 3), bool)
    masks[0, 0, :], masks[1, 0, 1:], masks[299, 0, 2] = True, True, True
    labels = label_map(masks, [100, 10, *[5] * 297, 1])
    assert labels.dtype == np.uint16 and labels.tolist() == [[1, 2, 300]]


# --- volumes and structures


def test_a_second_volume_leaves_nothing_of_the_first(loaded) -> None:  # type: ignore[no-untyped-def]
    desk, volume, _, camera = loaded
    for quality in ("full", "small"):
        for method in METHODS:
            desk.ask("draw", camera=camera.to_dict(), method=method, quality=quality, samples=8)
    traces = [weakref.ref(desk.session.volume), weakref.ref(desk.session.volume.hu)]
    other, _ = block(1)
    reply = desk.ask("volume", **volume_request(desk.folder / "in", other))
    gc.collect()
    assert [trace() for trace in traces] == [None, None]
    assert reply["volume"]["hash"] == other.hash != volume.hash
    image = desk.array(desk.ask("draw", camera=camera.to_dict())["picture"])
    assert (image == project(other, camera).image).all()
    last = weakref.ref(desk.session.volume)
    desk.ask("release")
    gc.collect()
    assert last() is None and desk.session.structures is None


def test_of_a_large_volume_one_method_is_prepared_at_a_time(loaded, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    desk, volume, _, camera = loaded
    monkeypatch.setattr(session_module, "MANY_VOXELS", 1000)
    first = weakref.ref(desk.session.volume)
    desk.ask("draw", camera=camera.to_dict(), method="drr")
    assert desk.session.volume is first(), "what was prepared while loading is used"
    image = desk.array(desk.ask("draw", camera=camera.to_dict(), method="fixed")["picture"])
    gc.collect()
    assert first() is None, "what hung on it is gone with it"
    assert (image == project(volume, camera, "fixed").image).all()


@pytest.mark.parametrize("body", [True, False])
def test_float_volumes_oblique_frames_and_the_body_switch(desk: Desk, body: bool) -> None:
    volume, _ = block()
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    volume = Volume(volume.hu + np.float32(0.25), turn @ volume.ras_from_ijk, body=None if body else False)
    reply = desk.ask("volume", **volume_request(desk.folder / "in", volume, body=body))["volume"]
    assert reply["hash"] == volume.hash and np.allclose(reply["body_box"], volume.body_box)
    assert np.allclose(reply["ras_from_ijk"], volume.ras_from_ijk)


def test_structures_come_one_by_one_and_may_overlap(desk: Desk) -> None:
    rng = np.random.default_rng(0)
    frame = np.diag([3.0, 3, 4, 1])
    layers, masks = [], {}
    for n in range(3):
        labels = rng.integers(0, 3, (5, 6, 7)).astype(np.uint8)
        items = [Structure(f"s{n}{value}", value) for value in (1, 2)]
        layers.append(Structures.from_labels(labels, frame, items))
        masks.update({Structure(f"s{n}{value}", value): labels == value for value in (1, 2)})
    for n, layer in enumerate(layers):
        reply = desk.ask(
            "structures", **structures_request(desk.folder / "in", layer, mode="add" if n else "replace")
        )
    kept = desk.session.structures
    assert kept is not None and kept.names == tuple(item.name for item in masks)
    for item, mask in masks.items():
        assert (kept.mask(item.name) == mask).all()
    assert [row["voxels"] for row in reply["structures"]] == [int(mask.sum()) for mask in masks.values()]
    assert desk.ask("structures", mode="clear")["structures"] == [] and desk.session.structures is None


def test_a_label_map_without_combinations_is_read_by_its_values(desk: Desk) -> None:
    labels = np.zeros((3, 4, 5), np.int16)
    labels[1, 2, 3], labels[0], labels[2, 0, 0] = 700, 2, 9
    (desk.folder / "labels").write_bytes(labels.tobytes())
    table = [{"name": "nodule", "value": 700, "color": [1, 2, 3]}, {"name": "lung", "value": 2}]
    reply = desk.ask(
        "structures",
        file="labels",
        dtype="int16",
        shape=[3, 4, 5],
        ras_from_ijk=np.eye(4).tolist(),
        table=table,
    )
    assert [(row["name"], row["voxels"]) for row in reply["structures"]] == [("nodule", 1), ("lung", 20)]
    assert reply["structures"][0]["color"] == [1, 2, 3]


def test_grids_of_added_structures_must_agree() -> None:
    first = Structures.from_labels(np.ones((2, 3, 4), np.uint8), np.eye(4))
    for shape, frame in (((2, 3, 5), np.eye(4)), ((2, 3, 4), np.diag([2.0, 1, 1, 1]))):
        other = Structures.from_labels(np.full(shape, 2, np.uint8), frame)
        with pytest.raises(NerpError, match="grid"):
            combined(first, other)
    with pytest.raises(NerpError, match="same name"):
        combined(first, first)


def test_the_example_is_handed_over_whole(desk: Desk) -> None:
    import nerp

    reply = desk.ask("example", seed=2, spacing_mm=4)
    volume, structures = nerp.thorax(2, 4)
    assert (desk.array(reply["ct"]) == volume.hu).all() and reply["volume"]["hash"] == volume.hash
    assert (desk.array(reply["labels"]) == structures.combination).all()
    assert [tuple(members) for members in reply["combinations"]] == list(structures.combinations)
    assert [row["name"] for row in reply["structures"]] == list(structures.names)
    camera = Camera.preset("PA", volume, 32, 32)
    drawn = desk.ask("draw", camera=camera.to_dict())
    picture = desk.array(drawn["picture"]).copy()
    assert drawn["names"]
    desk.ask("volume", **reply["ct"], ras_from_ijk=reply["volume"]["ras_from_ijk"])
    again = desk.array(desk.ask("draw", camera=camera.to_dict())["picture"])
    assert (again == picture).all(), "from a saved scene it comes as any CT does"


def test_the_example_film_looks_like_one(desk: Desk) -> None:
    reply = desk.ask("film", seed=3, rows=160, columns=160, spacing_mm=8)
    film = desk.array(reply["film"])
    assert film.shape == (160, 160) and film.dtype == np.uint16 and "synthetic" in reply["name"]
    spine = film[60:80, 78:83].mean()
    lungs = [film[60:80, columns].mean() for columns in (slice(42, 56), slice(104, 118))]
    assert spine > 1.3 * max(lungs), "the spine is bright and the lungs dark"
    grain = np.abs(np.diff(film[130:150, 78:83].astype(float), axis=0)).mean()
    assert (
        grain > 20
        and (film == desk.array(desk.ask("film", seed=3, rows=160, columns=160, spacing_mm=8)["film"])).all()
    )
    assert (desk.array(desk.ask("film", seed=4, rows=160, columns=160, spacing_mm=8)["film"]) != film).any()


# --- refusals: one line each, and the session goes on

ABOVE = [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 1700], [0, 0, 0, 1]]
CAMERA = Camera(np.array(ABOVE, float), 1800, 1700, 16, 16, (20.0, 20.0)).to_dict()
SHEAR = [[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
BAD = {
    "unknown": ("dance", {}, "known are hello"),
    "no name": (None, {}, "known are hello"),
    "no camera": ("draw", {}, "needs a camera"),
    "camera without fields": ("draw", {"camera": {}}, "not a camera record"),
    "camera not rigid": ("draw", {"camera": {**CAMERA, "ras_from_camera": SHEAR}}, "rigid"),
    "camera with NaN": (
        "draw",
        {"camera": {**CAMERA, "ras_from_camera": [[float("nan")] * 4] * 4}},
        "finite",
    ),
    "source in the body": ("draw", {"camera": "inside"}, "inside the body"),
    "no such method": ("draw", {"camera": CAMERA, "method": "xray"}, "no method"),
    "no samples": ("draw", {"camera": CAMERA, "samples": 0}, "samples must be"),
    "half a row": ("draw", {"camera": CAMERA, "rows": 1.5}, "rows must be"),
    "odd small": (
        "draw",
        {"camera": CAMERA, "quality": "small", "small": [1, 2]},
        "rows, columns and samples",
    ),
    "odd quality": ("draw", {"camera": CAMERA, "quality": "best"}, "small, full"),
    "odd masks": ("draw", {"camera": CAMERA, "masks": "polygons"}, "labels, bits"),
    "odd structures": ("draw", {"camera": CAMERA, "structures": "spine"}, "list of names"),
    "odd window": ("draw", {"camera": CAMERA, "method": "mip", "window_hu": [3]}, "lower and an upper"),
    "reversed window": (
        "draw",
        {"camera": CAMERA, "method": "mip", "window_hu": [9, 3]},
        "lower and an upper",
    ),
    "odd threshold": ("draw", {"camera": CAMERA, "minimum_mm": {"spine": 0}}, "above 0"),
    "threshold list": ("draw", {"camera": CAMERA, "minimum_mm": [1]}, "above 0"),
    "lengths of nothing": ("draw", {"camera": CAMERA, "lengths": ["tail"]}, "'tail'"),
    "missing file": ("volume", {"file": "absent"}, "cannot be read"),
    "no file": ("volume", {"file": None}, "needs 'file'"),
    "short file": ("volume", {"shape": [30, 34, 45]}, "bytes"),
    "odd type": ("volume", {"dtype": "complex64"}, "no type"),
    "odd shape": ("volume", {"shape": [30, -34, -44]}, "whole numbers above 0"),
    "shape of text": ("volume", {"shape": "large"}, "whole numbers above 0"),
    "flat": ("volume", {"shape": [1, 30 * 34, 44]}, "two slices"),
    "NaN": ("volume", {"file": "nan", "dtype": "float32"}, "NaN"),
    "singular frame": ("volume", {"ras_from_ijk": [[0] * 4] * 4}, "ras_from_ijk"),
    "no frame": ("volume", {"ras_from_ijk": "RAS"}, "4 x 4"),
    "air": ("volume", {"file": "air"}, "body|patient"),
    "labels without table": ("structures", {"table": None}, "table"),
    "labels with a wrong combination": ("structures", {"combinations": [[], [9]]}, "combinations|places"),
    "labels twice": ("structures", {"mode": "add"}, "same name"),
    "background as structure": ("structures", {"table": [{"name": "x", "value": 0}]}, "above 0"),
    "odd mode": ("structures", {"mode": "merge"}, "replace"),
    "seed": ("example", {"seed": -1}, "seed"),
    "spacing": ("example", {"spacing_mm": 900}, "spacing|mm"),
    "odd spacing": ("film", {"spacing_mm": "fine"}, "number of mm"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda name: name.replace(" ", "_"))
def test_bad_requests_are_one_line_and_the_session_goes_on(loaded, case: str) -> None:  # type: ignore[no-untyped-def]
    desk, volume, structures, camera = loaded
    do, changes, message = BAD[case]
    in_the_heart = np.array(camera.ras_from_camera)
    in_the_heart[:3, 3] = volume.body_box.mean(axis=0)
    (desk.folder / "in" / "nan").write_bytes(np.full(volume.shape, np.nan, np.float32).tobytes())
    (desk.folder / "in" / "air").write_bytes(np.full(volume.shape, -1000, np.int16).tobytes())
    whole = {
        "volume": volume_request(desk.folder / "in", volume),
        "structures": structures_request(desk.folder / "in", structures),
    }.get(str(do), {})
    request = {**whole, **changes}
    if request.get("camera") == "inside":
        request["camera"] = camera.moved(in_the_heart).to_dict()
    if changes.get("file", "") is None:
        del request["file"]
    elif "file" in changes:
        request["file"] = str(desk.folder / "in" / changes["file"])
    queue: SimpleQueue[Item] = SimpleQueue()
    for item in ({"do": do, "request": 7, **request}, {"do": "hello", "request": 8}):
        queue.put(item)
    told: list[dict[str, Any]] = []
    assert serve(queue, desk.session, told.append, 0.01) == "idle"
    error, hello = (reply for reply in told if "progress" not in reply)
    assert error["request"] == 7 and "\n" not in error["error"] and "log holds" not in error["error"]
    assert any(word in error["error"] for word in message.split("|")), error
    assert hello["protocol"] == 1


def test_no_ct_is_told(desk: Desk) -> None:
    with pytest.raises(NerpError, match="load one first"):
        desk.ask("draw", camera=CAMERA)


def test_a_full_disk_is_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    volume, _ = block()
    desk.ask("volume", **volume_request(desk.folder / "in", volume))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    camera = Camera.preset("PA", volume, 16, 16).to_dict()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(NerpError, match="could not be written"):
            desk.ask("draw", camera=camera)
    assert desk.array(desk.ask("draw", camera=camera)["picture"]).shape == (16, 16)


# --- the loop


class Fake:
    """A handler that counts, and fails when asked to."""

    def __init__(self, queue: SimpleQueue[Item], meanwhile: list[Item] | None = None) -> None:
        self.queue, self.meanwhile = queue, meanwhile or []
        self.handled: list[dict[str, Any]] = []
        self.forgot = 0

    def handle(self, request: dict[str, Any], check: Callable[[], None]) -> dict[str, Any]:
        self.handled.append(request)
        while self.meanwhile:
            self.queue.put(self.meanwhile.pop(0))
        if request.get("raise"):
            raise request["raise"]
        return {"drawn": request.get("request")}

    def forget_prepared(self) -> None:
        self.forgot += 1


def run_loop(
    items: list[Item], meanwhile: list[Item] | None = None
) -> tuple[Fake, list[dict[str, Any]], str]:
    queue: SimpleQueue[Item] = SimpleQueue()
    for item in items:
        queue.put(item)
    fake, told = Fake(queue, meanwhile), []  # type: ignore[var-annotated]
    return fake, told, serve(queue, fake, told.append, 0.02)


def draw(number: int, **more: Any) -> Item:
    return {"do": "draw", "request": number, **more}


def test_waiting_draws_give_way_to_the_newest() -> None:
    fake, told, reason = run_loop([draw(n) for n in range(5)], [draw(n) for n in range(5, 30)])
    assert [request["request"] for request in fake.handled] == [4, 29] and reason == "idle"
    assert [reply["request"] for reply in told] == list(range(30))
    assert [reply["request"] for reply in told if "skipped" not in reply] == [4, 29]


def test_state_is_never_skipped_and_keeps_its_order() -> None:
    items: list[Item] = [
        {"do": "volume", "request": 1},
        draw(2),
        {"do": "structures", "request": 3},
        {"do": "volume", "request": 4},
        {"do": "structures", "request": 5},
        draw(6),
    ]
    fake, _, _ = run_loop(items)
    assert [request["request"] for request in fake.handled] == [3, 4, 5, 6]


def test_end_of_input_and_quit_end_it() -> None:
    fake, told, reason = run_loop([draw(1), None])
    assert (fake.handled, told, reason) == ([], [], "end"), "nobody is there to see a picture"
    fake, told, reason = run_loop([draw(1), {"do": "quit"}, draw(2)])
    assert reason == "quit" and [reply["request"] for reply in told] == [1]
    before = time.monotonic()
    assert run_loop([])[2] == "idle" and time.monotonic() - before >= 0.02


def test_failures_are_answers(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [NerpError("no; do this"), MemoryError(), ZeroDivisionError("by zero\nmore")]
    items: list[Item] = [{"do": "hello", "request": n, "raise": error} for n, error in enumerate(errors)]
    fake, told, _ = run_loop(["A request is one line of JSON: x", *items])
    assert told[0] == {"request": None, "error": "A request is one line of JSON: x"}
    assert told[1] == {"request": 0, "error": "no; do this"}
    assert "not enough memory" in told[2]["error"] and fake.forgot == 1
    assert told[3]["error"].startswith("ZeroDivisionError: by zero") and "\n" not in told[3]["error"]
    err = capsys.readouterr().err
    assert err.count("Traceback") == 1 and "by zero" in err


# --- files


def test_buffers_alternate_grow_and_never_change_a_files_size(tmp_path: Path) -> None:
    buffer = DoubleBuffer(tmp_path, "picture")

    def stored(array: np.ndarray) -> str:
        record = buffer.write(array)
        path = tmp_path / record["file"]
        found = np.fromfile(path, record["dtype"], array.size).reshape(record["shape"])
        assert (found == array).all()
        return record["file"]

    rng = np.random.default_rng(0)
    first, second, third = (stored(rng.random((40, 50)).astype(np.float32)) for _ in range(3))
    assert first == third != second
    held = np.memmap(tmp_path / third, np.float32, "r", shape=(40, 50))
    kept = np.array(held)
    large = stored(rng.random((400, 500)).astype(np.float32))
    assert large not in (first, second) and (held == kept).all(), "what the client has mapped stays"
    assert stored(np.ones((3, 3), np.uint8)) != large
    assert len({path.stat().st_size for path in tmp_path.iterdir()}) == 1
    buffer.close()
    assert not list(tmp_path.iterdir())


def test_files_that_windows_will_not_remove_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = DoubleBuffer(tmp_path, "picture")
    buffer.write(np.zeros(10))

    def mapped(*_: object, **__: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", mapped)
        buffer.write(np.zeros(100_000))
        buffer.close()
    assert len(list(tmp_path.iterdir())) == 4


def test_folders_of_dead_workers_are_removed_and_no_others(tmp_path: Path) -> None:
    for name in ("nerp-session-dead", "nerp-session-alive", "nerp-session-not-taken-yet", "holiday"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ct").touch()
        if name != "nerp-session-not-taken-yet":
            (tmp_path / name / "worker").touch()
    with exclusive(tmp_path / "nerp-session-alive"):
        remove_dead_sessions(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"nerp-session-alive", "nerp-session-not-taken-yet", "holiday"}


def test_a_folder_that_windows_holds_is_found_by_the_next_worker(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    unlink = Path.unlink

    def mapped(path: Path, missing_ok: bool = False) -> None:
        if path.name == "picture":
            raise PermissionError(13, "The process cannot access the file")
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", mapped)
        with session_folder(tmp_path / "nerp-session-first") as first:
            (first / "picture").touch()
            (first / "ct").touch()
        assert {path.name for path in first.iterdir()} == {"picture", "worker"}
    with session_folder(tmp_path / "nerp-session-second"):
        assert not first.exists()
    assert not list(tmp_path.iterdir())


def test_a_session_folder_is_removed_however_the_session_ends(tmp_path: Path) -> None:
    folder = tmp_path / "nerp-session-x"
    with pytest.raises(ZeroDivisionError), session_folder(folder):
        (folder / "picture").touch()
        raise ZeroDivisionError
    assert not folder.exists()
    (tmp_path / "file").touch()
    with (
        pytest.raises(NerpError, match="could not be written"),
        session_folder(tmp_path / "file" / "nerp-session-y"),
    ):
        pass
