"""What a training run will need: memory, disk and hours, said before it starts; torch is not loaded.

Coefficients were measured (benchmarks/training_memory.py): what a step keeps for its gradients is bytes for
each voxel of the Mapper's grid, each pixel that the Discriminator judges and each voxel of the CT, and what a
step computes is so many operations for each, at the speed of this computer's matrix product.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from ..datasets.ct_sizes import CtSize
from ..datasets.records import MEMORY_BYTES
from .settings import WATCHED, TrainingSettings

BASE_BYTES, READING_BYTES = 580e6, 430e6
"""Python with torch and MONAI: with compiled kernels and a step's small things, and before the first step."""
READ_BYTES, DRAWN_BYTES = 10.0, 43.0
"""For each voxel of a CT while it is read and its body found, and of a digital thorax while it is drawn."""
RECORD_BYTES, TENSOR_BYTES = 4.0, 8.0
"""For each voxel of a prepared CT: HU, body, labels; matter and body as networks see them."""
FILM_BYTES = 9.0
"""For each pixel of a prepared film: the record, and all of a side together."""
TENSORS_KEPT = 2 << 30
"""Of those trained on and of those held out (`patients.MEMORY_BYTES`)."""
STEP_BYTES = 70.0
"""For each voxel of the CT that a step works on: fields, their gradients, what those are computed from."""
SHARE_OF_BOX = 0.75
"""Of a CT's box, what is left when it is cut to the body."""


@dataclass(frozen=True)
class Network:
    """What a Mapper takes."""

    parameters: int
    kept_bytes: float
    """At the most in a step, for each voxel of its grid: what gradients need, and they themselves."""
    operations: float
    """Forward, each voxel of its grid."""
    checkpointed: float = 1.0
    """What gradient checkpointing leaves of the kept bytes: the finest block's insides, most of all."""


MAPPERS = {
    "slim": Network(476_828, 1080, 147e3, 0.78),
    "vnet": Network(45_622_012, 2120, 746e3, 0.82),
    "unet": Network(4_815_781, 800, 16.2e3, 0.93),
}
"""By the names in `networks.mapper.MAPPERS`."""
DISCRIMINATOR_KEPT_BYTES = 7.0
"""For each pixel and channel that a convolution reads or writes."""
JUDGED = 2.76
"""How often a step's pictures are kept for the Discriminator's gradients at once: real and drawn ones."""
SAVED = 3
"""Copies of all weights while a checkpoint is put together."""
PASSES = 3.0
"""Forward and backward, of forward alone."""
EFFICIENCY = 0.36
"""Speed of small convolutions over that of a large matrix product."""
RAY_OPERATIONS = 90.0
"""For each sample of a ray, forward and backward."""
VOXEL_OPERATIONS = 400.0
"""For each voxel of the CT: fields and their gradients."""
REPORT_STEPS = 4.0
"""What a report takes for each watched CT, in steps."""


@dataclass(frozen=True)
class Estimate:
    """What a run will need, about."""

    memory_bytes: float
    """At the most."""
    disk_bytes: float
    """Prepared data, checkpoints and the model."""
    seconds: float
    """From the first step to the last."""
    step_seconds: float
    steps: int
    """As many as the time limit allows."""


def estimate(
    settings: TrainingSettings,
    cts: Sequence[CtSize],
    films: int,
    speed: float,
    prepared: Sequence[bool] | None = None,
    on_card: bool = False,
) -> Estimate:
    """What a run will need.

    Args:
        settings: of the run.
        cts: all of them, held-out ones too.
        films: how many chest X-rays.
        speed: of this computer, `machine_speed`.
        prepared: which of the CTs lie in the cache; None is none.
        on_card: whether networks and their gradients lie in a graphics card's memory; seconds stay a CPU's.
    """
    coarse = [SHARE_OF_BOX * size.voxels_at(settings.ct_mm) for size in cts]
    grids = [SHARE_OF_BOX * size.voxels_at(settings.mapper_mm) for size in cts]
    mapper, judge = MAPPERS[settings.mapper], _discriminator(settings.widths)
    pixels = settings.views * settings.size**2
    pictures = films * settings.size**2
    weights = 4 * (mapper.parameters * 5 + judge.parameters * 3)
    gradients = 4 * (mapper.parameters + judge.parameters)
    kept_bytes = mapper.kept_bytes * (mapper.checkpointed if settings.gradient_checkpointing else 1.0)
    step = kept_bytes * max(grids) + JUDGED * 2 * pixels * judge.kept_bytes + STEP_BYTES * max(coarse)
    saving = SAVED * weights
    kept = min(RECORD_BYTES * sum(coarse), MEMORY_BYTES) + min(TENSOR_BYTES * sum(coarse), TENSORS_KEPT)
    kept += FILM_BYTES * pictures
    trained = BASE_BYTES + kept + (saving if on_card else weights + gradients + max(step, saving))
    reading = READING_BYTES + kept
    reading += max(
        (
            (DRAWN_BYTES if size.drawn else READ_BYTES) * size.voxels
            for size, known in zip(cts, [False] * len(cts) if prepared is None else prepared, strict=True)
            if not known
        ),
        default=0,
    )
    operations = (
        (PASSES + settings.gradient_checkpointing) * mapper.operations * fmean(grids)
        + (2 * PASSES + 2) * judge.operations * pixels
        + (RAY_OPERATIONS * settings.samples) * pixels
        + VOXEL_OPERATIONS * fmean(coarse)
    )
    step_seconds = operations / (EFFICIENCY * speed)
    watched = min(WATCHED, max(1, round(len(cts) * settings.held_out)))
    step_seconds *= 1 + REPORT_STEPS * watched / settings.report_every
    seconds = settings.steps * step_seconds
    if settings.minutes:
        seconds = min(seconds, 60 * settings.minutes)
    cached = 3.0 * sum(coarse) + 2.0 * pictures
    return Estimate(
        memory_bytes=max(trained, reading),
        disk_bytes=cached + 3 * weights + 2 * mapper.parameters,
        seconds=seconds,
        step_seconds=step_seconds,
        steps=max(1, min(settings.steps, math.floor(seconds / step_seconds))),
    )


def _discriminator(widths: Sequence[int]) -> Network:
    """Of `networks.discriminator`: its convolutions, each of 3 x 3 or beside it 1 x 1, level by level."""
    convolutions = [(1, widths[0], 9, 0)]
    for level, (fine, coarse) in enumerate(pairwise(widths)):
        convolutions += [(fine, coarse, 9, level), (coarse, coarse, 9, level), (fine, coarse, 1, level)]
        both = fine + coarse
        convolutions += [(both, fine, 9, level), (fine, fine, 9, level), (both, fine, 1, level)]
    return Network(
        sum(a * b * taps for a, b, taps, _ in convolutions),
        DISCRIMINATOR_KEPT_BYTES / 2 * sum((a + b) / 4**level for a, b, _, level in convolutions),
        sum(2 * a * b * taps / 4**level for a, b, taps, level in convolutions),
    )


def machine_speed(seconds: float = 0.4) -> float:
    """Operations a second of a matrix product in float32, measured now, with whatever else is running."""
    import numpy as np

    side = 768
    a = np.random.default_rng(0).random((side, side), np.float32)
    a @ a
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        a @ a
        count += 1
    return count * 2.0 * side**3 / (time.perf_counter() - begin)
