"""Labelled sets: the same bytes for the same seed, whole after any end, drawn again from their records."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from nerp import Camera, NerpError, Volume, project, read_ct, sample_camera
from nerp.atomic import exclusive
from nerp.display import Display
from nerp.export import Case, export_set, read_dataset, read_records
from nerp.export.contact_sheet import read_grey, read_mask
from nerp.export.index import write_records
from nerp.poses import CameraDraw
from nerp.settings import ExportSettings
from patients import block, write_block
from PIL import Image

SMALL = ExportSettings(views=3, seed=42, presets=("PA",), rows=40, columns=48, samples=32)


def cases(count: int = 1) -> list[Case]:
    return [Case(f"block{seed}", lambda seed=seed: block(seed)) for seed in range(count)]  # type: ignore[misc]


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "previews" not in path.parts and path.name != ".lock"
    }


def with_(settings: ExportSettings, **changes) -> ExportSettings:
    return ExportSettings.from_dict({**settings.to_dict(), **changes})


def test_same_seed_same_bytes_other_seed_other_pictures(tmp_path: Path) -> None:
    rich = with_(SMALL, raw=True, thickness=True)
    outcome = export_set(cases(), rich, tmp_path / "a")
    export_set(cases(), rich, tmp_path / "b")
    assert (outcome.drawn, outcome.kept, outcome.failed) == (4, 0, {})
    a = content(tmp_path / "a")
    assert a == content(tmp_path / "b")
    assert len(a) == 2 + 4 * (1 + 1 + 4 + 4)
    export_set(cases(), with_(rich, seed=43), tmp_path / "c")
    c = content(tmp_path / "c")
    assert a["images/block0_PA.png"] == c["images/block0_PA.png"]
    assert a["images/block0_v000.png"] != c["images/block0_v000.png"]


def test_growing_and_reordering_change_nothing_that_was_there(tmp_path: Path) -> None:
    export_set(cases(1), with_(SMALL, views=1, presets=[]), tmp_path / "grown")
    outcome = export_set(cases(2)[::-1], SMALL, tmp_path / "grown")
    assert (outcome.drawn, outcome.kept) == (7, 1)
    export_set(cases(2), SMALL, tmp_path / "whole")
    assert content(tmp_path / "grown") == content(tmp_path / "whole")
    assert read_dataset(tmp_path / "whole")["counts"] == {
        "cases": 2,
        "projections": 8,
        "masks": 32,
        "empty_masks": sum(len(r["empty_masks"]) for r in read_records(tmp_path / "whole").values()),
    }


def test_a_rerun_draws_only_what_is_damaged(tmp_path: Path) -> None:
    export_set(cases(), SMALL, tmp_path)
    before = content(tmp_path)
    (tmp_path / "masks/block0_v001__spine.png").write_bytes(b"half")
    (tmp_path / "images/block0_v002.png").unlink()
    (tmp_path / "images/.unfinished-1-x.png").write_bytes(b"left by a killed writer")
    outcome = export_set(cases(), SMALL, tmp_path)
    assert (outcome.drawn, outcome.kept) == (2, 2)
    assert content(tmp_path) == before


def test_a_record_draws_its_projection_again_bit_for_bit(tmp_path: Path) -> None:
    export_set(cases(), with_(SMALL, raw=True, thickness=True, method="fixed"), tmp_path)
    volume, structures = block()
    records = read_records(tmp_path)
    record = records["block0_v002"]
    assert record["ct"]["sha256"] == volume.hash and record["structures_sha256"] == structures.hash
    camera = Camera.from_dict(record["camera"])
    assert CameraDraw(**record["draw"]).camera(volume, 40, 48).to_dict() == record["camera"]
    assert sample_camera(volume, 42, 2, rows=40, columns=48).to_dict() == record["camera"]
    picture = project(volume, camera, record["method"], record["samples"], structures)
    with Image.open(tmp_path / record["image"]) as image:
        assert image.mode.startswith("I;16")
        assert (np.asarray(image) == Display(**record["display"]).grey(picture.image, 16)).all()
    numbers = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "raw/block0_v002.nrrd")))
    assert numbers.dtype == np.float32 and (numbers[0] == picture.image).all()
    for name, path in record["masks"].items():
        length = SimpleITK.ReadImage(str(tmp_path / "thickness" / f"block0_v002__{name}.nrrd"))
        assert (SimpleITK.GetArrayFromImage(length)[0] == picture.path_length[name]).all()
        assert (read_mask(tmp_path / path) == (picture.path_length[name] >= record["minimum_mm"][name])).all()
    assert record["minimum_mm"]["lung_left"] == 60 and record["minimum_mm"]["spine"] == 1


def test_numbers_lie_on_the_detector_in_a_right_handed_frame(tmp_path: Path) -> None:
    export_set(cases(), with_(SMALL, raw=True, presets=["PA", "AP"]), tmp_path)
    for name in ("block0_PA", "block0_AP", "block0_v000"):
        camera = Camera.from_dict(read_records(tmp_path)[name]["camera"])
        image = SimpleITK.ReadImage(str(tmp_path / "raw" / f"{name}.nrrd"))
        assert np.linalg.det(np.array(image.GetDirection()).reshape(3, 3)) > 0
        for column, row in ((0, 0), (30, 7), (47, 39)):
            lps = np.array(image.TransformIndexToPhysicalPoint((column, row, 0)))
            assert np.allclose(camera.pixels(lps * (-1, -1, 1)), (column, row), atol=1e-6)


def test_structures_and_thresholds_are_chosen_by_pattern(tmp_path: Path) -> None:
    chosen = with_(SMALL, structures=["lung*", "speck"], minimum_mm={"lung*": 60, "speck": 500})
    outcome = export_set(cases(), chosen, tmp_path)
    record = read_records(tmp_path)["block0_PA"]
    assert list(record["masks"]) == ["lung_right", "lung_left", "speck"]
    assert record["minimum_mm"] == {"lung_right": 60, "lung_left": 60, "speck": 500}
    assert outcome.empty["block0_PA"] == record["empty_masks"] == ["speck"]
    assert not read_mask(tmp_path / record["masks"]["speck"]).any()
    dataset = read_dataset(tmp_path)
    assert [label["name"] for label in dataset["labels"]] == ["lung_left", "lung_right", "speck"]
    assert dataset["labels"][1]["color"] == [0, 151, 206] and dataset["complete"]


def test_another_set_or_other_files_are_not_touched(tmp_path: Path) -> None:
    export_set(cases(), SMALL, tmp_path / "set")
    before = content(tmp_path / "set")
    with pytest.raises(NerpError, match="method is drr, not fixed"):
        export_set(cases(), with_(SMALL, method="fixed"), tmp_path / "set")
    outcome = export_set([Case("block0", lambda: block(5))], SMALL, tmp_path / "set")
    assert "another CT named block0" in outcome.failed["block0"]
    changed = block()[1].select(["spine"])
    outcome = export_set([Case("block0", lambda: (block()[0], changed))], SMALL, tmp_path / "set")
    assert "another label map named block0" in outcome.failed["block0"]
    assert content(tmp_path / "set") == before
    with pytest.raises(NerpError, match="separate_body is True, not False"):
        export_set(cases(), with_(SMALL, separate_body=False), tmp_path / "set")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"cat")
    with pytest.raises(NerpError, match="not empty"):
        export_set(cases(), SMALL, tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.png"]


def test_a_ct_keeps_the_name_that_the_set_has_for_it(tmp_path: Path) -> None:
    """What a case is called depends on its neighbours; the same patient must not be drawn twice."""
    export_set([Case("ct", lambda: block(0))], SMALL, tmp_path)
    both = [Case("a_ct", lambda: block(0)), Case("b_ct", lambda: block(1))]
    outcome = export_set(both, SMALL, tmp_path)
    assert (outcome.drawn, outcome.kept) == (4, 4)
    dataset = read_dataset(tmp_path)
    assert dataset["cases"] == ["b_ct", "ct"] and dataset["complete"]


def test_a_rerun_that_draws_nothing_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_set(cases(), SMALL, tmp_path)
    before = content(tmp_path)
    monkeypatch.setattr("nerp.export.projection_set.made_with", lambda: {"nerp": "another"})
    export_set(cases(), SMALL, tmp_path)
    assert content(tmp_path) == before


def test_previews_say_what_a_set_holds_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def previews(name: str, count: int = 1) -> dict[str, bytes]:
        export_set(cases(count), with_(SMALL, views=1), tmp_path / name, previews=True)
        return {path.name: path.read_bytes() for path in (tmp_path / name / "previews").iterdir()}

    first = previews("a")
    assert set(first) == {"contact_sheet.png", "index.html"}
    assert b'"title": "block0", "sets": [{"title": "drr"' in first["index.html"]
    assert previews("another name") == first
    drawn = []

    def held(folder: Path) -> None:
        with pytest.raises(NerpError, match="Another process"), exclusive(folder):
            pass
        drawn.append(folder.name)

    monkeypatch.setattr("nerp.export.labelled_set.write_previews", held)
    assert previews("a") == first and not drawn, "nothing new to show"
    (tmp_path / "a" / "previews" / "contact_sheet.png").unlink()
    previews("a")
    previews("another name", 2)
    assert drawn == ["a", "another name"]


def test_complete_means_every_view_of_every_case(tmp_path: Path) -> None:
    def broken() -> tuple[Volume, None]:
        raise NerpError("cannot be read")

    export_set(cases(2), with_(SMALL, views=2), tmp_path)
    assert read_dataset(tmp_path)["complete"]
    (tmp_path / "images" / "block1_v001.png").unlink()
    before = read_records(tmp_path)
    export_set(cases(1), with_(SMALL, views=1), tmp_path)
    dataset = read_dataset(tmp_path)
    assert read_records(tmp_path) == before, "records of a case that is not at hand stay"
    assert dataset["settings"]["views"] == 2 and dataset["cases"] == ["block0", "block1"]
    export_set([Case("bad", broken)], with_(SMALL, views=2), tmp_path)
    assert not read_dataset(tmp_path)["complete"]
    export_set(cases(2), with_(SMALL, views=2), tmp_path)
    assert not read_dataset(tmp_path)["complete"], "a case that was asked for is still missing"


def test_labels_are_named_from_the_first_picture_on(tmp_path: Path) -> None:
    """A run that ends in the middle leaves a label table for the masks it wrote."""
    calls = iter([False, False, True])
    export_set(cases(), SMALL, tmp_path, should_stop=lambda: next(calls))
    assert len(read_records(tmp_path)) == 1
    assert len(read_dataset(tmp_path)["labels"]) == 4 and not read_dataset(tmp_path)["complete"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("dataset.json", '"settings":', '"setting":'),
        ("dataset.json", '"labels": [', '"labels": [{}, '),
        ("dataset.json", '"made_with": [', '"made_with": 3, "x": ['),
        ("dataset.json", '"minimum_mm": {}', '"minimum_mm": 3'),
        ("dataset.json", '"ranges": {', '"ranges": 3, "x": {'),
        ("dataset.json", '"schema_version": 1', '"schema_version": 9'),
        ("projections.jsonl", '"files":', '"file":'),
        ("projections.jsonl", '"ct": {', '"ct": 3, "x": {'),
        ("projections.jsonl", '"id": "block0_PA"', '"id": "\\xff'),
    ],
)
def test_a_damaged_set_is_one_line(tmp_path: Path, file: str, old: str, new: str) -> None:
    export_set(cases(), with_(SMALL, views=1), tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_bytes(text.replace(old, new).encode().replace(b"\\xff", b"\xff"))
    with pytest.raises(NerpError) as caught:
        export_set(cases(), with_(SMALL, views=1), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"views": True},
        {"rows": 2.5},
        {"columns": 20_000},
        {"samples": 0},
        {"structures": "lung*"},
        {"presets": "PA"},
        {"ranges": 3},
        {"cameras": 5},
        {"cameras": None},
        {"minimum_mm": {"*": float("inf")}},
        {"method": "xray"},
        {"display": "sepia"},
        {"version": 9},
        {"colour": 1},
    ],
)
def test_settings_that_make_no_sense_are_one_line(changes: dict) -> None:
    with pytest.raises(NerpError) as caught:
        with_(SMALL, **changes)
    assert "\n" not in str(caught.value)


def test_nothing_to_draw_is_told_before_the_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(NerpError, match="Nothing to draw"):
        export_set(cases(), with_(SMALL, views=0, presets=[]), tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_names_that_differ_in_case_or_leave_the_folder_are_refused(tmp_path: Path) -> None:
    for names in (["CT", "ct"], ["../out"], ["a/b"], ["."]):
        with pytest.raises(NerpError, match=r"same name|file name"):
            export_set([Case(name, block) for name in names], SMALL, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_another_ct_under_a_name_of_the_set_is_refused_before_its_first_view(tmp_path: Path) -> None:
    export_set(cases(), with_(SMALL, views=1, presets=[]), tmp_path)
    before = read_records(tmp_path)
    for name, told in (("block0", "another CT named block0"), ("Block0", "holds block0; give Block0")):
        outcome = export_set([Case(name, lambda: block(5))], with_(SMALL, views=0), tmp_path)
        assert told in outcome.failed[name] and outcome.drawn == 0
        assert read_records(tmp_path) == before and read_dataset(tmp_path)["cases"] == ["block0"]


def test_odd_names_stay_whole(tmp_path: Path) -> None:
    name = "ct{1} ü肺 #%41"
    export_set([Case(name, block)], with_(SMALL, views=1), tmp_path)
    record = read_records(tmp_path)[f"{name}_PA"]
    assert record["masks"]["spine"] == f"masks/{name}_PA__spine.png"
    assert (tmp_path / record["masks"]["spine"]).is_file()


def test_records_stay_in_the_order_of_their_index(tmp_path: Path) -> None:
    export_set(cases(), with_(SMALL, views=12, rows=4, columns=4, samples=1), tmp_path)
    lines = (tmp_path / "projections.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[-1])
    extra = [{**record, "id": f"block0_v{n}", "view": f"v{n}"} for n in (1000, 101)]
    write_records(tmp_path, {**read_records(tmp_path), **{one["id"]: one for one in extra}})
    assert [r["view"] for r in read_records(tmp_path).values()][-3:] == ["v011", "v101", "v1000"]


def test_a_bad_case_does_not_stop_the_others(tmp_path: Path) -> None:
    def broken() -> tuple[Volume, None]:
        raise NerpError("cannot be read")

    outcome = export_set([Case("bad", broken), *cases()], SMALL, tmp_path)
    assert outcome.failed == {"bad": "cannot be read"} and outcome.drawn == 4


def test_a_set_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    with exclusive(tmp_path), pytest.raises(NerpError, match="Another process"):
        export_set(cases(), SMALL, tmp_path)
    assert export_set(cases(), SMALL, tmp_path).drawn == 4


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="file size limits are a POSIX thing")
    ct, labels = write_block(tmp_path)
    arguments = [str(ct), "--labels", str(labels), "--raw", "--views", "1", "--size", "64"]
    # The kernels are compiled, and kept in their cache, before files are limited.
    program = (
        "import resource, signal, sys; from nerp.cli import main; "
        f"main(['export', *{arguments!r}, '--out', {str(tmp_path / 'warm')!r}]); "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); "
        f"sys.exit(main(['export', *{arguments!r}, '--out', {str(tmp_path / 'set')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "could not be written" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert not list((tmp_path / "set").rglob("*.unfinished*"))
    for path in (tmp_path / "set").rglob("*.png"):
        assert read_grey(path).shape == (64, 64)


def test_killed_at_random_moments_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    ct, labels = write_block(tmp_path)

    def command(out: str) -> list[str]:
        return [
            *(sys.executable, "-m", "nerp", "export", str(ct), "--labels", str(labels)),
            *(
                "--out",
                str(tmp_path / out),
                "--views",
                "40",
                "--seed",
                "7",
                "--size",
                "64",
                "--raw",
                "--thickness",
            ),
        ]

    subprocess.run(command("whole"), check=True, capture_output=True)
    expected = content(tmp_path / "whole")
    rng = random.Random(3)
    folder = tmp_path / "killed"
    kills = 0
    for _ in range(5):
        drawn = len(list(folder.glob("images/*.png")))
        process = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(folder.glob("images/*.png"))) <= drawn:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.06))
        kills += process.poll() is None
        process.kill()
        process.wait()
        for path, found in content(folder).items():
            if not (Path(path).name.startswith(".") or path in ("dataset.json", "projections.jsonl")):
                assert found == expected[path], f"{path} was left half-written or other"
    assert kills >= 3, "the runs ended before they could be killed"
    assert 0 < len(read_records(folder)) < 40
    done = subprocess.run(command("killed"), check=True, capture_output=True, text=True)
    assert "were there already" in done.stderr
    assert content(folder) == expected


def test_the_real_chest_makes_a_set(data_folder: Path, tmp_path: Path) -> None:
    volume = read_ct(data_folder / "ct_cip" / "ct-64.nrrd")
    outcome = export_set([Case("chest", lambda: (volume, None))], with_(SMALL, views=2), tmp_path)
    assert outcome.drawn == 3 and read_records(tmp_path)["chest_PA"]["masks"] == {}
    grey = read_grey(tmp_path / "images" / "chest_PA.png").astype(float)
    rows, columns = grey.shape
    spine = grey[rows // 3 : rows // 2, columns // 2 - 2 : columns // 2 + 3].mean()
    lungs = grey[rows // 3 : rows // 2, [columns // 4, 3 * columns // 4]].mean()
    assert spine > lungs + 60, "the spine should be bright and the lungs dark"
