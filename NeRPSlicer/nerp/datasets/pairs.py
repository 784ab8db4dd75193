"""Training pairs for torch: one CT and some X-rays a step, unpaired, replayable by the step's number."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import Dataset
from monai.transforms import Compose, MapTransform, RandHistogramShiftd, Randomizable
from monai.utils import convert_to_tensor

from ..ct_augmentation import WINDOWS_HU, CtAugmentation
from ..errors import NerpError
from .draws import drawn, step_seed
from .prepared_cts import CtRecord
from .prepared_xrays import XrayRecord


class RandWindowd(MapTransform, Randomizable):
    """Show one of several windows of HU: stretched over the range of "full", what lies outside is cut.

    Args:
        keys: of CTs in HU.
        windows: names of `WINDOWS_HU`.
    """

    def __init__(self, keys: Hashable, windows: Sequence[str]) -> None:
        super().__init__(keys)
        self.windows = tuple(windows)
        self.chosen = self.windows[0]

    def randomize(self, data: Any = None) -> None:
        self.chosen = self.windows[self.R.randint(len(self.windows))]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        self.randomize()
        low, high = WINDOWS_HU[self.chosen]
        least, most = WINDOWS_HU["full"]
        shown = dict(data)
        for key in self.key_iterator(shown):
            shown[key] = (least + (shown[key] - low) * ((most - least) / (high - low))).clip(least, most)
        return shown


class DrawPair:
    """A step's number -> what the step sees; the whole of a step's chance comes from its number.

    Args:
        cts, xrays: prepared cases.
        seed: any whole number.
        xrays_per_step: how many X-rays a step sees.
        augmentation: of the CT.
    """

    def __init__(
        self,
        cts: Sequence[CtRecord],
        xrays: Sequence[XrayRecord],
        seed: int,
        xrays_per_step: int,
        augmentation: CtAugmentation,
    ) -> None:
        self.cts, self.xrays = cts, xrays
        self.seed, self.xrays_per_step = seed, xrays_per_step
        steps: list[Any] = []
        if augmentation.windows:
            steps.append(RandWindowd("hu", augmentation.windows))
        if augmentation.histogram_points:
            steps.append(RandHistogramShiftd("hu", augmentation.histogram_points, prob=1.0))
        self.augment = Compose(steps) if steps else None

    def __call__(self, step: int) -> dict[str, Any]:
        ct = drawn(self.seed, "ct", step, len(self.cts))
        first = step * self.xrays_per_step
        xrays = [drawn(self.seed, "xray", first + n, len(self.xrays)) for n in range(self.xrays_per_step)]
        volume = self.cts[ct].volume
        pair: dict[str, Any] = {
            "step": step,
            "ct": ct,
            "xrays": xrays,
            "hu": torch.from_numpy(volume.hu.astype(np.float32))[None],
            "body": torch.from_numpy(volume.body.copy())[None],
            "images": torch.stack([torch.from_numpy(self.xrays[n].image.copy())[None] for n in xrays]),
        }
        if self.augment is not None:
            self.augment.set_random_state(step_seed(self.seed, step))
            pair = self.augment(pair)
            pair["hu"] = convert_to_tensor(pair["hu"], dtype=torch.float32, track_meta=False)
        return pair


def training_pairs(
    cts: Sequence[CtRecord],
    xrays: Sequence[XrayRecord],
    seed: int,
    steps: int,
    xrays_per_step: int = 1,
    augmentation: CtAugmentation | None = None,
) -> Dataset:
    """A MONAI Dataset of a run's steps: item n is what step n sees, whenever it is asked for.

    Every CT and every X-ray comes once before any comes again.

    Args:
        cts, xrays: prepared cases (`prepare_cts`, `prepare_xrays`).
        seed: of the run.
        steps: length of the run.
        xrays_per_step: X-rays that a step sees.
        augmentation: of the CT; None leaves it as it is.

    Returns:
        items with ``step``, ``ct`` and ``xrays`` (indices into the arguments), ``hu`` float32
        ``[1, D, H, W]``, ``body`` bool ``[1, D, H, W]`` and ``images`` float32
        ``[xrays, 1, rows, columns]`` in [0, 1].

    Raises:
        NerpError: no CT, no X-ray, or a count below 1.
    """
    if not len(cts) or not len(xrays) or steps < 1 or xrays_per_step < 1:
        raise NerpError("Training needs at least one CT, one X-ray, one step and one X-ray a step.")
    draw = DrawPair(cts, xrays, seed, xrays_per_step, augmentation or CtAugmentation())
    return Dataset(range(steps), draw)
