"""What this installation can do: packages, processor, backend."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

from . import __version__
from .models import find_models, lacking_packages
from .settings import LEARNED, METHODS

PACKAGES = {
    "numpy": "everything",
    "scipy": "everything",
    "SimpleITK": "reading and writing volumes",
    "pydicom": "reading DICOM",
    "highdicom": "reading DICOM SEG",
    "Pillow": "writing pictures",
    "numba": "drawing fast",
    "rich": "progress bars",
    "torch": "training, learned radiances, gradients",
    "monai": "training, learned radiances",
    "safetensors": "training, learned radiances",
}
"""Distribution name to what it is needed for."""
MODULES = {"Pillow": "PIL"}


def is_installed(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    try:
        return util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def package_versions() -> dict[str, str | None]:
    """Version of each of `PACKAGES`, None where it is missing."""
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        versions[name] = None
        # A package that lies on the path without its metadata (as in some bundles) still counts.
        if is_installed(MODULES.get(name, name)):
            try:
                versions[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                versions[name] = "unknown"
    return versions


def processor_name() -> str:
    """The processor as the system names it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@cache
def made_with() -> dict[str, Any]:
    """What decides the last bit of a picture: goes into the sidecars."""
    from .projector import backend_name

    versions = package_versions()
    return {
        "nerp": __version__,
        "python": platform.python_version(),
        "backend": backend_name(),
        "processor": processor_name(),
        "packages": {name: versions[name] for name in ("numpy", "scipy", "numba", "SimpleITK", "Pillow")},
    }


def gpu_names() -> list[str]:
    """The accelerators that torch can use; loads torch where it is installed."""
    if not is_installed("torch"):
        return []
    import torch

    names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("Apple GPU")
    return names


def describe(folders: Iterable[Path] = ()) -> dict[str, Any]:
    """Everything `nerp info` shows, as plain data.

    Args:
        folders: where models are looked for, beside those that nerp comes with.
    """
    from .projector import backend_name

    versions = package_versions()
    models, refused = find_models(folders)
    return {
        "nerp": __version__,
        "folder": str(Path(__file__).resolve().parent),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "backend": backend_name(),
        "gpus": gpu_names(),
        "methods": [LEARNED, *METHODS],
        "models": [
            {
                "name": model.name,
                "folder": str(model.folder),
                "method": model.method,
                "label": model.label,
                "sha256": model.sha256,
                "card": dict(model.card),
            }
            for model in models
        ],
        "refused_models": refused,
        "training": not lacking_packages(),
        "packages": versions,
    }
