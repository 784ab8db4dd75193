"""A little patient and little models for tests of drawing with a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nerp import Volume
from nerp.networks.model import RadianceModel
from nerp.networks.tone import ToneCurve

TONE = ToneCurve((0.0, 0.1, 0.9, 1.0))


def patient(name: str = "ct") -> Volume:
    """A trunk of 20 x 24 x 28 voxels with two lungs, a spine, and a couch that is not the body."""
    k, j, i = np.ogrid[:20, :24, :28]
    hu = np.full((20, 24, 28), -1000, np.int16)
    trunk = ((j - 11) / 9) ** 2 + ((i - 13.5) / 12) ** 2 + 0 * k < 1
    hu[trunk] = 40
    for side in (8, 19):
        hu[((k - 10) / 9) ** 2 + ((j - 10) / 6) ** 2 + ((i - side) / 4.5) ** 2 < 1] = -850
    hu[((j - 17) / 2.2) ** 2 + ((i - 13.5) / 2.2) ** 2 + 0 * k < 1] = 700
    hu[:, 22:, 2:26] = 300
    return Volume(hu, np.diag([-12.0, -12.0, 14.0, 1.0]), trunk, name)


def learned(folder: Path, *, changed: float = 0.3, name: str = "little", seed: int = 3) -> Path:
    """A model with a slim Mapper on 24 mm, its head away from zero by about ``changed``.

    Returns:
        its folder.
    """
    import torch
    from nerp.networks.mapper import Mapper

    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        mapper = Mapper("slim").eval()
        if changed:
            for parameter in mapper.head.parameters():
                torch.nn.init.normal_(parameter, std=changed)
    RadianceModel(mapper, "slim", 24.0, 100.0, TONE, {"name": name, "data": "none"}).save(folder)
    return folder


def tone_only(folder: Path, name: str = "film look") -> Path:
    """A model that is a tone curve alone; its folder."""
    RadianceModel(None, None, 8.0, 100.0, TONE, {"name": name}).save(folder)
    return folder
