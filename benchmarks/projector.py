"""The projector against torch, SciPy, other projectors and itself, in interleaved rounds of one process.

Both sides of a row draw the same picture, which is checked first, by the same threads. A ratio is the slower
side's time over the faster side's in the same round; reported are the median and the quartiles.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import memory
import nerp
import numpy as np
import peers
import torch
from harness import HEADER, RESULTS, Row, compare, machine, volumes, write
from nerp.projector import cpu, portable, reference
from nerp.projector.prepared import attenuation
from nerp.projector.rays import camera_rays
from nerp.projector.threads import thread_count
from nerp.projector.torch_rays import clipped_rays
from peers import timed

SIZE, SAMPLES = 256, 512


def torch_picture(fields: torch.Tensor, frames: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Emission-absorption by one two-channel grid_sample call: [1, 2, D, H, W] -> [rows, columns]."""
    entry, step, step_mm = clipped_rays(frames, fields.shape[2:], SIZE, SIZE, SAMPLES)
    entry, step, step_mm = entry[0, 0].float() - 1, step[0, 0].float(), step_mm[0, 0].float()
    scale = 2 / (torch.tensor(fields.shape[:1:-1]) - 1)
    numbers = torch.arange(SAMPLES)[:, None] + 0.5
    grid = (scale * entry - 1)[:, :, None] + numbers * (scale * step)[:, :, None]
    matter, opacity = torch.nn.functional.grid_sample(fields, grid[None], align_corners=True)[0]
    depth = torch.cumsum(opacity * step_mm[..., None], -1)
    remaining = torch.exp(-torch.nn.functional.pad(depth, (1, 0)))
    return (-torch.diff(remaining, dim=-1) * matter).sum(-1)


def same(name: str, picture: np.ndarray, expected: np.ndarray, correlation: float) -> str:
    """How far two pictures agree, in words.

    Raises:
        SystemExit: they do not; timing unlike things would mean nothing.
    """
    found = np.corrcoef(picture.ravel(), expected.ravel())[0, 1]
    difference = np.abs(picture - expected).mean() / expected.max()
    if found < correlation or difference > 0.01:
        raise SystemExit(f"{name}: correlation {found:.6f}, mean difference {difference:.1e} of the maximum")
    return f"{name}: correlation {found:.7f}, mean difference {difference:.0e} of the maximum"


def interpolation(fields: nerp.Fields, camera: nerp.Camera, samples: int) -> Callable[[], float]:
    """SciPy's part of a picture: seconds in `map_coordinates` for all samples, one call a field and tile."""
    from scipy.ndimage import map_coordinates

    rays = camera_rays(camera, fields.ras_from_ijk)
    t_in, t_out = reference.clip_to_support(fields.shape, rays)
    share = (np.arange(samples) + 0.5) / samples

    def seconds() -> float:
        total = 0.0
        for first in range(0, camera.rows, portable.TILE_ROWS):
            rows = slice(first, first + portable.TILE_ROWS)
            t = t_in[rows, :, None] + share * (t_out - t_in)[rows, :, None]
            points = np.stack(
                [rays.origin_ijk[a] + t * rays.direction_ijk[rows, :, a, None] for a in (2, 1, 0)]
            )
            for field in (fields.matter, fields.opacity):
                total += timed(
                    lambda field=field, points=points: map_coordinates(
                        field, points, output=np.float32, order=1, mode="grid-constant", prefilter=False
                    )
                )()
        return total

    return seconds


def fields_rows(
    view: str, volume: nerp.Volume, structures: nerp.Structures | None, rounds: int
) -> Iterator[Row]:
    """Emission and absorption."""
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

    def draw(preview: bool = False) -> np.ndarray:
        return nerp.project(fields, camera, samples=SAMPLES, preview=preview).image

    def torch_forward() -> torch.Tensor:
        with torch.no_grad():
            return torch_picture(both_fields, frames)

    def forward_backward() -> None:
        leaves[0].grad = leaves[1].grad = None
        nerp.autograd.project(*leaves, *frames, SIZE, SIZE, SAMPLES)[0].sum().backward()

    def torch_forward_backward() -> None:
        both_fields.grad = None
        torch_picture(both_fields, frames).sum().backward()

    forward = timed(draw)
    print(same(f"{view} torch grid_sample", draw(), torch_forward().numpy(), 0.999999))
    print(same(f"{view} SciPy", draw(), portable.emission_absorption(fields, camera, SAMPLES)[0], 0.999999))
    yield compare(f"{view} forward: torch grid_sample / nerp", ">= 25", timed(torch_forward), forward, rounds)
    name = f"{view} forward + backward: torch / nerp"
    yield compare(name, ">= 12", timed(torch_forward_backward), timed(forward_backward), rounds)
    name = f"{view} full frame / preview 128 x 128 x 256"
    yield compare(name, ">= 6", forward, timed(lambda: draw(preview=True)), 5 * rounds)
    if structures is not None:
        lengths = timed(lambda: cpu.exact_lengths(structures, camera))
        name = f"{view} forward / exact path lengths of {len(structures)} structures"
        yield compare(name, ">= 0.5", forward, lengths, rounds)
    for what, shot, samples in (("full", camera, SAMPLES), ("small", small, SAMPLES // 2)):

        def without_numba(shot: nerp.Camera = shot, samples: int = samples) -> object:
            return portable.emission_absorption(fields, shot, samples)

        name = f"{view} {what}: map_coordinates of both fields (one thread) / nerp without Numba"
        yield compare(name, ">= 0.67", interpolation(fields, shot, samples), timed(without_numba), rounds)


def integral_rows(view: str, volume: nerp.Volume, rounds: int, with_peers: bool) -> Iterator[Row]:
    """Line integrals."""
    grid = attenuation(volume)
    with_peers = with_peers and not peers.is_oblique(grid)
    grid = peers.upright(grid) if with_peers else grid
    camera = nerp.Camera.preset(view, volume, SIZE, SIZE)
    exact, sampled = cpu.exact_integral(grid, camera), cpu.sampled_integral(grid, camera, SAMPLES)
    values = torch.from_numpy(grid.values)[None, None].clone().requires_grad_()
    pose = torch.tensor(np.array(camera.ras_from_camera))[None, None].requires_grad_()
    frames = (
        torch.tensor(np.array(grid.ras_from_ijk))[None],
        pose,
        torch.tensor(camera.pixel_from_camera)[None, None],
    )

    def forward_backward() -> None:
        values.grad = pose.grad = None
        nerp.autograd.line_integral(values, *frames, SIZE, SIZE, SAMPLES).sum().backward()

    draw_exact = timed(lambda: cpu.exact_integral(grid, camera))
    draw_sampled = timed(lambda: cpu.sampled_integral(grid, camera, SAMPLES))
    if not with_peers:
        yield compare(f"{view} drr-sampled / drr (exact)", "", draw_sampled, draw_exact, rounds)
        return
    bars = {"plastimatch exact": ">= 2.5", "RTK Joseph": ">= 2"}
    for peer in peers.peers(peers.Scene(grid, camera, SAMPLES, thread_count())):
        print(same(f"{view} {peer.name}", peer.picture(), exact if peer.exact else sampled, 0.999))
        name = f"{view} {'drr' if peer.exact else 'drr-sampled'}: {peer.name} / nerp"
        ours = draw_exact if peer.exact else draw_sampled
        yield compare(name, bars.get(peer.name, ">= 6"), peer.seconds, ours, rounds)
        if peer.forward_backward:
            slow, fast = timed(peer.forward_backward), timed(forward_backward)
            name = f"{view} drr-sampled forward + backward (volume and pose): {peer.name} / nerp"
            yield compare(name, ">= 3", slow, fast, max(1, rounds // 2))


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ct", type=Path, nargs="?")
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(thread_count())
    lines = [
        "# The projector",
        "",
        f"{machine()}, torch {torch.__version__}. {SIZE} x {SIZE} rays, {SAMPLES} samples; medians of "
        f"{options.rounds} interleaved rounds.",
    ]
    for number, (volume, structures) in enumerate(volumes(options.ct, options.labels)):
        lines += ["", f"## {volume.name}, {' x '.join(map(str, volume.shape[::-1]))} voxels", "", *HEADER]
        for view in ("PA", "LL"):
            lines += map(str, fields_rows(view, volume, structures, options.rounds))
            lines += map(str, integral_rows(view, volume, options.rounds, with_peers=number == 0))
        used = memory.in_a_fresh_process(volume.shape)
        if used:
            print(used)
            lines += ["", used]
    write(options.out / "projector.md", lines)


if __name__ == "__main__":
    main()
