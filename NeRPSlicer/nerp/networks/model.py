"""A trained radiance on disk, in the layout of a MONAI bundle: weights as safetensors, everything else JSON.

    configs/metadata.json       the bundle's facts, the model's settings, its card
    models/model.safetensors    weights in half precision
    docs/README.md              the card for people

Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ..atomic import explained, write_json, written_aside
from ..errors import NerpError
from ..projector.prepared import once_per_object
from ..radiance import Fields
from ..volume import Volume
from .learned import learned_fields
from .mapper import Mapper
from .tone import ToneCurve

FORMAT = "nerp-radiance-1"
SIZES = {"mapper_mm": (0.5, 32.0), "opacity_ratio": (1.5, 1e6)}
"""Ranges that training allows."""
METADATA, WEIGHTS, CARD = "configs/metadata.json", "models/model.safetensors", "docs/README.md"


@dataclass(frozen=True, eq=False)
class RadianceModel:
    """A learned radiance: call it with a `nerp.Volume` to get its `nerp.Fields`."""

    mapper: Mapper
    architecture: str
    """One of `mapper.MAPPERS`."""
    mapper_mm: float
    """Voxel size of the Mapper's grid, about."""
    opacity_ratio: float
    """The paper's bandwidth ratio of matter to opacity."""
    tone: ToneCurve = field(default_factory=ToneCurve)
    """What its pictures pass before the eye."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Name, data, licence, metrics, intended use."""
    hash: str = ""
    """SHA-256 of its weights file."""

    def __call__(self, volume: Volume) -> Fields:
        """A CT's fields, computed once for a CT."""
        return _fields(volume, self)

    def save(self, folder: Path) -> None:
        """Write the bundle's three files, the description last: without it the folder is no model.

        Raises:
            CannotWrite: the folder cannot be written.
        """
        halves = {name: value.half().contiguous() for name, value in self.mapper.state_dict().items()}
        content = save(halves, {"format": FORMAT})
        with explained(folder / METADATA):
            (folder / METADATA).unlink(missing_ok=True)
        with written_aside(folder / WEIGHTS) as aside:
            aside.write_bytes(content)
        with written_aside(folder / CARD) as aside:
            aside.write_text(card_text(self.card), encoding="utf-8", newline="\n")
        record = {
            "format": FORMAT,
            "architecture": self.architecture,
            "mapper_mm": self.mapper_mm,
            "opacity_ratio": self.opacity_ratio,
            "tone": list(self.tone.grey),
            "sha256": hashlib.sha256(content).hexdigest(),
            "card": dict(self.card),
        }
        write_json(folder / METADATA, record)


@once_per_object
def _fields(volume: Volume, model: RadianceModel) -> Fields:
    return learned_fields(model.mapper, volume, model.mapper_mm, model.opacity_ratio)


def card_text(card: Mapping[str, Any]) -> str:
    """A model's card as Markdown."""
    lines = [f"# {card.get('name', 'A learned radiance')}", ""]
    for title, value in card.items():
        if title != "name":
            told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines += [f"**{title.replace('_', ' ').capitalize()}.** {told}", ""]
    return "\n".join(lines)


def load_model(path: str | Path) -> RadianceModel:
    """Read a model's folder.

    Raises:
        NerpError: no model there, another format, weights that do not fit or are damaged.
    """
    folder = Path(path)
    try:
        record = json.loads((folder / METADATA).read_text(encoding="utf-8"))
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise NerpError(
            f"{folder} is no model's folder ({METADATA} and {WEIGHTS} are looked for); check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        raise NerpError(f"{folder / METADATA} is damaged; copy the model again.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise NerpError(f"{folder} is not a model of the format {FORMAT}; train or export it with this nerp.")
    digest = hashlib.sha256(content).hexdigest()
    if digest != record.get("sha256"):
        raise NerpError(f"{folder / WEIGHTS} is not the file its description names; copy the model again.")
    try:
        mapper = Mapper(record["architecture"])
        tone = ToneCurve(tuple(record["tone"]))
        sizes = float(record["mapper_mm"]), float(record["opacity_ratio"])
        card = dict(record["card"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NerpError(f"{folder / METADATA} lacks something ({error!r}); copy the model again.") from error
    for name, value, (least, most) in zip(SIZES, sizes, SIZES.values(), strict=True):
        if not least <= value <= most:  # NaN neither
            raise NerpError(f"{folder / METADATA}: {name} is {value:g}, not from {least:g} to {most:g}.")
    load_weights(mapper, content, folder / WEIGHTS)
    return RadianceModel(mapper.eval(), record["architecture"], *sizes, tone, card, digest)


def load_weights(network: torch.nn.Module, content: bytes, path: Path) -> None:
    """Put a safetensors file's weights in a network.

    Raises:
        NerpError: not safetensors (a pickle is never opened), other names or shapes, or not finite.
    """
    try:
        weights = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise NerpError(f"{path} is not a whole safetensors file ({error}); copy it again.") from error
    expected = network.state_dict()
    if weights.keys() != expected.keys() or any(weights[n].shape != expected[n].shape for n in expected):
        raise NerpError(f"{path} holds the weights of another network; choose the model it belongs to.")
    if not all(value.isfinite().all() for value in weights.values()):
        raise NerpError(f"{path} holds weights that are not finite; train the model again.")
    network.load_state_dict({name: weights[name].to(value.dtype) for name, value in expected.items()})
