"""Bring the modules ``qt``, ``ctk`` and ``slicer`` into shape: what Slicer has, and no more."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

from . import facts
from .qt_module import QtModule
from .widgets import all_stand_ins, stand_in

_BASE = Path(__file__).parent / "base"


def check_rendering() -> None:
    """Draw one pixel.

    Raises:
        OSError: there is no OpenGL library to draw with off-screen.
    """
    import vtk

    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(4, 4)
    window.AddRenderer(vtk.vtkRenderer())
    window.Render()
    if not window.SupportsOpenGL():
        raise OSError("no OpenGL library draws off-screen here; install libegl1 and libgl1-mesa-dri")


class _WidgetModule(types.ModuleType):
    """``ctk``: a class only if Slicer has it and there is a stand-in."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in facts.names(self.__name__):
            raise AttributeError(f"Slicer's {self.__name__} has no {name!r}")
        return stand_in(name)


def publish_modules() -> None:
    """Put ``qt``, ``ctk`` and the files of Slicer's Base/Python, or their stand-ins, in reach."""
    sys.modules["qt"] = QtModule()
    sys.modules["ctk"] = _WidgetModule("ctk")
    import slicer

    base = os.environ.get("NERP_SLICER_PYTHON")
    slicer.__path__.append(str(Path(base) / "slicer" if base else _BASE))


def prune_slicer() -> None:
    """Drop what slicer-core puts into ``slicer`` and ``slicer.util`` beyond Slicer's own; add widgets."""
    import slicer
    import slicer.util

    for module, place in ((slicer, "slicer"), (slicer.util, "slicer.util")):
        listed = facts.names(place)
        for name, value in list(vars(module).items()):
            if name.startswith("_") or name in listed or isinstance(value, types.ModuleType):
                continue
            if module is slicer or getattr(value, "__module__", "") == module.__name__:
                delattr(module, name)
    from .modules import qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget

    for name, value in all_stand_ins().items():
        if not name.startswith("ctk"):
            setattr(slicer, name, value)
    slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
    slicer.qSlicerScriptedLoadableModuleWidget = qSlicerScriptedLoadableModuleWidget
