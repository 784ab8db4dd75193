"""From which path length on a pixel is lung: U-Nets trained on masks of each, measured on real films.

python benchmarks/mask_threshold.py                                   # development films
python benchmarks/mask_threshold.py --films cxr_gbc_radiologist       # once, at the end
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from harness import DATA, RESULTS, write
from lung_views import SIZE, SOURCES, Views, drawn, joined, kept
from nerp.datasets import find_xrays, load_lung_finder, prepare_xrays
from nerp.evaluation.segmentation import UnetSettings, film_dice, labelled_films, train_unet
from nerp.networks.tone import ToneCurve

THRESHOLDS_MM = (1, 5, 10, 25, 40, 60, 80, 100)
SEEDS = (0, 1, 2)
SETTINGS = UnetSettings(steps=250, size=64, widths=(12, 24, 48), rate=6e-3)
PLOT = RESULTS / "mask_threshold.svg"


def swept(views: Views, sets: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """Mean Dice of each set ``[thresholds, seeds]``."""
    finder = load_lung_finder()
    nih = [record.image for record in prepare_xrays(find_xrays(DATA / "cxr_nih_normal"), SIZE, SIZE, finder)]
    pictures = ToneCurve.fitted(views.fixed, nih)(views.fixed)
    found = {name: np.zeros((len(THRESHOLDS_MM), len(SEEDS))) for name in sets}
    for row, minimum_mm in enumerate(THRESHOLDS_MM):
        for column, seed in enumerate(SEEDS):
            settings = UnetSettings(**{**vars(SETTINGS), "seed": seed})
            unet = train_unet(pictures, views.masks(minimum_mm), settings)
            for name, (films, truths) in sets.items():
                found[name][row, column] = film_dice(unet, films, truths).mean()
            told = ", ".join(f"{name} {found[name][row, column]:.3f}" for name in sets)
            print(f"{minimum_mm} mm, seed {seed}: {told}", flush=True)
    return found


def plotted(found: Mapping[str, np.ndarray]) -> list[str]:
    """The curves as SVG, a dot for each seed."""
    wide, tall, left, bottom = 640, 360, 60, 50
    values = np.concatenate([table.ravel() for table in found.values()])
    low, high = np.floor(values.min() * 20) / 20, np.ceil(values.max() * 20) / 20
    longest = max(THRESHOLDS_MM)

    def at(mm: float, value: float) -> str:
        x = left + (wide - left - 20) * mm / longest
        return f"{x:.1f},{tall - bottom - (tall - bottom - 20) * (value - low) / (high - low):.1f}"

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" font-family="sans-serif">']
    lines.append(f'<rect width="{wide}" height="{tall}" fill="white"/>')
    for value in np.arange(low, high + 1e-9, 0.05):
        x, y = at(0, value).split(",")
        lines.append(f'<path d="M{at(0, value)} L{at(longest, value)}" stroke="#ddd"/>')
        text = (
            f'<text x="{float(x) - 8}" y="{float(y) + 4}" text-anchor="end" font-size="12">{value:.2f}</text>'
        )
        lines.append(text)
    for mm in THRESHOLDS_MM[3:]:
        x, y = at(mm, low).split(",")
        lines.append(f'<text x="{x}" y="{float(y) + 18}" text-anchor="middle" font-size="12">{mm}</text>')
    lines.append(
        f'<text x="{wide / 2}" y="{tall - 10}" text-anchor="middle" font-size="13">'
        "least path length through a lung, mm; mean Dice on real films</text>"
    )
    for place, (color, (name, table)) in enumerate(zip(("#0060a0", "#c04000"), found.items(), strict=False)):
        points = " ".join(at(mm, v) for mm, v in zip(THRESHOLDS_MM, table.mean(axis=1), strict=True))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        for mm, row in zip(THRESHOLDS_MM, table, strict=True):
            for value in row:
                x, y = at(mm, value).split(",")
                lines.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>')
        lines.append(
            f'<text x="{left + 10}" y="{32 + 16 * place}" font-size="13" fill="{color}">{name}</text>'
        )
    return [*lines, "</svg>"]


def main() -> None:
    """Sweep and write table and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=Path, help="folder that keeps the drawn pictures")
    parser.add_argument(
        "--films", nargs="+", default=["cxr_c19_lungvae"], help="sets with masks to measure on"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--plot", type=Path, default=PLOT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    finder = load_lung_finder()
    sets = {name: labelled_films(find_xrays(DATA / name), SETTINGS.size, finder) for name in options.films}
    with tempfile.TemporaryDirectory() as folder:
        kept_in = options.views or Path(folder)
        views = joined([kept(kept_in / f"{s.name}.npz", lambda s=s: drawn(*s.placed())) for s in SOURCES])
    found = swept(views, sets)
    command = f"python benchmarks/mask_threshold.py --films {' '.join(options.films)}"
    lines = ["# The path length from which a pixel is lung", "", f"    {command}", ""]
    lines += [
        f"A U-Net trained on {len(views.fixed)} views (fixed radiance and tone curve) of {len(SOURCES) - 2}",
        "digital thoraxes and two CTs, with masks of each least path length; Dice on real films cut by the",
        f"lung finder: mean over films, then mean and spread over {len(SEEDS)} seeds.",
        "",
        f"| mm | {' | '.join(found)} |",
        "|---" * (1 + len(found)) + "|",
    ]
    for row, mm in enumerate(THRESHOLDS_MM):
        told = " | ".join(f"{t[row].mean():.3f} ± {t[row].std(ddof=1):.3f}" for t in found.values())
        lines.append(f"| {mm} | {told} |")
    print("\n".join(lines))
    write(options.results / "mask_threshold.md", lines)
    write(options.plot, plotted(found))


if __name__ == "__main__":
    main()
