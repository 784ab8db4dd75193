"""How long a fresh process takes: import, first picture with an empty and with a filled kernel cache."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import RESULTS, machine, write

PICTURE = """
import nerp, numpy
hu = numpy.full((64, 96, 96), -1000, numpy.int16)
hu[8:56, 16:80, 16:80] = 40
volume = nerp.Volume(hu, numpy.diag([3.0, 3.0, 4.0, 1.0]))
nerp.project(volume, nerp.Camera.preset("PA", volume, 256, 256), "{method}")
"""


def seconds(code: str, cache: str) -> float:
    """Of a whole Python process."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as cache:
            found.setdefault(("Python alone", ""), []).append(seconds("pass", cache))
            found.setdefault(("import nerp", "0.2"), []).append(seconds("import nerp", cache))
        for method in ("fixed", "drr"):
            with tempfile.TemporaryDirectory() as cache:
                for state, bar in (("empty", "4"), ("filled", "1")):
                    what = f"first picture, {method}, {state} kernel cache"
                    found.setdefault((what, bar), []).append(seconds(PICTURE.format(method=method), cache))
    lines = ["# From a cold start", "", f"{machine()}; whole processes, medians of {options.rounds}.", ""]
    lines += ["| what | s [quartiles] | bar, at most |", "|---|---|---|"]
    for (what, bar), times in found.items():
        low, middle, high = np.percentile(times, (25, 50, 75))
        lines.append(f"| {what} | {middle:.2f} [{low:.2f}, {high:.2f}] | {bar} |")
    print("\n".join(lines))
    write(options.out / "start.md", lines)


if __name__ == "__main__":
    main()
