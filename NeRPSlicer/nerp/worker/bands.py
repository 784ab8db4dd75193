"""A large picture drawn band by band, so that it can be given up between two bands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..geometry import Camera
from ..projector import Radiograph, project
from ..radiance import Fields
from ..structures import Structures
from ..volume import Volume
from .drawing import has_numba

BAND_PIXELS, SLOW_BAND_PIXELS = 1 << 15, 1 << 12
"""About what is drawn within a quarter of a second, with and without Numba."""
ROWS = 8
"""Bands are as high as a multiple of this, the share of one thread."""


def project_in_bands(
    check: Callable[[], None],
    source: Volume | Fields,
    camera: Camera,
    method: str,
    samples: int,
    structures: Structures | None,
    window_hu: tuple[float, float] | None,
) -> Radiograph:
    """The same as `project` to the last bits of float32, which a band's own rays round otherwise.

    Args:
        check: called before each band; what it raises ends the picture.
    """
    pixels = BAND_PIXELS if has_numba() else SLOW_BAND_PIXELS
    height = max(1, round(pixels / camera.columns / ROWS)) * ROWS
    parts = []
    for first in range(0, camera.rows, height):
        check()
        band = camera if height >= camera.rows else _rows_of(camera, first, min(height, camera.rows - first))
        parts.append(project(source, band, method, samples, structures, window_hu))
    return parts[0] if len(parts) == 1 else _joined(parts, camera)


def _rows_of(camera: Camera, first: int, count: int) -> Camera:
    u0, v0 = camera.principal_point  # type: ignore[misc]
    return replace(camera, rows=count, principal_point=(u0, v0 - first))


def _joined(parts: list[Radiograph], camera: Camera) -> Radiograph:
    opacity = [part.opacity for part in parts if part.opacity is not None]
    return replace(
        parts[0],
        image=np.concatenate([part.image for part in parts]),
        camera=camera,
        opacity=np.concatenate(opacity) if opacity else None,
        path_length={
            name: np.concatenate([part.path_length[name] for part in parts]) for name in parts[0].path_length
        },
    )
