"""From a CT or fields and a camera to a radiograph."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType

import numpy as np

from ..errors import NerpError
from ..geometry import Camera
from ..radiance import OPACITY_RATIO, Fields
from ..settings import LEARNED, METHODS
from ..structures import Structures
from ..volume import AIR_HU, Volume
from .prepared import (
    Grid,
    attenuation,
    fixed_fields,
    halved_fields,
    halved_grid,
    hu_above_air,
    normalized,
    windowed,
)
from .radiograph import Radiograph

__all__ = ["METHODS", "Radiograph", "backend_name", "project"]

MIDA_WINDOW_HU = (-150.0, 850.0)
MIDA_OPACITY_PER_MM = 0.1
"""Dense enough for a maximum to show itself: at a fifth of it, a small dense spot behind much soft tissue
takes away more light than it brings, and calcifications are drawn as dark blotches."""


def project(
    source: Volume | Fields,
    camera: Camera,
    method: str | None = None,
    samples: int = 512,
    structures: Structures | None = None,
    window_hu: tuple[float, float] | None = None,
    preview: bool = False,
) -> Radiograph:
    """Draw a radiograph.

    Args:
        source: a CT, or fields (emission-absorption; ``method`` then only names the picture, "vrr" by
            default).
        camera: where source and detector stand.
        method: one of `METHODS` for a CT, default "drr".
        samples: samples a ray; "drr" is exact and ignores it.
        structures: project these too, exactly, with the same camera.
        window_hu: (lower, upper) that "aip" and "mip" clip HU to first; "mida" maps it to [0, 1].
        preview: draw quickly while the camera moves: half the rows, columns and samples, of the source at
            half its resolution (structures keep theirs). The picture's own camera says its size.

    Raises:
        NerpError: unknown method, no samples, an empty window, or the X-ray source inside the body.
    """
    if samples < 1:
        raise NerpError(f"A ray needs at least one sample, not {samples}.")
    if window_hu is not None and not window_hu[0] < window_hu[1]:
        raise NerpError(f"A window is a lower and an upper HU, not {window_hu}.")
    if source.body_box is not None:
        lower, upper = source.body_box
        if ((camera.focal_spot_ras > lower) & (camera.focal_spot_ras < upper)).all():
            raise NerpError(
                "The X-ray source lies inside the body; increase the source-to-isocentre distance."
            )
    if preview:
        camera = camera.resized(-(-camera.rows // 2), -(-camera.columns // 2))
        samples = -(-samples // 2)
    backend = _backend()
    accumulated = None
    method = method or (LEARNED if isinstance(source, Fields) else "drr")
    if isinstance(source, Fields) or method == "fixed":
        fields = source if isinstance(source, Fields) else fixed_fields(source, OPACITY_RATIO)
        fields = halved_fields(fields) if preview else fields
        image, accumulated = backend.emission_absorption(fields, camera, samples)
    else:
        grid, picture = _of_a_volume(backend, source, method, window_hu)
        image = picture(halved_grid(grid) if preview else grid, camera, samples)
    lengths = {}
    if structures is not None:
        lengths = dict(zip(structures.names, backend.exact_lengths(structures, camera), strict=True))
    return Radiograph(image, camera, method, None if method == "drr" else samples, accumulated, lengths)


def _of_a_volume(
    backend: ModuleType, volume: Volume, method: str, window_hu: tuple[float, float] | None
) -> tuple[Grid, Callable[[Grid, Camera, int], np.ndarray]]:
    """The field that a method looks at, and how."""
    if method == "drr":
        return attenuation(volume), lambda grid, camera, _: backend.exact_integral(grid, camera)
    if method == "drr-sampled":
        return attenuation(volume), backend.sampled_integral
    if method in ("aip", "mip"):
        fold = backend.sampled_mean if method == "aip" else backend.sampled_maximum
        grid = windowed(volume, *window_hu) if window_hu else hu_above_air(volume)
        return grid, lambda *call: fold(*call) + np.float32(AIR_HU)
    if method == "mida":
        grid = normalized(volume, *(window_hu or MIDA_WINDOW_HU))
        return grid, lambda grid, *call: backend.mida(grid, MIDA_OPACITY_PER_MM, *call)
    if method == LEARNED:
        raise NerpError("The method vrr draws the fields of a trained model: project(model(ct), camera).")
    raise NerpError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")


def _backend() -> ModuleType:
    if importlib.util.find_spec("numba") is None:
        from . import portable

        return portable
    from . import cpu

    return cpu


def backend_name() -> str:
    """What pictures are drawn by, for people."""
    return _backend().NAME
