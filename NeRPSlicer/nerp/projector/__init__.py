"""From a CT or fields and a camera to a radiograph."""

from __future__ import annotations

import numpy as np

from ..errors import NerpError
from ..geometry import Camera
from ..radiance import Fields, fixed_radiance
from ..structures import Structures
from ..volume import AIR_HU, Volume
from .prepared import Grid, attenuation, hu_above_air, once_per_object
from .radiograph import Radiograph

__all__ = ["METHODS", "Radiograph", "project"]

METHODS = ("fixed", "drr", "drr-sampled", "aip", "mip", "mida")
"""What `project` draws of a Volume; Fields are always drawn by emission and absorption."""

MIDA_WINDOW_HU = (-1000.0, 1000.0)
MIDA_OPACITY_PER_MM = 0.02

_fixed_fields = once_per_object(fixed_radiance)


def project(
    source: Volume | Fields,
    camera: Camera,
    method: str | None = None,
    samples: int = 512,
    structures: Structures | None = None,
    window_hu: tuple[float, float] | None = None,
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

    Raises:
        NerpError: unknown method, no samples, or the X-ray source inside the body.
    """
    if samples < 1:
        raise NerpError(f"A ray needs at least one sample, not {samples}.")
    if source.body_box is not None:
        lower, upper = source.body_box
        if ((camera.focal_spot_ras > lower) & (camera.focal_spot_ras < upper)).all():
            raise NerpError(
                "The X-ray source lies inside the body; increase the source-to-isocentre distance."
            )
    backend = _backend()
    accumulated = None
    if isinstance(source, Fields):
        method = method or "vrr"
        image, accumulated = backend.emission_absorption(source, camera, samples)
    else:
        method = method or "drr"
        if method == "fixed":
            image, accumulated = backend.emission_absorption(_fixed_fields(source), camera, samples)
        elif method == "drr":
            image = backend.exact_integral(attenuation(source), camera)
        elif method == "drr-sampled":
            image = backend.sampled_integral(attenuation(source), camera, samples)
        elif method == "aip":
            image = backend.sampled_mean(_windowed(source, window_hu), camera, samples) + np.float32(AIR_HU)
        elif method == "mip":
            image = backend.sampled_maximum(_windowed(source, window_hu), camera, samples) + np.float32(
                AIR_HU
            )
        elif method == "mida":
            low, high = window_hu or MIDA_WINDOW_HU
            hu = hu_above_air(source).values + np.float32(AIR_HU)
            shown = np.where(source.body, np.clip((hu - low) / (high - low), 0, 1), 0).astype(np.float32)
            image = backend.mida(Grid(shown, source.ras_from_ijk), MIDA_OPACITY_PER_MM, camera, samples)
        else:
            raise NerpError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    lengths = {}
    if structures is not None:
        combinations = backend.exact_lengths(structures, camera)
        for item, members in zip(structures, structures.membership.T, strict=True):
            chosen = np.flatnonzero(members)
            lengths[item.name] = (
                combinations[chosen[0]] if chosen.size == 1 else combinations[chosen].sum(axis=0)
            )
    return Radiograph(image, camera, method, None if method == "drr" else samples, accumulated, lengths)


def _windowed(volume: Volume, window_hu: tuple[float, float] | None) -> Grid:
    grid = hu_above_air(volume)
    if window_hu is None:
        return grid
    low, high = (np.float32(bound - AIR_HU) for bound in window_hu)
    return Grid(
        np.where(volume.body, np.clip(grid.values, low, high), 0).astype(np.float32), grid.ras_from_ijk
    )


def _backend():  # type: ignore[no-untyped-def]
    try:
        import numba  # noqa: F401
    except ImportError:
        from . import portable

        return portable
    from . import cpu

    return cpu
