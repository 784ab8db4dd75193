"""The Mapper: a CT on a coarse grid to the residuals of its fixed radiance."""

from __future__ import annotations

from functools import partial

import torch
from monai.networks.blocks import ResidualUnit
from monai.networks.nets import UNet, VNet
from monai.networks.nets.vnet import DownTransition, InputTransition, OutputTransition, UpTransition
from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.checkpoint import checkpoint

from ..errors import NerpError

FEATURES = 8
"""What a network hands to the head."""
BLOCKS = (InputTransition, DownTransition, UpTransition, OutputTransition, ResidualUnit)
"""Parts of the networks whose insides may be computed again for the gradients instead of being kept."""
_ACT = ("elu", {"inplace": True})


class _SlimVNet(nn.Module):
    """A V-Net of three levels and half the width, for a CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = InputTransition(3, 1, 8, _ACT)
        self.down = nn.ModuleList([DownTransition(3, 8, 1, _ACT), DownTransition(3, 16, 2, _ACT)])
        self.up = nn.ModuleList(
            [UpTransition(3, 32, 32, 1, _ACT, (0.0, 0.0)), UpTransition(3, 32, 16, 1, _ACT, (0.0, 0.0))]
        )
        self.leave = OutputTransition(3, 16, FEATURES, _ACT)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        full = self.enter(x)
        half = self.down[0](full)
        return self.leave(self.up[1](self.up[0](self.down[1](half), half), full))


def _vnet() -> nn.Module:
    network = VNet(3, 1, FEATURES, dropout_prob_down=0.0, dropout_prob_up=(0.0, 0.0))
    # Those of the two finest levels are on whatever one asks for. A Mapper must draw the same twice.
    for module in network.modules():
        if isinstance(module, _DropoutNd):
            module.p = 0.0
    return network


def _unet() -> nn.Module:
    return UNet(3, 1, FEATURES, (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2, norm="BATCH")


MAPPERS = {"vnet": (_vnet, 16), "slim": (_SlimVNet, 4), "unet": (_unet, 16)}
"""Name: what makes the network (the paper's V-Net, a slim one, the authors' residual U-Net); the number that
sizes of its grid are multiples of."""


class Mapper(nn.Module):
    """Two residuals for each voxel of a coarse grid; zero until trained.

    Args:
        name: one of `MAPPERS`.
        checkpointing: whether gradients compute each block again instead of keeping its insides (Chen et al.
            2016): a fifth less memory (a tenth for "unet"), a third more time, the same values.

    Raises:
        NerpError: another name.
    """

    def __init__(self, name: str, checkpointing: bool = False) -> None:
        super().__init__()
        if name not in MAPPERS:
            raise NerpError(f"There is no mapper {name!r}; choose one of {', '.join(MAPPERS)}.")
        make, self.multiple = MAPPERS[name]
        self.body = _with_group_norm(make())
        self.head = nn.Conv3d(FEATURES, 2, 1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)
        if checkpointing:
            for block in self.body.modules():
                if isinstance(block, BLOCKS):
                    again = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
                    block.forward = again  # type: ignore[method-assign]

    def forward(self, matter: torch.Tensor) -> torch.Tensor:
        """Fixed matter ``[B, 1, d, h, w]`` in [0, 1], sizes multiples of ``multiple``, to residuals of the
        logits of matter and opacity ``[B, 2, d, h, w]``."""
        return self.head(self.body(2 * matter - 1))


def _with_group_norm(network: nn.Module) -> nn.Module:
    """Batches hold one or two CTs: batch statistics would differ between training and use."""
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm3d):
            channels = child.num_features
            setattr(network, name, nn.GroupNorm(max(1, channels // 8), channels))
        else:
            _with_group_norm(child)
    return network
