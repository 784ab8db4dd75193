"""Chest X-rays from files: every format, bone bright, and bad ones refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from nerp import NerpError
from nerp.io.glance import glance_at_xray
from nerp.io.xray import JSRT_SIDE, Xray, bone_brightness, read_lung_masks, read_xray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from training_files import CT, film, lungs, png_bytes, write_dicom, write_mask, write_picture

FILM = film()
BYTES = (FILM >> 4).astype(np.uint8)


def test_pictures_keep_their_grey_levels(tmp_path: Path) -> None:
    write_picture(tmp_path / "8.png", BYTES)
    write_picture(tmp_path / "16.png", FILM)
    write_picture(tmp_path / "grey.bmp", BYTES)
    write_picture(tmp_path / "16.tif", FILM)
    for name, expected in (("8.png", BYTES), ("16.png", FILM), ("grey.bmp", BYTES), ("16.tif", FILM)):
        xray = read_xray(tmp_path / name)
        assert xray.image.dtype == np.float32 and (xray.image == expected).all(), name
        assert xray.pixel_spacing_mm is None and xray.notices == ()


@pytest.mark.parametrize("values", [BYTES, FILM], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("colour_type, channels", [(2, 3), (6, 4)], ids=["RGB", "RGBA"])
def test_grey_in_colour_is_grey(tmp_path: Path, values: np.ndarray, colour_type: int, channels: int) -> None:
    stacked = np.stack([values] * 3 + [np.full_like(values, np.iinfo(values.dtype).max)], axis=2)
    (tmp_path / "x.png").write_bytes(png_bytes(stacked[..., :channels], colour_type))
    xray = read_xray(tmp_path / "x.png")
    assert (xray.image == values).all() and xray.notices == ()


def test_grey_with_transparency_and_palettes(tmp_path: Path) -> None:
    opaque = np.full_like(BYTES, 255)
    (tmp_path / "la.png").write_bytes(png_bytes(np.stack([BYTES, opaque], axis=2), 4))
    palette = Image.fromarray(255 - BYTES).convert("P")
    palette.putpalette([level for grey in range(255, -1, -1) for level in (grey, grey, grey)])
    palette.save(tmp_path / "p.png")
    for name in ("la.png", "p.png"):
        assert (read_xray(tmp_path / name).image == BYTES).all(), name


def test_sixteen_bits_with_transparency_are_told_to_lose_eight(tmp_path: Path) -> None:
    (tmp_path / "la.png").write_bytes(png_bytes(np.stack([FILM, np.full_like(FILM, 65535)], axis=2), 4))
    xray = read_xray(tmp_path / "la.png")
    assert (xray.image == FILM >> 8).all()
    assert xray.notices == ("la.png: 16 bits with transparency, read with 8.",)


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    opacity = np.full_like(BYTES, 255)
    opacity[:4] = 0
    (tmp_path / "la.png").write_bytes(png_bytes(np.stack([BYTES, opacity], axis=2), 4))
    xray = read_xray(tmp_path / "la.png")
    assert (xray.image[:4] == 0).all() and (xray.image[4:] == BYTES[4:]).all()
    assert "transparent" in xray.notices[0]


def test_jpeg(tmp_path: Path) -> None:
    Image.fromarray(BYTES).save(tmp_path / "grey.jpg", quality=95)
    Image.fromarray(BYTES).convert("RGB").save(tmp_path / "rgb.jpeg", quality=95)
    for name in ("grey.jpg", "rgb.jpeg"):
        assert np.abs(read_xray(tmp_path / name).image - BYTES).mean() < 3, name


def test_coloured_marks_are_told_and_colour_is_refused(tmp_path: Path) -> None:
    marked = np.stack([BYTES] * 3, axis=2)
    marked[2, 2:6] = (255, 0, 0)
    xray = read_xray(write_picture(tmp_path / "marked.png", marked))
    assert "coloured marks" in xray.notices[0]
    assert (xray.image[3:] == np.float32(BYTES[3:])).all() or np.allclose(
        xray.image[3:], BYTES[3:], atol=0.01
    )
    coloured = np.stack([BYTES, BYTES // 2, 255 - BYTES], axis=2)
    with pytest.raises(NerpError, match=r"photo\.png is a picture in colour; an X-ray is grey"):
        read_xray(write_picture(tmp_path / "photo.png", coloured))


def test_jsrt_is_inverted_and_knows_its_spacing(tmp_path: Path) -> None:
    stored = np.zeros((JSRT_SIDE, JSRT_SIDE), ">u2")
    stored[:48, :40] = 4095 - FILM.clip(0, 4095)
    stored.tofile(tmp_path / "JPCLN001.IMG")
    glance_at_xray(tmp_path / "JPCLN001.IMG")
    xray = read_xray(tmp_path / "JPCLN001.IMG")
    assert (xray.image[:48, :40] == FILM.clip(0, 4095)).all() and xray.image[-1, -1] == 4095
    assert xray.pixel_spacing_mm == (0.175, 0.175)


def test_jsrt_of_another_length_or_depth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "JPCLN002.IMG").write_bytes(b"\1\2" * 1000)
    for read in (read_xray, glance_at_xray):
        with pytest.raises(NerpError, match="copy it again"):
            read(tmp_path / "JPCLN002.IMG")
    np.full(JSRT_SIDE**2, 0x1000, ">u2").tofile(tmp_path / "JPCLN003.IMG")
    with pytest.raises(NerpError, match="more than 12 bits"):
        read_xray(tmp_path / "JPCLN003.IMG")


def dicom(path: Path, **tags: Any) -> Xray:
    return read_xray(write_dicom(path / "film.dcm", pixels=FILM, **tags))


def test_dicom_polarity_is_turned_once(tmp_path: Path) -> None:
    plain = dicom(tmp_path).image
    assert (plain == FILM).all()
    expected = plain.max() + plain.min() - plain
    assert (dicom(tmp_path, PhotometricInterpretation="MONOCHROME1").image == expected).all()
    assert (dicom(tmp_path, PresentationLUTShape="INVERSE").image == expected).all()
    both = dicom(tmp_path, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    assert (both.image == expected).all()


def test_dicom_spacing_at_the_detector_comes_first(tmp_path: Path) -> None:
    both = dicom(tmp_path, ImagerPixelSpacing=[0.2, 0.3], PixelSpacing=[0.1, 0.1])
    assert both.pixel_spacing_mm == (0.2, 0.3)
    assert "ImagerPixelSpacing" in both.notices[0] and "PixelSpacing says 0.1 mm" in both.notices[0]
    alone = dicom(tmp_path, PixelSpacing=[0.1, 0.1])
    assert alone.pixel_spacing_mm == (0.1, 0.1) and "by PixelSpacing" in alone.notices[0]
    assert dicom(tmp_path, ImagerPixelSpacing=[0.2, 0.2], PixelSpacing=[0.2, 0.2]).notices == ()
    assert dicom(tmp_path).pixel_spacing_mm is None


def test_dicom_window_and_lut(tmp_path: Path) -> None:
    windowed = dicom(tmp_path, WindowCenter=2000.5, WindowWidth=1001).image
    assert windowed[FILM <= 1500].max() == 0 and windowed[FILM > 2500].min() == 65535
    middle = windowed[(FILM > 1600) & (FILM < 2400)]
    assert np.corrcoef(middle, FILM[(FILM > 1600) & (FILM < 2400)])[0, 1] > 0.9999
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 16], (np.arange(4096) ** 2 >> 8).astype("<u2").tobytes()
    squared = dicom(tmp_path, VOILUTSequence=Sequence([table])).image
    assert (squared == (FILM.clip(0, 4095).astype(np.int64) ** 2 >> 8)).all()


def test_a_window_of_another_picture_is_left_out(tmp_path: Path) -> None:
    xray = dicom(tmp_path, WindowCenter=60000, WindowWidth=10)
    assert (xray.image == FILM).all() and "window leaves nothing" in xray.notices[0]


def test_dicom_rescale_and_padding(tmp_path: Path) -> None:
    xray = dicom(tmp_path, RescaleSlope=2, RescaleIntercept=-100)
    assert (xray.image == 2.0 * FILM - 100).all()
    padded = FILM.copy()
    padded[:, :5] = 65535
    image = read_xray(write_dicom(tmp_path / "padded.dcm", pixels=padded, PixelPaddingValue=65535)).image
    assert (image[:, :5] == FILM[:, 5:].min()).all() and (image[:, 5:] == FILM[:, 5:]).all()


@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEG"])
def test_compressed_dicom_reads_as_uncompressed(tmp_path: Path, compressor: str) -> None:
    """Lossless, 12 bits, white at zero, with a rescale and a window."""
    writer = SimpleITK.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "itk.dcm"))
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.Execute(SimpleITK.GetImageFromArray(FILM[None]))
    dataset = pydicom.dcmread(tmp_path / "itk.dcm")
    assert dataset.file_meta.TransferSyntaxUID.is_compressed
    tags = {
        "Modality": "CR",
        "PhotometricInterpretation": "MONOCHROME1",
        "RescaleSlope": 2,
        "RescaleIntercept": -100,
        "WindowCenter": 4000,
        "WindowWidth": 3000,
    }
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.save_as(tmp_path / "film.dcm")
    compressed = read_xray(tmp_path / "film.dcm")
    plain = write_dicom(tmp_path / "plain.dcm", pixels=FILM, **tags)
    assert np.allclose(compressed.image, read_xray(plain).image, atol=0.01)
    content = (tmp_path / "film.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[: -len(content) // 3])
    with pytest.raises(NerpError, match=r"cut\.dcm .*(cut short|damaged)") as caught:
        read_xray(tmp_path / "cut.dcm")
    assert str(tmp_path / "cut.dcm") in str(caught.value)


def test_dicom_of_other_kinds_is_refused(tmp_path: Path) -> None:
    for tags, said in (
        ({"Modality": "MR"}, "modality MR; a chest X-ray is CR or DX"),
        ({"NumberOfFrames": 2}, "holds 2 pictures"),
        ({"Modality": None, "ImagePositionPatient": [0, 0, 0]}, "a slice with its place in the patient"),
        ({"PixelData": b"12"}, "cut short"),
    ):
        path = write_dicom(tmp_path / "other.dcm", pixels=FILM, **tags)
        with pytest.raises(NerpError, match=said):
            read_xray(path)
    with pytest.raises(NerpError, match="modality CT"):
        glance_at_xray(write_dicom(tmp_path / "slice.dcm", CT, FILM))
    with pytest.raises(NerpError, match="no picture"):
        read_xray(write_dicom(tmp_path / "empty.dcm"))


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
def test_image_files_of_one_slice(tmp_path: Path, suffix: str) -> None:
    for voxels, spacing in ((FILM, (0.2, 0.3)), (FILM[None], (0.2, 0.3, 5.0))):
        image = SimpleITK.GetImageFromArray(voxels)
        image.SetSpacing(spacing)
        SimpleITK.WriteImage(image, str(tmp_path / f"film{suffix}"))
        glance_at_xray(tmp_path / f"film{suffix}")
        xray = read_xray(tmp_path / f"film{suffix}")
        assert (xray.image == FILM).all()
        assert xray.pixel_spacing_mm == pytest.approx((0.3, 0.2))
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(FILM), str(tmp_path / f"plain{suffix}"))
    assert read_xray(tmp_path / f"plain{suffix}").pixel_spacing_mm is None
    volume = SimpleITK.GetImageFromArray(np.stack([FILM, FILM]))
    SimpleITK.WriteImage(volume, str(tmp_path / f"ct{suffix}"))
    for read in (read_xray, glance_at_xray):
        with pytest.raises(NerpError, match="40 x 48 x 2 voxels; an X-ray has one slice"):
            read(tmp_path / f"ct{suffix}")


def test_an_inverted_film_is_doubted(tmp_path: Path) -> None:
    brightness = bone_brightness(FILM)
    assert brightness is not None and brightness > 0.1
    assert bone_brightness(FILM[:20]) is None
    xray = read_xray(write_picture(tmp_path / "inverted.png", 255 - BYTES))
    assert "is it inverted" in xray.notices[0]


def test_bad_files_end_in_one_line(tmp_path: Path) -> None:
    whole = write_picture(tmp_path / "whole.png", FILM).read_bytes()
    Image.fromarray(BYTES).save(tmp_path / "whole.jpg")
    jpeg = (tmp_path / "whole.jpg").read_bytes()
    for name, content, said in (
        ("cut.png", whole[: len(whole) // 2], "damaged or cut short"),
        ("cut.jpg", jpeg[: len(jpeg) // 2], "damaged or cut short"),
        ("text.png", b"not a picture", "no picture that can be read"),
        ("empty.png", b"", "is empty"),
        ("film.zip", b"PK\3\4", "an archive"),
        ("cut.nrrd", b"NRRD0004\ntype: short\n", "cannot be read"),
        ("cut.dcm", b"\0" * 128 + b"DICM" + b"\2\0", "damaged|no picture"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NerpError, match=said) as caught:
            read_xray(tmp_path / name)
        assert "\n" not in str(caught.value) and str(tmp_path / name) in str(caught.value)
    with pytest.raises(NerpError, match="There is no file"):
        read_xray(tmp_path / "missing.png")
    with pytest.raises(NerpError, match="is a folder"):
        read_xray(tmp_path)


def test_masks_and_flat_pictures_are_no_radiographs(tmp_path: Path) -> None:
    with pytest.raises(NerpError, match="looks like a mask"):
        read_xray(write_mask(tmp_path / "mask.png", lungs()[0]))
    with pytest.raises(NerpError, match="every pixel is the same"):
        read_xray(write_mask(tmp_path / "flat.png", np.ones((9, 9), bool)))


def test_masks_of_every_convention_join(tmp_path: Path) -> None:
    left, right = lungs()
    both = left | right
    codes = np.where(left, 1, 0) + np.where(right, 2, 0)
    Image.fromarray(codes.astype(np.uint8)).save(tmp_path / "codes.png")
    Image.fromarray(both.astype(np.uint8) * 255).save(tmp_path / "lossy.jpg", quality=90)
    write_mask(tmp_path / "left.gif", left)
    write_mask(tmp_path / "right.gif", right)
    assert (read_lung_masks([tmp_path / "codes.png"]) == both).all()
    assert (read_lung_masks([tmp_path / "left.gif", tmp_path / "right.gif"]) == both).all()
    assert (read_lung_masks([tmp_path / "lossy.jpg"]) == both).mean() > 0.99
    assert not read_lung_masks([write_mask(tmp_path / "none.png", left & right)]).any()
    with pytest.raises(NerpError, match="use one size"):
        read_lung_masks([tmp_path / "left.gif", write_mask(tmp_path / "small.png", left[:20])])
    with pytest.raises(NerpError, match="no mask to read"):
        read_lung_masks([])


def test_real_films(data_folder: Path) -> None:
    """MONOCHROME1 holds the complement of what MONOCHROME2 does; no film of three sets is doubted."""
    folder = data_folder / "dicom_misc" / "cxr"
    plain = read_xray(next(folder.glob("1.2.276*.dcm")))
    other = read_xray(folder / "Fake_MONOHR1.dcm")
    assert np.ptp(plain.image + other.image) == 0
    for name in ("cxr_nih_normal", "cxr_gbc_radiologist", "cxr_c19_lungvae"):
        for path in sorted((data_folder / name / "images").iterdir())[::4]:
            assert read_xray(path).notices == (), path
