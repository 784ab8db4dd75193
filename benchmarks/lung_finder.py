"""Makes the lung finder that nerp comes with, and measures it.

python benchmarks/lung_finder.py --out NeRPSlicer/Resources/Models    # half an hour on one core
python benchmarks/lung_finder.py                                     # measures the one that is there
"""

from __future__ import annotations

import argparse
import tempfile
import time
from fnmatch import fnmatchcase
from pathlib import Path

import nerp
import numpy as np
import torch
from harness import DATA, RESULTS, write
from lung_views import Views, drawn, joined, kept, thorax_with_findings
from nerp.datasets import find_xrays
from nerp.datasets.films import normalized
from nerp.datasets.lung_finder import UnetLungFinder, load_lung_finder
from nerp.evaluation.segmentation import UnetSettings, dice, train_unet
from nerp.evaluation.variation import FILM
from nerp.io.xray import read_lung_masks, read_xray
from nerp.poses import CameraRanges, draw_camera
from scipy.ndimage import gaussian_filter

SEEDS = range(100, 148)
VIEWS = 8
SIZE = 128
MINIMUM_MM = 15.0
HIDDEN_MM = 10.0
HIDING = ("heart", "aorta", "pulmonary_artery", "vertebrae_*", "liver", "spleen", "stomach")
"""People outline the lung that a film shows: none behind heart, spine and diaphragm."""
RANGES = CameraRanges.from_dict(
    {
        "primary": [-12, 12],
        "secondary": [-12, 12],
        "roll": [-6, 6],
        "shift_superior": [-30, 30],
        "field": [0.8, 1.0],
    }
)
SETTINGS = UnetSettings(seed=0, steps=2000, size=96, variation=FILM)


def thorax_views(seed: int) -> Views:
    """A digital thorax, two views of three from behind and one from the front; all that a film shows."""
    volume, structures = thorax_with_findings(seed)
    place = volume.geometry
    draws = [draw_camera(place, 1, n, RANGES, "AP" if n % 3 == 2 else "PA", SIZE, SIZE) for n in range(VIEWS)]
    cameras = [draw.camera(place, SIZE, SIZE) for draw in draws]
    views = drawn(volume, structures, cameras)
    hiding = structures.select([n for n in structures.names if any(fnmatchcase(n, p) for p in HIDING)])
    for lengths, camera in zip(views.lengths, cameras, strict=True):
        through = nerp.project(volume, camera, "drr", structures=hiding).path_length.values()
        lengths[:, np.max(list(through), axis=0) >= HIDDEN_MM] = 0
    return views


def nonsense(count: int) -> np.ndarray:
    """Noise of every grain and ramps ``[count, SIZE, SIZE]`` in [0, 1]: without any, a U-Net that has seen
    chests alone finds lungs in everything."""
    rng = np.random.default_rng(0)
    ramps = np.stack(np.meshgrid(*[np.linspace(-1, 1, SIZE)] * 2))
    found = []
    for _ in range(count):
        grains = gaussian_filter(rng.normal(0, 1, (SIZE, SIZE)), rng.uniform(0, 1) ** 2 * SIZE / 6)
        ramp = np.tensordot(rng.normal(0, 1, 2) * rng.integers(0, 2), ramps, 1)
        found.append(normalized(grains / grains.std() + ramp))
    return np.stack(found)


def made(folder: Path) -> UnetLungFinder:
    """A finder trained from nothing on views kept in a folder."""
    views = joined([kept(folder / f"t{seed}.npz", lambda s=seed: thorax_views(s)) for seed in SEEDS])
    masks = views.masks(MINIMUM_MM)
    begin = time.monotonic()

    def told(step: int, loss: float) -> None:
        if step % 100 == 0:
            print(f"step {step}, loss {loss:.3f}, {time.monotonic() - begin:.0f} s", flush=True)

    without = nonsense(len(masks) // 8)
    pictures = np.concatenate([views.drr, views.fixed, without])
    unet = train_unet(pictures, np.concatenate([masks, masks, without > 1]), SETTINGS, told)
    return UnetLungFinder(unet, SETTINGS.size, SETTINGS.widths)


def measured(finder: UnetLungFinder, folder: Path) -> dict[str, float]:
    """Dice on the films of a set, those left whole apart; how well the box is found."""
    found, boxes, whole = [], [], 0
    for case in find_xrays(folder):
        xray = read_xray(case.path)
        lungs, truth = finder(xray), read_lung_masks(case.masks)
        if lungs is None:
            whole += 1
            continue
        found.append(dice(lungs, truth))
        boxes.append(_overlap(_box(lungs), _box(truth)))
    return {
        "films": len(found) + whole,
        "left whole": whole,
        "Dice, mean": round(float(np.mean(found)), 3),
        "Dice, 10th percentile": round(float(np.percentile(found, 10)), 3),
        "box, mean intersection over union": round(float(np.mean(boxes)), 3),
        "box, 10th percentile": round(float(np.percentile(boxes, 10)), 3),
    }


def _box(mask: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return np.array([[rows[0], columns[0]], [rows[-1] + 1, columns[-1] + 1]])


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    common = np.clip(np.minimum(one[1], other[1]) - np.maximum(one[0], other[0]), 0, None).prod()
    return float(common / (np.diff(one, axis=0).prod() + np.diff(other, axis=0).prod() - common))


def main() -> None:
    """Make, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder for a finder made anew")
    parser.add_argument("--views", type=Path, help="folder that keeps the drawn pictures")
    parser.add_argument(
        "--films", nargs="+", default=["cxr_c19_lungvae"], help="sets with masks to measure on"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.out:
        with tempfile.TemporaryDirectory() as folder:
            finder = made(options.views or Path(folder))
        card = {
            "name": "Lung finder",
            "use": "Finds both lungs of a frontal chest film to cut it to; for research, not for diagnosis.",
            "data": f"{len(SEEDS) * VIEWS} views of {len(SEEDS)} digital thoraxes, drr and fixed.",
            "masks": f"path length of at least {MINIMUM_MM:g} mm through a lung, less what hides it",
            "licence": "Apache-2.0",
            "command": "python benchmarks/lung_finder.py --out NeRPSlicer/Resources/Models",
        }
        finder.save(options.out, card)
    finder = load_lung_finder(options.out)
    results = {name: measured(finder, DATA / name) for name in options.films}
    heads = list(next(iter(results.values())))
    lines = ["# The lung finder on real films", "", "    python benchmarks/lung_finder.py", ""]
    lines += [f"| set | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    lines += [f"| {name} | {' | '.join(map(str, row.values()))} |" for name, row in results.items()]
    print("\n".join(lines))
    write(options.results / "lung_finder.md", lines)


if __name__ == "__main__":
    main()
