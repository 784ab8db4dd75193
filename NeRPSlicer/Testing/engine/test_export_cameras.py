"""Cameras that a person placed: drawn into a set, read back, drawn again, one picture at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nerp import Camera, NerpError, project
from nerp.cli import main
from nerp.display import Display
from nerp.export import Case, export_set, read_dataset, read_records
from nerp.export.cameras import read_cameras
from nerp.export.contact_sheet import read_grey, read_mask
from nerp.settings import ExportSettings
from patients import block, write_block


def placed(angle: float) -> Camera:
    volume, _ = block()
    return Camera.from_angles(volume, (angle, 5.0, 2.0), rows=96, columns=96, mirrored=True, view="PA")


def settings(*cameras: Camera, **more) -> ExportSettings:  # type: ignore[no-untyped-def]
    records = tuple(camera.to_dict() for camera in cameras)
    return ExportSettings(views=0, rows=40, columns=40, cameras=records, **more)


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}


def test_given_cameras_are_drawn_and_a_set_grows_by_more(tmp_path: Path) -> None:
    volume, structures = block()
    cases = [Case("block", lambda: (volume, structures))]
    first, second = placed(10), placed(-20)
    assert export_set(cases, settings(first), tmp_path).drawn == 1
    outcome = export_set(cases, replace(settings(first, second), views=2, presets=("PA",)), tmp_path)
    assert (outcome.drawn, outcome.kept) == (4, 1)
    records = read_records(tmp_path)
    assert [record["view"] for record in records.values()] == ["PA", "c000", "c001", "v000", "v001"]
    record = records["block_c001"]
    camera = Camera.from_dict(record["camera"])
    assert record["camera"] == second.resized(40, 40).to_dict() and record["draw"] is None
    picture = project(volume, camera, "drr", structures=structures)
    grey = Display(**record["display"]).grey(picture.image, 16)
    np.testing.assert_array_equal(read_grey(tmp_path / record["image"]), (grey >> 8).astype(np.uint8))
    for name, path in record["masks"].items():
        np.testing.assert_array_equal(read_mask(tmp_path / path), picture.mask(name))
    assert read_dataset(tmp_path)["complete"]
    assert export_set(cases, settings(first), tmp_path).kept == 1, "fewer is no other set"
    with pytest.raises(NerpError, match="its cameras are others"):
        export_set(cases, settings(second), tmp_path)


def test_cameras_that_could_not_be_drawn_may_be_mended(tmp_path: Path) -> None:
    volume, structures = block()
    cases = [Case("block", lambda: (volume, structures))]
    inside = np.array(placed(0).ras_from_camera)
    inside[:3, 3] = volume.body_box.mean(axis=0)
    bad, good = placed(0).moved(inside), [placed(10), placed(20), placed(30)]
    assert "inside the body" in export_set(cases, settings(bad, good[1]), tmp_path).failed["block"]
    assert export_set(cases, settings(good[0], bad), tmp_path).drawn == 1, "none was drawn, all may be others"
    outcome = export_set(cases, settings(*good), tmp_path)
    assert (outcome.drawn, outcome.kept) == (2, 1) and read_dataset(tmp_path)["complete"]
    assert read_dataset(tmp_path)["settings"]["cameras"] == [camera.to_dict() for camera in good]
    with pytest.raises(NerpError, match="its cameras are others"):
        export_set(cases, settings(good[0], bad), tmp_path)


def test_a_set_is_drawn_again_from_its_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    ct, labels = write_block(tmp_path / "in")
    common = ["export", str(ct), "--labels", str(labels), "--size", "40"]
    assert main([*common, "--views", "2", "--presets", "LL", "--out", str(tmp_path / "a")]) == 0
    source = str(tmp_path / "a" / "projections.jsonl")
    assert main([*common[:4], "--cameras", source, "--out", str(tmp_path / "b")]) == 0
    again = read_records(tmp_path / "b")
    assert [record["view"] for record in again.values()] == ["c000", "c001", "c002"]
    assert list(images(tmp_path / "b").values()) == list(images(tmp_path / "a").values())
    pictures = [record["camera"] for record in read_records(tmp_path / "a").values()]
    assert [record["camera"] for record in again.values()] == pictures, "their size too"
    capsys.readouterr()
    assert main(["project", str(ct), "--camera", source, "--out", str(tmp_path / "c")]) == 2
    assert "holds 3 cameras" in capsys.readouterr().err


def test_cameras_are_read_from_what_nerp_writes(tmp_path: Path) -> None:
    cameras = [placed(1), placed(2)]
    records = [camera.to_dict() for camera in cameras]
    path = tmp_path / "cameras.json"
    for content, expected in (
        (records, cameras),
        ({"camera": records[1], "more": 1}, cameras[1:]),
        (records[0], cameras[:1]),
    ):
        path.write_text(json.dumps(content), encoding="utf-8")
        assert [c.to_dict() for c in read_cameras(path)] == [c.to_dict() for c in expected]
    lines = tmp_path / "projections.jsonl"
    text = json.dumps({"case": "a\u2028b\u0085c", "camera": records[0]}, ensure_ascii=False)
    for rest in ("\n", "", "\n" + text[:-3], "\n" + text[:200]):
        lines.write_text(text + rest, encoding="utf-8")
        assert [c.to_dict() for c in read_cameras(lines)] == [records[0]], "a kill may cut the last line off"
    lines.write_bytes(f"{text}\n".encode() + text.encode()[:12])
    assert [c.to_dict() for c in read_cameras(lines)] == [records[0]], "within a letter too"
    for torn in (text[:200], text[:200] + "\n" + text + "\n", text + "\n" + text[:200] + "\n"):
        lines.write_text(torn, encoding="utf-8")
        with pytest.raises(NerpError, match="holds no camera"):
            read_cameras(lines)
    for text in ("", "[]", "{}", "[1]", '{"camera": 3}', "{", "null", '{"camera": {"rows": 1}}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(NerpError, match=r"camera.*projection\.json|camera record") as told:
            read_cameras(path)
        assert str(path) in str(told.value) and "\n" not in str(told.value)
    with pytest.raises(NerpError, match="holds no camera"):
        read_cameras(tmp_path / "missing.jsonl")
