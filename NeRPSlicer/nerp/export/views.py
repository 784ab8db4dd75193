"""The views of a set: standard projections, given cameras, variational ones, pictures saved one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..geometry import PRESETS, Camera
from ..lungs import with_lungs
from ..poses import CameraDraw, draw_camera
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume

GIVEN, SAVED, VARIATIONAL = "c", "s", "v"
"""How their names begin, before a number; a standard projection is called by its own name."""


@dataclass(frozen=True)
class View:
    """What is drawn of every case: a standard projection, a given camera, or else a variational one."""

    name: str
    preset: str | None = None
    index: int | None = None
    given: Camera | None = None

    def camera(
        self, volume: Volume, settings: ExportSettings, structures: Structures | None = None
    ) -> tuple[Camera, CameraDraw | None]:
        """The camera, and the draw that a variational one comes from; a field about the lungs looks for them
        among the structures first."""
        size = settings.rows, settings.columns
        if self.given is not None:
            return self.given.resized(*size), None
        if self.index is None:
            return Camera.preset(str(self.preset), volume, *size), None
        return variational(volume, structures, settings, self.index)


def variational(
    volume: Volume, structures: Structures | None, settings: ExportSettings, index: int
) -> tuple[Camera, CameraDraw]:
    """Variational camera ``index`` of the settings' seed, and its draw."""
    about_lungs = settings.ranges.collimation == "lungs"
    geometry = with_lungs(volume, structures) if about_lungs else volume.geometry
    size = settings.rows, settings.columns
    draw = draw_camera(geometry, settings.seed, index, settings.ranges, settings.preset, *size)
    return draw.camera(geometry, *size), draw


def views_of(settings: ExportSettings) -> list[View]:
    """The projections of each case: standard ones (PA, LL), given cameras (c000), variational ones (v000)."""
    given = [Camera.from_dict(camera) for camera in settings.cameras]
    return [
        *(View(preset, preset=preset) for preset in settings.presets),
        *(View(numbered(GIVEN, n), given=camera) for n, camera in enumerate(given)),
        *(View(numbered(VARIATIONAL, n), index=n) for n in range(settings.views)),
    ]


def numbered(kind: str, number: int) -> str:
    """The name of a view, such as c000."""
    return f"{kind}{number:03d}"


def next_saved(views: Iterable[str]) -> str:
    """The name of a case's next saved picture (s000), behind those it has."""
    numbers = [int(view[1:]) for view in views if view.startswith(SAVED)]
    return numbered(SAVED, max(numbers, default=-1) + 1)


def place_of(view: str) -> tuple[int, str, int, str]:
    """Sorts views: standard projections, given cameras, saved pictures, variational ones."""
    presets = list(PRESETS)
    standard = presets.index(view) if view in presets else len(presets)
    return standard, view[:1], len(view), view
