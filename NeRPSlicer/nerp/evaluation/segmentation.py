"""Lungs found in real films by a U-Net that has seen drawn pictures alone (docs/method.md, Table 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..datasets import LungFinder, XrayCase, film_window, prepare_lungs, prepare_xray
from ..errors import NerpError
from ..io.xray import read_lung_masks, read_xray
from ..networks.lung_unet import WIDTHS, lung_probability, lung_unet
from .variation import CROPPED, Variation, varied


@dataclass(frozen=True)
class UnetSettings:
    """How a U-Net is trained."""

    seed: int = 0
    """Of weights, order and variation."""
    steps: int = 600
    batch: int = 8
    rate: float = 3e-3
    """Greatest learning rate (Adam, rising for a tenth of the steps, then falling as a cosine)."""
    size: int = 96
    """Rows and columns; a multiple of 2 to the number of levels less one."""
    widths: tuple[int, ...] = WIDTHS
    """Channels of the U-Net's levels."""
    variation: Variation = CROPPED
    """How far pictures are varied."""


def train_unet(
    pictures: np.ndarray,
    masks: np.ndarray,
    settings: UnetSettings,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> nn.Module:
    """A U-Net trained on pictures and masks alone; the same on a CPU for the same threads, bit for bit.

    Args:
        pictures: ``[n, rows, columns]`` in [0, 1].
        masks: boolean, the same shape.
        settings: how.
        progress: called with each step's number and loss.

    Raises:
        NerpError: no picture, or masks of another shape.
    """
    if not len(pictures) or pictures.shape != masks.shape:
        raise NerpError(f"A U-Net needs pictures and as many masks, not {pictures.shape} and {masks.shape}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        unet = lung_unet(settings.widths)
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(unet.parameters(), settings.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.rate, settings.steps + 1, pct_start=0.1, cycle_momentum=False
    )
    shown, lungs = (torch.from_numpy(np.ascontiguousarray(a, np.float32))[:, None] for a in (pictures, masks))
    for step in range(settings.steps):
        chosen = torch.randint(len(shown), (settings.batch,), generator=generator)
        batch, target = varied(shown[chosen], lungs[chosen], settings.size, settings.variation, generator)
        loss = _loss(unet(batch), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        progress(step, loss.item())
    return unet.eval()


def _loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and one less soft Dice over the batch."""
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * target).sum() / (probability.sum() + target.sum()).clamp(min=1)
    return binary_cross_entropy_with_logits(logits, target) + 1 - overlap


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of boolean arrays; 1 where both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def labelled_films(
    cases: Iterable[XrayCase], size: int, finder: LungFinder | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Films as training sees them, and what people marked in them.

    Args:
        cases: with masks.
        size: rows and columns of the result.
        finder: cuts films to lungs without a look at the masks; None leaves them whole.

    Returns:
        float32 ``[n, size, size]`` in [0, 1] and boolean masks of the same shape.

    Raises:
        NerpError: a film or mask cannot be read.
    """
    films, truths = [], []
    for case in cases:
        xray = read_xray(case.path)
        lungs = finder(xray) if finder else None
        window = film_window(xray.image, lungs)
        films.append(prepare_xray(xray, lungs, size, size))
        truths.append(prepare_lungs(read_lung_masks(case.masks), window, xray.image, size, size))
    return np.stack(films), np.stack(truths)


def film_dice(unet: nn.Module, films: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Dice of each film ``[n]``: the U-Net's lungs against masks by people.

    Args:
        unet: of `train_unet`.
        films: float32 ``[n, rows, columns]`` in [0, 1], of the size trained on.
        truths: boolean, the same shape.
    """
    found = lung_probability(unet, films) >= 0.5
    return np.array([dice(a, b) for a, b in zip(found, truths, strict=True)])


def mean_difference(
    one: Sequence[np.ndarray], other: Sequence[np.ndarray], draws: int = 10_000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean difference of two arms' Dice and its 95 % bootstrap interval.

    Args:
        one, other: of each run (GAN and U-Net seeds) the Dice of each film ``[n]``, the same films in order.
        draws: bootstrap samples; each draws films, and runs of each arm, with replacement.
        seed: of the draws.

    Returns:
        mean of ``one`` less ``other``, lower and upper bound.
    """
    rng = np.random.default_rng(seed)
    arms = [np.stack(arm) for arm in (one, other)]
    found = np.empty(draws)
    for n in range(draws):
        films = rng.integers(arms[0].shape[1], size=arms[0].shape[1])
        means = [arm[rng.integers(len(arm), size=len(arm))][:, films].mean() for arm in arms]
        found[n] = means[0] - means[1]
    low, high = np.percentile(found, (2.5, 97.5))
    return float(arms[0].mean() - arms[1].mean()), float(low), float(high)
