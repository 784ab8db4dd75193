"""Typed parameters over a vtkMRMLScriptedModuleNode, bound to widgets by ``SlicerParameterName``: small.

Types: int, float, str, bool, Enum (by name), pathlib.Path, MRML nodes (as references), Optional of these,
list, tuple and dict of them, FloatRange. A type or a widget beyond these is refused; Slicer's own takes more.
"""

from .annotations import (
    Choice,
    Decimals,
    Default,
    FloatRange,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
)
from .wrapper import isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "FloatRange",
    "Maximum",
    "Minimum",
    "RangeBounds",
    "SingleStep",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
