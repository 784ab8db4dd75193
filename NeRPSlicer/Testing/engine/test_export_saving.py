"""Pictures saved one at a time: each belongs to its own CT, and what was refused or killed leaves nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nerp import Camera, NerpError, Structures, Volume, project
from nerp.atomic import exclusive
from nerp.display import Display
from nerp.errors import CannotWrite
from nerp.export import Case, export_set, index, previews, projection_set, read_dataset, read_records, record
from nerp.export.cameras import read_cameras
from nerp.export.contact_sheet import read_grey, read_mask
from nerp.export.index import is_whole
from nerp.export.saving import save_view
from nerp.settings import ExportSettings
from nerp.worker.loop import Interrupted
from nerp.worker.session import Session
from patients import block
from worker_client import structures_request, volume_request


def placed(angle: float) -> Camera:
    volume, _ = block()
    return Camera.from_angles(volume, (angle, 5.0, 2.0), rows=96, columns=96, mirrored=True, view="PA")


def asked(camera: Camera, **more) -> ExportSettings:  # type: ignore[no-untyped-def]
    return ExportSettings(views=0, rows=40, columns=40, cameras=(camera.to_dict(),), **more)


def save(
    folder: Path, angle: float, patient: tuple[Volume, Structures] | None = None, name: str = "ct"
) -> str:
    volume, structures = patient or block()
    return str(save_view(volume, structures, asked(placed(angle)), folder, name)["id"])


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_pictures_are_saved_one_by_one_into_one_set(tmp_path: Path) -> None:
    volume, structures = block()
    first, second = placed(10), placed(-20)
    found = save_view(volume, structures, asked(first, raw=True), tmp_path, "CT: 1")
    assert found["id"] == "CT_ 1_s000" and set(found["masks"]) == set(structures.names)
    before = content(tmp_path / "images")
    found = save_view(volume, structures, asked(second, seed=7), tmp_path, "another name")
    assert found["id"] == "CT_ 1_s001" and (tmp_path / "raw" / "CT_ 1_s001.nrrd").is_file()
    assert content(tmp_path / "images").items() > before.items()
    picture = project(volume, second.resized(40, 40), "drr", structures=structures)
    grey = Display(**found["display"]).grey(picture.image, 16)
    np.testing.assert_array_equal(read_grey(tmp_path / found["image"]), (grey >> 8).astype(np.uint8))
    for name, path in found["masks"].items():
        np.testing.assert_array_equal(read_mask(tmp_path / path), picture.mask(name))
    dataset = read_dataset(tmp_path)
    assert dataset["complete"] and dataset["cases"] == ["CT_ 1"] and dataset["counts"]["projections"] == 2
    assert (tmp_path / "previews" / "index.html").is_file()
    assert [camera.to_dict() for camera in read_cameras(tmp_path / "projections.jsonl")] == [
        camera.resized(40, 40).to_dict() for camera in (first, second)
    ]
    with pytest.raises(NerpError, match="method is drr, not mip"):
        save_view(volume, structures, asked(first, method="mip"), tmp_path, "CT: 1")
    with pytest.raises(NerpError, match="one camera"):
        save_view(volume, structures, replace(asked(first), views=1), tmp_path, "CT: 1")


def test_the_very_same_picture_is_there_once_and_mended_where_it_is_damaged(tmp_path: Path) -> None:
    volume, structures = block()
    assert [save(tmp_path, angle) for angle in (10, 20, 10)] == ["ct_s000", "ct_s001", "ct_s000"]
    before = content(tmp_path)
    (tmp_path / "masks" / "ct_s000__spine.png").write_bytes(b"half")
    assert save(tmp_path, 10) == "ct_s000"
    assert content(tmp_path) == before
    fewer = volume, structures.select(["spine"])
    assert save(tmp_path, 10, fewer) == "ct_s002", "other labels are another picture"
    assert list(read_records(tmp_path)["ct_s002"]["masks"]) == ["spine"]


def test_a_saved_picture_belongs_to_its_own_ct(tmp_path: Path) -> None:
    other = block(1)
    save(tmp_path, 10)
    save(tmp_path, 20)
    assert save(tmp_path, 20, other, "other") == "other_s000"
    assert list(read_records(tmp_path)) == ["ct_s000", "ct_s001", "other_s000"]
    assert read_dataset(tmp_path)["cases"] == ["ct", "other"] and read_dataset(tmp_path)["complete"]
    with pytest.raises(NerpError, match="another CT named ct"):
        save(tmp_path, 30, block(2), "ct")
    with pytest.raises(NerpError, match="holds ct; give CT another name"):
        save(tmp_path, 30, block(2), "CT")
    assert len(read_records(tmp_path)) == 3


def test_an_export_goes_on_beside_saved_pictures(tmp_path: Path) -> None:
    """Neither draws what the other was asked for."""
    wanted = ExportSettings(views=3, rows=40, columns=40, seed=5)
    stops = iter([False, False, True])
    cases = [Case("block", block)]
    export_set(cases, wanted, tmp_path, should_stop=lambda: next(stops, True))
    assert save(tmp_path, 10) == "block_s000" and save(tmp_path, 10, block(1), "other") == "other_s000"
    assert list(read_records(tmp_path)) == ["block_s000", "block_v000", "other_s000"]
    assert not read_dataset(tmp_path)["complete"], "views of the job are still missing"
    assert read_dataset(tmp_path)["settings"]["views"] == 3
    saved = content(tmp_path / "images")
    assert export_set(cases, wanted, tmp_path).drawn == 2
    dataset = read_dataset(tmp_path)
    assert dataset["complete"], "no view was asked of the CT of a saved picture"
    assert dataset["cases"] == ["block", "other"] and dataset["counts"]["projections"] == 5
    assert content(tmp_path / "images").items() > saved.items()
    assert save(tmp_path, 20) == "block_s001" and read_dataset(tmp_path)["complete"]


def test_an_export_into_a_set_of_saved_pictures_has_its_own_seed(tmp_path: Path) -> None:
    save(tmp_path, 10)
    wanted = ExportSettings(views=1, rows=40, columns=40, seed=5, preset="LL")
    assert export_set([Case("ct", block)], wanted, tmp_path).drawn == 1
    assert list(read_records(tmp_path)) == ["ct_s000", "ct_v000"] and read_dataset(tmp_path)["seed"] == 5
    with pytest.raises(NerpError, match="seed is 5, not 6"):
        export_set([Case("ct", block)], replace(wanted, seed=6), tmp_path)
    assert save(tmp_path, 20) == "ct_s001", "the seed of the views says nothing of a saved picture"


def test_sets_whose_saved_pictures_are_given_cameras_go_on(tmp_path: Path) -> None:
    """As an earlier version wrote them."""
    volume, structures = block()
    export_set([Case("ct", block)], asked(placed(10)), tmp_path)
    assert save(tmp_path, 10) == "ct_c000" and save(tmp_path, 20) == "ct_s000"
    assert read_dataset(tmp_path)["complete"] and len(read_dataset(tmp_path)["settings"]["cameras"]) == 1
    assert save_view(volume, structures, asked(placed(20)), tmp_path, "ct")["view"] == "s000"


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_refused_or_cancelled_save_leaves_nothing(tmp_path: Path, earlier: int) -> None:
    volume, structures = block()
    for angle in range(earlier):
        save(tmp_path, angle)
    before = content(tmp_path)
    inside = np.array(placed(0).ras_from_camera)
    inside[:3, 3] = volume.body_box.mean(axis=0)
    with pytest.raises(NerpError, match="inside the body"):
        save_view(volume, structures, asked(placed(0).moved(inside)), tmp_path, "ct")
    checks = iter([None])

    def check() -> None:
        if next(checks, Interrupted) is Interrupted:
            raise Interrupted

    with pytest.raises(Interrupted):
        save_view(volume, structures, asked(placed(40)), tmp_path, "other name", check)
    assert content(tmp_path) == before
    assert save(tmp_path, 20) == f"ct_s00{earlier}"
    assert len(list((tmp_path / "images").iterdir())) == 1 + earlier


def test_a_save_that_ends_in_the_middle_binds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, structures = block()

    def full(*_: object) -> None:
        raise CannotWrite("the disk is full; free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(projection_set, "write_projection", full)
        with pytest.raises(CannotWrite):
            save_view(volume, structures, asked(placed(10), method="fixed"), tmp_path, "x")
    assert read_records(tmp_path) == {} and read_dataset(tmp_path)["counts"]["projections"] == 0
    found = save_view(volume, structures, asked(placed(20), method="mip", raw=True), tmp_path, "ct")
    assert found["id"] == "ct_s000" and list(read_records(tmp_path)) == ["ct_s000"]
    assert len(list((tmp_path / "images").iterdir())) == 1 and (tmp_path / "raw" / "ct_s000.nrrd").is_file()


def test_killed_at_random_moments_the_set_is_whole_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    program = (
        "import sys; from pathlib import Path; "
        f"sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "from test_export_saving import save; "
        f"[save(Path({str(folder)!r}), int(sys.argv[1]) + n / 10) for n in range(1000)]"
    )
    rng = random.Random(5)
    for number in range(3):
        before = len(read_records(folder))
        process = subprocess.Popen([sys.executable, "-c", program, str(10 * number)])
        while process.poll() is None and len(read_records(folder)) <= before:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.1))
        assert process.poll() is None, "it ended before it could be killed"
        process.kill()
        process.wait()
        records = read_records(folder)
        assert read_dataset(folder)["complete"] and all(is_whole(folder, one) for one in records.values())
        assert save(folder, -30 - number) == f"ct_s{len(records):03d}"
        assert len(read_records(folder)) == len(records) + 1, "nothing but what was asked for"
        dataset = read_dataset(folder)
        assert dataset["counts"]["projections"] == len(records) + 1 and dataset["cases"] == ["ct"]
        assert not list(folder.rglob(".unfinished*"))


def test_a_save_looks_at_no_earlier_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes does not grow with the set; the folder is held until all is written."""
    save(tmp_path, 10)
    save(tmp_path, 20)
    hashed: list[str] = []
    sha256_of = record.sha256_of

    def noted(path: Path) -> str:
        hashed.append(path.name)
        return sha256_of(path)

    def held(path: Path, *more: object) -> None:
        with pytest.raises(NerpError, match="Another process"), exclusive(tmp_path):
            pass
        write_page(path, *more)

    write_page = previews.write_page
    monkeypatch.setattr(record, "sha256_of", noted)
    monkeypatch.setattr(index, "sha256_of", noted)
    monkeypatch.setattr(previews, "write_page", held)
    monkeypatch.setattr(previews, "read_grey", lambda path: pytest.fail(f"{path} is drawn again"))
    save(tmp_path, 30)
    assert len(hashed) == 5 and all(name.startswith("ct_s002") for name in hashed)
    assert "ct_s002" in (tmp_path / "previews" / "index.html").read_text(encoding="utf-8")


def test_the_worker_saves_what_it_draws(tmp_path: Path) -> None:
    volume, structures = block()
    with Session(tmp_path, lambda told: None) as session:
        session.handle({"do": "volume", **volume_request(tmp_path / "in", volume)})
        session.handle({"do": "structures", **structures_request(tmp_path / "in", structures)})
        request = {"do": "save", "folder": str(tmp_path / "set"), "settings": asked(placed(10)).to_dict()}

        def check() -> None:
            raise Interrupted

        with pytest.raises(Interrupted):
            session.handle(request, check)
        reply = session.handle(request)
        assert reply["id"] == f"{volume.name}_s000" and (tmp_path / "set" / reply["image"]).is_file()
        assert set(reply["masks"]) == set(structures.names)
        for wrong in ({"folder": ""}, {"settings": None}, {"folder": 3}, {"folder": "a\0b"}):
            with pytest.raises(NerpError, match="send a folder"):
                session.handle({**request, **wrong})
