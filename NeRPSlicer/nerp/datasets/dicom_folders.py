"""What the folders of a DICOM tree hold, told from as few headers as possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import NerpError
from ..io.dicom import is_dicom_file, quiet_pydicom, read_header
from ..io.dicom_series import MIN_SLICES

TAGS = """
    Modality PatientID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID NumberOfFrames
    ReferencedSeriesSequence ReferencedFrameOfReferenceSequence
""".split()
ALIKE = 2.0
"""Files of one series differ in length by less than this factor; others are looked at one by one."""
LABEL_KINDS = ("SEG", "RTSTRUCT")
"""DICOM segmentations, the preferred one first."""


@dataclass(frozen=True)
class DicomObject:
    """A CT series in a folder of its own, or a segmentation."""

    path: Path
    """The folder of a series, the file of a segmentation."""
    modality: str
    patient: str
    """PatientID: only ever compared, never shown."""
    study: str
    series: str
    frame_of_reference: str
    slices: int
    refers_to: frozenset[str]
    """Series that a segmentation was drawn on."""

    def reason_against(self) -> str:
        """Why this folder is no CT, in a few words; "" where it may be one."""
        if self.modality not in ("CT", ""):
            return f"DICOM of modality {self.modality}"
        if self.slices < MIN_SLICES:
            return f"{self.slices} slices, at least {MIN_SLICES} are needed"
        return ""


def dicom_objects(files: Iterable[Path]) -> tuple[list[DicomObject], list[tuple[Path, str]]]:
    """Image series by folder and segmentations among files, and those with damaged headers.

    Every folder's first file is read; those of about its length count as further slices of it.
    """
    folders: dict[Path, list[Path]] = {}
    for file in files:
        if is_dicom_file(file):
            folders.setdefault(file.parent, []).append(file)
    objects: list[DicomObject] = []
    damaged: list[tuple[Path, str]] = []
    for folder, members in folders.items():
        images: list[DicomObject] = []
        for file, count in _kinds(members):
            try:
                one = _object(file, count)
            except NerpError as error:
                damaged.append((file, str(error).removeprefix(f"{file} ")))
                continue
            if one.modality in LABEL_KINDS:
                objects.append(one)
            else:
                images.append(one)
        if images:
            first = images[0]
            slices = sum(one.slices for one in images)
            objects.append(DicomObject(**{**vars(first), "path": folder, "slices": slices}))
    return objects, damaged


def _kinds(files: list[Path]) -> Iterator[tuple[Path, int]]:
    """A file of each kind and how many are like it: the first file's kind together, every other alone."""
    length = files[0].stat().st_size
    alike = [file for file in files if length / ALIKE < file.stat().st_size < length * ALIKE]
    yield files[0], len(alike)
    for file in files:
        if file not in alike:
            yield file, 1


def _object(file: Path, count: int) -> DicomObject:
    header = read_header(file, TAGS)

    def text(keyword: str) -> str:
        return str(header.get(keyword, "") or "")

    try:
        with quiet_pydicom():
            frames = int(header.get("NumberOfFrames", 1) or 1)
            return DicomObject(
                path=file,
                modality=text("Modality"),
                patient=text("PatientID"),
                study=text("StudyInstanceUID"),
                series=text("SeriesInstanceUID"),
                frame_of_reference=text("FrameOfReferenceUID"),
                slices=count * frames,
                refers_to=frozenset(_referenced_series(header)),
            )
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
        raise NerpError(f"{file} has a damaged header; copy it again.") from error


def _referenced_series(header: Any) -> Iterator[str]:
    """Of a SEG (PS3.3 C.12.4) and of an RTSTRUCT (C.8.8.5)."""
    for series in header.get("ReferencedSeriesSequence") or ():
        yield str(series.get("SeriesInstanceUID", ""))
    for frame in header.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                yield str(series.get("SeriesInstanceUID", ""))
