"""Trained models on disk, told from their descriptions alone: no torch, so Slicer's own process may ask.

A model's folder is a MONAI bundle: ``configs/metadata.json`` (facts, tone curve, card),
``models/model.safetensors`` (weights; none where a model is a tone curve alone), ``docs/README.md`` (the card
for people). `nerp.load_model` reads the weights.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import NerpError
from .resources import resource

FORMAT = "nerp-radiance-1"
METADATA, WEIGHTS, CARD = "configs/metadata.json", "models/model.safetensors", "docs/README.md"
SIZES = {"mapper_mm": (0.5, 32.0), "opacity_ratio": (1.5, 1e6)}
"""Ranges that training allows."""
LONGEST_NAME = 60
NEEDED = ("torch", "monai", "safetensors")
"""What a learned radiance is computed with."""


@dataclass(frozen=True)
class ModelDescription:
    """What a model's ``metadata.json`` says."""

    folder: Path
    name: str
    """For people, one line."""
    architecture: str | None
    """One of `nerp.networks.mapper.MAPPERS`; None where nothing is learned but the tone curve."""
    mapper_mm: float
    """Voxel size of the Mapper's grid, about."""
    opacity_ratio: float
    """The paper's bandwidth ratio of matter to opacity."""
    tone: tuple[float, ...]
    """The tone curve at evenly spaced knots."""
    weights_sha256: str | None
    """Of the file of weights."""
    card: Mapping[str, Any]
    """Data, licence, metrics, intended use."""

    @property
    def method(self) -> str:
        """What its pictures are drawn by: "vrr", or "fixed" where no Mapper has learned anything."""
        return "fixed" if self.architecture is None else "vrr"

    @property
    def label(self) -> str:
        """What its pictures are called; only a learned radiance's are VRR."""
        return "Fixed radiance, tone curve" if self.architecture is None else "VRR"

    @property
    def sha256(self) -> str:
        """SHA-256 of all that decides its pictures: weights, grid, opacity and curve, not the card."""
        facts = [self.architecture, self.mapper_mm, self.opacity_ratio, list(self.tone), self.weights_sha256]
        return hashlib.sha256(json.dumps([FORMAT, *facts]).encode()).hexdigest()


def describe_model(path: str | Path) -> ModelDescription:
    """The description of a model.

    Args:
        path: its folder, or a training run's, which holds it as ``model``.

    Raises:
        NerpError: no model there, another format, or a damaged description.
    """
    folder = model_folder(Path(path))
    metadata = folder / METADATA
    try:
        record = json.loads(metadata.read_text(encoding="utf-8"))
    except OSError as error:
        raise NerpError(
            f"{folder} is no model's folder ({METADATA} is looked for); check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        raise NerpError(f"{metadata} is damaged; copy the model again.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise NerpError(f"{folder} is not a model of the format {FORMAT}; train or export it with this nerp.")
    try:
        card = dict(record["card"])
        architecture, weights = record["architecture"], record["sha256"]
        sizes = float(record["mapper_mm"]), float(record["opacity_ratio"])
        tone = tuple(map(float, record["tone"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NerpError(f"{metadata} lacks something ({error!r}); copy the model again.") from error
    if not all(isinstance(text, str) or text is None for text in (architecture, weights)):
        raise NerpError(f"{metadata} names no architecture and weights; copy the model again.")
    for name, value, (least, most) in zip(SIZES, sizes, SIZES.values(), strict=True):
        if not least <= value <= most:  # NaN neither
            raise NerpError(f"{metadata}: {name} is {value:g}, not from {least:g} to {most:g}.")
    return ModelDescription(folder, _name(card, folder), architecture, *sizes, tone, weights, card)


def model_folder(path: Path) -> Path:
    """A model's folder; a training run holds its model in a folder of its own."""
    inside = path / "model"
    return inside if not (path / METADATA).is_file() and (inside / METADATA).is_file() else path


def find_models(
    folders: Iterable[Path] = (), shipped: bool = True
) -> tuple[list[ModelDescription], list[str]]:
    """The models that nerp comes with, and those in some folders.

    Args:
        folders: each a model's, a run's, or one that holds such folders.
        shipped: whether those that nerp comes with count.

    Returns:
        descriptions by name, each model once; what keeps others from being used, a line each.
    """
    found: dict[str, ModelDescription] = {}
    refused = []
    for folder in (*(_shipped() if shipped else ()), *folders):
        for place in dict.fromkeys(map(model_folder, (folder, *_inside(folder)))):
            if (place / METADATA).is_file():
                try:
                    model = describe_model(place)
                    found.setdefault(model.sha256, model)
                except NerpError as error:
                    refused.append(str(error))
    return sorted(found.values(), key=lambda model: model.name.casefold()), refused


def named_model(text: str | None = None) -> ModelDescription:
    """The model that a person means.

    Args:
        text: a folder, or the name of a model that nerp comes with; None is the one learned radiance that
            it comes with, where there is exactly one.

    Raises:
        NerpError: there is no such model, or it is damaged.
    """
    if text is not None and Path(text).is_dir():
        return describe_model(text)
    shipped, _ = find_models()
    if text is None:
        learned = [model for model in shipped if model.architecture is not None]
        if len(learned) == 1:
            return learned[0]
        names = ", ".join(model.name for model in learned)
        known = f"choose one with --model: {names}" if learned else "none comes with nerp"
        raise NerpError(
            f"The method vrr needs a trained model ({known}): --model FOLDER; `nerp train` makes one, "
            "see docs/training.md."
        )
    for model in shipped:
        if text in (model.name, model.folder.name):
            return model
    names = ", ".join(model.name for model in shipped)
    known = f"; nerp comes with {names}" if shipped else ""
    raise NerpError(f"There is no model {text}: name its folder or that of a training run{known}.")


def lacking_packages() -> list[str]:
    """What must be installed before a learned radiance can be drawn; loads nothing."""
    importlib.invalidate_caches()
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def _shipped() -> list[Path]:
    try:
        return [resource("Models")]
    except NerpError:  # an installation without any
        return []


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _name(card: Mapping[str, Any], folder: Path) -> str:
    own = folder.parent.name if folder.name == "model" else folder.name
    return " ".join(str(card.get("name") or own).split())[:LONGEST_NAME]
