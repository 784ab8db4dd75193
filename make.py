"""Set up `.venv` and run a task in it: ``python make.py demo | test | lint | bench`` (Python >= 3.10)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

PREVIEW = (
    "import sys; sys.path.insert(0, 'NeRPSlicer/Testing'); "
    "from host.preview import main; sys.exit(main(sys.argv[1:]))"
)
TASKS = {
    "demo": ("", [["-m", "nerp", "demo"]]),
    "test": ("test", [["-m", "pytest"]]),
    "preview": ("test", [["-c", PREVIEW]]),
    "screenshots": ("test", [["NeRPSlicer/Testing/screenshots.py"]]),
    "bench": ("bench", [["benchmarks/projector.py"]]),
    "lint": ("lint", [["-m", "ruff", "check", "."], ["-m", "mypy"], ["-m", "codespell_lib"]]),
}
"""Task: the extra it installs, and the commands it runs with the arguments given."""
ALONE = {"test": [["--cov", "--cov-report="], ["NeRPSlicer/Testing/scene", "--numprocesses=2"]]}
"""Task: what its command runs with when no arguments are given, one run after the other. The engine's suite
also has to reach its coverage; the scene's runs alone, for it holds a stand-in for the application:
one in each of two processes."""


def set_up(extra: str) -> None:
    """Install the project with one extra ("" for none) into `.venv`, unless that very set is there."""
    files = [HERE / "pyproject.toml", HERE / "constraints.txt"]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = VENV / f".installed-{extra or 'base'}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if not PYTHON.is_file():
        venv.create(VENV, with_pip=True)
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*install, "-c", "constraints.txt", "-e", f".[{extra}]" if extra else "."], cwd=HERE, check=True
    )
    stamp.write_text(wanted, encoding="utf-8")


def main() -> int:
    """Run the named task with the arguments that follow."""
    if sys.version_info < (3, 10) or len(sys.argv) < 2 or sys.argv[1] not in TASKS:
        print(f"usage: python make.py {' | '.join(TASKS)}   (Python 3.10 or newer)", file=sys.stderr)
        return 2
    extra, commands = TASKS[sys.argv[1]]
    set_up(extra)
    runs = [sys.argv[2:]] if sys.argv[2:] else ALONE.get(sys.argv[1], [[]])
    for command in commands:
        for arguments in runs:
            code = subprocess.run([str(PYTHON), *command, *arguments], cwd=HERE).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
