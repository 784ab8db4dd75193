"""A run's state on disk: tensors as safetensors, the rest as JSON in the same file; nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..atomic import write_bytes
from ..errors import NerpError
from .trainer import Trainer

FORMAT = "nerp-training-1"
KEPT = 2
"""Checkpoints kept: where the newest is damaged the run goes on from the one before."""


def save_checkpoint(folder: Path, trainer: Trainer, facts: dict[str, Any]) -> Path:
    """Write the state after the trainer's last step; older checkpoints go.

    Args:
        folder: of the run's checkpoints.
        facts: plain data to find again.

    Raises:
        CannotWrite: the folder cannot be written.
    """
    record = {"facts": facts, "trainer": trainer.numbers()}
    path = folder / f"step_{trainer.done:08d}.safetensors"
    tensors = {name: value.detach().contiguous() for name, value in trainer.tensors()}
    write_bytes(path, save(tensors, {"format": FORMAT, "record": json.dumps(record)}))
    for old in _checkpoints(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path, trainer: Trainer) -> tuple[dict[str, Any], list[str]]:
    """Bring a trainer to the newest state that can be read.

    Returns:
        the facts that were saved with it, empty where there is no checkpoint; what a person should know.

    Raises:
        NerpError: there are checkpoints, but none can be used.
    """
    notices: list[str] = []
    for path in _checkpoints(folder):
        try:
            return _load(path, trainer), notices
        except NerpError as error:
            notices.append(str(error))
    if notices:
        raise NerpError(f"None of the run's checkpoints can be used; start a new run. {notices[0]}")
    return {}, []


def _load(path: Path, trainer: Trainer) -> dict[str, Any]:
    try:
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in file.keys()}
        record = json.loads(metadata.get("record", "null"))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise NerpError(f"{path.name} is not a whole checkpoint ({error}).") from error
    if metadata.get("format") != FORMAT or not isinstance(record, dict):
        raise NerpError(f"{path.name} is no checkpoint of the format {FORMAT}.")
    expected = dict(trainer.tensors())
    if found.keys() != expected.keys() or any(found[n].shape != expected[n].shape for n in expected):
        raise NerpError(f"{path.name} belongs to a run with other networks.")
    with torch.no_grad():
        for name, value in expected.items():
            value.copy_(found[name])
    trainer.set_numbers(record["trainer"])
    return record["facts"]


def _checkpoints(folder: Path) -> list[Path]:
    """The newest first."""
    return sorted(folder.glob("step_*.safetensors"), reverse=True)
