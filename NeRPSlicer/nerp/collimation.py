"""A field about the lungs, as films are cut: their box on the detector and a margin, within what the CT
covers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .errors import NerpError
from .geometry import Camera, HasGeometry, box_corners, transform_points

LUNG_MARGIN = 0.08
"""Kept around the lungs on every side, as a share of their box's longer side; films are cut alike."""
LEAST_SHARE = 0.5
"""A CT that covers less than this share of the field's height and width shows no chest to compare."""
HALVINGS = 40
TOLERANCE_MM = 1e-6


def collimated_to(
    camera: Camera,
    volume: HasGeometry,
    points_ras: np.ndarray,
    factor: float = 1.0,
    film_mm: tuple[float, float] = (430.0, 430.0),
    margin: float = LUNG_MARGIN,
) -> Camera:
    """The same camera with its field about points, off the central ray where they lie so.

    The field is the box of the points' projections with a margin, grown to the picture's proportions. It is
    moved, and if that is not enough reduced, until every ray crosses the CT.

    Args:
        camera: its pose and picture size are kept.
        volume: the CT.
        points_ras: ``[n, 3]``, mm, in front of the focal spot.
        factor: on the field's height and width.
        film_mm: height and width that the field keeps within.
        margin: as a share of the box's longer side.

    Raises:
        NerpError: the points lie outside the CT, the CT covers less than `LEAST_SHARE` of the field, or the
            focal spot is not in front of both.
    """
    on_detector = _on_detector(camera, points_ras)
    lower, upper = on_detector.min(axis=0), on_detector.max(axis=0)
    wide, tall = upper - lower + 2 * margin * (upper - lower).max()
    pixel = factor * max(wide / camera.columns, tall / camera.rows)
    pixel = min(pixel, film_mm[1] / camera.columns, film_mm[0] / camera.rows)
    half = pixel / 2 * np.array([camera.columns, camera.rows])
    normals, limits = _covered(camera, volume)
    reach = np.abs(normals) @ half
    wanted = (lower + upper) / 2
    if (normals @ wanted > limits).any():
        raise NerpError("The lungs lie outside the CT; use labels that belong to it.")
    scale, center = 1.0, _nearest(normals, limits - reach, wanted)
    if center is None:
        low, high = LEAST_SHARE, 1.0
        center = _nearest(normals, limits - low * reach, wanted)
        if center is None:
            raise NerpError(
                f"The CT covers less than {LEAST_SHARE:.0%} of the field about the lungs; use smaller ranges."
            )
        for _ in range(HALVINGS):
            scale = (low + high) / 2
            found = _nearest(normals, limits - scale * reach, wanted)
            low, high, center = (low, scale, center) if found is None else (scale, high, found)
        scale = low
    spacing = float(scale * pixel)
    u, v = (float(mm) / spacing for mm in center * (-1 if camera.mirrored else 1, 1))
    point = ((camera.columns - 1) / 2 - u, (camera.rows - 1) / 2 - v)
    return replace(camera, pixel_spacing_mm=(spacing, spacing), principal_point=point)


def _on_detector(camera: Camera, points_ras: np.ndarray) -> np.ndarray:
    """``[n, 2]``: x and y in the camera frame where the points' shadows fall, mm."""
    x_y_z = transform_points(camera.camera_from_ras, points_ras)
    if not (x_y_z[:, 2] > 0).all():
        raise NerpError("The X-ray source stands beside the CT; choose a longer source-to-image distance.")
    return camera.source_to_image_mm * x_y_z[:, :2] / x_y_z[:, 2:]


def _covered(camera: Camera, volume: HasGeometry) -> tuple[np.ndarray, np.ndarray]:
    """The part of the detector whose rays cross the CT: points with ``normals @ point <= limits``."""
    faces = np.array([[-0.5] * 3, np.array(volume.shape[::-1]) - 0.5])
    corners = _on_detector(camera, transform_points(volume.ras_from_ijk, box_corners(faces)))
    first, second = np.nonzero(~np.eye(len(corners), dtype=bool))
    along = corners[second] - corners[first]
    length = np.linalg.norm(along, axis=1)
    kept = length > TOLERANCE_MM
    normals = np.column_stack([along[:, 1], -along[:, 0]])[kept] / length[kept, None]
    limits = (normals * corners[first[kept]]).sum(axis=1)
    # An edge of the shadow has the whole shadow on one side.
    edges = (corners @ normals.T <= limits + TOLERANCE_MM).all(axis=0)
    return normals[edges], limits[edges]


def _nearest(normals: np.ndarray, limits: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """The point of ``normals @ point <= limits`` that is nearest to ``wanted``; None where there is none."""
    beyond = wanted + (limits - normals @ wanted)[:, None] * normals
    pairs = np.array([(a, b) for a in range(len(normals)) for b in range(a)])
    crossing = np.linalg.det(normals[pairs])
    pairs = pairs[np.abs(crossing) > 1e-9]
    vertices = np.linalg.solve(normals[pairs], limits[pairs][..., None])[..., 0]
    candidates = np.concatenate([wanted[None], beyond, vertices])
    inside = (candidates @ normals.T <= limits + TOLERANCE_MM).all(axis=1)
    if not inside.any():
        return None
    candidates = candidates[inside]
    return candidates[np.linalg.norm(candidates - wanted, axis=1).argmin()]
