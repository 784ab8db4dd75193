"""Where the time of a training step goes, on one thread of a CPU.

    python benchmarks/training_step.py RUN [--steps N]

RUN is a run of ``nerp train``: its CTs, films and settings, its networks anew. The Viewer's part is measured
alone, with fields and cameras like the step's, forward and backward.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from harness import RESULTS, machine, write
from nerp.training.data import TrainingData
from nerp.training.settings import TrainingSettings
from nerp.training.trainer import Trainer
from realism import Quiet

VIEWER_BAR, LOADING_BAR = 0.35, 0.05


def seconds(what: Callable[[], object]) -> float:
    """Processor time."""
    begin = time.process_time()
    what()
    return time.process_time() - begin


def viewer(trainer: Trainer, number: int) -> None:
    """All pictures of a step: the fixed radiance's, the learned one's and its gradients."""
    settings = trainer.settings
    patient = trainer.patients[trainer.pairs[number]["ct"]]
    cameras = patient.cameras(settings.seed, number, settings.views, settings.ranges, settings.size)
    trainer.fixed_pictures(patient, cameras)
    fields = patient.matter.clone(), patient.fixed_opacity(settings.opacity_ratio)
    leaves = [field.requires_grad_() for field in fields]
    picture, _ = patient.pictures(*leaves, cameras, settings.samples)
    picture.backward(torch.ones_like(picture))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    job = Quiet(options.run)
    settings = TrainingSettings.from_dict({**job.configuration["settings"], "head_start": 0})
    data = TrainingData(job, settings)
    trainer = Trainer(settings, data.patients, data.films, data.pairs)
    epoch = len(data.patients)
    for number in range(2 * epoch):
        trainer.step()
        viewer(trainer, number)
    whole, drawing, loading = [], [], []
    for number in range(trainer.done, trainer.done + options.steps):
        loading.append(seconds(lambda n=number: trainer.pairs[n]))
        drawing.append(seconds(lambda n=number: viewer(trainer, n)) - loading[-1])
        whole.append(seconds(trainer.step))
    step = statistics.median(whole)
    lines = [
        "# Where the time of a training step goes",
        "",
        f"{machine()}; one thread, processor time, median of {options.steps} steps after two epochs of "
        f"{epoch} CTs; preset `{settings.preset}`: {settings.views} pictures of {settings.size} x "
        f"{settings.size}, {settings.samples} samples a ray, CTs of {settings.ct_mm:g} mm.",
        "",
        "| part | ms | share of a step | bar |",
        "|---|---|---|---|",
        f"| a step | {1e3 * step:.0f} | | |",
    ]
    for name, found, bar in (("Viewer", drawing, VIEWER_BAR), ("loading", loading, LOADING_BAR)):
        part = statistics.median(found)
        lines.append(f"| {name} | {1e3 * part:.1f} | {part / step:.1%} | {bar:.0%} |")
    print("\n".join(lines))
    write(options.out / "training_step.md", lines)


if __name__ == "__main__":
    main()
