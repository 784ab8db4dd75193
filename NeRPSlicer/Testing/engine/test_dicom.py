"""DICOM CT: series written here in several encodings, what makes a series no volume, real series."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import highdicom
import numpy as np
import pytest
from nerp import NerpError, read_ct, read_structures
from nerp.geometry import transform_points
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

ROWS, COLUMNS, SLICES = 10, 12, 24
SPACING = (0.8, 0.7)
STEP = 2.5
ORIGIN = np.array([-50.0, -60.0, 100.0])
STORED = np.random.default_rng(3).integers(0, 3000, (SLICES, ROWS, COLUMNS)).astype(np.int16)
AXIAL = (1, 0, 0, 0, 1, 0)


def image(pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """An image with pixels, identifiers and nothing of CT."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.PatientName = "Doe^Jane"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def series(
    syntax: str = ExplicitVRLittleEndian, stored: np.ndarray = STORED, **tags: object
) -> list[Dataset]:
    """A straight axial series with rescale intercept -1000; ``tags`` are set on each slice."""
    uid, frame = generate_uid(), generate_uid()
    slices = []
    for k, pixels in enumerate(stored):
        one = image(pixels, syntax)
        one.Modality = "CT"
        one.PatientID = "jane"
        one.SeriesInstanceUID, one.FrameOfReferenceUID, one.SeriesNumber = uid, frame, 4
        one.SeriesDescription = "thorax"
        one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        one.ImagePositionPatient = [*ORIGIN[:2], ORIGIN[2] + k * STEP]
        one.ImageOrientationPatient = list(AXIAL)
        one.PixelSpacing = list(SPACING)
        one.RescaleSlope, one.RescaleIntercept = 1, -1000
        for keyword, value in tags.items():
            setattr(one, keyword, value)
        slices.append(one)
    return slices


def save(folder: Path, slices: list[Dataset], prefix: str = "") -> Path:
    """Write in an order that is not the order of positions."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in np.random.default_rng(0).permutation(len(slices)):
        slices[number].save_as(folder / f"{prefix}{(number * 7) % 101:03d}", enforce_file_format=True)
    return folder


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLSLossless],
)
@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_encodings(tmp_path: Path, syntax: str, dtype: type) -> None:
    is_packed = syntax in (RLELossless, JPEGLSLossless)
    slices = series(ExplicitVRLittleEndian if is_packed else syntax, STORED.astype(dtype))
    if is_packed:
        if syntax == JPEGLSLossless:
            pytest.importorskip("jpeg_ls", reason="writes JPEG-LS")
        for one in slices:
            one.compress(syntax, generate_instance_uid=False)
    volume = read_ct(save(tmp_path / "case7", slices))
    assert volume.hu.dtype == np.int16 and (volume.hu == STORED - 1000).all()
    assert volume.name == "case7" and volume.frame_of_reference == slices[0].FrameOfReferenceUID
    far = np.array([COLUMNS - 1, ROWS - 1, SLICES - 1])
    expected_lps = ORIGIN + far * (SPACING[1], SPACING[0], STEP)
    assert np.allclose(transform_points(volume.ras_from_ijk, far), expected_lps * (-1, -1, 1))


def test_one_file_stands_for_its_series_and_that_is_told(tmp_path: Path) -> None:
    folder = save(tmp_path / "case7", series())
    volume = read_ct(folder / "007")
    assert volume.hash == read_ct(folder).hash
    told = f"007 is one of the {SLICES} images of its series; all were read."
    assert told in volume.notices and told not in read_ct(folder).notices


def test_rescale_is_each_slices_own_and_padding_is_air(tmp_path: Path) -> None:
    slices = series(PixelPaddingValue=-2000)
    stored = STORED.copy()
    stored[:, 0] = -2000
    for k, one in enumerate(slices):
        one.PixelData = stored[k].tobytes()
        one.RescaleSlope, one.RescaleIntercept = 0.5, -1000 + k
    hu = read_ct(save(tmp_path, slices)).hu
    assert (hu[:, 0] == -1000).all()
    assert np.allclose(hu[:, 1:], STORED[:, 1:] * 0.5 - 1000 + np.arange(SLICES)[:, None, None])


def test_sagittal_slices_from_patients_left_to_right(tmp_path: Path) -> None:
    slices = series(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    for k, one in enumerate(slices):
        one.ImagePositionPatient = [ORIGIN[0] - k * STEP, ORIGIN[1], ORIGIN[2]]
    volume = read_ct(save(tmp_path, slices))
    corner = transform_points(volume.ras_from_ijk, np.array([COLUMNS - 1, ROWS - 1, SLICES - 1]))
    lps = ORIGIN + np.array([-(SLICES - 1) * STEP, (COLUMNS - 1) * SPACING[1], -(ROWS - 1) * SPACING[0]])
    assert np.allclose(corner, lps * (-1, -1, 1)) and (volume.hu == STORED - 1000).all()


def test_a_file_of_the_series_stands_for_its_folder(tmp_path: Path) -> None:
    save(tmp_path, series())
    save(tmp_path, series(SeriesNumber=5, Modality="MR"), "other")
    assert read_ct(tmp_path / "000").shape == STORED.shape
    with pytest.raises(NerpError, match="modality is MR"):
        read_ct(tmp_path / "other000")


def test_a_missing_modality_and_copies_are_accepted(tmp_path: Path) -> None:
    slices = series()
    for one in slices:
        del one.Modality
    save(tmp_path, slices[:3], "copy")
    volume = read_ct(save(tmp_path, slices))
    assert volume.shape == STORED.shape and "3 files hold an image" in volume.notices[0]


def test_one_identifier_for_all_slices_does_not_hide_them(tmp_path: Path) -> None:
    assert read_ct(save(tmp_path, series(SOPInstanceUID="1.2.3"))).shape == STORED.shape


def test_the_longest_usable_series_is_chosen_and_the_rest_told(tmp_path: Path) -> None:
    save(tmp_path / "a", series(stored=STORED[:22], SeriesNumber=2))
    save(tmp_path / "b", series(SeriesNumber=11))
    save(
        tmp_path / "c",
        series(stored=STORED[:1], SeriesNumber=1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    )
    (tmp_path / "readme.txt").write_text("hello", encoding="utf-8")
    volume = read_ct(tmp_path)
    assert volume.shape == STORED.shape
    told = " ".join(volume.notices)
    assert "series 1 (thorax), 1 image: a localizer" in told and "series 2 (thorax), 22 images" in told
    assert "Doe" not in told and "jane" not in told and "Doe" not in volume.name
    assert read_ct(tmp_path, series=2).shape[0] == 22
    with pytest.raises(NerpError, match="no series 9; there are: series 1"):
        read_ct(tmp_path, series=9)


def test_two_patients_are_not_mixed(tmp_path: Path) -> None:
    save(tmp_path / "a", series())
    save(tmp_path / "b", series(PatientID="john"))
    with pytest.raises(NerpError, match="2 patients") as caught:
        read_ct(tmp_path)
    assert "john" not in str(caught.value)


def test_a_tilted_gantry_gives_a_slanted_grid(tmp_path: Path) -> None:
    slices = series()
    for k, one in enumerate(slices):
        one.ImagePositionPatient = list(ORIGIN + k * np.array([0, 0.5, STEP]))
    volume = read_ct(save(tmp_path, slices))
    assert np.allclose(volume.ras_from_ijk[:3, 2], (0, -0.5, STEP))
    assert "tilted by 11.3 degrees" in volume.notices[0]


def test_positions_rounded_to_hundredths_are_even(tmp_path: Path) -> None:
    slices = series()
    for k, one in enumerate(slices):
        one.ImagePositionPatient = [0, 0, round(k * 0.625, 2)]
    assert read_ct(save(tmp_path, slices)).spacing_mm[2] == pytest.approx(0.625, abs=1e-3)


def shift(number: int, **change: object) -> Callable[[list[Dataset]], None]:
    def spoil(slices: list[Dataset]) -> None:
        for keyword, value in change.items():
            setattr(slices[number], keyword, value)

    return spoil


def move(number: int, mm: tuple[float, float, float]) -> Callable[[list[Dataset]], None]:
    def spoil(slices: list[Dataset]) -> None:
        position = np.array(slices[number].ImagePositionPatient, float) + mm
        slices[number].ImagePositionPatient = position.tolist()

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda slices: slices.pop(9), r"slices are missing \(1 of 24\)"),
        (lambda slices: slices.__delitem__(slice(19, None)), "19 slices, at least 20"),
        (move(5, (0, 0, 0.02 * STEP)), r"uneven slices, 2.45 to 2.55 mm apart"),
        (move(5, (0, 0, STEP)), "several slices at one position"),
        (move(5, (0, 3, 0)), "straight line"),
        (shift(3, PixelSpacing=[1, 1]), "several pixel spacings"),
        (shift(3, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), "several orientations"),
        (shift(3, Rows=5, Columns=24), "several sizes"),
        (shift(3, ImagePositionPatient=None), "without position"),
        (shift(0, ImageType=["DERIVED", "SECONDARY", "AXIAL", "MIP"]), "projections"),
        (lambda slices: [setattr(one, "Modality", "MR") for one in slices], "modality is MR"),
        (
            lambda slices: [
                setattr(one, "ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]) for one in slices
            ],
            "a localizer",
        ),
    ],
)
def test_what_is_no_volume_says_why(tmp_path: Path, spoil: Callable, reason: str) -> None:
    slices = series()
    spoil(slices)
    with pytest.raises(NerpError, match=reason) as caught:
        read_ct(save(tmp_path, slices))
    assert "\n" not in str(caught.value)


def test_files_cut_short(tmp_path: Path) -> None:
    slices = series()
    folder = save(tmp_path / "case", slices)
    whole = (folder / "007").read_bytes()
    (folder / "007").write_bytes(whole[:-40])
    with pytest.raises(NerpError, match=r"007 cannot be decoded"):
        read_ct(folder)
    for length in (700, 500):
        (folder / "007").write_bytes(whole[:length])
        with pytest.raises(NerpError, match=r"007 .*cut short"):
            read_ct(folder)


def test_odd_headers_are_read_and_impossible_ones_named(tmp_path: Path) -> None:
    folder = save(tmp_path, series(SeriesInstanceUID="1.2.345"))
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes().replace(b"1.2.345", b"1.2.3a5"))
    assert read_ct(folder).shape == STORED.shape
    (folder / "007").write_bytes((folder / "007").read_bytes().replace(b"-1000", b"-1x00"))
    with pytest.raises(NerpError, match="007 has a damaged header"):
        read_ct(folder)


def test_enhanced_multi_frame(tmp_path: Path) -> None:
    one = image(STORED)
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    one.Modality, one.SeriesInstanceUID, one.NumberOfFrames = "CT", generate_uid(), SLICES
    one.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]

    def group(keyword: str, **values: object) -> Dataset:
        item, parent = Dataset(), Dataset()
        for name, value in values.items():
            setattr(item, name, value)
        setattr(parent, keyword, [item])
        return parent

    shared = group("PlaneOrientationSequence", ImageOrientationPatient=list(AXIAL))
    shared.update(group("PixelMeasuresSequence", PixelSpacing=list(SPACING)))
    shared.update(group("PixelValueTransformationSequence", RescaleSlope=1, RescaleIntercept=-1000))
    one.SharedFunctionalGroupsSequence = [shared]
    one.PerFrameFunctionalGroupsSequence = [
        group("PlanePositionSequence", ImagePositionPatient=list(ORIGIN - np.array([0, 0, STEP * k])))
        for k in range(SLICES)
    ]
    volume = read_ct(save(tmp_path, [one]))
    assert (volume.hu == STORED[::-1] - 1000).all(), "frames are ordered by position, not by number"
    assert np.allclose(volume.ras_from_ijk[:3, 3], (ORIGIN - (0, 0, STEP * (SLICES - 1))) * (-1, -1, 1))


def test_a_real_series_equals_the_file_made_of_it(data_folder: Path) -> None:
    series_volume = read_ct(data_folder / "ct_cip" / "dicom_series")
    file_volume = read_ct(data_folder / "ct_cip" / "ct-64.nrrd")
    assert (series_volume.hu == file_volume.hu).all()
    assert np.allclose(series_volume.ras_from_ijk, file_volume.ras_from_ijk, atol=1e-3)


def test_a_real_jpeg_2000_series(data_folder: Path) -> None:
    volume = read_ct(data_folder / "ct_totalsegmentator" / "dicom_series")
    assert volume.shape == (20, 512, 512) and (volume.hu.min(), volume.hu.max()) == (-1024, 1839)
    assert volume.spacing_mm == pytest.approx((0.9765625, 0.9765625, 2.0))


def test_real_slices_without_modality_are_too_few(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder / "dicom_misc" / "lungmask", tmp_path / "two")
    with pytest.raises(NerpError, match="2 slices, at least 20"):
        read_ct(tmp_path / "two")


def test_a_real_radiograph_is_no_ct(data_folder: Path) -> None:
    with pytest.raises(NerpError, match="modality is CR"):
        read_ct(data_folder / "dicom_misc" / "cxr" / "Fake_MONOHR1.dcm")


def segmentation(slices: list[Dataset], masks: np.ndarray, kind: str) -> highdicom.seg.Segmentation:
    """Segments of a series, ``[K, J, I, segments]``, as highdicom writes them."""
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=Code("123037004", "SCT", "Anatomical Structure"),
            segmented_property_type=Code("39607008", "SCT", "Lung"),
            algorithm_type="MANUAL",
            display_color=highdicom.color.CIELabColor.from_rgb(10 * number, 200, 30),
        )
        for number, label in enumerate(("Lung-Left", "GTV 1", "Nothing")[: masks.shape[-1]], start=1)
    ]
    for one in slices:
        one.StudyInstanceUID, one.SliceThickness = "1.2.3", STEP
        for keyword in (
            "PatientBirthDate",
            "PatientSex",
            "StudyDate",
            "StudyTime",
            "StudyID",
            "AccessionNumber",
        ):
            setattr(one, keyword, "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return highdicom.seg.Segmentation(
            slices,
            masks,
            kind,
            descriptions,
            generate_uid(),
            1,
            generate_uid(),
            1,
            "maker",
            "model",
            "1",
            "device",
            omit_empty_frames=True,
        )


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_a_segmentation_lies_on_its_series(tmp_path: Path, kind: str) -> None:
    slices = series()
    masks = np.zeros((*STORED.shape, 3), bool)
    masks[4:9, 2:7, 3:8, 0] = True
    masks[7:20, 5:9, 3:5, 1] = True
    given = masks.astype(np.float32) * 0.9 if kind == "FRACTIONAL" else masks.astype(np.uint8)
    save(tmp_path / "ct", slices)
    segmentation(slices, given, kind).save_as(tmp_path / "seg.dcm")
    volume = read_ct(tmp_path / "ct")
    structures = read_structures(tmp_path / "seg.dcm", like=volume)
    assert structures.names == ("lung_left", "gtv_1", "nothing")
    for number, name in enumerate(structures.names):
        assert np.array_equal(structures.mask(name), masks[..., number])
    assert structures.notices == ("No voxel belongs to nothing.",)
    first = structures.items[0]
    assert (first.original_name, first.color) == ("Lung-Left", (10, 200, 30))
    assert first.code is not None and first.code.value == "39607008"
    with pytest.raises(NerpError, match="another examination"):
        save(tmp_path / "other", series())
        read_structures(tmp_path / "seg.dcm", like=read_ct(tmp_path / "other"))
