"""Random variation of labelled pictures: what lies between a drawn radiograph and somebody's film.

Drawn pictures are all alike where films are not: zoom, position, contrast, processing, borders, letters,
opacities. Nothing is mirrored: the heart lies on the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

PERCENTILES = (0.005, 0.995)


@dataclass(frozen=True)
class Variation:
    """How far pictures may be varied; factors are drawn on a logarithmic scale, the rest uniformly."""

    zoom: tuple[float, float] = (0.9, 1.1)
    """Extent of the varied picture in the drawn one: above 1 shows the surroundings."""
    aspect: float = 0.05
    """Logarithm of the greatest stretch of rows against columns."""
    turn_degrees: float = 5.0
    shift: float = 0.05
    """Share of the picture's side."""
    bend: float = 0.01
    """Greatest smooth displacement, share of the picture's side."""
    gamma: float = 0.3
    """Logarithm of the greatest exponent of grey levels."""
    burnt: float = 0.0
    """Greatest share of the grey scale, from white down, that turns white."""
    shading: float = 0.05
    """Greatest smooth change of grey levels."""
    sharpening: float = 0.5
    """Greatest weight of local contrast that is added."""
    haze: float = 0.0
    """Greatest weight of local contrast that is taken away, as much soft tissue does."""
    noise: float = 0.03
    """Greatest standard deviation."""
    opacity: float = 0.0
    """Greatest brightness of a smooth spot."""
    borders: float = 0.0
    """Probability of a frame, of letters and of a blank edge, each."""


FILM = Variation((0.75, 1.6), 0.2, 8.0, 0.1, 0.03, 0.8, 0.4, 0.2, 2.0, 0.7, 0.05, 0.35, 0.4)
"""Any film, as it comes."""
CROPPED = Variation()
"""A film cut to its lungs."""


def varied(
    pictures: torch.Tensor, masks: torch.Tensor, size: int, variation: Variation, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each picture and its mask varied, anew for each of the batch.

    Args:
        pictures: ``[B, 1, rows, columns]`` in [0, 1].
        masks: the same shape, 0 or 1.
        size: rows and columns of the result.
        variation: how far.
        generator: decides all.

    Returns:
        pictures ``[B, 1, size, size]`` in [0, 1] and masks, 0 or 1.
    """
    draw = _Draw(len(pictures), generator)
    grid = _grid(draw, size, variation)
    black = draw.chance(0.5)
    shown = grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    inside = grid_sample(torch.ones_like(pictures), grid, align_corners=False)
    shown = torch.where(black, shown * inside, shown)
    masks = (grid_sample(masks, grid, align_corners=False) >= 0.5).float()
    shown = _spotted(draw, shown, variation)
    shown = shown + variation.shading * draw.smooth(3, size)
    shown = normalized(shown) ** draw.factor(variation.gamma)
    shown = (shown / (1 - variation.burnt * draw.uniform(0, 1))).clamp(max=1)
    low = _blurred(shown, size // 6)
    sharper = variation.sharpening * draw.uniform(0, 1)
    hazier = variation.haze * draw.uniform(0, 1)
    shown = shown + torch.where(draw.chance(0.5), sharper, -hazier) * (shown - low)
    shown = torch.where(draw.chance(0.3), _blurred(shown, 3), shown)
    shown = shown + variation.noise * draw.uniform(0, 1) * draw.normal(size)
    shown, seen = _framed(draw, normalized(shown), variation.borders)
    return normalized(shown), masks * seen


def normalized(pictures: torch.Tensor) -> torch.Tensor:
    """Each picture from its 0.5th to its 99.5th percentile as [0, 1]."""
    low, high = (torch.quantile(pictures.flatten(1), p, dim=1)[:, None, None, None] for p in PERCENTILES)
    return ((pictures - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)


class _Draw:
    """Random numbers for each picture of a batch, ``[B, 1, 1, 1]`` unless said otherwise."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def uniform(self, low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(self.count, 1, 1, 1, generator=self.generator)

    def factor(self, logarithm: float) -> torch.Tensor:
        return self.uniform(-logarithm, logarithm).exp()

    def chance(self, probability: float) -> torch.Tensor:
        return self.uniform(0, 1) < probability

    def normal(self, size: int) -> torch.Tensor:
        """``[B, 1, size, size]``."""
        return torch.randn(self.count, 1, size, size, generator=self.generator)

    def smooth(self, knots: int, size: int, channels: int = 1) -> torch.Tensor:
        """``[B, channels, size, size]``, about [-1, 1]."""
        coarse = 2 * torch.rand(self.count, channels, knots, knots, generator=self.generator) - 1
        return interpolate(coarse, (size, size), mode="bicubic", align_corners=True)


def _grid(draw: _Draw, size: int, variation: Variation) -> torch.Tensor:
    low, high = variation.zoom
    zoom = (draw.uniform(0, 1) * (torch.tensor(high / low)).log()).exp() * low
    stretch = draw.factor(variation.aspect / 2)
    turn = draw.uniform(-1, 1) * variation.turn_degrees * torch.pi / 180
    right, down = (draw.uniform(-2, 2) * variation.shift for _ in range(2))
    place = torch.cat(
        [
            torch.cat([turn.cos() * zoom * stretch, -turn.sin() * zoom, right], 3),
            torch.cat([turn.sin() * zoom, turn.cos() * zoom / stretch, down], 3),
        ],
        2,
    )[:, 0]
    grid = affine_grid(place, [draw.count, 1, size, size], align_corners=False)
    return grid + 2 * variation.bend * draw.smooth(5, size, 2).permute(0, 2, 3, 1)


def _spotted(draw: _Draw, pictures: torch.Tensor, variation: Variation) -> torch.Tensor:
    """Up to three smooth spots, brighter or darker."""
    size = pictures.shape[-1]
    line = torch.linspace(-1, 1, size)
    for _ in range(3):
        u, v = draw.uniform(-0.8, 0.8), draw.uniform(-0.8, 0.8)
        width = draw.uniform(0.08, 0.35)
        away = ((line[None, :] - u) ** 2 + ((line[:, None] - v) / draw.factor(0.5)) ** 2) / width**2
        pictures = pictures + variation.opacity * draw.uniform(-0.3, 1) * torch.exp(-away)
    return pictures


def _framed(draw: _Draw, pictures: torch.Tensor, probability: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A frame, one blank edge and letters, black or white; where no frame or edge hides the picture."""
    size = pictures.shape[-1]
    line = torch.linspace(0, 1, size)
    rows, columns = line[:, None], line[None, :]
    seen = torch.ones_like(pictures)
    for edges in (True, False):
        least = [draw.uniform(0.0, 0.12) for _ in range(4)]
        if not edges:
            wide, which = draw.uniform(0.05, 0.2), draw.uniform(0, 4).long()
            least = [torch.where(which == n, wide, torch.zeros(())) for n in range(4)]
        outside = (rows < least[0]) | (rows > 1 - least[1]) | (columns < least[2]) | (columns > 1 - least[3])
        there = outside & draw.chance(probability)
        pictures = torch.where(there, draw.chance(0.2).float(), pictures)
        seen = seen * ~there
    for _ in range(2):
        top, left = draw.uniform(0, 0.95), draw.uniform(0, 0.95)
        inside = (rows > top) & (rows < top + draw.uniform(0.02, 0.06))
        inside = inside & (columns > left) & (columns < left + draw.uniform(0.02, 0.2))
        pictures = torch.where(inside & draw.chance(probability), draw.chance(0.8).float(), pictures)
    return pictures, seen


def _blurred(pictures: torch.Tensor, width: int) -> torch.Tensor:
    width += 1 - width % 2
    return avg_pool2d(pictures, width, 1, width // 2, count_include_pad=False)
