"""Folders of CTs: public layouts in their exact format, plain folders with labels, bad files among good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nerp import NerpError, read_ct, read_structures
from nerp.datasets import Cases, CtCase, find_cts, thorax_cases
from pydicom.uid import generate_uid
from training_files import (
    film,
    small_ct,
    small_labels,
    write_dicom,
    write_dicom_ct,
    write_dicom_seg_header,
    write_rtstruct_header,
    write_volume,
)


def told(cases: Cases[CtCase], word: str) -> bool:
    return any(word in notice for notice in cases.notices)


def test_nsclc_radiogenomics(tmp_path: Path) -> None:
    """Studies by patient; a SEG says which of a study's series it was drawn on; some patients have none."""
    root = tmp_path / "NSCLC Radiogenomics"
    study = generate_uid()
    first = root / "R01-001" / "03-22-1995-NA-CT THORAX WDYE-99090"
    write_dicom_ct(first / "2.000000-SCOUT-1", slices=2, study=study)
    write_dicom_ct(first / "4.000000-LUNG 1.25-2", slices=24, study=study)
    series = write_dicom_ct(first / "3.000000-THORAX 1.0 B45f-95741", slices=21, study=study)
    seg = write_dicom_seg_header(
        first / "1000.000000-3D Slicer segmentation result-67652" / "1-1.dcm", study, series
    )
    second = root / "AMC-001" / "04-30-1994-NA-CT-1" / "5.000000-THORAX-2"
    write_dicom_ct(second, slices=22)
    write_dicom_ct(second.parent.parent / "05-30-1994-NA-CT-2" / "5.000000-THORAX-3", slices=20)
    cases = find_cts(tmp_path)
    assert [(case.name, case.patient) for case in cases] == [
        ("AMC-001", "AMC-001"),
        ("AMC-001-2", "AMC-001"),
        ("R01-001", "R01-001"),
    ]
    assert cases[0].path == second and cases[0].labels is None
    assert cases[2].path is not None and cases[2].path.name.startswith("3.000000") and cases[2].labels == seg
    reasons = {path.name: why for path, why in cases.skipped}
    assert reasons["2.000000-SCOUT-1"] == "2 slices, at least 20 are needed"
    assert "of the same study was taken" in reasons["4.000000-LUNG 1.25-2"]
    assert told(cases, "3 CTs of NSCLC Radiogenomics: CC BY 3.0")
    assert read_ct(cases[2].path).shape[0] == 21


def test_nsclc_radiomics_prefers_seg_to_rtstruct(tmp_path: Path) -> None:
    for number, with_seg in ((1, True), (128, False)):
        study = generate_uid()
        folder = tmp_path / "NSCLC-Radiomics" / f"LUNG1-{number:03d}" / "09-18-2008-StudyID-NA-69331"
        series = write_dicom_ct(folder / "0.000000-NA-82046", study=study)
        rtstruct = write_rtstruct_header(folder / "0.000000-NA-95085" / "1-1.dcm", study, series)
        if with_seg:
            seg = write_dicom_seg_header(folder / "300.000000-Segmentation-9.554" / "1-1.dcm", study, series)
    cases = find_cts(tmp_path)
    assert [case.name for case in cases] == ["LUNG1-001", "LUNG1-128"]
    assert [case.labels for case in cases] == [seg, rtstruct]
    assert told(cases, "2 CTs of NSCLC-Radiomics: CC BY-NC 3.0") and told(cases, "2 CTs, 2 with labels")


def test_mosmeddata_and_its_licence(tmp_path: Path) -> None:
    root = tmp_path / "COVID19_1110"
    for kind, number in ((0, 1), (1, 255), (4, 1110)):
        write_volume(root / "studies" / f"CT-{kind}" / f"study_{number:04d}.nii.gz", small_ct(), (10, 10, 8))
    mask = write_volume(root / "masks" / "study_0255_mask.nii.gz", small_labels(), (10, 10, 8))
    cases = find_cts(tmp_path)
    assert [(case.name, case.patient) for case in cases] == [
        (f"study_{n}",) * 2 for n in ("0001", "0255", "1110")
    ]
    assert [case.labels for case in cases] == [None, mask, None] and not cases.skipped
    assert told(cases, "forbids derivatives")


def test_a_plain_folder_with_labels_matched_by_stem(tmp_path: Path) -> None:
    for name in ("one.nii.gz", "two.nrrd", "three.mha"):
        write_volume(tmp_path / "ct" / name, small_ct())
    write_volume(tmp_path / "labels" / "one.nrrd", small_labels())
    write_volume(tmp_path / "labels" / "Two_seg.nii.gz", small_labels())
    write_volume(tmp_path / "labels" / "three" / "heart.nii.gz", small_labels())
    cases = find_cts(tmp_path / "ct", tmp_path / "labels")
    assert [(case.name, case.labels) for case in cases] == [
        ("one", tmp_path / "labels" / "one.nrrd"),
        ("three", tmp_path / "labels" / "three"),
        ("two", tmp_path / "labels" / "Two_seg.nii.gz"),
    ]
    for case in cases:
        assert case.path is not None and case.labels is not None
        assert len(read_structures(case.labels, like=read_ct(case.path))) == 1
    together = find_cts(tmp_path)
    assert [case.name for case in together] == ["one", "three", "two"]
    assert find_cts(tmp_path, tmp_path / "labels").items == cases.items


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """As TotalSegmentator's set has it: one folder a patient, with a folder of masks."""
    for patient in ("s0001", "s0002"):
        write_volume(tmp_path / patient / "ct.nii.gz", small_ct())
        write_volume(tmp_path / patient / "segmentations" / "heart.nii.gz", small_labels())
    write_volume(tmp_path / "labels" / "s0002_ct.nrrd", small_labels())
    cases = find_cts(tmp_path)
    assert [(case.name, case.patient) for case in cases] == [("s0001_ct",) * 2, ("s0002_ct",) * 2]
    assert [case.labels for case in cases] == [
        tmp_path / "s0001" / "segmentations",
        tmp_path / "labels" / "s0002_ct.nrrd",
    ]
    given = find_cts(tmp_path, tmp_path / "labels")
    assert [case.labels for case in given] == [None, tmp_path / "labels" / "s0002_ct.nrrd"]


def test_labels_that_match_nothing_are_an_error(tmp_path: Path) -> None:
    write_volume(tmp_path / "ct" / "one.nrrd", small_ct())
    labels = write_volume(tmp_path / "labels" / "other.nrrd", small_labels())
    with pytest.raises(NerpError, match="has the name of a CT"):
        find_cts(tmp_path / "ct", labels.parent)
    assert find_cts(tmp_path / "ct", labels)[0].labels == labels
    write_volume(tmp_path / "ct" / "two.nrrd", small_ct())
    with pytest.raises(NerpError, match="one file, but there are 2 CTs"):
        find_cts(tmp_path / "ct", labels)
    with pytest.raises(NerpError, match="There is no folder"):
        find_cts(tmp_path / "ct", tmp_path / "missing")


def test_unreadable_files_among_good_ones(tmp_path: Path) -> None:
    whole = write_volume(tmp_path / "good.nii.gz", small_ct()).read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.nrrd").write_text("no volume")
    write_volume(tmp_path / "organs.nrrd", small_labels())
    write_volume(tmp_path / "slice.nrrd", small_ct()[:1])
    write_dicom(tmp_path / "film" / "film.dcm", pixels=film())
    cases = find_cts(tmp_path)
    assert [case.name for case in cases] == ["good"]
    reasons = {path.name: why for path, why in cases.skipped}
    assert set(reasons) == {"cut.nii.gz", "text.nrrd", "organs.nrrd", "slice.nrrd", "film"}
    assert "8-bit voxels" in reasons["organs.nrrd"] and "three dimensions" in reasons["slice.nrrd"]
    with pytest.raises(NerpError, match=r"holds no CT that can be used.* film: DICOM of modality CR"):
        find_cts(tmp_path / "film")
    with pytest.raises(NerpError, match="There is no folder"):
        find_cts(tmp_path / "missing")


def test_labels_in_a_file_beside_the_ct(tmp_path: Path) -> None:
    write_volume(tmp_path / "ct.nrrd", small_ct())
    labels = write_volume(tmp_path / "organs.nrrd", small_labels().astype(np.int16))
    assert [(case.name, case.labels) for case in find_cts(tmp_path, labels)] == [("ct", labels)]


def test_a_segmentation_beside_its_slices_is_no_slice(tmp_path: Path) -> None:
    study = generate_uid()
    series = write_dicom_ct(tmp_path / "case", study=study, patient="SECRET", side=40)
    seg = write_dicom_seg_header(tmp_path / "case" / "0-seg.dcm", study, series)
    write_dicom_ct(tmp_path / "later", patient="SECRET")
    cases = find_cts(tmp_path)
    assert [(case.name, case.patient, case.labels) for case in cases] == [
        ("case", "case", seg),
        ("later", "case", None),
    ]


def test_patients_whose_folders_are_named_alike_stay_apart(tmp_path: Path) -> None:
    for patient in ("one", "two"):
        write_dicom_ct(tmp_path / patient / "CT", patient=patient.upper())
    labels = write_volume(tmp_path / "labels" / "two_CT.nrrd", small_labels())
    cases = find_cts(tmp_path)
    assert [(case.name, case.patient) for case in cases] == [("one_CT",) * 2, ("two_CT",) * 2]
    assert [case.labels for case in cases] == [None, labels]
    assert [case.labels for case in find_cts(tmp_path, labels.parent)] == [None, labels]
    assert [case.name for case in find_cts(tmp_path / "one" / "CT")] == ["CT"]
    assert [case.name for case in find_cts(tmp_path / "one" / "CT" / "1-001.dcm")] == ["CT"]


def test_a_damaged_header_is_listed(tmp_path: Path) -> None:
    write_dicom_ct(tmp_path / "good")
    bad = write_dicom(tmp_path / "bad" / "1.dcm", pixels=film(), NumberOfFrames=1)
    content = bad.read_bytes()
    at = content.index(b"\x28\x00\x08\x00IS") + 8
    bad.write_bytes(content[:at] + b"??" + content[at + 2 :])
    cases = find_cts(tmp_path)
    assert [case.name for case in cases] == ["good"]
    assert cases.skipped == ((bad, "has a damaged header; copy it again."),)


def test_digital_thoraces_mix_in(tmp_path: Path) -> None:
    cases = find_cts(write_volume(tmp_path / "one.nrrd", small_ct())) + thorax_cases([4, 7])
    assert [(case.name, case.path is None, case.thorax) for case in cases] == [
        ("one", False, None),
        ("thorax-4", True, 4),
        ("thorax-7", True, 7),
    ]


def test_real_folders(data_folder: Path) -> None:
    cases = find_cts(data_folder / "ct_cip")
    assert [case.name for case in cases] == ["ct-64", "dicom_series", "lm-64"]
    assert [path.name for path, _ in cases.skipped] == ["lung.nrrd"]
    assert np.allclose(
        read_ct(cases[0].path or "").body_box, read_ct(cases[1].path or "").body_box, atol=0.01
    )
