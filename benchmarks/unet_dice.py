"""A U-Net trained on VRR alone against the fixed radiance with a tone curve and against DRR, on real films.

    python benchmarks/unet_dice.py RUN1/model RUN2/model RUN3/model    # development
    python benchmarks/unet_dice.py RUN1/model RUN2/model RUN3/model --films cxr_gbc_radiologist    # once

Every arm has the same CTs, cameras, masks and U-Net settings; those were chosen on cxr_c19_lungvae.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import nerp
import numpy as np
import torch
from harness import DATA, RESULTS, write
from lung_views import SAMPLES, SIZE, SOURCES, Source, drawn
from mask_threshold import SETTINGS
from nerp.datasets import find_xrays, load_lung_finder, prepare_xrays
from nerp.display import thick_window_of
from nerp.evaluation.segmentation import film_dice, labelled_films, mean_difference, train_unet
from nerp.networks.model import RadianceModel
from nerp.networks.tone import ToneCurve
from nerp.resources import structure_threshold_mm

SEEDS = (0, 1, 2)
Films = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""By name of the set: films and masks."""
VRR, FIXED, DRR, DRR_TONE = "VRR", "fixed, tone curve", "DRR", "DRR, tone curve"


@dataclass
class Arm:
    """Sets of pictures of the same views, one for each GAN run, or one alone."""

    sets: list[np.ndarray]
    """float32 ``[views, rows, columns]`` in [0, 1] each."""
    dice: dict[str, list[np.ndarray]] = field(default_factory=dict)
    """By set of films: of each U-Net the Dice of each film."""


def drawn_arms(
    models: Sequence[RadianceModel], films: Sequence[np.ndarray], sources: Sequence[Source] = SOURCES
) -> tuple[dict[str, Arm], np.ndarray]:
    """Every arm's pictures, and the masks that they share."""
    minimum_mm = structure_threshold_mm("lung")
    drr, masks = [], []
    learned: list[list[np.ndarray]] = [[] for _ in models]
    fixed: list[list[np.ndarray]] = [[] for _ in models]
    for source in sources:
        volume, structures, cameras = source.placed()
        views = drawn(volume, structures, cameras)
        drr.append(views.drr)
        masks.append(views.masks(minimum_mm))
        for model, of_model, without in zip(models, learned, fixed, strict=True):
            of_ct = model(volume), replace(model, mapper=None)(volume)
            for camera in cameras:
                vrr, plain = (nerp.project(fields, camera, samples=SAMPLES) for fields in of_ct)
                low, high = thick_window_of(plain)
                for picture, kept in ((vrr, of_model), (plain, without)):
                    kept.append(model.tone(np.clip((picture.image - low) / (high - low), 0, 1)))
        print(f"{source.name} drawn", flush=True)
    plain = np.concatenate(drr)
    return {
        VRR: Arm([np.stack(pictures) for pictures in learned]),
        FIXED: Arm([np.stack(pictures) for pictures in fixed]),
        DRR: Arm([plain]),
        DRR_TONE: Arm([ToneCurve.fitted(plain, films)(plain)]),
    }, np.concatenate(masks)


def trained(pictures: np.ndarray, masks: np.ndarray, seed: int, sets: Films) -> dict[str, np.ndarray]:
    """The Dice of each film of each set by one U-Net."""
    torch.set_num_threads(1)
    unet = train_unet(pictures, masks, replace(SETTINGS, seed=seed))
    return {name: film_dice(unet, *films) for name, films in sets.items()}


def compared(arms: Mapping[str, Arm], masks: np.ndarray, sets: Films, jobs: int) -> None:
    """Train every arm's U-Nets, so many at once, and note their Dice."""
    wanted = [
        (name, run, seed) for name, arm in arms.items() for run in range(len(arm.sets)) for seed in SEEDS
    ]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        found = [pool.submit(trained, arms[name].sets[run], masks, seed, sets) for name, run, seed in wanted]
        for (name, run, seed), future in zip(wanted, found, strict=True):
            for films, dice in future.result().items():
                arms[name].dice.setdefault(films, []).append(dice)
            told = ", ".join(f"{films} {dice[-1].mean():.3f}" for films, dice in arms[name].dice.items())
            print(f"{name}, run {run}, U-Net seed {seed}: {told}", flush=True)


def table(arms: Mapping[str, Arm], films: str) -> list[str]:
    """Each arm's Dice, and VRR's difference to it with its interval."""
    lines = [
        f"## {films}",
        "",
        "| arm | U-Nets | Dice, mean | sd over U-Nets | VRR less this arm | 95 % interval | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, arm in arms.items():
        means = [found.mean() for found in arm.dice[films]]
        told = f"| {name} | {len(means)} | {np.mean(means):.3f} | {np.std(means, ddof=1):.3f} "
        if name == VRR:
            lines.append(told + "| | | |")
            continue
        mean, low, high = mean_difference(arms[VRR].dice[films], arm.dice[films])
        verdict = "no difference shown" if low <= 0 <= high else "VRR better" if low > 0 else "VRR worse"
        lines.append(told + f"| {mean:+.3f} | {low:+.3f} to {high:+.3f} | {verdict} |")
    return [*lines, ""]


def main() -> None:
    """Draw, train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, help="folders of models, one for each GAN run")
    parser.add_argument(
        "--films", nargs="+", default=["cxr_c19_lungvae"], help="sets with masks to measure on"
    )
    parser.add_argument("--jobs", type=int, default=2, help="U-Nets trained at once")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    models = [nerp.load_model(path) for path in options.models]
    finder = load_lung_finder()
    real = prepare_xrays(find_xrays(DATA / "cxr_nih_normal"), SIZE, SIZE, finder)
    sets = {name: labelled_films(find_xrays(DATA / name), SETTINGS.size, finder) for name in options.films}
    arms, masks = drawn_arms(models, [film.image for film in real])
    compared(arms, masks, sets, options.jobs)
    command = f"python benchmarks/unet_dice.py {' '.join(map(str, options.models))}"
    lines = [
        "# Lungs in real films by U-Nets that have seen drawn pictures alone",
        "",
        f"    {command} --films {' '.join(options.films)}",
        "",
        f"{len(masks)} views of {len(SOURCES)} CTs, {len(models)} GAN runs, {len(SEEDS)} U-Net seeds;",
        "intervals by bootstrap over films and U-Nets.",
        "",
        *(line for name in sets for line in table(arms, name)),
    ]
    print("\n".join(lines))
    write(options.results / "unet_dice.md", lines[:-1])


if __name__ == "__main__":
    main()
