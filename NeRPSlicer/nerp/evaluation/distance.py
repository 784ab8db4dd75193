"""The distance between two sets of pictures: KID on seeded random features.

Features of a network trained on photographs (Inception) need a file that nobody may have at hand. Features
of a random convolutional network need none; their distances are named "random-feature" and compare with
nothing but each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d, leaky_relu

LEVELS, CHANNELS, FEATURE_SEED = 4, 32, 20_240_711
TOGETHER = 16
"""Pictures looked at together: memory does not grow with their number."""


def random_features(pictures: np.ndarray) -> np.ndarray:
    """Features ``[n, 256]`` of pictures ``[n, rows, columns]`` in [0, 1]: mean and spread of each channel of
    four convolutional levels with seeded random weights."""
    generator = torch.Generator().manual_seed(FEATURE_SEED)
    weights = []
    for level in range(LEVELS):
        weight = torch.randn(CHANNELS, CHANNELS if level else 1, 3, 3, generator=generator)
        weights.append(weight * (2 / weight[0].numel()) ** 0.5)
    parts = [_features(pictures[n : n + TOGETHER], weights) for n in range(0, len(pictures), TOGETHER)]
    return np.concatenate(parts)


def _features(pictures: np.ndarray, weights: list[torch.Tensor]) -> np.ndarray:
    x = 2 * torch.from_numpy(np.ascontiguousarray(pictures, np.float32))[:, None] - 1
    found = []
    with torch.inference_mode():
        for weight in weights:
            x = leaky_relu(conv2d(nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), weight), 0.2)
            found += [x.mean(dim=(2, 3)), x.std(dim=(2, 3))]
            x = nn.functional.avg_pool2d(x, 2)
    return torch.cat(found, 1).double().numpy()


class Distance(NamedTuple):
    """A kernel distance and its spread over subsets."""

    mean: float
    sd: float


def kernel_distance(
    drawn: np.ndarray, real: np.ndarray, subset: int, subsets: int = 100, seed: int = 0
) -> Distance:
    """KID of features ``[n, d]`` of drawn and of real pictures (Binkowski et al. 2018): the unbiased squared
    maximum mean discrepancy with kernel (x . y / d + 1)^3 over random subsets of equal size.

    Features are standardized by the real pictures', so that distances to the same real ones compare.
    """
    rng = np.random.default_rng(seed)
    center, scale = real.mean(axis=0), real.std(axis=0) + 1e-9
    drawn, real = (drawn - center) / scale, (real - center) / scale
    size = min(subset, len(drawn), len(real))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def apart(matrix: np.ndarray) -> float:
        return (matrix.sum() - np.trace(matrix)) / (size * (size - 1))

    found = []
    for _ in range(subsets):
        a, b = (features[rng.permutation(len(features))[:size]] for features in (drawn, real))
        found.append(apart(kernel(a, a)) + apart(kernel(b, b)) - 2 * kernel(a, b).mean())
    return Distance(float(np.mean(found)), float(np.std(found)))
