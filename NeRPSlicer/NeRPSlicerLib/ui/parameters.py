"""Everything a person sets, saved with the scene in one parameter node."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import (
    Choice,
    Decimals,
    Default,
    FloatRange,
    RangeBounds,
    WithinRange,
    parameterNodeWrapper,
)


class Method(enum.Enum):
    """How a radiograph is drawn; stored by name: never rename one."""

    VRR = "vrr"
    TONE = "fixed-tone"
    DRR = "drr"
    FIXED = "fixed"
    AIP = "aip"
    MIP = "mip"
    MIDA = "mida"

    def label(self) -> str:
        return {
            Method.VRR: _("VRR"),
            Method.TONE: _("Fixed radiance, tone curve"),
            Method.DRR: _("DRR"),
            Method.FIXED: _("Fixed radiance"),
            Method.AIP: _("AIP"),
            Method.MIP: _("MIP"),
            Method.MIDA: _("MIDA"),
        }[self]

    @property
    def needsModel(self) -> bool:
        return self in (Method.VRR, Method.TONE)

    @property
    def engine(self) -> str:
        """The engine's name for it."""
        return "fixed" if self is Method.TONE else self.value


class Masks(enum.Enum):
    """What lies over the radiograph; stored by name: never rename one."""

    OUTLINES = "outlines"
    FILLED = "filled"
    THICKNESS = "thickness"
    DIFFERENCE = "difference"
    NONE = "none"

    def label(self) -> str:
        return {
            Masks.OUTLINES: _("Outlines"),
            Masks.FILLED: _("Filled"),
            Masks.THICKNESS: _("Thickness of the first structure chosen"),
            Masks.DIFFERENCE: _("Difference of VRR to the fixed radiance"),
            Masks.NONE: _("None"),
        }[self]


class Comparison(enum.Enum):
    """How the real X-ray is compared; stored by name: never rename one."""

    OFF = "off"
    SIDE_BY_SIDE = "side by side"
    SWIPE = "swipe"
    BLINK = "blink"
    SHEET = "contact sheet"

    def label(self) -> str:
        return {
            Comparison.OFF: _("Off"),
            Comparison.SIDE_BY_SIDE: _("Side by side"),
            Comparison.SWIPE: _("Swipe"),
            Comparison.BLINK: _("Blink"),
            Comparison.SHEET: _("Random pictures so far"),
        }[self]


@parameterNodeWrapper
class NeRPParameters:
    """Parameters of the module."""

    ct: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    film: vtkMRMLScalarVolumeNode
    structures: list[str]

    live: bool = True
    handles: bool = False
    sourceToImage: Annotated[float, WithinRange(600, 3000), Decimals(0)] = 1800.0
    airGap: Annotated[float, WithinRange(0, 500), Decimals(0)] = 50.0
    fieldShare: Annotated[float, WithinRange(30, 100), Decimals(0)] = 100.0
    seed: Annotated[int, WithinRange(0, 999999)] = 1
    nextView: Annotated[int, WithinRange(0, 999999)] = 0
    primaryRange: Annotated[FloatRange, RangeBounds(-90, 90), Default(FloatRange(-15, 15)), Decimals(0)]
    secondaryRange: Annotated[FloatRange, RangeBounds(-45, 45), Default(FloatRange(-10, 10)), Decimals(0)]
    rollRange: Annotated[FloatRange, RangeBounds(-45, 45), Default(FloatRange(-5, 5)), Decimals(0)]

    method: Method = Method.DRR
    model: str = ""
    modelName: str = ""
    size: Annotated[int, Choice([128, 256, 384, 512, 1024])] = 384
    samples: Annotated[int, Choice([128, 256, 512, 1024])] = 512
    masks: Masks = Masks.OUTLINES
    maskOpacity: Annotated[float, WithinRange(0, 1), Decimals(2)] = 0.5
    autoWindow: bool = True

    comparison: Comparison = Comparison.OFF
    swipe: Annotated[float, WithinRange(0, 100), Decimals(0)] = 50.0
    matchHistogram: bool = False
    filmInverted: bool = False
    filmRight: Annotated[float, WithinRange(-200, 200), Decimals(1)] = 0.0
    filmDown: Annotated[float, WithinRange(-200, 200), Decimals(1)] = 0.0
    filmScale: Annotated[float, WithinRange(50, 200), Decimals(1)] = 100.0
    filmTurn: Annotated[float, WithinRange(-45, 45), Decimals(1)] = 0.0

    exportViews: Annotated[int, WithinRange(1, 10000)] = 10
    exportStandard: bool = True
    exportFolder: pathlib.Path
