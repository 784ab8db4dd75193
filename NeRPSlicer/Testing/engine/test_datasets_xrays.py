"""Folders of chest X-rays: every public layout in its exact format, plain folders, bad files among good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nerp import NerpError
from nerp.datasets import Cases, XrayCase, find_xrays
from nerp.io.xray import JSRT_SIDE, read_lung_masks, read_xray
from training_files import film, lungs, write_dicom, write_mask, write_picture

LEFT, RIGHT = lungs()


def masks_of(case: XrayCase, folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in case.masks]


def told(cases: Cases[XrayCase], word: str) -> bool:
    return any(word in notice for notice in cases.notices)


def test_shenzhen(tmp_path: Path) -> None:
    for name in ("CHNCXR_0001_0", "CHNCXR_0002_0", "CHNCXR_0327_1"):
        write_picture(tmp_path / "CXR_png" / f"{name}.png", film())
    write_mask(tmp_path / "mask" / "CHNCXR_0001_0_mask.png", LEFT | RIGHT)
    write_mask(tmp_path / "mask" / "CHNCXR_0327_1_mask.png", LEFT | RIGHT)
    (tmp_path / "ClinicalReadings").mkdir()
    (tmp_path / "ClinicalReadings" / "CHNCXR_0001_0.txt").write_text("male 45yrs\nnormal\n")
    cases = find_xrays(tmp_path)
    assert [case.name for case in cases] == ["CHNCXR_0001_0", "CHNCXR_0002_0", "CHNCXR_0327_1"]
    assert cases.patients == ("CHNCXR_0001", "CHNCXR_0002", "CHNCXR_0327")
    assert [masks_of(case, tmp_path) for case in cases] == [
        ["mask/CHNCXR_0001_0_mask.png"],
        [],
        ["mask/CHNCXR_0327_1_mask.png"],
    ]
    assert not cases.skipped and told(cases, "3 X-rays of Shenzhen") and told(cases, "2 with lung masks")


def test_montgomery_joins_the_two_lungs(tmp_path: Path) -> None:
    folder = tmp_path / "MontgomerySet"
    for name in ("MCUCXR_0001_0", "MCUCXR_0104_1"):
        write_picture(folder / "CXR_png" / f"{name}.png", film())
        write_mask(folder / "ManualMask" / "leftMask" / f"{name}.png", RIGHT)
        write_mask(folder / "ManualMask" / "rightMask" / f"{name}.png", LEFT)
    cases = find_xrays(tmp_path)
    assert [case.patient for case in cases] == ["MCUCXR_0001", "MCUCXR_0104"]
    assert masks_of(cases[0], folder) == [
        "ManualMask/leftMask/MCUCXR_0001_0.png",
        "ManualMask/rightMask/MCUCXR_0001_0.png",
    ]
    assert (read_lung_masks(cases[0].masks) == (LEFT | RIGHT)).all()
    assert told(cases, "2 X-rays of Montgomery")


def test_jsrt_with_scr_masks(tmp_path: Path) -> None:
    """Odd numbers in fold 1, even ones in fold 2; hearts and clavicles are no lungs."""
    stored = np.full((JSRT_SIDE, JSRT_SIDE), 4095, ">u2")
    stored[:48, :40] -= film().clip(0, 4095)
    for name, fold in (("JPCLN001", 1), ("JPCNN002", 2)):
        path = tmp_path / "All247images" / f"{name}.IMG"
        path.parent.mkdir(exist_ok=True)
        stored.tofile(path)
        for organ in ("heart", "left clavicle", "left lung", "right clavicle", "right lung"):
            mask = np.kron({"left lung": RIGHT, "right lung": LEFT}.get(organ, LEFT & RIGHT), np.ones((2, 2)))
            write_mask(tmp_path / "scratch" / f"fold{fold}" / "masks" / organ / f"{name}.gif", mask > 0)
    cases = find_xrays(tmp_path)
    assert [(case.name, case.patient) for case in cases] == [("JPCLN001",) * 2, ("JPCNN002",) * 2]
    assert masks_of(cases[1], tmp_path / "scratch" / "fold2" / "masks") == [
        "left lung/JPCNN002.gif",
        "right lung/JPCNN002.gif",
    ]
    assert told(cases, "2 X-rays of JSRT")


def test_nih_patient_is_what_stands_before_the_underscore(tmp_path: Path) -> None:
    for name in ("00000001_000", "00000001_001", "00000002_000"):
        write_picture(tmp_path / "images_001" / "images" / f"{name}.png", film())
    (tmp_path / "Data_Entry_2017.csv").write_text("Image Index,Finding Labels\n00000001_000.png,No Finding\n")
    cases = find_xrays(tmp_path)
    assert [case.patient for case in cases] == ["00000001", "00000001", "00000002"]
    assert told(cases, "3 X-rays of NIH ChestX-ray14: free use with attribution")


@pytest.mark.parametrize("column", ["id", "file"])
def test_an_index_names_films_and_patients(tmp_path: Path, column: str) -> None:
    suffix = ".png" if column == "file" else ""
    for name in ("a", "b", "c"):
        write_picture(tmp_path / "images" / f"{name}.png", film())
        write_mask(tmp_path / "masks" / f"{name}.png", LEFT, value=1)
    rows = [f"{column},view,patient", f"b{suffix},PA,p-1", f"a{suffix},AP,p-1", f"gone{suffix},PA,p-2"]
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    cases = find_xrays(tmp_path)
    assert [(case.name, case.patient, len(case.masks)) for case in cases] == [
        ("a", "p-1", 1),
        ("b", "p-1", 1),
    ]
    assert cases.skipped == ((tmp_path / f"gone{suffix}", "listed in index.csv but not there"),)


def test_an_index_without_files_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", film())
    (tmp_path / "index.csv").write_text("name\na\n")
    with pytest.raises(NerpError, match="no column file or id"):
        find_xrays(tmp_path)


def test_an_index_tells_films_of_one_name_by_their_paths(tmp_path: Path) -> None:
    for part in ("a", "b"):
        write_picture(tmp_path / part / "1.png", film())
    (tmp_path / "index.csv").write_text("file,patient\na/1.png,p-a\nb/1.png,p-b\n", encoding="utf-8")
    assert [(case.name, case.patient) for case in find_xrays(tmp_path)] == [("a_1", "p-a"), ("b_1", "p-b")]
    (tmp_path / "index.csv").write_text("file,patient\n1.png,p-a\n", encoding="utf-8")
    with pytest.raises(NerpError, match=r"1\.png may be any of 2 films"):
        find_xrays(tmp_path)
    (tmp_path / "index.csv").write_bytes("file,patient\na/1.png,Jörg\n".encode("latin-1"))
    with pytest.raises(NerpError, match="no CSV in UTF-8"):
        find_xrays(tmp_path)


def test_the_folders_of_real_data(data_folder: Path) -> None:
    for name, count, patients, masked in (
        ("cxr_nih_normal", 60, 60, 0),
        ("cxr_c19_lungvae", 80, 43, 80),
        ("cxr_gbc_radiologist", 19, 19, 19),
    ):
        cases = find_xrays(data_folder / name)
        assert (len(cases), len(cases.patients)) == (count, patients), name
        assert sum(bool(case.masks) for case in cases) == masked and not cases.skipped


def test_a_plain_folder_and_what_is_wrong_in_it(tmp_path: Path) -> None:
    write_picture(tmp_path / "one.png", film())
    write_mask(tmp_path / "one_mask.png", LEFT)
    write_picture(tmp_path / "deep" / "one.png", film(seed=1))
    whole = write_picture(tmp_path / "cut.png", film()).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:-20])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "notes.txt").write_text("not even called a picture")
    (tmp_path / ".hidden.png").write_text("a thumbnail")
    cases = find_xrays(tmp_path)
    assert [(case.name, case.patient, case.path.parent.name) for case in cases] == [
        ("deep_one", "deep_one", "deep"),
        ("one", "one", tmp_path.name),
    ]
    assert [len(case.masks) for case in cases] == [0, 1]
    assert [path.name for path, _ in cases.skipped] == ["cut.png", "text.jpg"]
    lines = cases.skipped_lines()
    assert lines[0] == "2 left out:" and lines[1].endswith("cut.png: is cut short; copy it again.")


def test_masks_go_to_the_nearest_of_one_name(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_picture(tmp_path / part / "images" / "1.png", film())
        write_mask(tmp_path / part / "masks" / "1.png", LEFT)
    cases = find_xrays(tmp_path)
    assert [(case.name, masks_of(case, tmp_path)) for case in cases] == [
        ("test_images_1", ["test/masks/1.png"]),
        ("train_images_1", ["train/masks/1.png"]),
    ]


def test_dicom_films_of_one_patient_stay_together_and_nameless(tmp_path: Path) -> None:
    for name, patient in (("x1", "DOE^JOHN"), ("x2", "OTHER"), ("x3", "DOE^JOHN"), ("x4", "")):
        write_dicom(tmp_path / name, pixels=film(), PatientID=patient)
    cases = find_xrays(tmp_path)
    assert [case.patient for case in cases] == ["x1", "x2", "x1", "x4"]


def test_a_dicom_patient_of_two_folders_is_one(tmp_path: Path) -> None:
    for name in ("a/x1", "b/x2"):
        (tmp_path / name).parent.mkdir()
        write_dicom(tmp_path / name, pixels=film(), PatientID="DOE^JOHN")
    identified: dict[str, str] = {}
    both = find_xrays(tmp_path / "a", identified) + find_xrays(tmp_path / "b", identified)
    assert both.patients == ("x1",)


def test_one_file_is_a_set_too(tmp_path: Path) -> None:
    cases = find_xrays(write_picture(tmp_path / "film.png", film()))
    assert len(cases) == 1 and read_xray(cases[0].path).image.shape == film().shape


def test_nothing_to_use_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NerpError, match="There is no folder"):
        find_xrays(tmp_path / "missing")
    with pytest.raises(NerpError, match="holds no chest X-ray that can be used"):
        find_xrays(tmp_path)
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(NerpError, match=r"bad\.png: is no picture that can be read") as caught:
        find_xrays(tmp_path)
    assert "\n" not in str(caught.value)


def test_sets_mix_and_names_stay_unique(tmp_path: Path) -> None:
    first = find_xrays(write_picture(tmp_path / "a" / "film.png", film()))
    second = find_xrays(write_picture(tmp_path / "b" / "film.png", film()))
    both = first + second + second
    assert [case.name for case in both] == ["film", "film-2", "film-3"]
    assert both.notices == first.notices
    with pytest.raises(NerpError, match="no longer there"):
        both.named(["film", "gone"])
