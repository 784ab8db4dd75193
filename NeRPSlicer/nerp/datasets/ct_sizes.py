"""How large CTs are, told from their headers: what training will need is said before anything is decoded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import NerpError
from ..io.dicom import is_dicom_file, read_header
from ..io.glance import image_grid
from ..io.images import is_image_file
from .cases import CtCase

THORAX_SHAPE, THORAX_MM = (280, 200, 280), 1.5
"""Of a digital thorax, about: each seed's has its own size."""


@dataclass(frozen=True)
class CtSize:
    """A CT's grid."""

    voxels: int
    """As it lies on disk."""
    box_mm: tuple[float, float, float]
    """What it covers."""
    drawn: bool = False
    """Whether it is a digital thorax, which takes more memory to draw than a file to read."""

    def voxels_at(self, spacing_mm: float) -> int:
        """How many cubes of an edge length it covers."""
        return math.prod(max(2, round(edge / spacing_mm)) for edge in self.box_mm)


def ct_size(case: CtCase) -> CtSize:
    """The size of a case's CT; no voxel is read.

    Raises:
        NerpError: its header cannot be read.
    """
    if case.path is None:
        return replace(_size(THORAX_SHAPE, (THORAX_MM,) * 3), drawn=True)
    if case.path.is_dir() or not is_image_file(case.path):
        return _series_size(case.path if case.path.is_dir() else case.path.parent)
    return _size(*image_grid(case.path))


def _size(counts: Iterable[int], spacing_mm: Iterable[float]) -> CtSize:
    counts, spacing_mm = tuple(counts)[:3], tuple(spacing_mm)[:3]
    i, j, k = (count * spacing for count, spacing in zip(counts, spacing_mm, strict=True))
    return CtSize(math.prod(counts), (i, j, k))


def _series_size(folder: Path) -> CtSize:
    """Of the DICOM files in a folder, taken for one series: each a slice like the first."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_dicom_file(path)]
    if not files:
        raise NerpError(f"{folder} holds no DICOM files; check the path.")
    header = read_header(files[0], ["Rows", "Columns", "PixelSpacing", "SliceThickness", "NumberOfFrames"])
    try:
        slices = max(len(files), int(header.get("NumberOfFrames") or 1))
        row, column = (float(mm) for mm in header.get("PixelSpacing") or (1, 1))
        counts = int(header.get("Columns") or 1), int(header.get("Rows") or 1), slices
        return _size(counts, (column, row, float(header.get("SliceThickness") or 1)))
    except (TypeError, ValueError) as error:
        raise NerpError(f"{files[0]} has a header that makes no sense ({error}); take it away.") from error
