"""A trained radiance: what `nerp train` leaves and pictures are drawn with, on disk as `nerp.models` says.

Weights are kept in half precision, and nothing is ever unpickled. torch is loaded for weights alone: a model
without a Mapper, the fixed radiance with a tone curve, does without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..atomic import explained, write_json, written_aside
from ..display import thick_window_of
from ..errors import NerpError
from ..geometry import Camera
from ..models import (
    CARD,
    FORMAT,
    METADATA,
    WEIGHTS,
    ModelDescription,
    lacking_packages,
    named_model,
)
from ..projector import Radiograph, project
from ..projector.prepared import fixed_fields
from ..projector.radiograph import DrawnBy, likeness
from ..radiance import Fields
from ..structures import Structures
from ..volume import Volume
from .tone import ToneCurve

if TYPE_CHECKING:
    import torch

    from .mapper import Mapper

Progress = Callable[[float, str], None]
"""Called with the share done and what is being done; what it raises ends the work."""

_computed: WeakKeyDictionary[Volume, tuple[RadianceModel, Fields]] = WeakKeyDictionary()
"""A CT's fields by the model that drew it last, for as long as that very object lives."""


@dataclass(frozen=True, eq=False)
class RadianceModel:
    """A radiance: call it with a `nerp.Volume` to get its `nerp.Fields`."""

    mapper: Mapper | None
    """None is the fixed radiance: nothing but the tone curve was learned."""
    architecture: str | None
    """One of `mapper.MAPPERS`; None without a Mapper."""
    mapper_mm: float
    """Voxel size of the Mapper's grid, about."""
    opacity_ratio: float
    """The paper's bandwidth ratio of matter to opacity."""
    tone: ToneCurve = field(default_factory=ToneCurve)
    """What its pictures pass before the eye."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Name, data, licence, metrics, intended use."""
    description: ModelDescription | None = None
    """Of the folder it was loaded from."""

    @property
    def method(self) -> str:
        """What its pictures are drawn by: only a learned radiance's is ever called VRR."""
        return "fixed" if self.mapper is None else "vrr"

    @property
    def name(self) -> str:
        return self.description.name if self.description is not None else str(self.card.get("name", ""))

    @property
    def hash(self) -> str:
        """See `ModelDescription.sha256`; "" before it is on disk."""
        return self.description.sha256 if self.description is not None else ""

    def __call__(self, volume: Volume, progress: Progress = lambda share, text: None) -> Fields:
        """A CT's fields on the CT's own grid, computed once for a CT.

        Raises:
            NerpError: there is not enough memory for the Mapper.
        """
        if self.mapper is None:
            return fixed_fields(volume, self.opacity_ratio)
        if not self.is_ready(volume):
            _computed.pop(volume, None)  # first: there may be no room for two
            _computed[volume] = self, self._computed_fields(self.mapper, volume, progress)
        return _computed[volume][1]

    def _computed_fields(self, mapper: Mapper, volume: Volume, progress: Progress) -> Fields:
        from .learned import learned_fields

        try:
            return learned_fields(mapper, volume, self.mapper_mm, self.opacity_ratio, progress)
        except RuntimeError as error:  # torch's, which is no MemoryError
            if "memory" not in str(error):
                raise
            raise NerpError(
                f"There is not enough memory for {self.name or 'the model'} on {volume.name}; "
                "close other programs or choose a model with a coarser grid."
            ) from error

    def is_ready(self, volume: Volume) -> bool:
        """Whether a CT's fields need no Mapper any more."""
        kept = _computed.get(volume)
        return self.mapper is None or (kept is not None and kept[0] is self)

    def draw(
        self, volume: Volume, camera: Camera, samples: int = 512, structures: Structures | None = None
    ) -> Radiograph:
        """A radiograph by this model, which says how near it is to the fixed radiance's of the same camera.

        Raises:
            NerpError: as in `nerp.project`, or there is not enough memory for the Mapper.
        """
        picture = project(self(volume), camera, self.method, samples, structures)
        if self.mapper is None:
            return self.marked(picture, picture, 1.0)
        fixed = project(fixed_fields(volume, self.opacity_ratio), camera, "fixed", samples)
        return self.marked(picture, fixed, likeness(picture, fixed))

    def marked(
        self, picture: Radiograph, fixed: Radiograph | None = None, near: float | None = None
    ) -> Radiograph:
        """A picture of this model's fields as one that says so, and passes its tone curve for the eye.

        Args:
            picture: of this model's fields.
            fixed: the fixed radiance's picture of the same pose and field, of any size.
            near: correlation with the fixed radiance's picture, where it was asked for.
        """
        window = None if fixed is None else thick_window_of(fixed)
        mark = DrawnBy(self.name, self.hash, self.tone.grey, window, near)
        return replace(picture, model=mark)

    def save(self, folder: Path) -> None:
        """Write the bundle's files, the description last: without it the folder is no model.

        Raises:
            CannotWrite: the folder cannot be written.
        """
        content = None if self.mapper is None else _halves(self.mapper)
        with explained(folder / METADATA):
            (folder / METADATA).unlink(missing_ok=True)
            if content is None:
                (folder / WEIGHTS).unlink(missing_ok=True)
        if content is not None:
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
            "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
            "card": dict(self.card),
        }
        write_json(folder / METADATA, record)


def card_text(card: Mapping[str, Any]) -> str:
    """A model's card as Markdown."""
    lines = [f"# {card.get('name', 'A learned radiance')}", ""]
    for title, value in card.items():
        if title != "name":
            told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines += [f"**{title.replace('_', ' ').capitalize()}.** {told}", ""]
    return "\n".join(lines)


def load_model(path: str | Path | None = None) -> RadianceModel:
    """Read a model.

    Args:
        path: see `nerp.models.named_model`.

    Raises:
        NerpError: no model there, another format, weights that do not fit or are damaged, or packages
            missing.
    """
    found = named_model(None if path is None else str(path))
    try:
        tone = ToneCurve(found.tone)
    except NerpError as error:
        raise NerpError(f"{found.folder / METADATA}: {error}") from error
    sizes = found.mapper_mm, found.opacity_ratio
    if found.architecture is None:
        return RadianceModel(None, None, *sizes, tone, found.card, found)
    lacking = lacking_packages()
    if lacking:
        raise NerpError(
            f"Drawing with the model {found.name} needs {', '.join(lacking)}, not installed here: "
            'pip install "nerpslicer[train]"'
        )
    from .mapper import Mapper

    weights = found.folder / WEIGHTS
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise NerpError(f"{weights} cannot be read ({error.strerror}); copy the model again.") from error
    if hashlib.sha256(content).hexdigest() != found.weights_sha256:
        raise NerpError(f"{weights} is not the file its description names; copy the model again.")
    try:
        mapper = Mapper(found.architecture)
    except NerpError as error:
        raise NerpError(f"{found.folder / METADATA}: {error}") from error
    load_weights(mapper, content, weights)
    return RadianceModel(mapper.eval(), found.architecture, *sizes, tone, found.card, found)


def load_weights(network: torch.nn.Module, content: bytes, path: Path) -> None:
    """Put a safetensors file's weights, of any precision, in a network.

    Raises:
        NerpError: not safetensors (a pickle is never opened), other names or shapes, or not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

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


def _halves(mapper: Mapper) -> bytes:
    from safetensors.torch import save

    halves = {name: value.half().contiguous() for name, value in mapper.state_dict().items()}
    return save(halves, {"format": FORMAT})
