"""Which CT and which X-rays a training step sees: by seed and step alone, so any step can be replayed."""

from __future__ import annotations

import hashlib
from functools import lru_cache


def drawn(seed: int, what: str, position: int, count: int) -> int:
    """The index at a position of an endless sequence in which every index comes once an epoch, shuffled anew
    in each.

    Args:
        seed: any whole number.
        what: names the sequence: "ct", "xray".
        position: from 0.
        count: how many indices there are.
    """
    return _shuffled(seed, what, position // count, count)[position % count]


@lru_cache(maxsize=8)
def _shuffled(seed: int, what: str, epoch: int, count: int) -> tuple[int, ...]:
    """By SHA-256, the same on every machine and with every library version."""

    def place(index: int) -> bytes:
        return hashlib.sha256(f"nerp pair 1|{seed}|{what}|{epoch}|{index}".encode()).digest()

    return tuple(sorted(range(count), key=place))


def step_seed(seed: int, step: int) -> int:
    """A seed below 2^32 for what else is random in a step."""
    digest = hashlib.sha256(f"nerp step 1|{seed}|{step}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
