"""Random changes of pictures that gradients pass (Zhao et al. 2020): few films must not be learnt by heart.

Real and drawn pictures are treated alike. Nothing is mirrored: the heart lies on the left.
"""

from __future__ import annotations

import torch
from torch.nn.functional import affine_grid, grid_sample

BRIGHTNESS, CONTRAST, SHIFT, ZOOM = 0.05, 0.1, 0.05, 0.05
NOISE = 0.05
"""Standard deviation: a Mapper on a coarse grid cannot draw grain, and must not be judged by it."""


def augmented(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Pictures ``[B, 1, rows, columns]``, each brightened, shifted, zoomed and with noise."""
    count, _, rows, columns = pictures.shape

    def drawn(*shape: int) -> torch.Tensor:
        """Uniform in [-1, 1]."""
        return (2 * torch.rand(count, *shape, generator=generator) - 1).to(pictures.device)

    pictures = (pictures - 0.5) * (1 + CONTRAST * drawn(1, 1, 1)) + 0.5 + BRIGHTNESS * drawn(1, 1, 1)
    place = torch.zeros(count, 2, 3, device=pictures.device)
    place[:, 0, 0] = place[:, 1, 1] = 1 + ZOOM * drawn()
    place[:, :, 2] = 2 * SHIFT * drawn(2)
    grid = affine_grid(place, [count, 1, rows, columns], align_corners=False)
    pictures = grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    noise = torch.randn(pictures.shape, generator=generator).to(pictures.device)
    return pictures + NOISE * noise
