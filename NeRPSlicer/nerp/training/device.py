"""Where a run computes: a graphics card where there is one, else the CPU."""

from __future__ import annotations

import torch

from ..errors import NerpError
from .settings import TrainingSettings


def chosen_device(settings: TrainingSettings) -> torch.device:
    """The device that the settings ask for.

    Raises:
        NerpError: a graphics card is asked for and torch finds none.
    """
    found = torch.cuda.is_available()
    if settings.device == "cuda" and not found:
        raise NerpError(
            'torch finds no NVIDIA graphics card: set the device to "cpu" or "auto", or install a build of '
            "torch with CUDA."
        )
    return torch.device("cuda" if found and settings.device != "cpu" else "cpu")


def convolutions(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    """The context of both networks: bfloat16 on a graphics card if wanted, float32 elsewhere.

    bfloat16 has float32's range, so that no loss needs scaling; the Viewer stays in float32.
    """
    wanted = settings.mixed_precision and device.type == "cuda"
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)
