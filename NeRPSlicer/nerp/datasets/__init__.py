"""Training data: found in folders, split by patient, prepared once, drawn reproducibly.

`training_pairs` needs torch and MONAI, which load when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..ct_augmentation import CtAugmentation
from .cache import Cache
from .cases import Cases, CtCase, XrayCase
from .ct_folders import find_cts, thorax_cases
from .films import film_window, prepare_lungs, prepare_xray
from .lung_finder import load_lung_finder
from .prepared_cts import CtRecord, prepare_ct, prepare_cts
from .prepared_xrays import LungFinder, XrayRecord, prepare_xray_case, prepare_xrays
from .records import Records
from .splits import Split, split
from .xray_folders import find_xrays

__all__ = [
    "Cache",
    "Cases",
    "CtAugmentation",
    "CtCase",
    "CtRecord",
    "LungFinder",
    "Records",
    "Split",
    "XrayCase",
    "XrayRecord",
    "film_window",
    "find_cts",
    "find_xrays",
    "load_lung_finder",
    "prepare_ct",
    "prepare_cts",
    "prepare_lungs",
    "prepare_xray",
    "prepare_xray_case",
    "prepare_xrays",
    "split",
    "thorax_cases",
    "training_pairs",
]


def __getattr__(name: str) -> Any:
    if name == "training_pairs":
        return getattr(importlib.import_module(f"{__name__}.pairs"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
