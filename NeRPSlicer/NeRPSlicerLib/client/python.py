"""The Python that runs the engine beside Slicer."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nerp
import qt

ENGINE_PARENT = Path(nerp.__file__).resolve().parents[1]
"""The folder that holds the package ``nerp``."""


def pythonExecutable() -> str:
    """PythonSlicer, which has Slicer's packages; outside Slicer the Python that runs."""
    return shutil.which("PythonSlicer") or sys.executable


def processEnvironment():
    """The environment for a process that imports ``nerp``: Slicer's own, with the engine in reach."""
    environment = qt.QProcessEnvironment.systemEnvironment()
    paths = [str(ENGINE_PARENT), environment.value("PYTHONPATH", "")]
    environment.insert("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    environment.insert("PYTHONUTF8", "1")
    return environment
