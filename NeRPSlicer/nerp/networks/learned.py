"""The learned radiance: the fixed one with the Mapper's residuals added to its logits (docs/method.md).

    m = sigmoid(logit(m_fixed) + n1)        s = body s_max sigmoid(logit(1/8) + n2)

Zero residuals are the fixed radiance, bounds hold by construction and air stays empty. The residuals come
from a coarse grid and are added on the CT's own: ribs and vessels stay as sharp as the CT.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import interpolate

from ..radiance import FIXED_SHARE, Fields, fixed_matter, max_opacity
from ..volume import Volume
from .mapper import Mapper

FIXED_LOGIT = math.log(FIXED_SHARE / (1 - FIXED_SHARE))


def coarse_shape(
    shape: Sequence[int], spacing_mm: Sequence[float], mapper_mm: float, multiple: int
) -> tuple[int, ...]:
    """Size of the Mapper's grid over a grid of the same extent: voxels of about ``mapper_mm``, the count
    along each axis a multiple of ``multiple``."""
    return tuple(
        multiple * max(1, round(count * spacing / mapper_mm / multiple))
        for count, spacing in zip(shape, spacing_mm, strict=True)
    )


def residuals(
    mapper: Mapper, matter: torch.Tensor, spacing_mm: Sequence[float], mapper_mm: float
) -> torch.Tensor:
    """Residuals on the Mapper's grid ``[B, 2, d, h, w]`` of fixed matter ``[B, 1, D, H, W]`` whose axes run
    along S, A and R or their opposites, spacing in that order."""
    shape = coarse_shape(matter.shape[2:], spacing_mm, mapper_mm, mapper.multiple)
    return mapper(interpolate(matter, shape, mode="area"))


def learned_matter(fixed: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
    """Matter on the CT's grid from fixed matter and its logit's coarse residual, ``[B, 1, ...]`` each."""
    return torch.sigmoid(torch.logit(fixed) + interpolate(residual, fixed.shape[2:], mode="trilinear"))


def learned_opacity(body: torch.Tensor, residual: torch.Tensor, opacity_ratio: float) -> torch.Tensor:
    """Opacity per mm on the CT's grid from the body (1 inside, 0 outside) and the coarse residual."""
    share = torch.sigmoid(FIXED_LOGIT + interpolate(residual, body.shape[2:], mode="trilinear"))
    return body * (max_opacity(opacity_ratio) * share)


class Orientation:
    """The order and direction of axes that networks see: K to S, J to A, I to R, nearest to the array's own.

    Args:
        ras_from_ijk: ``[4, 4]`` of the array ``[K, J, I]``.
    """

    def __init__(self, ras_from_ijk: np.ndarray) -> None:
        axes = ras_from_ijk[:3, :3] / np.linalg.norm(ras_from_ijk[:3, :3], axis=0)
        # Of the six orders the one that follows R, A, S best: oblique frames have no clash.
        orders = [(a, b, c) for a in range(3) for b in range(3) for c in range(3) if len({a, b, c}) == 3]
        best = max(orders, key=lambda order: sum(abs(axes[ras, order[ras]]) for ras in range(3)))
        self._order = [2 - best[ras] for ras in (2, 1, 0)]
        self._flips = tuple(n for n, ras in enumerate((2, 1, 0)) if axes[ras, best[ras]] < 0)
        self.spacing_mm = tuple(float(np.linalg.norm(ras_from_ijk[:3, best[ras]])) for ras in (2, 1, 0))

    def ijk_from_seen(self, shape: Sequence[int]) -> np.ndarray:
        """``[4, 4]``: indices (i, j, k) in an array of this shape from those in what networks see of it."""
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1
        for seen, own in enumerate(self._order):
            sign = -1.0 if seen in self._flips else 1.0
            matrix[2 - own, 2 - seen] = sign
            matrix[2 - own, 3] = shape[own] - 1 if sign < 0 else 0
        return matrix

    def turned(self, array: np.ndarray) -> np.ndarray:
        """``[K, J, I]`` as networks see it: a view."""
        return np.flip(array.transpose(self._order), self._flips)

    def turned_back(self, array: np.ndarray) -> np.ndarray:
        """What networks see as ``[K, J, I]``: a view."""
        return np.flip(array, self._flips).transpose(np.argsort(self._order))


def learned_fields(mapper: Mapper, volume: Volume, mapper_mm: float, opacity_ratio: float) -> Fields:
    """A CT's fields by a trained Mapper, on the CT's own grid."""
    orientation = Orientation(volume.ras_from_ijk)

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(orientation.turned(array), np.float32))[None, None]

    with torch.inference_mode():
        fixed = tensor(fixed_matter(volume.hu))
        found = residuals(mapper, fixed, orientation.spacing_mm, mapper_mm)
        matter = learned_matter(fixed, found[:, :1])[0, 0].numpy()
        del fixed
        opacity = learned_opacity(tensor(volume.body), found[:, 1:], opacity_ratio)[0, 0].numpy()
    matter, opacity = (np.ascontiguousarray(orientation.turned_back(field)) for field in (matter, opacity))
    return Fields(matter, opacity, volume.ras_from_ijk, volume.body_box)
