"""The Viewer as a differentiable torch function, on the CPU kernels.

The rays (entry, step and step length of every pixel) are computed by torch itself from the camera's
matrices, so that gradients reach pose, intrinsics and the volume's frame, the clipping included; the march
between rays and picture is one function with its exact adjoint.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..errors import NerpError
from .bricks import occupied_bricks
from .cpu.backward import emission_absorption_gradient_band, rows_apart
from .cpu.march import emission_absorption_band, interleaved
from .threads import bands, for_each_band


def project(
    matter: torch.Tensor,
    opacity: torch.Tensor,
    ras_from_ijk: torch.Tensor,
    ras_from_camera: torch.Tensor,
    pixel_from_camera: torch.Tensor,
    rows: int,
    columns: int,
    samples: int = 512,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Emission-absorption pictures of fields (`nerp.projector.reference`), differentiable once.

    Args:
        matter, opacity: float32 ``[B, 1, D, H, W]``; opacity per mm.
        ras_from_ijk: ``[B, 4, 4]``, mm.
        ras_from_camera: ``[B, V, 4, 4]`` rigid.
        pixel_from_camera: ``[B, V, 3, 3]``.
        rows, columns: picture size.
        samples: samples a ray.

    Returns:
        picture and accumulated opacity, float32 ``[B, V, rows, columns]`` each.

    Raises:
        NerpError: shapes that do not fit together, or tensors that are not on the CPU.
    """
    batch = matter.shape[0]
    views = ras_from_camera.shape[1] if ras_from_camera.ndim == 4 else 0
    expected = [
        (matter, (batch, 1, *matter.shape[2:])),
        (opacity, tuple(matter.shape)),
        (ras_from_ijk, (batch, 4, 4)),
        (ras_from_camera, (batch, views, 4, 4)),
        (pixel_from_camera, (batch, views, 3, 3)),
    ]
    if matter.ndim != 5 or any(tuple(tensor.shape) != shape for tensor, shape in expected):
        raise NerpError(
            "Fields are [B, 1, D, H, W], ras_from_ijk [B, 4, 4], ras_from_camera [B, V, 4, 4] and "
            f"pixel_from_camera [B, V, 3, 3], not {[tuple(tensor.shape) for tensor, _ in expected]}."
        )
    if any(tensor.device.type != "cpu" for tensor, _ in expected):
        raise NerpError("These kernels run on the CPU; move the tensors there with .cpu().")
    frames = (ras_from_ijk.double(), ras_from_camera.double(), pixel_from_camera.double())
    shape = tuple(matter.shape[2:])
    entry, step, step_mm = clipped_rays(*frames, shape=shape, rows=rows, columns=columns, samples=samples)
    pictures = [
        _March.apply(
            matter[b, 0],
            opacity[b, 0],
            entry[b],
            step[b],
            step_mm[b],
            samples,
            [frame[b].detach().numpy() for frame in frames],
        )
        for b in range(batch)
    ]
    return torch.stack([image for image, _ in pictures]), torch.stack([alpha for _, alpha in pictures])


def clipped_rays(
    ras_from_ijk: torch.Tensor,
    ras_from_camera: torch.Tensor,
    pixel_from_camera: torch.Tensor,
    shape: tuple[int, ...],
    rows: int,
    columns: int,
    samples: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Entry (padded indices) and step ``[B, V, rows, columns, 3]``, step in mm ``[B, V, rows, columns]``."""
    v, u = torch.meshgrid(
        torch.arange(rows, dtype=torch.float64), torch.arange(columns, dtype=torch.float64), indexing="ij"
    )
    pixels = torch.stack([u, v, torch.ones_like(u)], dim=-1)
    in_camera = torch.einsum("bvxy,rcy->bvrcx", torch.linalg.inv(pixel_from_camera), pixels)
    in_camera = in_camera / in_camera.norm(dim=-1, keepdim=True)
    ijk_from_camera = torch.linalg.inv(ras_from_ijk)[:, None] @ ras_from_camera
    direction = torch.einsum("bvxy,bvrcy->bvrcx", ijk_from_camera[..., :3, :3], in_camera)
    origin = ijk_from_camera[:, :, None, None, :3, 3]
    upper = torch.tensor(shape[::-1], dtype=torch.float64)
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


class _March(torch.autograd.Function):
    """One volume, several views; rays arrive as tensors."""

    @staticmethod
    def forward(
        ctx: Any,
        matter: torch.Tensor,
        opacity: torch.Tensor,
        entry: torch.Tensor,
        step: torch.Tensor,
        step_mm: torch.Tensor,
        samples: int,
        frames: list[np.ndarray],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        image, accumulated = torch.empty((2, *step_mm.shape))
        pairs = _interleaved(matter, opacity)
        bricks = occupied_bricks(opacity.detach().numpy())
        for view in range(step_mm.shape[0]):
            rays = _arrays(entry[view], step[view], step_mm[view])
            outputs = _arrays(image[view], accumulated[view])

            def band(first: int, end: int, rays: Any = rays, outputs: Any = outputs) -> None:
                emission_absorption_band(pairs, bricks, *rays, samples, first, end, *outputs)

            for_each_band(band, bands(step_mm.shape[1]))
        ctx.save_for_backward(matter, opacity, entry, step, step_mm, image, accumulated)
        ctx.samples, ctx.frames = samples, frames
        return image, accumulated

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, image_gradient: torch.Tensor, alpha_gradient: torch.Tensor) -> tuple[Any, ...]:
        matter, opacity, entry, step, step_mm, image, accumulated = ctx.saved_tensors
        with_fields, with_rays = any(ctx.needs_input_grad[:2]), any(ctx.needs_input_grad[2:5])
        # Interleaved again rather than kept: between forward and backward only the fields themselves stay.
        pairs = _interleaved(matter, opacity)
        pair_gradient = np.zeros_like(pairs) if with_fields else np.zeros((1, 1, 1, 2), np.float32)
        ray_gradients = [torch.empty_like(tensor) for tensor in (entry, step, step_mm)]
        ras_from_ijk, ras_from_camera, pixel_from_camera = ctx.frames
        rows = step_mm.shape[1]
        for view in range(step_mm.shape[0]):
            rays = _arrays(entry[view], step[view], step_mm[view])
            pictures = _arrays(image[view], accumulated[view], image_gradient[view], alpha_gradient[view])
            outputs = _arrays(*(gradient[view] for gradient in ray_gradients))
            wanted = (with_fields, with_rays, pair_gradient, *outputs)

            def band(
                first: int, end: int, rays: Any = rays, pictures: Any = pictures, wanted: Any = wanted
            ) -> None:
                emission_absorption_gradient_band(pairs, *rays, ctx.samples, first, end, *pictures, *wanted)

            # Two bands with a band between them never touch the same voxel, so every other band can run at
            # once and each voxel's sum has one order, whatever the number of threads.
            height = rows_apart(
                ras_from_ijk, ras_from_camera[view], pixel_from_camera[view], rows, rays[0], rays[2]
            )
            pieces = bands(rows, max(height, 4))
            for_each_band(band, pieces[0::2])
            for_each_band(band, pieces[1::2])
        inside = torch.from_numpy(pair_gradient)[1:-1, 1:-1, 1:-1]
        fields = (inside[..., 0], inside[..., 1]) if with_fields else (None, None)
        return (*fields, *(ray_gradients if with_rays else (None,) * 3), None, None)


def _interleaved(matter: torch.Tensor, opacity: torch.Tensor) -> np.ndarray:
    fields = (np.ascontiguousarray(field.detach().numpy(), np.float32) for field in (matter, opacity))
    return interleaved(*fields)


def _arrays(*tensors: torch.Tensor) -> tuple[np.ndarray, ...]:
    """The tensors' memory as C-ordered arrays (a copy where one is not, e.g. an expanded gradient)."""
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)
