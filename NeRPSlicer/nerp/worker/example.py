"""What [Load example] loads: a digital thorax, and a film of another person."""

from __future__ import annotations

import numpy as np

from ..display import display_of
from ..geometry import Camera
from ..phantom import thorax
from ..projector import project

PHOTONS = 3e4
"""Quanta a pixel in front of the patient: few remain behind the spine, which makes a film grainy there."""
BLUR_PIXELS = 0.6


def example_film(seed: int, rows: int, columns: int, spacing_mm: float) -> tuple[np.ndarray, Camera]:
    """A PA radiograph with film curve, grain and blur, of a thorax of its own: a stand-in for a real one.

    Returns:
        grey levels ``[rows, columns]`` uint16, bone bright, and its camera.
    """
    from scipy.ndimage import gaussian_filter

    volume, _ = thorax(seed, spacing_mm)
    camera = Camera.preset("PA", volume, rows, columns)
    picture = project(volume, camera, "drr")
    quanta = np.random.default_rng(seed).poisson(PHOTONS * np.exp(-picture.image.astype(np.float64)))
    noisy = -np.log(np.maximum(gaussian_filter(quanta.astype(np.float64), BLUR_PIXELS), 1) / PHOTONS)
    return display_of(picture).grey(noisy, bits=16), camera
