"""The U-Net that finds lungs in a radiograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.networks.nets import UNet
from torch import nn

WIDTHS = (16, 32, 64, 96)
BATCH = 16
"""Pictures looked at at once."""


def lung_unet(widths: Sequence[int] = WIDTHS) -> nn.Module:
    """A residual U-Net (MONAI) from pictures ``[B, 1, rows, columns]`` in [0, 1] to logits of being lung.

    Each level halves the picture, the first one too; instance norm, so that training and use agree.

    Args:
        widths: channels of each level; rows and columns are multiples of 2 to their number less one.
    """
    return UNet(
        2, 1, 1, tuple(widths), (2,) * (len(widths) - 1), num_res_units=2, norm="INSTANCE", dropout=0.0
    )


def lung_probability(unet: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """Pictures ``[n, rows, columns]`` in [0, 1] to probabilities of being lung, float32."""
    shown = torch.from_numpy(np.ascontiguousarray(pictures, np.float32))[:, None]
    was_training = unet.training
    unet.eval()
    try:
        with torch.inference_mode():
            parts = [
                torch.sigmoid(unet(shown[first : first + BATCH]))[:, 0]
                for first in range(0, len(shown), BATCH)
            ]
    finally:
        unet.train(was_training)
    return torch.cat([shown[:0, 0], *parts]).numpy()
