"""What a person waits for at the panel, measured through the stand-in application with the real worker.

Needs Python 3.12 with the extra "test". The panel runs once in a fresh process with a worker that has Numba,
once with a worker that has what Slicer ships, and once with a CT of 512 x 512 x 400. ``--python`` names the
worker's interpreter where Numba is in another one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import RESULTS, machine, write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "NeRPSlicer" / "Testing"))

HIDE_NUMBA = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ("numba", "llvmlite", "torch", "monai", "rich", "rich_argparse"):
            return self.finder.find_spec(name, path, target)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
"""
"""A ``sitecustomize`` for workers on what a bare Slicer has."""

ROWS = [
    ("opening the module to the first radiograph, s", "first_s", "<= 15", "<= 15"),
    ("camera move to small picture, without the drawing of views, ms", "small_ms", "<= 80", "<= 350"),
    ("... with the drawing, ms", "small_drawn_ms", "", ""),
    ("the same with masks of lungs, heart and clavicles, ms", "small_masks_ms", "<= 80", "<= 350"),
    ("... with the drawing, ms", "small_masks_drawn_ms", "", ""),
    ("full picture, after the camera has rested 200 ms, ms", "full_ms", "<= 400", "<= 3000"),
    ("worker killed mid-drag to picture, s", "killed_s", "<= 3", "<= 3"),
    ("longest stall of the main thread in all of this, ms", "stall_ms", "<= 200", "<= 200"),
]
LARGE_ROWS = [
    ("CT picked to first radiograph, s", "first_s", ""),
    ("memory beyond the CT itself, Slicer's side, MB", "panel_mb", ""),
    ("memory of the worker, its own copy of the CT included, MB", "worker_mb", ""),
    ("both together, MB", "both_mb", "<= 3072"),
    ("longest time without a word of progress, s", "silence_s", ""),
    ("Cancel while it loads, until the worker has given up, s", "cancel_s", ""),
    ("longest stall of the main thread, ms", "stall_ms", "<= 200"),
]


def walk(which: str, python: str) -> dict:
    """The figures of one walk in a fresh process: "numba", "bare" or "large"."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        if which == "bare":
            (Path(folder) / "sitecustomize.py").write_text(HIDE_NUMBA, encoding="utf-8")
            paths = [folder, environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        script = Path(__file__).with_name("panel_walk.py")
        command = [sys.executable, str(script), which, python]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def cell(figure: float | list[float] | None) -> str:
    """A number, or the median and quartiles of several."""
    if figure is None:
        return "not measured here"
    if isinstance(figure, list):
        low, middle, high = np.percentile(figure, (25, 50, 75))
        return f"{middle:.3g} [{low:.3g}, {high:.3g}]"
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.3g}"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="the worker's interpreter")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if importlib.util.find_spec("slicer_core") is None:
        parser.error("the panel needs slicer-core: pip install -e .[test] in Python 3.12")
    load = f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    lines = [
        "# The panel",
        "",
        f"{machine()}{load}. The example patient, pictures of 256 x 256 pixels, method DRR; medians "
        "[quartiles]. The stand-in draws views by software (Mesa), where Slicer has a graphics card.",
        "",
        "| what | bar | with Numba | bar | without |",
        "|---|---|---|---|---|",
    ]
    found = {which: walk(which, options.python) for which in ("numba", "bare")}
    for name, key, bar, slow_bar in ROWS:
        fast, slow = (cell(found[which][key]) for which in ("numba", "bare"))
        lines.append(f"| {name} | {bar} | {fast} | {slow_bar} | {slow} |")
    imports = cell(found["numba"]["import_ms"])
    lines += ["", f"Import of `NeRPSlicer.py` at file scope: {imports} ms; bar <= 50 ms."]
    large = walk("large", options.python)
    lines += ["", "## A CT of 512 x 512 x 400 (int16, 200 MB), seven structures, every method", ""]
    lines += ["| what | bar | found |", "|---|---|---|"]
    lines += [f"| {name} | {bar} | {cell(large[key])} |" for name, key, bar in LARGE_ROWS]
    print("\n".join(lines))
    write(options.out / "panel.md", lines)


if __name__ == "__main__":
    main()
