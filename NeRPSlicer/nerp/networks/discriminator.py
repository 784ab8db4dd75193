"""The Discriminator: a U-Net that judges a picture as a whole and pixel by pixel (Schönfeld et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate
from torch.nn.utils.parametrizations import spectral_norm


class _Block(nn.Module):
    """Two convolutions beside a 1 x 1 one; every weight has a spectral norm of 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.second = spectral_norm(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.beside = spectral_norm(nn.Conv2d(inputs, outputs, 1))
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.act(self.first(self.act(x)))) + self.beside(x)


class Discriminator(nn.Module):
    """Logits of being real.

    Args:
        widths: channels of each level, from the picture down.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.enter = spectral_norm(nn.Conv2d(1, widths[0], 3, padding=1))
        self.down = nn.ModuleList(map(_Block, widths[:-1], widths[1:]))
        self.up = nn.ModuleList(_Block(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.act = nn.LeakyReLU(0.2)
        self.whole = spectral_norm(nn.Linear(widths[-1], 1))
        self.each = spectral_norm(nn.Conv2d(widths[0], 1, 1))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures ``[B, 1, rows, columns]`` in [0, 1], sides multiples of 2 to the number of levels less
        one, to a logit for each, ``[B]``, and one for each pixel, ``[B, 1, rows, columns]``."""
        x = self.enter(2 * pictures - 1)
        levels = []
        for block in self.down:
            levels.append(x)
            x = avg_pool2d(block(x), 2)
        whole = self.whole(self.act(x).mean(dim=(2, 3))).squeeze(1)
        for block, beside in zip(self.up, reversed(levels), strict=True):
            larger = interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([larger, beside], 1))
        return whole, self.each(self.act(x))
