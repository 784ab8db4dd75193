"""The Viewer and the line integral as differentiable torch functions.

For float32 on a CPU they run on the Numba kernels with their exact adjoints, `cpu.functions`; for other
devices, for float64 and without Numba they are plain torch, `torch_march`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import torch

from ..errors import NerpError
from . import torch_march
from .torch_rays import clipped_rays


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
    """Emission-absorption pictures of fields (`nerp.projector.reference`), differentiable in every tensor.

    Args:
        matter, opacity: ``[B, 1, D, H, W]``; opacity per mm. Marched in float32, or in float64 if matter is.
        ras_from_ijk: ``[B, 4, 4]``, mm.
        ras_from_camera: ``[B, V, 4, 4]`` rigid.
        pixel_from_camera: ``[B, V, 3, 3]``.
        rows, columns: picture size.
        samples: samples a ray.

    Returns:
        picture and accumulated opacity, ``[B, V, rows, columns]`` each.

    Raises:
        NerpError: shapes that do not fit together, or tensors on different devices.
    """
    frames = ras_from_ijk, ras_from_camera, pixel_from_camera
    image, accumulated = _march("emission_absorption", (matter, opacity), frames, rows, columns, samples)
    return image, accumulated


def line_integral(
    values: torch.Tensor,
    ras_from_ijk: torch.Tensor,
    ras_from_camera: torch.Tensor,
    pixel_from_camera: torch.Tensor,
    rows: int,
    columns: int,
    samples: int = 512,
) -> torch.Tensor:
    """Line integrals by the midpoint rule ("drr-sampled"), differentiable in every tensor.

    Args:
        values: ``[B, 1, D, H, W]``, for example linear attenuation per mm.
        ras_from_ijk, ras_from_camera, pixel_from_camera, rows, columns, samples: as in `project`.

    Returns:
        ``[B, V, rows, columns]``, unit of ``values`` times mm.

    Raises:
        NerpError: as in `project`.
    """
    frames = ras_from_ijk, ras_from_camera, pixel_from_camera
    return _march("sampled_integral", (values,), frames, rows, columns, samples)[0]


def _march(
    kind: str,
    fields: Sequence[torch.Tensor],
    frames: Sequence[torch.Tensor],
    rows: int,
    columns: int,
    samples: int,
) -> list[torch.Tensor]:
    """The pictures of a march (`torch_march.march`), ``[B, V, rows, columns]`` each."""
    _check(fields, frames)
    device = fields[0].device
    dtype = torch.float64 if fields[0].dtype == torch.float64 else torch.float32
    fields = [field.flatten(0, 1).to(dtype) for field in fields]
    # Apple's GPUs have no float64, and in float32 a ray would be found to some 1e-4 voxel only.
    frames = [frame.to("cpu" if device.type == "mps" else device).double() for frame in frames]
    batch = len(fields[0])
    if device.type == "cpu" and dtype == torch.float32 and importlib.util.find_spec("numba"):
        from .cpu.functions import march

        sizes = rows, columns, samples
        volumes = [
            march(kind, fields_of_one, [frame[b] for frame in frames], *sizes)
            for b, fields_of_one in enumerate(zip(*map(_volumes_of, fields), strict=True))
        ]
    else:
        rays: Sequence[torch.Tensor] = clipped_rays(frames, fields[0].shape[1:], rows, columns, samples)
        if device.type == "mps":
            rays = [ray.float().to(device) for ray in rays]
        volumes = [
            torch_march.march(kind, [field[b] for field in fields], [ray[b] for ray in rays], samples)
            for b in range(batch)
        ]
    return [torch.stack(pictures) for pictures in zip(*volumes, strict=True)]


def _volumes_of(field: torch.Tensor) -> Sequence[torch.Tensor]:
    """A batch's volumes. Of one volume it is a view: putting gradients together again would copy them."""
    return [field.squeeze(0)] if len(field) == 1 else field.unbind()


def _check(fields: Sequence[torch.Tensor], frames: Sequence[torch.Tensor]) -> None:
    batch = fields[0].shape[0] if fields[0].ndim else 0
    views = frames[1].shape[1] if frames[1].ndim == 4 else 0
    expected = [(batch, 1, *fields[0].shape[2:])] * len(fields)
    expected += [(batch, 4, 4), (batch, views, 4, 4), (batch, views, 3, 3)]
    found = [tuple(tensor.shape) for tensor in (*fields, *frames)]
    if fields[0].ndim != 5 or found != expected:
        raise NerpError(
            "Fields are [B, 1, D, H, W], ras_from_ijk [B, 4, 4], ras_from_camera [B, V, 4, 4] and "
            f"pixel_from_camera [B, V, 3, 3], not {found}."
        )
    devices = {str(tensor.device) for tensor in (*fields, *frames)}
    if len(devices) > 1:
        raise NerpError(f"Fields and cameras must be on one device, not on {', '.join(sorted(devices))}.")
