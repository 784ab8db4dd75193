"""How near trained runs' pictures come to real films that no run has seen, beside arms with no network.

nerp train --preset small ... --seed 0 --out RUN0      (and 1, 2)
python realism.py RUN0 RUN1 RUN2
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import nerp
import numpy as np
import torch
from harness import RESULTS, machine, write
from nerp.display import thick_window
from nerp.evaluation.distance import Distance, kernel_distance, random_features
from nerp.jobs.job import Job
from nerp.networks.tone import ToneCurve
from nerp.training.data import TrainingData
from nerp.training.patients import Patient
from nerp.training.report import Gate, report
from nerp.training.settings import TrainingSettings
from nerp.training.tone import shown
from nerp.training.trainer import Trainer
from nerp.training.watched import Watched
from scipy import stats

GENERATED, SUBSET, POSES = 30, 15, 2_000_003
NETWORK_FREE = ("drr", "drr, tone curve", "fixed", "fixed, tone curve")
BODY, STRUCTURE = 0.90, 0.85


class Quiet(Job):
    """A finished run that is looked at again: nothing is added to its log."""

    def log(self, line: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    settings: TrainingSettings
    steps: int
    minutes: float
    gate: Gate
    films: int
    distances: dict[str, Distance]
    equalized: dict[str, Distance]

    @property
    def best_free(self) -> str:
        """The network-free arm nearest to real films."""
        return min(NETWORK_FREE, key=lambda arm: self.distances[arm].mean)

    @property
    def passes(self) -> bool:
        """Whether the learned radiance is nearer by more than that arm's spread with its anatomy kept."""
        best, learned = self.distances[self.best_free], self.distances["vrr"]
        floors = self.gate.body >= BODY, all(v >= STRUCTURE for v in self.gate.structures.values())
        return all(floors) and learned.mean < best.mean - best.sd


def equalized(pictures: np.ndarray) -> np.ndarray:
    """Each picture's grey levels made uniform over [0, 1]."""
    return np.stack([(stats.rankdata(p).reshape(p.shape) - 1) / (p.size - 1) for p in pictures])


def drawn(trainer: Trainer, patients: list[Patient], count: int, seed: int) -> dict[str, np.ndarray]:
    """Normalized pictures ``[count, rows, columns]`` of each kind by the same cameras."""
    found: dict[str, list[np.ndarray]] = {"drr": [], "fixed": [], "vrr": []}
    settings = trainer.settings
    shares = np.bincount(np.arange(count) % len(patients), minlength=len(patients))
    for patient, share in zip(patients, shares, strict=True):
        cameras = patient.cameras(seed, 0, int(share), settings.ranges, settings.size)
        with torch.no_grad():
            learned, _ = patient.pictures(
                *trainer.fields(trainer.averaged, patient), cameras, settings.samples
            )
        fixed = trainer.fixed_pictures(patient, cameras)
        found["fixed"] += list(shown(fixed.image, fixed.window).numpy())
        found["vrr"] += list(shown(learned, fixed.window).numpy())
        for camera in cameras:
            opacity = nerp.project(patient.volume, camera, "fixed").opacity
            drr = nerp.project(patient.volume, camera, "drr").image
            low, high = thick_window(drr, opacity)
            found["drr"].append(np.clip((drr - low) / (high - low), 0, 1).astype(np.float32))
    return {kind: np.stack(pictures) for kind, pictures in found.items()}


def measured(folder: Path) -> Run:
    """A run's pictures against the films that it held out."""
    job = Quiet(folder)
    settings = TrainingSettings.from_dict(job.configuration["settings"])
    data = TrainingData(job, settings)
    trainer = Trainer(settings, data.patients, data.films, data.pairs)
    model = nerp.load_model(folder / "model")
    trainer.averaged, trainer.tone = model.mapper or trainer.averaged, model.tone
    films = data.held_films[:GENERATED]
    learnt_on = drawn(trainer, data.patients, 8 * len(data.patients), settings.seed + 1)
    pictures = drawn(trainer, list(data.watched), GENERATED, POSES)
    arms = {kind: pictures[kind] for kind in ("drr", "fixed")}
    arms["drr, tone curve"] = ToneCurve.fitted(learnt_on["drr"], data.films)(pictures["drr"])
    arms["fixed, tone curve"] = ToneCurve.fitted(learnt_on["fixed"], data.films)(pictures["fixed"])
    arms["vrr"] = model.tone(pictures["vrr"])
    arms["real films of training"] = data.films[:GENERATED]

    def distances(change) -> dict[str, Distance]:
        real = random_features(change(films))
        return {
            arm: kernel_distance(random_features(change(images)), real, SUBSET)
            for arm, images in arms.items()
        }

    events = map(json.loads, (folder / "events.jsonl").read_text(encoding="utf-8").splitlines())
    last = [event for event in events if "step" in event][-1]
    _, gate, _ = report(trainer.averaged, Watched(trainer, data.watched, data.held_films))
    return Run(
        settings,
        last["step"],
        last["seconds"] / 60,
        gate,
        len(films),
        distances(np.asarray),
        distances(equalized),
    )


def table(runs: list[Run]) -> list[str]:
    """Markdown."""
    lines = [
        "| | " + " | ".join(f"seed {run.settings.seed}" for run in runs) + " |",
        "|---|" + "---|" * len(runs),
    ]

    def row(title: str, values: list[str]) -> None:
        lines.append(f"| {title} | " + " | ".join(values) + " |")

    row("steps / minutes", [f"{run.steps} / {run.minutes:.1f}" for run in runs])
    for kind in ("distances", "equalized"):
        for arm in runs[0].distances:
            told = [getattr(run, kind)[arm] for run in runs]
            title = f"{arm}, equalized" if kind == "equalized" else arm
            row(title, [f"{d.mean:.2f} ± {d.sd:.2f}" for d in told])
    row(f"correlation inside the body (>= {BODY})", [f"{run.gate.body:.3f}" for run in runs])
    for name in runs[0].gate.structures:
        row(
            f"correlation inside {name} (>= {STRUCTURE})",
            [f"{run.gate.structures[name]:.3f}" for run in runs],
        )
    row("field error / contrast", [f"{run.gate.field_error:.3f} / {run.gate.contrast:.2f}" for run in runs])
    row("diversity", ["one CT" if r.gate.diversity is None else f"{r.gate.diversity:.2f}" for r in runs])
    row("nearest arm with no network", [run.best_free for run in runs])
    row("nearer by more than its spread, anatomy kept", ["yes" if run.passes else "no" for run in runs])
    return lines


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    runs = [measured(folder) for folder in options.runs]
    lines = [
        "# How real the pictures look",
        "",
        f"{machine()}. KID on seeded random features (mean and spread of 100 subsets of {SUBSET}) of "
        f"{GENERATED} pictures of held-out CTs against {runs[0].films} films no run has seen; "
        "all arms by the same cameras. Distances of one column compare with each other alone.",
        "",
        *table(runs),
    ]
    print("\n".join(lines))
    write(options.out / "realism.md", lines)


if __name__ == "__main__":
    main()
