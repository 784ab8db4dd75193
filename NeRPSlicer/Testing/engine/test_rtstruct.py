"""RTSTRUCT written here: a ball with a hole, other orientations, what does not fit; filling polygons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import NerpError, Volume, read_structures
from nerp.io.rtstruct import even_odd
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid


def ct(frame: np.ndarray, shape: tuple[int, int, int], frame_of_reference: str = "") -> Volume:
    return Volume(np.zeros(shape, np.int16), frame, False, "ct", frame_of_reference=frame_of_reference)


def rtstruct(path: Path, structures: dict[str, list[np.ndarray]], frame: str = "1.2.3") -> Path:
    """``structures``: for each name its closed contours ``[n, 3]``, RAS mm."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.Modality = "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(structures.items(), start=1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        dataset.StructureSetROISequence.append(roi)
        drawn = Dataset()
        drawn.ReferencedROINumber, drawn.ROIDisplayColor, drawn.ContourSequence = number, [1, 2, 3], []
        for points in contours:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            contour.ContourData = [f"{value:.3f}" for value in (points * (-1, -1, 1)).ravel()]
            drawn.ContourSequence.append(contour)
        dataset.ROIContourSequence.append(drawn)
    dataset.save_as(path, enforce_file_format=True)
    return path


def circle(center: np.ndarray, radius: float, z: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.column_stack(
        [center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle), np.full(90, z)]
    )


def test_contours_of_a_ball_with_a_hole(tmp_path: Path) -> None:
    frame = np.diag([-1.0, -1.0, 2.0, 1.0])
    frame[:3, 3] = (40, 40, -40)
    like = ct(frame, (41, 80, 80), "1.2.3")
    center = np.array([1.3, -2.2, 0.0])
    heights = np.arange(-40, 41, 2.0)
    ball = [circle(center, np.sqrt(900 - z**2), z) for z in heights if abs(z) < 30]
    hole = [circle(center, 10, z) for z in heights if abs(z) < 20]
    path = rtstruct(tmp_path / "rs.dcm", {"Lung-Left": [*ball, *hole], "Nothing": []})
    structures = read_structures(path, like=like)
    mask = structures.mask("lung_left")
    k, j, i = np.indices(like.shape)
    x, y, z = 40 - i - center[0], 40 - j - center[1], 2.0 * k - 40
    inside = (x**2 + y**2 + z**2 < 900) & ~((x**2 + y**2 < 100) & (np.abs(z) < 20))
    assert np.count_nonzero(mask != inside) < 0.01 * np.count_nonzero(inside), "chords cut segments off"
    assert structures.names == ("lung_left", "nothing") and structures.items[0].color == (1, 2, 3)
    assert structures.notices == ("No voxel belongs to nothing.",)


def test_contours_meet_a_ct_turned_on_its_side_and_one_with_thinner_slices(tmp_path: Path) -> None:
    square = np.array([[-9.9, -9.9], [9.9, -9.9], [9.9, 9.9], [-9.9, 9.9]])
    contours = [np.column_stack([square, np.full(4, z)]) for z in np.arange(-9, 10, 3.0)]
    path = rtstruct(tmp_path / "rs.dcm", {"box": contours})
    thin = np.diag([1.0, 1.0, 1.0, 1.0])
    thin[:3, 3] = -20
    assert read_structures(path, like=ct(thin, (41, 41, 41))).counts() == {"box": 19 * 19 * 21}
    far = rtstruct(tmp_path / "far.dcm", {"two": [contours[0], contours[-1]]})
    assert read_structures(far, like=ct(thin, (41, 41, 41))).counts() == {"two": 19 * 19 * 22}
    turned = thin[:, [2, 0, 1, 3]]
    assert read_structures(path, like=ct(turned, (41, 41, 41))).counts() == {"box": 19 * 19 * 21}


def test_contours_that_cannot_be_used(tmp_path: Path) -> None:
    square = np.array([[0, 0, 0], [9, 0, 0], [9, 9, 0], [0, 9, 0.0]])
    path = rtstruct(tmp_path / "rs.dcm", {"box": [square]})
    oblique = rtstruct(tmp_path / "oblique.dcm", {"box": [square @ _turn(30)]})
    with pytest.raises(NerpError, match="give the CT too"):
        read_structures(path)
    with pytest.raises(NerpError, match="another examination"):
        read_structures(path, like=ct(np.eye(4), (9, 9, 9), "9.9"))
    with pytest.raises(NerpError, match="do not overlap"):
        read_structures(path, like=ct(np.eye(4) + np.eye(4, k=3) * 500, (9, 9, 9)))
    with pytest.raises(NerpError, match="oblique"):
        read_structures(oblique, like=ct(np.diag([1.0, 1, 1, 1]), (30, 30, 30)))
    folder = tmp_path / "two"
    folder.mkdir()
    rtstruct(folder / "a", {"box": [square]})
    rtstruct(folder / "b", {"box": [square]})
    with pytest.raises(NerpError, match="2 DICOM segmentations; give one of them: a, b"):
        read_structures(folder)


def _turn(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@given(st.lists(st.tuples(st.floats(-2, 12), st.floats(-2, 12)), min_size=3, max_size=9))
def test_even_odd_counts_crossings(points: list[tuple[float, float]]) -> None:
    """Against the rule itself, pixel by pixel: an odd number of edges to the pixel's left."""
    polygon = np.array(points)
    mask = even_odd([polygon], (10, 11))
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    for row in range(10):
        crossing = (y0 <= row) != (y1 <= row)
        with np.errstate(all="ignore"):
            x = np.sort((x0 + (row - y0) * ((x1 - x0) / (y1 - y0)))[crossing])
        for column in range(11):
            if x.size and np.abs(x - column).min() < 1e-6:
                continue
            assert mask[row, column] == bool((x < column).sum() % 2)


def test_two_contours_one_inside_the_other_leave_a_ring() -> None:
    outer = np.array([[0.5, 0.5], [8.5, 0.5], [8.5, 8.5], [0.5, 8.5]])
    inner = np.array([[2.5, 2.5], [2.5, 6.5], [6.5, 6.5], [6.5, 2.5]])
    mask = even_odd([outer, inner], (10, 10))
    assert mask.sum() == 64 - 16 and not mask[4, 4] and mask[1, 1] and not mask[0, 0]
