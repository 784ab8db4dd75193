"""Pictures as the Discriminator sees them: normalized, then through the tone curve, with gradients."""

from __future__ import annotations

import torch

from ..display import PERCENTILES
from ..networks.tone import ToneCurve


def shown(
    pictures: torch.Tensor, tone: torch.Tensor | None, scale: torch.Tensor | None = None
) -> torch.Tensor:
    """Pictures ``[V, rows, columns]`` in [0, 1], see `networks.tone`.

    Args:
        tone: the curve at its knots; None leaves the normalized picture.
        scale: pictures whose percentiles become black and white, the fixed radiance's of the same cameras: a
            Mapper that may move its own would darken some corner to brighten all the rest. None is the
            pictures themselves.
    """
    scale = pictures if scale is None else scale
    low, high = (
        torch.quantile(scale.flatten(1), percentile / 100, dim=1)[:, None, None] for percentile in PERCENTILES
    )
    share = ((pictures - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    if tone is None:
        return share
    place = share * (len(tone) - 1)
    knot = place.detach().floor().clamp(max=len(tone) - 2).long()
    return torch.lerp(tone[knot], tone[knot + 1], place - knot)


def knots(curve: ToneCurve, device: torch.device | str = "cpu") -> torch.Tensor:
    """A curve as `shown` takes it."""
    return torch.tensor(curve.grey, device=device)
