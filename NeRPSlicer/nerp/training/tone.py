"""Pictures as the Discriminator sees them: from black to white, then through the tone curve."""

from __future__ import annotations

import torch

from ..display import thick_window
from ..networks.tone import ToneCurve


def windows(fixed: torch.Tensor, opacity: torch.Tensor) -> torch.Tensor:
    """Black and white of pictures by the fixed radiance's of the same cameras ``[V, rows, columns]`` and
    their accumulated opacity, as displays have it (`nerp.display.thick_window`): ``[V, 2]``.

    A Mapper that could move its pictures' own would darken some corner to brighten all the rest.
    """
    pairs = zip(fixed.cpu().numpy(), opacity.cpu().numpy(), strict=True)
    return torch.tensor([thick_window(*pair) for pair in pairs], dtype=fixed.dtype, device=fixed.device)


def shown(pictures: torch.Tensor, window: torch.Tensor, tone: torch.Tensor | None = None) -> torch.Tensor:
    """Pictures ``[V, rows, columns]`` in [0, 1], with gradients.

    Args:
        window: black and white of each, ``[V, 2]``.
        tone: the curve at its knots; None leaves the picture as it is between them.
    """
    low, high = window[:, 0, None, None], window[:, 1, None, None]
    share = ((pictures - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    if tone is None:
        return share
    place = share * (len(tone) - 1)
    knot = place.detach().floor().clamp(max=len(tone) - 2).long()
    return torch.lerp(tone[knot], tone[knot + 1], place - knot)


def knots(curve: ToneCurve, device: torch.device | str = "cpu") -> torch.Tensor:
    """A curve as `shown` takes it."""
    return torch.tensor(curve.grey, device=device)
