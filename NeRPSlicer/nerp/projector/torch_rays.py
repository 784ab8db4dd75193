"""Rays computed by torch from the camera's matrices, so that gradients reach pose, intrinsics and the
volume's frame, the clipping included."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def clipped_rays(
    frames: Sequence[torch.Tensor], shape: Sequence[int], rows: int, columns: int, samples: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A camera's rays cut in steps through a zero-padded grid, differentiable; see cpu.rays.MarchRays.

    Args:
        frames: ras_from_ijk ``[B, 4, 4]``, ras_from_camera ``[B, V, 4, 4]`` and pixel_from_camera ``[B, V, 3,
            3]``, float64.
        shape: the grid's, [K, J, I].
        rows, columns: picture size.
        samples: samples a ray.

    Returns:
        entry (padded indices) and step ``[B, V, rows, columns, 3]``, step in mm ``[B, V, rows, columns]``, 0
        where the ray misses.
    """
    v, u = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    ras_from_ijk, ras_from_camera, pixel_from_camera = frames
    pixels = torch.stack([u, v, torch.ones_like(u)], dim=-1).to(ras_from_camera)
    in_camera = torch.einsum("bvxy,rcy->bvrcx", torch.linalg.inv(pixel_from_camera), pixels)
    in_camera = in_camera / in_camera.norm(dim=-1, keepdim=True)
    ijk_from_camera = torch.linalg.inv(ras_from_ijk)[:, None] @ ras_from_camera
    direction = torch.einsum("bvxy,bvrcy->bvrcx", ijk_from_camera[..., :3, :3], in_camera)
    origin = ijk_from_camera[:, :, None, None, :3, 3]
    upper = torch.tensor(shape[::-1]).to(ras_from_camera)
    parallel = direction == 0
    safe = torch.where(parallel, torch.ones_like(direction), direction)
    one, other = (-1 - origin) / safe, (upper - origin) / safe
    between = (origin >= -1) & (origin <= upper)
    infinite = torch.full_like(safe, torch.inf)
    near = torch.where(parallel, torch.where(between, -infinite, infinite), torch.minimum(one, other))
    far = torch.where(parallel, torch.where(between, infinite, -infinite), torch.maximum(one, other))
    t_in, t_out = near.amax(dim=-1).clamp(min=0), far.amin(dim=-1)
    hit = t_out > t_in
    t_in, t_out = torch.where(hit, t_in, 0.0), torch.where(hit, t_out, 0.0)
    step_mm = (t_out - t_in) / samples
    return origin + 1 + t_in[..., None] * direction, step_mm[..., None] * direction, step_mm
