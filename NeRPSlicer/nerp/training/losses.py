"""What Mapper and Discriminator are told."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, softplus

PATCHES = 8
"""Patches in which `greatest_change` looks: so many side by side, and all places between.

For pictures cut to the lungs one is about 40 mm wide."""

Logits = tuple[torch.Tensor, torch.Tensor]
"""Of a picture as a whole and of its pixels, see `Discriminator`."""


def discriminator_loss(real: Logits, drawn: Logits) -> torch.Tensor:
    """-log D(real) - log(1 - D(drawn)), for pictures and pixels alike.

    The paper's Eq. 3 and 4 print 1 - log D where log(1 - D) is meant.
    """
    return sum(
        (softplus(-a).mean() + softplus(b).mean() for a, b in zip(real, drawn, strict=True)),
        torch.zeros(()),
    )


def mapper_loss(drawn: Logits) -> torch.Tensor:
    """-log D(drawn): the form whose gradient does not vanish where the Discriminator wins."""
    return sum((softplus(-logit).mean() for logit in drawn), torch.zeros(()))


def anatomy_loss(drawn: torch.Tensor, fixed: torch.Tensor, power: int = 1) -> torch.Tensor:
    """Mean power of the absolute difference to the fixed radiance's picture of the same camera; 1 is the
    paper's Eq. 5, higher powers look where the difference is greatest."""
    return (drawn - fixed).abs().pow(power).mean()


def penalty(real: torch.Tensor, logits: Logits) -> torch.Tensor:
    """R1: half the squared gradient of the Discriminator at real pictures (Mescheder et al. 2018).

    Args:
        real: ``[B, 1, rows, columns]``, requires grad.
        logits: of ``real``; a pixel's logit counts as one of a mean.
    """
    score = logits[0].sum() + logits[1].mean(dim=(1, 2, 3)).sum()
    (gradient,) = torch.autograd.grad(score, real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2


def correlation(one: torch.Tensor, other: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of pictures ``[V, rows, columns]`` over the pixels of each that are inside:
    ``[V]``; 1 where neither varies, 0 where one alone does, NaN where nothing is inside."""
    count = inside.sum(dim=(1, 2))

    def centered(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Without its mean, and whether it varies."""
        mean = torch.where(inside, picture, 0).sum(dim=(1, 2)) / count.clamp(min=1)
        apart = torch.where(inside, picture - mean[:, None, None], 0)
        highest = torch.where(inside, picture, -torch.inf).amax(dim=(1, 2))
        lowest = torch.where(inside, picture, torch.inf).amin(dim=(1, 2))
        return apart, highest > lowest

    (a, a_varies), (b, b_varies) = centered(one.double()), centered(other.double())
    norms = a.square().sum(dim=(1, 2)).sqrt() * b.square().sum(dim=(1, 2)).sqrt()
    found = (a * b).sum(dim=(1, 2)) / norms.clamp(min=1e-300)
    found = torch.where(a_varies & b_varies, found, (a_varies == b_varies).double())
    return torch.where(count > 0, found, torch.nan)


def greatest_change(one: torch.Tensor, other: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """The greatest absolute mean difference of a patch of pictures ``[V, rows, columns]``, over the pixels of
    it that are inside, where at least half of them are: ``[V]``; 0 where there is no such patch.

    A correlation is of means: a heart can turn white and leave it above .9.
    """
    size = max(1, one.shape[-1] // PATCHES)
    weight = inside.to(one.dtype)[:, None]
    share = avg_pool2d(weight, size, 1)
    apart = avg_pool2d((one - other)[:, None] * weight, size, 1).abs() / share.clamp(min=1e-6)
    return torch.where(share >= 0.5, apart, 0).flatten(1).amax(dim=1)
