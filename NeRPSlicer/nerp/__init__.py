"""NeRP: labelled radiographs from chest CT, in true millimetres.

The names below load on first use, so that ``import nerp`` itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Camera": "geometry",
    "VolumeGeometry": "geometry",
    "Fields": "radiance",
    "NerpError": "errors",
    "Structures": "structures",
    "Volume": "volume",
    "fixed_radiance": "radiance",
    "load_model": "networks.model",
    "project": "projector",
    "read_ct": "io",
    "read_structures": "io",
    "sample_camera": "poses",
    "sample_cameras": "poses",
    "thorax": "phantom",
}
_MODULES = ("autograd",)

__all__ = ["__version__", *_MODULES, *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
