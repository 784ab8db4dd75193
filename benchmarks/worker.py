"""The render worker as its client sees it: from a camera's move to the small picture, with and without Numba.

Both workers run at once and are asked in turn, so that a busy machine slows them alike. The first picture is
timed from the start of the process, with the digital thorax built in it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nerp
import numpy as np
from harness import RESULTS, machine, write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "NeRPSlicer" / "Testing" / "engine"))
from worker_client import Worker

SIZE = 256
WHICH = {False: "with Numba", True: "without"}
BARS = {
    ("small", False): "<= 80",
    ("small", True): "<= 350",
    ("full", False): "<= 400",
    ("full", True): "<= 3000",
}
"""On the screen; what the panel adds must fit in too."""

FEW = ["lung_left", "lung_right", "heart"]
CASES = (("small", False), ("small", FEW), ("small", True), ("full", False), ("full", True))
"""Quality, and the structures whose masks are drawn too."""


def busy() -> str:
    """What else the processors had to do when this began, where the system tells."""
    return f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""


def moves(record: dict[str, Any], count: int) -> list[nerp.Camera]:
    """A drag: PA turned a little further each time."""
    box, frame = np.array(record["body_box"]), np.array(record["ras_from_ijk"])
    geometry = nerp.VolumeGeometry(tuple(record["shape"]), frame, box, record["hash"])
    return [
        nerp.Camera.from_angles(geometry, (n, n / 4, 0), rows=SIZE, columns=SIZE, mirrored=True, view="PA")
        for n in np.linspace(0, 40, count)
    ]


def first_picture(folder: Path, bare: bool, seed: int) -> tuple[Worker, dict[str, Any], str]:
    """A worker that has drawn once, its volume, and how long that took."""
    begin = time.perf_counter()
    worker = Worker(folder, bare=bare).__enter__()
    ready = time.perf_counter() - begin
    example = worker.ask("example", seed=seed)
    built = time.perf_counter() - begin
    camera = moves(example["volume"], 1)[0]
    worker.array(worker.ask("draw", camera=camera.to_dict(), quality="small", structures=False)["picture"])
    total = time.perf_counter() - begin
    return (
        worker,
        example["volume"],
        f"{WHICH[bare]}: {total:.1f} s (ready {ready:.1f}, patient {built - ready:.1f})",
    )


def latency(worker: Worker, camera: nerp.Camera, **request: Any) -> float:
    """Milliseconds from the request to the picture in the client's memory."""
    begin = time.perf_counter()
    worker.array(worker.ask("draw", camera=camera.to_dict(), **request)["picture"])
    return 1000 * (time.perf_counter() - begin)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    sizes = (
        f"Full pictures have {SIZE} x {SIZE} pixels, small ones 128 x 128, by fixed without Numba 96 x 96."
    )
    lines = ["# The render worker", "", f"{machine()}{busy()}. Digital thorax. {sizes}"]
    with tempfile.TemporaryDirectory() as temporary:
        workers, firsts = {}, []
        for bare in (False, True):
            worker, record, first = first_picture(
                Path(temporary) / f"nerp-session-{bare}", bare, options.seed
            )
            workers[bare] = worker
            firsts.append(first)
        cameras = moves(record, options.moves)
        lines += ["", "First picture from a cold process, bar 15 s: " + "; ".join(firsts) + ".", ""]
        lines += [
            "| ms, median [quartiles] | bar | with Numba | bar | without |",
            "|---|---|---|---|---|",
        ]
        for method in ("drr", "fixed"):
            for quality, structures in CASES:
                request = {"method": method, "quality": quality, "structures": structures}
                some = cameras if quality == "small" else cameras[:: max(1, options.moves // 5)]
                for worker in workers.values():
                    latency(worker, some[0], **request)
                times = [
                    [latency(worker, camera, **request) for worker in workers.values()] for camera in some
                ]
                cells = []
                for bare, column in zip(workers, np.array(times).T, strict=True):
                    low, middle, high = np.percentile(column, (25, 50, 75))
                    cells += [BARS[quality, bare], f"{middle:.0f} [{low:.0f}, {high:.0f}]"]
                masks = (
                    "" if not structures else ", 3 structures" if structures is FEW else ", all structures"
                )
                name = f"{method}, {quality}{masks}"
                lines.append(f"| {name} | {' | '.join(cells)} |")
                print(lines[-1], flush=True)
        for worker in workers.values():
            worker.end()
    write(options.out / "worker.md", lines)


if __name__ == "__main__":
    main()
