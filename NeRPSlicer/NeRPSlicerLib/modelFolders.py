"""Folders in which models are looked for, beside those that come with the extension: one list for both
modules, kept by Slicer over sessions."""

from __future__ import annotations

import json
from pathlib import Path

import slicer

SETTING = "NeRPSlicer/ModelFolders"
MOST = 20


def modelFolders() -> list[Path]:
    """Folders of training runs and of models that were used, the newest first; give them to
    ``nerp.models.find_models``."""
    try:
        kept = json.loads(slicer.util.settingsValue(SETTING, "[]"))
        return [Path(text) for text in kept if isinstance(text, str)]
    except (TypeError, ValueError):
        return []


def rememberModelFolder(folder: Path) -> None:
    """Look in this folder from now on, in this session and later ones."""
    others = [kept for kept in modelFolders() if kept != folder]
    kept = json.dumps([str(path) for path in (folder, *others)][:MOST])
    slicer.app.settings().setValue(SETTING, kept)
