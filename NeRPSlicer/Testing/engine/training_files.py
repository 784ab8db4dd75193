"""Files of training sets in their exact formats, small where the format allows."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CR = "1.2.840.10008.5.1.4.1.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


def film(rows: int = 48, columns: int = 40, seed: int = 0) -> np.ndarray:
    """A chest as far as grey levels go: dark lungs left and right of a bright middle; 12 bit, uint16."""
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    lungs = sum(np.exp(-(((x - at) / 0.13) ** 2) - ((y - 0.45) / 0.3) ** 2) for at in (0.27, 0.73))
    grain = np.random.default_rng(seed).uniform(0, 60, (rows, columns))
    return (3000 - 2200 * lungs + 400 * y + grain).astype(np.uint16)


def lungs(rows: int = 48, columns: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the lung on the viewer's left and on the viewer's right, boolean."""
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    left, right = (((x - at) / 0.13) ** 2 + ((y - 0.45) / 0.3) ** 2 < 1 for at in (0.27, 0.73))
    return left, right


def write_picture(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_mask(path: Path, mask: np.ndarray, value: int = 255) -> Path:
    return write_picture(path, mask.astype(np.uint8) * np.uint8(value))


def png_bytes(values: np.ndarray, colour_type: int) -> bytes:
    """A PNG written by the letter of its specification: uint8 or uint16, ``[rows, columns(, channels)]``."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns = values.shape[:2]
    depth = 8 * values.dtype.itemsize
    lines = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    head = struct.pack(">IIBBBBB", columns, rows, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def write_dicom(path: Path, sop_class: str = CR, pixels: np.ndarray | None = None, **tags: Any) -> Path:
    """An uncompressed DICOM file; ``tags`` by keyword override what is there, None removes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    dataset.Modality = {CR: "CR", CT: "CT", SEG: "SEG", RTSTRUCT: "RTSTRUCT"}[sop_class]
    if pixels is not None:
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = 8 * pixels.dtype.itemsize
        dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def write_dicom_ct(folder: Path, slices: int = 20, study: str = "", patient: str = "", side: int = 8) -> str:
    """A CT series of air with a block of tissue, one file a slice as TCIA names them; its series UID."""
    series, frame = generate_uid(), generate_uid()
    study = study or generate_uid()
    hu = np.full((slices, side, side), -1000, np.int16)
    hu[:, 2:-2, 2:-2] = 40
    for k in range(slices):
        write_dicom(
            folder / f"1-{k + 1:03d}.dcm",
            CT,
            hu[k],
            PatientID=patient,
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            FrameOfReferenceUID=frame,
            ImagePositionPatient=[0, 0, 10.0 * k],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[10, 10],
            InstanceNumber=k + 1,
        )
    return series


def write_dicom_seg_header(path: Path, study: str, series: str) -> Path:
    """As much of a DICOM SEG as says which series it was drawn on."""
    referenced = Dataset()
    referenced.SeriesInstanceUID = series
    return write_dicom(
        path, SEG, StudyInstanceUID=study, ReferencedSeriesSequence=Sequence([referenced]), PatientID="p"
    )


def write_rtstruct_header(path: Path, study: str, series: str) -> Path:
    """As much of an RTSTRUCT as says which series it was drawn on."""
    of_series, of_study, of_frame = Dataset(), Dataset(), Dataset()
    of_series.SeriesInstanceUID = series
    of_study.RTReferencedSeriesSequence = Sequence([of_series])
    of_frame.RTReferencedStudySequence = Sequence([of_study])
    return write_dicom(
        path, RTSTRUCT, StudyInstanceUID=study, ReferencedFrameOfReferenceSequence=Sequence([of_frame])
    )


def write_volume(path: Path, voxels: np.ndarray, spacing: tuple[float, float, float] = (10, 10, 10)) -> Path:
    """NIfTI, NRRD or MetaImage of ``[K, J, I]``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    SimpleITK.WriteImage(image, str(path))
    return path


def small_ct(seed: int = 0) -> np.ndarray:
    """A block of tissue in air, int16 HU ``[12, 16, 16]``."""
    hu = np.full((12, 16, 16), -1000, np.int16)
    hu[:, 3:-3, 3:-3] = 40 + np.random.default_rng(seed).integers(0, 20, (12, 10, 10))
    return hu


def small_labels() -> np.ndarray:
    """One structure in `small_ct`, uint8."""
    labels = np.zeros((12, 16, 16), np.uint8)
    labels[4:8, 6:10, 6:10] = 1
    return labels
