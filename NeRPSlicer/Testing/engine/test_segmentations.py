"""Segmentations: names, sidecars, Slicer's format, DICOM SEG, RTSTRUCT, other grids; against known voxels."""

from __future__ import annotations

import gzip
from pathlib import Path

import highdicom
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import NerpError, Volume, read_ct, read_structures
from nerp.io.dicom_seg import rgb_from_lab
from nerp.io.labels import whole_numbers
from nerp.structures import Code
from patients import write_image

SHAPE = (12, 20, 24)
FRAME = np.array([[-1.5, 0, 0, 40], [0, -2, 0, 30], [0, 0, 3, -20], [0, 0, 0, 1.0]])
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[2:9, 3:9, 3:9] = 1
LABELS[2:9, 3:9, 12:20] = 2
LABELS[5, 15, 15] = 5


def ct(frame: np.ndarray = FRAME, shape: tuple[int, ...] = SHAPE, frame_of_reference: str = "") -> Volume:
    return Volume(np.zeros(shape, np.int16), frame, False, "ct", frame_of_reference=frame_of_reference)


# --- grids ---


def test_a_coarser_map_lands_on_the_finer_ct(tmp_path: Path) -> None:
    """Every label voxel is 2 x 2 x 2 voxels of the CT."""
    fine = FRAME @ np.diag([0.5, 0.5, 0.5, 1])
    fine[:3, 3] -= FRAME[:3, :3] @ (0.25, 0.25, 0.25)
    structures = read_structures(
        write_image(tmp_path / "map.nrrd", LABELS, FRAME), like=ct(fine, tuple(2 * n for n in SHAPE))
    )
    expected = LABELS.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert (structures.mask("label_2") == (expected == 2)).all()
    assert "another grid than ct" in structures.notices[1]


@pytest.mark.parametrize("axes", [(2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_another_order_of_axes_is_exact_and_not_worth_a_word(tmp_path: Path, axes: tuple[int, ...]) -> None:
    flipped = np.ascontiguousarray(np.transpose(LABELS, axes)[::-1])
    ijk = [2 - axes[2 - n] for n in range(3)]
    frame = FRAME.copy()
    frame[:3, :3] = FRAME[:3, ijk]
    frame[:3, 3] += frame[:3, 2] * (flipped.shape[0] - 1)
    frame[:3, 2] *= -1
    structures = read_structures(write_image(tmp_path / "map.nrrd", flipped, frame), like=ct())
    assert len(structures.notices) == 1, "nothing but that it has no names"
    assert (structures.mask("label_2") == (LABELS == 2)).all()


def test_labels_partly_or_wholly_outside_the_ct(tmp_path: Path) -> None:
    path = write_image(tmp_path / "map.nrrd", LABELS, FRAME)
    half = ct(FRAME, (5, 20, 24))
    structures = read_structures(path, like=half)
    assert structures.counts() == {"label_1": 108, "label_2": 144, "label_5": 0}
    assert "57% of the labelled voxels" in structures.notices[1] and "one patient" in structures.notices[1]
    assert "label_5" in structures.notices[2]
    with pytest.raises(NerpError, match=r"map.nrrd and the CT ct do not overlap"):
        read_structures(path, like=ct(FRAME + np.eye(4, k=3) * 500))


def test_bad_label_maps(tmp_path: Path) -> None:
    write_image(tmp_path / "fractions.nrrd", np.full(SHAPE, 0.5, np.float32), FRAME)
    write_image(tmp_path / "hu.nrrd", np.full(SHAPE, -1000, np.int16), FRAME)
    write_image(tmp_path / "empty.nrrd", np.zeros(SHAPE, np.uint8), FRAME)
    (tmp_path / "none").mkdir()
    (tmp_path / "many").mkdir()
    write_image(tmp_path / "many" / "all.nrrd", LABELS, FRAME)
    for name, voxels in (
        ("with_ct", np.where(LABELS, 40, -1000).astype(np.int16)),
        ("with_float_ct", np.where(LABELS, 40.5, -1000).astype(np.float32)),
    ):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "ct.nrrd", voxels, FRAME)
    write_image(tmp_path / "float_codes.nrrd", LABELS * np.float32(2.0**31), FRAME)
    write_image(tmp_path / "codes.nrrd", LABELS.astype(np.uint64) * np.uint64(2**32 + 1), FRAME)
    (tmp_path / "table.csv").write_text("x", encoding="utf-8")
    for name, message in (
        ("absent.nrrd", "no file or folder"),
        ("fractions.nrrd", "fractions"),
        ("hu.nrrd", "is this the CT"),
        ("empty.nrrd", "every voxel is 0"),
        ("none", "no segmentation"),
        ("many", "more than one label"),
        ("with_ct", "holds -1000, but labels start at 1"),
        ("with_float_ct", "holds fractions"),
        ("float_codes.nrrd", "holds 10737418240, but labels go up to 2147483647"),
        ("codes.nrrd", "holds 21474836485, but labels go up to 2147483647"),
        ("table.csv", "formats"),
    ):
        with pytest.raises(NerpError, match=message) as caught:
            read_structures(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(NerpError, match="no table of label names vocabulary"):
        read_structures(write_image(tmp_path / "map.nrrd", LABELS, FRAME), names="vocabulary")


@pytest.mark.parametrize("dtype", ["f4", "f8", *(f"{kind}{n}" for kind in "iu" for n in (1, 2, 4, 8))])
def test_whole_numbers_of_every_type_are_labels(tmp_path: Path, dtype: str) -> None:
    structures = read_structures(write_image(tmp_path / "map.nrrd", LABELS.astype(dtype), FRAME))
    assert structures.counts() == {"label_1": 252, "label_2": 336, "label_5": 1}


def test_uint64_labels_reach_numpy_in_a_type_that_every_version_counts() -> None:
    assert whole_numbers(LABELS.astype(np.uint64), Path("map.nrrd")).dtype == np.int32


# --- folders, Slicer ---


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("like", [None, ct()])
def test_a_folder_of_masks(tmp_path: Path, like: Volume | None, dtype: type) -> None:
    for name, mask in (
        ("lung_left", LABELS == 1),
        ("Both Lungs", (LABELS == 1) | (LABELS == 2)),
        ("spleen", LABELS > 9),
    ):
        write_image(tmp_path / f"{name}.nii.gz", mask.astype(dtype), FRAME)
    structures = read_structures(tmp_path, like=like)
    assert structures.counts() == {"both_lungs": 588, "lung_left": 252, "spleen": 0}
    assert structures.notices == ("No voxel belongs to spleen.",)


def seg_nrrd(path: Path, layers: list[np.ndarray], segments: list[dict[str, object]]) -> Path:
    """As Slicer writes it: one list axis before the three of space where there are several layers."""
    fields = "".join(
        f"Segment{n}_{key}:={value}\n" for n, segment in enumerate(segments) for key, value in segment.items()
    )
    count = f"{len(layers)} " if len(layers) > 1 else ""
    k, j, i = SHAPE
    header = (
        "NRRD0004\n# Complete NRRD file format specification at:\ntype: unsigned char\n"
        f"dimension: {4 if count else 3}\nspace: left-posterior-superior\nsizes: {count}{i} {j} {k}\n"
        f"space directions: {'none ' if count else ''}(1.5,0,0) (0,2,0) (0,0,3)\n"
        f"kinds: {'list ' if count else ''}domain domain domain\nencoding: gzip\n"
        f"space origin: (-40,-30,-20)\n{fields}Segmentation_MasterRepresentation:=Binary labelmap\n\n"
    )
    path.write_bytes(header.encode() + gzip.compress(np.stack(layers, axis=-1).tobytes()))
    return path


LUNG = (
    "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^39607008^Lung~SCT^7771000^Left"
    "~Anatomic codes - DICOM master list~^^~^^|"
)


def test_slicers_segmentation_with_overlapping_segments(tmp_path: Path) -> None:
    path = seg_nrrd(
        tmp_path / "chest.seg.nrrd",
        [LABELS * (LABELS < 5), (LABELS == 1).astype(np.uint8) * 4],
        [
            {
                "Name": "Lung, left",
                "LabelValue": 1,
                "Layer": 0,
                "Color": "1 0.5 0",
                "Tags": f"Segmentation.Status:completed|{LUNG}",
            },
            {"Name": "Heart", "LabelValue": 2, "Layer": 0, "Color": "0 0 1", "Tags": ""},
            {"Name": "Nodule", "LabelValue": 4, "Layer": 1, "Color": "0 1 0"},
            {"Name": "Empty", "LabelValue": 7, "Layer": 1},
        ],
    )
    structures = read_structures(path, like=ct())
    assert structures.counts() == {"lung_left": 252, "heart": 336, "nodule": 252, "empty": 0}
    assert (structures.mask("nodule") == (LABELS == 1)).all()
    first = structures.items[0]
    assert (first.original_name, first.color) == ("Lung, left", (255, 128, 0))
    assert first.code == Code("SCT", "39607008", "Lung")
    assert structures.notices == ("No voxel belongs to empty.",)


def test_slicers_segmentation_in_one_layer(tmp_path: Path) -> None:
    segments = [{"Name": "A", "LabelValue": 2, "Layer": 0}, {"Name": "B", "LabelValue": 5, "Layer": 0}]
    structures = read_structures(seg_nrrd(tmp_path / "one.nrrd", [LABELS], segments))
    assert structures.counts() == {"a": 336, "b": 1} and np.allclose(structures.ras_from_ijk, FRAME)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("LabelValue", "one"),
        ("LabelValue", 0),
        ("LabelValue", -1),
        ("LabelValue", ""),
        ("LabelValue", "9" * 5000),
        ("Layer", "first"),
        ("Layer", -1),
        ("Layer", 1.5),
        ("Layer", "²"),
    ],
)
def test_slicers_fields_that_hold_no_number(tmp_path: Path, field: str, value: object) -> None:
    segments = [{"Name": "A", "LabelValue": 1, "Layer": 0, field: value}]
    path = seg_nrrd(tmp_path / "bad.seg.nrrd", [LABELS, LABELS], segments)
    with pytest.raises(NerpError, match=rf"bad.seg.nrrd gives .* as {field} of a segment") as caught:
        read_structures(path)
    assert "\n" not in str(caught.value)


# --- DICOM SEG ---


def test_a_real_seg_equals_its_truth(data_folder: Path) -> None:
    folder = data_folder / "dicom_misc" / "dcmqi"
    truth = read_structures(folder / "liver_seg.nrrd")
    like = Volume(np.zeros(truth.shape, np.int16), truth.ras_from_ijk, False)
    structures = read_structures(folder / "liver.dcm", like=like)
    assert (structures.mask("liver") == truth.mask("liver_seg")).all() and structures.notices == ()
    assert structures.items[0].code == Code("SRT", "T-62000", "Liver")
    assert structures.items[0].color == (221, 130, 101)


def test_real_overlapping_segments(data_folder: Path) -> None:
    path = data_folder / "dicom_misc" / "dcmqi" / "partial_overlaps.dcm"
    structures = read_structures(path)
    seg = highdicom.seg.segread(path)
    frames = seg.pixel_array
    numbers = [
        f.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for f in seg.PerFrameFunctionalGroupsSequence
    ]
    counts = [int(frames[np.array(numbers) == number].sum()) for number in seg.segment_numbers]
    assert list(structures.counts().values()) == counts
    assert max(map(len, structures.combinations)) >= 2, "some voxels belong to two segments"


@pytest.mark.parametrize(
    ("file", "voxels"),
    [
        ("seg_image_ct_binary", 638),
        ("seg_image_ct_true_fractional", 638),
        ("seg_image_ct_binary_single_frame", 1832),
    ],
)
def test_real_small_segs(data_folder: Path, file: str, voxels: int) -> None:
    path = data_folder / "dicom_misc" / "highdicom" / f"{file}.dcm"
    assert read_structures(path).counts() == {"first_segment": voxels}


def test_segs_that_do_not_fit(data_folder: Path, tmp_path: Path) -> None:
    folder = data_folder / "dicom_misc"
    series = read_ct(data_folder / "ct_totalsegmentator" / "dicom_series")
    with pytest.raises(NerpError, match="another examination than dicom_series"):
        read_structures(folder / "dcmqi" / "liver.dcm", like=series)
    with pytest.raises(NerpError, match="no DICOM segmentation of a volume"):
        read_structures(folder / "highdicom" / "seg_image_cr_binary.dcm")
    with pytest.raises(NerpError, match="modality CT; structures come as"):
        read_structures(folder / "dcmqi" / "01.dcm")
    (tmp_path / "cut.dcm").write_bytes((folder / "dcmqi" / "liver.dcm").read_bytes()[:2500])
    with pytest.raises(NerpError):
        read_structures(tmp_path / "cut.dcm")


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_survive_dicoms_lab(rgb: tuple[int, int, int]) -> None:
    lab = highdicom.color.CIELabColor.from_rgb(*rgb)
    assert np.abs(np.subtract(rgb_from_lab([float(part) for part in lab.value]), rgb)).max() <= 1
