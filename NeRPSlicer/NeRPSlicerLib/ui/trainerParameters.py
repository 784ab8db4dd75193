"""Everything a person sets for training, saved with the scene in one parameter node."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from ..scene.curves import chartTitle


class Preset(enum.Enum):
    """Where settings start; stored by name: never rename one."""

    SMALL = "small"
    PAPER = "paper"
    AUTHORS = "authors"

    def label(self) -> str:
        return {
            Preset.SMALL: _("small (any computer)"),
            Preset.PAPER: _("paper (large GPU)"),
            Preset.AUTHORS: _("authors (large GPU)"),
        }[self]


class Chart(enum.Enum):
    """What curves are shown; stored by name: never rename one."""

    REALISM = "realism"
    ANATOMY = "anatomy"
    CHANGE = "change"
    LOSSES = "losses"
    GRADIENTS = "gradients"

    def label(self) -> str:
        return chartTitle(self.value)


@parameterNodeWrapper
class TrainerParameters:
    """Parameters of the module."""

    ctFolder: pathlib.Path
    labelsFolder: pathlib.Path
    filmsFolder: pathlib.Path
    runsFolder: pathlib.Path
    thoraxes: Annotated[int, WithinRange(0, 99)] = 0
    preset: Preset = Preset.SMALL
    minutes: Annotated[int, WithinRange(0, 99999)] = 15
    steps: Annotated[int, WithinRange(0, 9999999)] = 0
    seed: Annotated[int, WithinRange(0, 999999)] = 0
    chart: Chart = Chart.REALISM
