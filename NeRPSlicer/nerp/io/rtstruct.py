"""DICOM RT Structure Set: closed contours in slices, filled on the CT's grid."""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import NerpError
from ..geometry import transform_points
from ..structures import Structures
from ..volume import Volume
from .dicom_seg import check_frame, code_of
from .label_names import Label, named_structures
from .masks import LazyMasks

LPS_SIGNS = np.array([-1.0, -1.0, 1.0])
FLAT = 0.25
"""A contour may leave its slice by this share of a slice; beyond it lies oblique to the CT."""
REACH_MM = 5.0
"""A contour fills at most this much on each side of its plane, however far the next one lies."""


def read_rtstruct(path: Path, like: Volume | None) -> Structures:
    """The contoured structures of an RTSTRUCT on the CT's grid; see `read_structures`.

    Raises:
        NerpError: no CT given, damaged, another frame of reference, no contour on the CT or contours oblique
            to its slices.
    """
    import pydicom

    if like is None:
        raise NerpError(f"{path} holds contours, which need the CT's grid; give the CT too.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path)
            found = _structures(dataset)
        except Exception as error:  # pydicom raises a dozen kinds on damaged files
            raise NerpError(f"{path} is no RT structure set, or it is damaged; export it again.") from error
    if not found:
        raise NerpError(f"{path} names no structure; export it again.")
    for frame in {frame for _, frame, _ in found}:
        check_frame(path, frame, like)
    items = named_structures((number, label) for number, (label, _, _) in enumerate(found, start=1))
    if any(contours for _, _, contours in found) and not any(_reaches(c, like) for _, _, c in found):
        raise NerpError(
            f"{path.name} and the CT {like.name} do not overlap: no contour lies on the CT; "
            "are both of one patient and one examination?"
        )
    masks = LazyMasks(items, lambda item: filled(found[item.value - 1][2], like, item.name))
    return Structures.from_masks(masks, like.ras_from_ijk)


def filled(contours: list[np.ndarray], like: Volume, name: str) -> np.ndarray:
    """The voxels whose centres lie within contours, boolean ``[K, J, I]``.

    Contours of one plane are joined by exclusive or, so that one inside another is a hole. Each slice of the
    CT takes the nearest plane of contours that is not farther than half their distance.

    Args:
        contours: points ``[n, 3]`` each, RAS mm.
        like: the CT.
        name: names the structure in the error.

    Raises:
        NerpError: contours lie in no family of the CT's slices.
    """
    ijk_from_ras = np.linalg.inv(like.ras_from_ijk)
    placed = [transform_points(ijk_from_ras, points) for points in contours]
    mask = np.zeros(like.shape, bool)
    if not placed:
        return mask
    thickness = [max(float(np.ptp(points[:, axis])) for points in placed) for axis in range(3)]
    axis = int(np.argmin(thickness))
    if thickness[axis] > FLAT:
        raise NerpError(
            f"The contours of {name} lie oblique to the slices of {like.name}; "
            "give the CT they were drawn on."
        )
    planes: dict[float, list[np.ndarray]] = defaultdict(list)
    across = [a for a in range(3) if a != axis]
    for points in placed:
        planes[round(float(points[:, axis].mean()), 2)].append(points[:, across])
    at = np.array(sorted(planes))
    widest = REACH_MM / float(np.linalg.norm(like.ras_from_ijk[:3, axis]))
    reach = max(0.5, min(float(np.diff(at).min()) / 2, widest)) if len(at) > 1 else 0.5
    sections = np.moveaxis(mask, 2 - axis, 0)
    for number, section in enumerate(sections):
        nearest = at[np.argmin(np.abs(at - number))]
        if abs(nearest - number) <= reach + 0.01:
            section[...] = even_odd(planes[float(nearest)], section.shape)  # type: ignore[arg-type]
    return mask


def even_odd(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centres an odd number of closed polygons encloses, boolean ``[rows, columns]``.

    Each edge crosses rows at known columns; the parity of the crossings to a pixel's left decides.

    Args:
        polygons: ``[n, 2]`` each, (column, row).
        shape: (rows, columns).
    """
    rows, columns = shape
    crossings = np.zeros((rows, columns + 1), np.int32)
    for points in polygons:
        x0, y0 = points.T
        x1, y1 = np.roll(points, -1, axis=0).T
        first = np.clip(np.ceil(np.minimum(y0, y1)), 0, rows).astype(int)
        beyond = np.clip(np.ceil(np.maximum(y0, y1)), 0, rows).astype(int)
        count = beyond - first
        edge = np.repeat(np.arange(len(points)), count)
        row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        x = x0[edge] + (row - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
        np.add.at(crossings, (row, np.clip(np.ceil(x), 0, columns).astype(int)), 1)
    return (np.cumsum(crossings[:, :-1], axis=1) & 1).astype(bool)


def _structures(dataset: Any) -> list[tuple[Label, str, list[np.ndarray]]]:
    """For each structure its label, its frame of reference and its contours in RAS."""
    contours, colors = defaultdict(list), {}
    for roi in dataset.get("ROIContourSequence") or []:
        number = int(roi.ReferencedROINumber)
        if roi.get("ROIDisplayColor"):
            red, green, blue = (int(part) for part in roi.ROIDisplayColor)
            colors[number] = (red, green, blue)
        for contour in roi.get("ContourSequence") or []:
            points = np.array(contour.ContourData, float).reshape(-1, 3) * LPS_SIGNS
            # Points and open lines enclose nothing.
            if str(contour.ContourGeometricType).startswith("CLOSED") and len(points) > 2:
                contours[number].append(points)
    codes = {
        int(item.ReferencedROINumber): code_of(item.get("RTROIIdentificationCodeSequence"))
        for item in dataset.get("RTROIObservationsSequence") or []
    }
    found = []
    for roi in dataset.get("StructureSetROISequence") or []:
        number = int(roi.ROINumber)
        label = Label(str(roi.get("ROIName", "")), colors.get(number), codes.get(number))
        found.append((label, str(roi.get("ReferencedFrameOfReferenceUID", "")), contours[number]))
    return found


def _reaches(contours: list[np.ndarray], like: Volume) -> bool:
    ijk_from_ras = np.linalg.inv(like.ras_from_ijk)
    upper = np.array(like.shape[::-1]) - 0.5
    for points in contours:
        ijk = transform_points(ijk_from_ras, points)
        if ((ijk > -0.5) & (ijk < upper)).all(axis=1).any():
            return True
    return False
