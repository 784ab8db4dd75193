"""The CPU kernels as torch functions with their exact adjoints, differentiable once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ..bricks import occupied_bricks
from ..rays import View
from ..threads import bands, for_each_band
from ..torch_rays import clipped_rays
from .backward import emission_absorption_gradient_band, rows_apart, sampled_integral_gradient_band
from .march import SUM, emission_absorption_band, interleaved, scalar_band
from .rays import MarchRays


class _Kernels(NamedTuple):
    """A march and its adjoint."""

    pictures: int
    """How many it draws."""
    layout: Callable[..., np.ndarray]
    """The fields as the kernels read them, zero-padded."""
    forward: Callable[..., None]
    backward: Callable[..., None]


def _sum_band(padded: np.ndarray, bricks: np.ndarray, *rest: Any) -> None:
    *rays, samples, first, end, image = rest
    scalar_band(SUM, padded, bricks, *rays, 0.0, samples, first, end, image)


_KERNELS = {
    "emission_absorption": _Kernels(
        2, interleaved, emission_absorption_band, emission_absorption_gradient_band
    ),
    "sampled_integral": _Kernels(
        1, lambda values: np.pad(values, 1), _sum_band, sampled_integral_gradient_band
    ),
}


def march(
    kind: str,
    fields: Sequence[torch.Tensor],
    frames: Sequence[torch.Tensor],
    rows: int,
    columns: int,
    samples: int,
) -> tuple[torch.Tensor, ...]:
    """Pictures of one volume from several views, float32 ``[V, rows, columns]`` each.

    Args:
        kind: as in `torch_march.march`.
        fields: float32 ``[D, H, W]`` each.
        frames: ras_from_ijk ``[4, 4]``, ras_from_camera ``[V, 4, 4]`` and pixel_from_camera ``[V, 3, 3]``,
            float64.
        rows, columns: picture size.
        samples: samples a ray.
    """
    rays = _Rays.apply(tuple(fields[0].shape), rows, columns, samples, *frames)
    return _March.apply(_KERNELS[kind], samples, [frame.detach().numpy() for frame in frames], *rays, *fields)


class _Rays(torch.autograd.Function):
    """Cameras to rays, see `torch_rays`: found by the kernels, differentiated by torch."""

    @staticmethod
    def forward(
        ctx: Any, shape: tuple[int, ...], rows: int, columns: int, samples: int, *frames: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ras_from_ijk, ras_from_camera, pixel_from_camera = (frame.detach().numpy() for frame in frames)
        arrays = []
        for view in range(len(ras_from_camera)):
            camera = View(ras_from_camera[view], pixel_from_camera[view], rows, columns)
            arrays.append(MarchRays(camera, ras_from_ijk, shape, samples).cut(0, rows))
        ctx.save_for_backward(*frames)
        ctx.sizes = shape, rows, columns, samples
        return tuple(torch.from_numpy(np.stack(views)) for views in zip(*arrays, strict=True))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *ray_gradients: torch.Tensor) -> tuple[Any, ...]:
        with torch.enable_grad():
            frames = [frame[None].detach().requires_grad_() for frame in ctx.saved_tensors]
            rays = clipped_rays(frames, *ctx.sizes)
            gradients = torch.autograd.grad(rays, frames, [gradient[None] for gradient in ray_gradients])
        return (*(None,) * 4, *(gradient[0] for gradient in gradients))


class _March(torch.autograd.Function):
    """Rays and fields to pictures ``[V, rows, columns]``."""

    @staticmethod
    def forward(
        ctx: Any,
        kernels: _Kernels,
        samples: int,
        frames: list[np.ndarray],
        entry: torch.Tensor,
        step: torch.Tensor,
        step_mm: torch.Tensor,
        *fields: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        pictures = tuple(torch.empty(step_mm.shape) for _ in range(kernels.pictures))
        array = kernels.layout(*_arrays(*fields))
        bricks = occupied_bricks(fields[-1].detach().numpy())
        for view in range(step_mm.shape[0]):
            rays = _arrays(entry[view], step[view], step_mm[view])
            outputs = _arrays(*(picture[view] for picture in pictures))

            def band(first: int, end: int, rays: Any = rays, outputs: Any = outputs) -> None:
                kernels.forward(array, bricks, *rays, samples, first, end, *outputs)

            for_each_band(band, bands(step_mm.shape[1]))
        ctx.save_for_backward(entry, step, step_mm, *fields, *pictures)
        ctx.kernels, ctx.samples, ctx.frames, ctx.bricks = kernels, samples, frames, bricks
        return pictures

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *picture_gradients: torch.Tensor) -> tuple[Any, ...]:
        with_rays, with_fields = any(ctx.needs_input_grad[3:6]), any(ctx.needs_input_grad[6:])
        array_gradient, ray_gradients = _march_back(ctx, picture_gradients, with_fields, with_rays)
        count = len(ctx.needs_input_grad) - 6
        return (
            *(None,) * 3,
            *(ray_gradients if with_rays else (None,) * 3),
            *(_fields_of(array_gradient, count) if with_fields else (None,) * count),
        )


def _march_back(
    ctx: Any, picture_gradients: Sequence[torch.Tensor], with_fields: bool, with_rays: bool
) -> tuple[np.ndarray, list[torch.Tensor]]:
    """Gradients to the fields, in the layout of the kernels, and to the rays; of shape 1 if not wanted."""
    kernels, samples, bricks = ctx.kernels, ctx.samples, ctx.bricks
    entry, step, step_mm, *rest = ctx.saved_tensors
    fields, pictures = rest[: -kernels.pictures], rest[-kernels.pictures :]
    # Laid out again rather than kept: between forward and backward only the fields themselves stay, and
    # behind this function there is room for the gradients' own layout.
    array = kernels.layout(*_arrays(*fields))
    array_gradient = np.zeros(array.shape if with_fields else (1,) * array.ndim, np.float32)
    ray_gradients = [torch.empty_like(ray if with_rays else ray[:, :1, :1]) for ray in (entry, step, step_mm)]
    ras_from_ijk, ras_from_camera, pixel_from_camera = ctx.frames
    rows = step_mm.shape[1]
    for view in range(step_mm.shape[0]):
        rays = _arrays(entry[view], step[view], step_mm[view])
        inputs = _arrays(*(picture[view] for picture in (*pictures, *picture_gradients)))
        outputs = _arrays(*(gradient[view] for gradient in ray_gradients))
        wanted = (with_fields, with_rays, array_gradient, *outputs)

        def band(first: int, end: int, rays: Any = rays, rest: Any = (*inputs, *wanted)) -> None:
            kernels.backward(array, bricks, *rays, samples, first, end, *rest)

        # Two bands with a band between them never touch the same voxel, so every other band can run at once
        # and each voxel's sum has one order, whatever the number of threads.
        height = rows_apart(
            ras_from_ijk, ras_from_camera[view], pixel_from_camera[view], rows, rays[0], rays[2]
        )
        pieces = bands(rows, max(height, 4))
        for_each_band(band, pieces[0::2])
        for_each_band(band, pieces[1::2])
    return array_gradient, ray_gradients


def _fields_of(array: np.ndarray, count: int) -> tuple[torch.Tensor, ...]:
    """The fields in a layout of the kernels, contiguous: what torch accumulates without another copy."""
    inside = (array if array.ndim == 4 else array[..., None])[1:-1, 1:-1, 1:-1]
    fields = tuple(np.empty(inside.shape[:3], np.float32) for _ in range(count))

    def band(first: int, end: int) -> None:
        for n, field in enumerate(fields):
            field[first:end] = inside[first:end, ..., n]

    for_each_band(band, bands(len(inside)))
    return tuple(torch.from_numpy(field) for field in fields)


def _arrays(*tensors: torch.Tensor) -> tuple[np.ndarray, ...]:
    """The tensors' memory as C-ordered arrays (a copy where one is not, e.g. an expanded gradient)."""
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)
