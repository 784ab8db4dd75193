"""The rays of a camera in a volume's index frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..geometry import Camera


@dataclass(frozen=True, eq=False)
class Rays:
    """Rays ``p(t) = origin_ijk + t * direction_ijk``, with t in mm from the focal spot."""

    origin_ijk: np.ndarray
    """``[3]`` focal spot in voxel indices (i, j, k)."""
    direction_ijk: np.ndarray
    """``[rows, columns, 3]`` voxel indices per mm along (i, j, k)."""

    def tile(self, rows: slice) -> Rays:
        """The rays of some picture rows."""
        return Rays(self.origin_ijk, self.direction_ijk[rows])

    def clip(self, lower: np.ndarray | float, upper: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Where each ray enters and leaves the box ``lower <= (i, j, k) <= upper``, not before the focal
        spot.

        Returns:
            t_in, t_out: ``[rows, columns]`` mm; both 0 for a ray that misses.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            a = (lower - self.origin_ijk) / self.direction_ijk
            b = (upper - self.origin_ijk) / self.direction_ijk
        near, far = np.minimum(a, b), np.maximum(a, b)
        # Parallel to a pair of faces: 0/0 is NaN; between the faces the ray is unbounded, else it never
        # enters.
        parallel = self.direction_ijk == 0
        between = (self.origin_ijk >= lower) & (self.origin_ijk <= upper)
        near = np.where(parallel, np.where(between, -np.inf, np.inf), near).max(axis=-1)
        far = np.where(parallel, np.where(between, np.inf, -np.inf), far).min(axis=-1)
        near = np.maximum(near, 0.0)
        hit = far > near
        return np.where(hit, near, 0.0), np.where(hit, far, 0.0)


class View(NamedTuple):
    """What rays need of a camera."""

    ras_from_camera: np.ndarray
    pixel_from_camera: np.ndarray
    rows: int
    columns: int


def ijk_from_pixel(camera: Camera | View, ras_from_ijk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Focal spot ``[3]`` and the matrix ``[3, 3]`` that turns (u, v, 1) into a ray's direction, both in
    indices."""
    ijk_from_camera = np.linalg.inv(ras_from_ijk) @ camera.ras_from_camera
    return ijk_from_camera[:3, 3], ijk_from_camera[:3, :3] @ np.linalg.inv(camera.pixel_from_camera)


def camera_rays(camera: Camera, ras_from_ijk: np.ndarray) -> Rays:
    """The ray of every pixel centre, float64."""
    origin, direction_from_pixel = ijk_from_pixel(camera, ras_from_ijk)
    u, v = np.meshgrid(np.arange(camera.columns, dtype=float), np.arange(camera.rows, dtype=float))
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1)
    length_mm = np.linalg.norm(pixels @ np.linalg.inv(camera.pixel_from_camera).T, axis=-1, keepdims=True)
    return Rays(origin, pixels @ direction_from_pixel.T / length_mm)
