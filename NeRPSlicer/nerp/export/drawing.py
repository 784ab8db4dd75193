"""The picture that a set's settings ask for, by a model where they name one."""

from __future__ import annotations

from typing import Protocol

from ..errors import NerpError
from ..geometry import Camera
from ..projector import Radiograph, project
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume

BLANK = "the beam misses the patient and the picture is blank; check the camera."
"""What to say of a picture that shows nothing (`Radiograph.is_blank`), behind its name."""


class Model(Protocol):
    """What drawing needs of a `nerp.networks.model.RadianceModel`, which need not be loaded for other
    methods."""

    @property
    def name(self) -> str: ...
    @property
    def hash(self) -> str: ...
    def draw(
        self, volume: Volume, camera: Camera, samples: int = 512, structures: Structures | None = None
    ) -> Radiograph: ...


def check_model(settings: ExportSettings, model: Model | None) -> None:
    """Raise NerpError where a model is not the one that settings name."""
    if settings.model != (None if model is None else model.hash):
        raise NerpError("The model is not the one that these settings name; choose it again.")


def drawn(
    volume: Volume,
    camera: Camera,
    settings: ExportSettings,
    structures: Structures | None,
    model: Model | None,
) -> Radiograph:
    """Draw one projection.

    Raises:
        NerpError: as in `nerp.project` and `check_model`.
    """
    check_model(settings, model)
    if model is not None:
        return model.draw(volume, camera, settings.samples, structures)
    return project(volume, camera, settings.method, settings.samples, structures)
