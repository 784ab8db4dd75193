"""The projector against torch's grid_sample and against itself, in interleaved rounds of one process.

Both draw the same picture (checked first) from the same samples with the same threads. A ratio is the
slower side's time over the faster side's in the same round; reported are the median and the quartiles.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import nerp
import numpy as np
import SimpleITK
import torch
from nerp.projector import cpu
from nerp.projector.autograd import clipped_rays
from nerp.projector.threads import thread_count

SIZE, SAMPLES = 256, 512
Row = tuple[str, str, float, float, np.ndarray]


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels [K, J, I] and ras_from_ijk of an image file."""
    image = SimpleITK.ReadImage(str(path))
    lps_from_ijk = np.eye(4)
    lps_from_ijk[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    lps_from_ijk[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), np.diag([-1.0, -1, 1, 1]) @ lps_from_ijk


def torch_picture(fields: torch.Tensor, frames: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Emission-absorption by one two-channel grid_sample call: [1, 2, D, H, W] -> [rows, columns]."""
    entry, step, step_mm = clipped_rays(*frames, tuple(fields.shape[2:]), SIZE, SIZE, SAMPLES)
    entry, step, step_mm = entry[0, 0].float() - 1, step[0, 0].float(), step_mm[0, 0].float()
    scale = 2 / (torch.tensor(fields.shape[:1:-1]) - 1)
    numbers = torch.arange(SAMPLES)[:, None] + 0.5
    grid = (scale * entry - 1)[:, :, None] + numbers * (scale * step)[:, :, None]
    matter, opacity = torch.nn.functional.grid_sample(fields, grid[None], align_corners=True)[0]
    depth = torch.cumsum(opacity * step_mm[..., None], -1)
    remaining = torch.exp(-torch.nn.functional.pad(depth, (1, 0)))
    return (-torch.diff(remaining, dim=-1) * matter).sum(-1)


def compare(name: str, bar: str, fast: Callable[[], object], slow: Callable[[], object], rounds: int) -> Row:
    """Name, bar, median ms of both and the ratio slow / fast of every round; the first round warms up."""
    times = []
    for _ in range(rounds + 1):
        row = []
        for work in (fast, slow):
            begin = time.perf_counter()
            work()
            row.append(1000 * (time.perf_counter() - begin))
        times.append(row)
    measured = np.array(times[1:])
    ratios = measured[:, 1] / measured[:, 0]
    print(f"{name}: {np.median(ratios):.2f}", flush=True)
    return name, bar, *np.median(measured, axis=0), ratios


def measure(view: str, volume: nerp.Volume, structures: nerp.Structures | None, rounds: int) -> list[Row]:
    """All rows of one view."""
    fields = nerp.fixed_radiance(volume)
    camera = nerp.Camera.preset(view, volume, SIZE, SIZE)
    small = camera.resized(SIZE // 2, SIZE // 2)
    frames = (
        torch.tensor(np.array(volume.ras_from_ijk))[None],
        torch.tensor(np.array(camera.ras_from_camera))[None, None],
        torch.tensor(camera.pixel_from_camera)[None, None],
    )
    leaves = [torch.from_numpy(field)[None, None].clone() for field in (fields.matter, fields.opacity)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    both_fields = torch.cat(leaves, 1).detach().requires_grad_()

    def forward() -> np.ndarray:
        return nerp.project(fields, camera, samples=SAMPLES).image

    def torch_forward() -> torch.Tensor:
        with torch.no_grad():
            return torch_picture(both_fields, frames)

    def forward_backward() -> None:
        leaves[0].grad = leaves[1].grad = None
        nerp.autograd.project(*leaves, *frames, SIZE, SIZE, SAMPLES)[0].sum().backward()

    def torch_forward_backward() -> None:
        both_fields.grad = None
        torch_picture(both_fields, frames).sum().backward()

    difference = np.abs(forward() - torch_forward().numpy()).max() / forward().max()
    if difference > 1e-4:
        raise SystemExit(f"{view}: the two pictures differ by {difference:.1e} of the maximum")
    rows = [
        compare(f"{view} forward: torch grid_sample / nerp", ">= 25", forward, torch_forward, rounds),
        compare(
            f"{view} forward + backward: torch / nerp",
            ">= 12",
            forward_backward,
            torch_forward_backward,
            rounds,
        ),
        compare(
            f"{view} full frame / preview 128 x 128 x 256",
            ">= 6",
            lambda: nerp.project(fields, small, samples=SAMPLES // 2),
            forward,
            rounds,
        ),
    ]
    if structures is not None:
        name = f"{view} forward / exact path lengths of {len(structures)} structures"
        rows.append(compare(name, ">= 0.5", lambda: cpu.exact_lengths(structures, camera), forward, rounds))
    name = f"{view} torch grid_sample (two fields) / exact drr"
    rows.append(compare(name, "", lambda: nerp.project(volume, camera, "drr"), torch_forward, rounds))
    return rows


def cpu_name() -> str:
    """The processor as the system names it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Measure both views and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ct", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    torch.set_num_threads(thread_count())
    volume = nerp.Volume(*read(options.ct))
    structures = None
    if options.labels:
        structures = nerp.Structures.from_labels(read(options.labels)[0], volume.ras_from_ijk)
    rows = [row for view in ("PA", "LL") for row in measure(view, volume, structures, options.rounds)]
    lines = [
        f"{cpu_name()}, {os.cpu_count()} cores, {thread_count()} threads on both sides; "
        f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}.",
        f"CT of {' x '.join(map(str, volume.shape[::-1]))} voxels, {SIZE} x {SIZE} rays, {SAMPLES} samples; "
        f"medians of {options.rounds} interleaved rounds.",
        "",
        "| slower / faster | slower, ms | faster, ms | ratio [quartiles] | bar |",
        "|---|---|---|---|---|",
    ]
    for name, bar, fast_ms, slow_ms, ratios in rows:
        low, middle, high = np.percentile(ratios, (25, 50, 75))
        lines.append(
            f"| {name} | {slow_ms:.1f} | {fast_ms:.1f} | {middle:.2f} [{low:.2f}, {high:.2f}] | {bar} |"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "projector.md").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
