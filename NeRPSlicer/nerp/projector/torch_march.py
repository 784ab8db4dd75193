"""The sampled pictures in plain torch: on any device, differentiable, and the test oracle in float64.

Rows are worked on in tiles that the backward pass computes again, so that memory is that of one tile.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.checkpoint import checkpoint

TILE_SAMPLES = 1 << 20
"""Samples worked on together, at some hundred bytes each."""


def march(
    kind: str, fields: Sequence[torch.Tensor], rays: Sequence[torch.Tensor], samples: int
) -> tuple[torch.Tensor, ...]:
    """Pictures of one volume.

    Args:
        kind: "emission_absorption" (fields: matter, opacity; pictures: light, accumulated opacity) or
            "sampled_integral" (one field, one picture); see `nerp.projector.reference`.
        fields: ``[D, H, W]`` each.
        rays: entry and step ``[..., rows, columns, 3]`` in padded indices, step in mm ``[..., rows,
            columns]``; of any floating type.
        samples: samples a ray.

    Returns:
        ``[..., rows, columns]`` each, of the fields' type.
    """
    fold = {"emission_absorption": _emission_absorption, "sampled_integral": _sampled_integral}[kind]
    stacked = torch.stack(tuple(fields))[None]
    entry, step, step_mm = rays
    flat = entry.flatten(0, -2), step.flatten(0, -2), step_mm.flatten()
    size = max(1, TILE_SAMPLES // samples)
    tiles = [
        checkpoint(fold, stacked, *tile, samples, use_reentrant=False, preserve_rng_state=False)
        for tile in zip(*(ray.split(size) for ray in flat), strict=True)
    ]
    return tuple(torch.cat(parts).reshape(step_mm.shape) for parts in zip(*tiles, strict=True))


def _sample(
    fields: torch.Tensor, entry: torch.Tensor, step: torch.Tensor, samples: int
) -> tuple[torch.Tensor, ...]:
    """Each field of ``[1, fields, D, H, W]`` at the midpoints of every ray: ``[rays, samples]``."""
    number = torch.arange(samples, dtype=entry.dtype, device=entry.device)[:, None] + 0.5
    points = entry[:, None] + number * step[:, None] - 1
    size = torch.tensor(fields.shape[:1:-1], dtype=entry.dtype, device=entry.device)
    grid = ((2 * points + 1) / size - 1).to(fields.dtype)
    return torch.nn.functional.grid_sample(fields, grid[None, None], align_corners=False)[0, :, 0].unbind()


def _emission_absorption(fields, entry, step, step_mm, samples):  # type: ignore[no-untyped-def]
    matter, opacity = _sample(fields, entry, step, samples)
    depth = torch.cumsum(opacity * step_mm[:, None].to(opacity.dtype), -1)
    remaining = torch.exp(-torch.nn.functional.pad(depth, (1, 0)))
    return (-torch.diff(remaining, dim=-1) * matter).sum(-1), -torch.expm1(-depth[:, -1])


def _sampled_integral(values, entry, step, step_mm, samples):  # type: ignore[no-untyped-def]
    (values,) = _sample(values, entry, step, samples)
    return (values.sum(-1) * step_mm.to(values.dtype),)
