"""What a forward and backward pass adds to a process's memory (Linux)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SIZE, SAMPLES = 256, 512


def in_a_fresh_process(shape: tuple[int, int, int]) -> str:
    """The result in words; empty where the system does not tell peaks."""
    if not Path("/proc/self/clear_refs").exists():
        return ""
    command = [sys.executable, __file__, *map(str, shape)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _resident_mb(what: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(rf"{what}:\s+(\d+)", status)[1]) / 1024


def main() -> None:
    """Emission-absorption of random fields of the shape given; peak against what was there before."""
    import nerp
    import numpy as np
    import torch

    shape = tuple(map(int, sys.argv[1:4]))
    volume = nerp.VolumeGeometry(shape, np.diag([1.5, 1.5, 1.5, 1.0]), np.array([[0.0] * 3, shape[::-1]]))
    camera = nerp.Camera.from_angles(volume, (5.0, 5.0, 0.0), rows=SIZE, columns=SIZE)
    frames = (
        torch.tensor(np.array(volume.ras_from_ijk))[None],
        torch.tensor(np.array(camera.ras_from_camera))[None, None],
        torch.tensor(camera.pixel_from_camera)[None, None],
    )
    small = [torch.rand(1, 1, 8, 8, 8).requires_grad_() for _ in range(2)]
    nerp.autograd.project(*small, *frames, 8, 8, 8)[0].sum().backward()
    fields = [torch.rand(1, 1, *shape) for _ in range(2)]
    fields = [field.mul_(0.01).requires_grad_() for field in fields]
    before = _resident_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    image, _ = nerp.autograd.project(*fields, *frames, SIZE, SIZE, SAMPLES)
    gradients = torch.autograd.grad(image.sum(), fields)
    added = _resident_mb("VmHWM") - before
    pairs = 2 * 4 * np.prod(np.add(shape, 2)) / 2**20
    assert all(gradient.isfinite().all() for gradient in gradients)
    print(
        f"Forward + backward adds {added:.0f} MB at its peak: {added / (2 * pairs):.2f} x the interleaved "
        f"padded fields and their gradient ({2 * pairs:.0f} MB); bar <= 1.10."
    )


if __name__ == "__main__":
    main()
