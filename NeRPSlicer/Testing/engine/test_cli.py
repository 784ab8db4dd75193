"""The commands: what they write, what they say, and one line with exit status 2 for every bad input."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import nerp
import numpy as np
import pytest
import SimpleITK
from nerp import Camera, project, read_ct, read_structures
from nerp.cli import main
from nerp.cli.export import case_names
from nerp.export import read_records
from nerp.export.contact_sheet import TILE, read_mask
from patients import block, write_block, write_image
from PIL import Image


def test_project_writes_what_its_help_says(tmp_path: Path) -> None:
    ct, labels = write_block(tmp_path)
    out = tmp_path / "out"
    assert main(["project", str(ct), "--labels", str(labels), "--size", "40x48", "--out", str(out)]) == 0
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    masks = [f"masks/label_{n}.png" for n in (1, 2, 3, 4)]
    assert names == [*masks, "projection.json", "radiograph.nrrd", "radiograph.png"]
    record = json.loads((out / "projection.json").read_text(encoding="utf-8"))
    assert (record["method"], record["samples"], record["description"]) == ("fixed", 512, "PA")
    with Image.open(out / "radiograph.png") as image:
        assert image.mode.startswith("I;16") and image.size == (48, 40)
    volume = read_ct(ct)
    camera = Camera.preset("PA", volume, 40, 48)
    expected = project(volume, camera, "fixed", structures=read_structures(labels, like=volume))
    numbers = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(out / "radiograph.nrrd")))[0]
    assert (numbers == expected.image).all()
    assert (read_mask(out / masks[2]) == expected.mask("label_3")).all()


def test_project_takes_angles_a_random_index_or_a_recorded_camera(tmp_path: Path) -> None:
    ct, _ = write_block(tmp_path)
    texts = {}
    for name, arguments in {
        "turned": ["--angles", "12", "-5"],
        "random": ["--seed", "5", "--index", "2"],
        "lateral": ["--preset", "LL", "--method", "drr"],
    }.items():
        assert main(["project", str(ct), "--size", "32", "--out", str(tmp_path / name), *arguments]) == 0
        record = json.loads((tmp_path / name / "projection.json").read_text(encoding="utf-8"))
        texts[name] = record["description"]
    assert texts["turned"] == "PA, LAO 12° CAU 5°" and texts["lateral"] == "LL"
    again = ["project", str(ct), "--size", "32", "--out", str(tmp_path / "again")]
    assert main([*again, "--camera", str(tmp_path / "random" / "projection.json")]) == 0
    for file in ("radiograph.png", "radiograph.nrrd"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "random" / file).read_bytes()


def test_demo_makes_two_labelled_sets_a_sheet_and_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    coarse = functools.partial(nerp.thorax, spacing_mm=6)
    monkeypatch.setattr("nerp.cli.demo.thorax", coarse)
    assert main(["demo", "--views", "2", "--size", "64", "--out", str(tmp_path)]) == 0
    page, sheet = map(Path, capsys.readouterr().out.split())
    with Image.open(sheet) as image:
        assert image.width > 6 * TILE and image.height > 2 * TILE, "four cameras of three pictures"
    data = json.loads(page.read_text(encoding="utf-8").split('id="data">')[1].split("</script>")[0])
    assert [shown["title"] for shown in data["sets"]] == ["drr", "fixed"]
    assert {"lung_left", "lung_right", "heart"} <= set(data["outlined"])
    for method in ("drr", "fixed"):
        records = read_records(tmp_path / method)
        assert list(records) == ["thorax1_PA", "thorax1_LL", "thorax1_v000", "thorax1_v001"]
        assert not {"lung_left", "heart", "clavicula_left"} & set(records["thorax1_PA"]["empty_masks"])


def test_project_leaves_nothing_of_an_earlier_picture_and_all_else_alone(tmp_path: Path) -> None:
    ct, labels = write_block(tmp_path)
    out = tmp_path / "out"
    arguments = ["project", str(ct), "--labels", str(labels), "--size", "32", "--out", str(out)]
    assert main([*arguments, "--thickness"]) == 0
    (out / "masks" / "mine.png").write_bytes(b"mine")
    (out / "other").mkdir()
    (out / "other" / ".unfinished-1-x.png").write_bytes(b"being written")
    assert main([*arguments, "--structures", "LABEL_1"]) == 0
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    kept = ["masks/label_1.png", "masks/mine.png", "other/.unfinished-1-x.png"]
    assert names == [*kept, "projection.json", "radiograph.nrrd", "radiograph.png"]


def test_a_recorded_camera_keeps_its_size(tmp_path: Path) -> None:
    ct, _ = write_block(tmp_path)
    assert main(["project", str(ct), "--size", "16x32", "--out", str(tmp_path / "a")]) == 0
    recorded = str(tmp_path / "a" / "projection.json")
    assert main(["project", str(ct), "--camera", recorded, "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "radiograph.nrrd").read_bytes() == (
        tmp_path / "b" / "radiograph.nrrd"
    ).read_bytes()


def test_export_pairs_labels_and_writes_previews(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write_block(tmp_path, seed) for seed in (0, 1)]
    arguments = ["export", *(str(ct) for ct, _ in files), "--labels", *(str(labels) for _, labels in files)]
    small = ["--views", "2", "--size", "32", "--presets", "PA", "--out", str(tmp_path / "set")]
    assert main([*arguments, *small]) == 0
    assert "6 projections drawn" in capsys.readouterr().err
    with Image.open(tmp_path / "set" / "previews" / "contact_sheet.png") as sheet:
        assert sheet.width > 1000
    page = (tmp_path / "set" / "previews" / "index.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert len(data["sets"][0]["projections"]) == 6
    for projection in data["sets"][0]["projections"]:
        for path in (projection["image"], *projection["masks"].values()):
            assert (tmp_path / "set" / "previews" / data["sets"][0]["folder"] / path).is_file()
    assert main([*arguments, *small]) == 0
    assert "6 were there already" in capsys.readouterr().err


def test_label_values_get_the_names_of_a_table(tmp_path: Path) -> None:
    ct, labels = write_block(tmp_path)
    (tmp_path / "names.csv").write_text("value,name\n1,Lung-Right\n2,Lung-Left\n3,Spine\n4,Speck\n")
    out = ["--labels", str(labels), "--names", str(tmp_path / "names.csv"), "--out", str(tmp_path / "out")]
    assert main(["project", str(ct), "--size", "32", *out]) == 0
    assert {path.stem for path in (tmp_path / "out" / "masks").iterdir()} == {
        "lung_right",
        "lung_left",
        "spine",
        "speck",
    }


def test_case_names_are_told_apart_by_their_folders() -> None:
    same = [Path("a/x/ct.nii.gz"), Path("b/x/ct.nii.gz"), Path("other.nrrd")]
    assert case_names(same) == ["a_x_ct", "b_x_ct", "other"]
    assert case_names([same[1], same[0]]) == ["b_x_ct", "a_x_ct"]
    assert case_names([Path("a/CT.nii.gz"), Path("b/ct.nii.gz")]) == ["a_CT", "b_ct"]
    assert case_names([Path("a?b.nrrd")]) == ["a_b"]


def test_info_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["packages"]["numpy"] == np.__version__ and "drr" in facts["methods"]
    assert main(["info"]) == 0
    assert facts["processor"] in capsys.readouterr().out


BAD = {
    "missing file": (["project", "absent.nii.gz"], "no file"),
    "missing folder of labels": (["project", "ct.nrrd", "--labels", "absent.nrrd"], "no file"),
    "text": (["project", "text.nrrd"], "cannot be read"),
    "cut short": (["project", "cut.nrrd"], "cannot be read"),
    "NaN": (["project", "nan.nrrd"], "NaN"),
    "one slice": (["project", "slice.nrrd"], "two slices"),
    "labels elsewhere": (["project", "ct.nrrd", "--labels", "far.nrrd"], "overlap"),
    "no size": (["project", "ct.nrrd", "--size", "0"], "from 1 to"),
    "odd size": (["project", "ct.nrrd", "--size", "large"], "256"),
    "negative size": (["project", "ct.nrrd", "--size", "-5"], "from 1 to"),
    "no samples": (["project", "ct.nrrd", "--samples", "0"], "from 1 to"),
    "angles beyond the pole": (["project", "ct.nrrd", "--angles", "0", "95"], "secondary"),
    "endless angle": (["project", "ct.nrrd", "--angles", "inf", "0"], "finite"),
    "endless range": (
        ["project", "ct.nrrd", "--index", "0", "--ranges", '{"primary": [-1e308, 1e308]}'],
        "finite",
    ),
    "negative index": (["project", "ct.nrrd", "--index", "-1"], "counted from 0"),
    "no such structure": (
        ["project", "ct.nrrd", "--labels", "labels.nrrd", "--structures", "liver"],
        "named liver",
    ),
    "too large": (["project", "ct.nrrd", "--size", "20000"], "from 1 to"),
    "case names": (["export", "ct.nrrd", "--case-names", "a", "b"], "one for each"),
    "camera of no projection": (["project", "ct.nrrd", "--camera", "view.json"], "no projection"),
    "endless threshold": (
        ["project", "ct.nrrd", "--labels", "labels.nrrd", "--minimum-mm", "*=inf"],
        "positive mm",
    ),
    "threshold": (["project", "ct.nrrd", "--minimum-mm", "lung"], "lung*=30"),
    "ranges": (["project", "ct.nrrd", "--index", "0", "--ranges", "{}}"], "JSON"),
    "ranges of no random camera": (["project", "ct.nrrd", "--ranges", '{"primary": [-5, 5]}'], "--index too"),
    "unknown range": (["project", "ct.nrrd", "--index", "0", "--ranges", '{"tilt": 3}'], "names"),
    "camera record": (["project", "ct.nrrd", "--camera", "text.nrrd"], "no camera"),
    "beam that misses": (
        ["project", "ct.nrrd", "--index", "0", "--ranges", '{"shift_right": 9000}'],
        "misses",
    ),
    "source in the body": (["project", "ct.nrrd", "--camera", "inside.json"], "inside the body"),
    "unpaired labels": (["export", "ct.nrrd", "--labels", "far.nrrd", "far.nrrd"], "one for each"),
    "CTs behind an option": (["export", "--labels", "labels.nrrd", "ct.nrrd"], "name the CTs first"),
    "cameras of no projection": (["export", "ct.nrrd", "--cameras", "text.nrrd"], "no camera"),
    "same CT twice": (["export", "ct.nrrd", "ct.nrrd"], "twice"),
    "nothing to draw": (["export", "ct.nrrd", "--views", "0"], "Nothing to draw"),
    "unwritable": (["export", "ct.nrrd", "--views", "1", "--out", "text.nrrd/set"], "could not be written"),
}


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    volume, structures = block()
    frame = volume.ras_from_ijk
    ct = write_image(folder / "ct.nrrd", volume.hu, frame)
    (folder / "text.nrrd").write_text("a letter", encoding="utf-8")
    (folder / "cut.nrrd").write_bytes(ct.read_bytes()[:-9000])
    write_image(folder / "nan.nrrd", np.where(volume.hu > 700, np.nan, volume.hu), frame)
    write_image(folder / "slice.nrrd", volume.hu[:1], frame)
    write_image(
        folder / "far.nrrd", structures.combination, frame + 4000 * np.eye(4, k=3) * [[1], [0], [0], [0]]
    )
    camera = Camera.preset("PA", volume, 32, 32).to_dict()
    for axis in range(3):
        camera["ras_from_camera"][axis][3] = float(volume.body_box.mean(axis=0)[axis])
    unknown = {**camera, "view": "XX"}
    (folder / "view.json").write_text(json.dumps({"camera": unknown}), encoding="utf-8")
    write_image(folder / "labels.nrrd", structures.combination, frame)
    (folder / "inside.json").write_text(json.dumps({"camera": camera}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_nothing_written(
    name: str, bad_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = BAD[name]
    monkeypatch.chdir(bad_folder)
    before = sorted(bad_folder.rglob("*"))
    if "--out" not in arguments:
        arguments = [*arguments, "--out", "out"]
    assert main(arguments) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("nerp ")]
    assert len(said) == 1 and message in said[0]
    assert sorted(bad_folder.rglob("*")) == before


def test_bad_options_are_explained_by_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["project", "ct.nrrd", "--method", "xray", "--out", "x"])
    assert caught.value.code == 2 and "xray" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["project", "ct.nrrd", "--labels", "", "--out", "x"],
        ["project", "", "--out", "x"],
        ["project", "ct.nrrd", "--out", ""],
        ["export", "ct.nrrd", "--labels", "", "--out", "x"],
        ["export", "ct.nrrd", "--cameras", "", "--out", "x"],
        ["train", "--ct", "", "--xray", "films", "--out", "x"],
        ["train", "--thoraxes", "1", "--xray", "films", "--labels", "", "--out", "x"],
        ["info", "--models", ""],
        ["job", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "the path is empty" in capsys.readouterr().err.splitlines()[-1]


def test_a_beam_that_misses_the_patient_is_told(
    bad_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ct = str(bad_folder / "ct.nrrd")
    camera = Camera.preset("PA", block()[0], 16, 16)
    aside = np.array(camera.ras_from_camera)
    aside[0, 3] += 5000
    records = [camera.to_dict(), camera.moved(aside).to_dict()]
    (tmp_path / "cameras.json").write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "aside.json").write_text(json.dumps(records[1]), encoding="utf-8")
    cameras = ["--cameras", str(tmp_path / "cameras.json")]
    for method in ("drr", "aip"):
        assert main(["export", ct, *cameras, "--method", method, "--out", str(tmp_path / method)]) == 0
        told = [line for line in capsys.readouterr().err.splitlines() if "the beam misses" in line]
        assert told == ["ct_c001: the beam misses the patient and the picture is blank; check the camera."]
    aside_alone = ["--camera", str(tmp_path / "aside.json"), "--out", str(tmp_path / "one")]
    assert main(["project", ct, *aside_alone]) == 0
    assert "PA: the beam misses the patient" in capsys.readouterr().err


BARE = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {blocked!r}:
            return self.finder.find_spec(name, path, target)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
from nerp.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_commands_run_on_what_a_bare_slicer_has(tmp_path: Path) -> None:
    """Without Numba, torch, MONAI, rich: the same files, numbers equal to rounding."""
    ct, labels = write_block(tmp_path)
    blocked = ("numba", "llvmlite", "torch", "monai", "rich", "rich_argparse")
    program = BARE.format(blocked=blocked)
    for name, python in (("bare", ["-c", program]), ("full", ["-m", "nerp"])):
        arguments = ["export", str(ct), "--labels", str(labels), "--out", str(tmp_path / name), "--raw"]
        command = [sys.executable, *python, *arguments, "--views", "1", "--size", "32"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    files = {
        name: sorted(p.relative_to(tmp_path / name) for p in (tmp_path / name).rglob("*.*"))
        for name in ("bare", "full")
    }
    assert files["bare"] == files["full"]
    pictures = [
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / name / "raw" / "block0_v000.nrrd")))
        for name in ("bare", "full")
    ]
    assert np.allclose(*pictures, rtol=1e-5, atol=1e-5) and pictures[0].max() > 1
    info = subprocess.run(
        [sys.executable, "-c", program, "info", "--json"], check=True, capture_output=True, text=True
    )
    assert json.loads(info.stdout)["packages"]["numba"] is None


def test_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(path: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nerp.export.cases.read_ct", interrupted)
    assert main(["project", "ct.nrrd", "--out", os.devnull]) == 130
    assert "interrupted" in capsys.readouterr().err
