"""The learned radiance: the fixed one with the Mapper's residuals added to its logits (docs/method.md).

    m = sigmoid(logit(m_fixed) + n1)        s = body s_max sigmoid(logit(1/8) + n2)

Zero residuals are the fixed radiance, bounds hold by construction and air stays empty. The residuals come
from a coarse grid and are added on the CT's own: ribs and vessels stay as sharp as the CT.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from ..radiance import FIXED_SHARE, Fields, fixed_matter, max_opacity
from ..volume import Volume
from .mapper import Mapper

FIXED_LOGIT = math.log(FIXED_SHARE / (1 - FIXED_SHARE))
SECTIONS = 16
"""Sections of a CT worked on together."""


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
    """Matter on the CT's grid from fixed matter and its logit's coarse residual, ``[B, 1, ...]`` each:
    volumes or sections."""
    return torch.sigmoid(torch.logit(fixed) + _upsampled(residual, fixed))


def learned_opacity(body: torch.Tensor, residual: torch.Tensor, opacity_ratio: float) -> torch.Tensor:
    """Opacity per mm on the CT's grid from the body (1 inside, 0 outside) and the coarse residual."""
    share = torch.sigmoid(FIXED_LOGIT + _upsampled(residual, body))
    return body * (max_opacity(opacity_ratio) * share)


def _upsampled(residual: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return interpolate(residual, like.shape[2:], mode="trilinear" if like.ndim == 5 else "bilinear")


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


def learned_fields(
    mapper: Mapper,
    volume: Volume,
    mapper_mm: float,
    opacity_ratio: float,
    progress: Callable[[float, str], None] = lambda share, text: None,
) -> Fields:
    """A CT's fields by a trained Mapper, on the CT's own grid.

    Beyond the two fields memory is that of some sections of the CT: a CT may have a hundred million voxels.

    Args:
        mapper: evaluated as it is.
        volume: of any orientation; outside its body opacity is 0.
        mapper_mm, opacity_ratio: see `RadianceModel`.
        progress: called between the Mapper's layers and between sections with the share done; what it raises
            ends the work.
    """
    orientation = Orientation(volume.ras_from_ijk)
    hu, body = orientation.turned(volume.hu), orientation.turned(volume.body)
    fields = np.empty(volume.shape, np.float32), np.empty(volume.shape, np.float32)
    matter, opacity = (orientation.turned(field) for field in fields)
    with torch.inference_mode():
        shape = coarse_shape(hu.shape, orientation.spacing_mm, mapper_mm, mapper.multiple)
        found = _told(
            mapper,
            _coarse_matter(hu, shape),
            lambda share: progress(share / 2, "computing the learned radiance"),
        )
        for part in _sections(len(hu)):
            progress((1 + part.start / len(hu)) / 2, "bringing it to the CT's grid")
            near = _sections_of(found, part, len(hu))
            fixed = _tensor(fixed_matter(hu[part]))
            matter[part] = learned_matter(fixed, near[:, :1])[:, 0].numpy()
            opacity[part] = learned_opacity(_tensor(body[part]), near[:, 1:], opacity_ratio)[:, 0].numpy()
    return Fields(*fields, volume.ras_from_ijk, volume.body_box)


def _coarse_matter(hu: np.ndarray, shape: Sequence[int]) -> torch.Tensor:
    """Fixed matter's means over the Mapper's voxels, ``[1, 1, d, h, w]``: first within sections."""
    depth, height, width = shape
    rows = [
        adaptive_avg_pool2d(_tensor(fixed_matter(hu[part])), (height, width)) for part in _sections(len(hu))
    ]
    return interpolate(torch.cat(rows).transpose(0, 1)[None], (depth, height, width), mode="area")


def _sections_of(found: torch.Tensor, part: slice, count: int) -> torch.Tensor:
    """The coarse residuals ``[1, 2, d, h, w]`` between whose sections some of ``count`` fine ones lie,
    ``[n, 2, h, w]``: what is left of trilinear interpolation is bilinear."""
    depth = found.shape[2]
    number = torch.arange(part.start, part.stop, dtype=torch.float64)
    place = ((number + 0.5) * depth / count - 0.5).clamp(min=0)
    below = place.floor().long().clamp(max=depth - 1)
    share = (place - below).to(found.dtype)[:, None, None, None]
    planes = found[0].transpose(0, 1)
    return torch.lerp(planes[below], planes[(below + 1).clamp(max=depth - 1)], share)


def _sections(count: int) -> list[slice]:
    return [slice(first, min(first + SECTIONS, count)) for first in range(0, count, SECTIONS)]


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Sections ``[n, H, W]`` as ``[n, 1, H, W]``."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))[:, None]


def _told(mapper: Mapper, matter: torch.Tensor, progress: Callable[[float], None]) -> torch.Tensor:
    """The Mapper's residuals; the share of its layers that are done is told after each."""
    layers = [module for module in mapper.modules() if not list(module.children())]
    done = iter(range(1, len(layers) + 1))
    hooks = [
        layer.register_forward_hook(lambda *_: progress(next(done, len(layers)) / len(layers)))
        for layer in layers
    ]
    try:
        progress(0.0)
        return mapper(matter)
    finally:
        for hook in hooks:
            hook.remove()
