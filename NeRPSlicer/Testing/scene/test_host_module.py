"""The stand-in loads a scripted module as Slicer does: panel, parameters, enter, exit, reload, close.

The same tests pass with Slicer's own Python files when ``NERP_SLICER_PYTHON`` names them.
"""

from __future__ import annotations

import pytest

MODULE = """
import enum
import pathlib
from typing import Annotated, Optional
import qt, slicer, vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import *
from slicer.parameterNodeWrapper import (
    Choice, Default, FloatRange, RangeBounds, WithinRange, parameterNodeWrapper)
from slicer.util import VTKObservationMixin


class Method(enum.Enum):
    DRR = 1
    MIP = 2


@parameterNodeWrapper
class Parameters:
    ct: vtkMRMLScalarVolumeNode
    sid: Annotated[float, WithinRange(500, 3000)] = 1800.0
    live: bool = True
    method: Method = Method.DRR
    size: Annotated[int, Choice([128, 256])] = 128
    note: str
    folder: pathlib.Path
    angles: Annotated[FloatRange, RangeBounds(-90, 90), Default(FloatRange(-10, 10))]
    names: list[str]
    pair: tuple[int, float] = (1, 2.5)


class Small(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Small")
        parent.categories = ["Image Synthesis"]
        slicer.app.connect("startupCompleted()", lambda: slicer.selfTests.setdefault("started", True))


class SmallWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.calls = []
        self.tag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/Small.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = SmallLogic()
        self.parameters = Parameters(self.logic.getParameterNode())
        self.tag = self.parameters.connectGui(self.ui)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)

    def enter(self):
        self.calls.append("enter")

    def exit(self):
        self.calls.append("exit")

    def cleanup(self):
        self.calls.append("cleanup")
        self.parameters.disconnectGui(self.tag)
        self.removeObservers()

    def onSceneStartClose(self, caller, event):
        self.calls.append("close")
        self.parameters.disconnectGui(self.tag)


class SmallLogic(ScriptedLoadableModuleLogic):
    pass
"""
ITEM = (
    '<item><widget class="{0}" name="{1}"><property name="SlicerParameterName" stdset="0">'
    "<string>{1}</string></property></widget></item>"
)
WIDGETS = (
    ("qMRMLNodeComboBox", "ct"),
    ("ctkSliderWidget", "sid"),
    ("QCheckBox", "live"),
    ("QComboBox", "method"),
    ("ctkComboBox", "size"),
    ("QLineEdit", "note"),
    ("ctkPathLineEdit", "folder"),
    ("ctkRangeWidget", "angles"),
)
FORM = (
    '<ui version="4.0"><class>Small</class><widget class="qMRMLWidget" name="SmallForm">'
    '<layout class="QVBoxLayout" name="rows">'
    + "".join(ITEM.format(*pair) for pair in WIDGETS)
    + "</layout></widget><connections><connection><sender>SmallForm</sender>"
    "<signal>mrmlSceneChanged(vtkMRMLScene*)</signal><receiver>ct</receiver>"
    "<slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"
)


@pytest.fixture
def panel(app, tmp_path):
    """A small module's panel, as ``slicer.util.getModuleWidget`` gives it."""
    import slicer

    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "Resources" / "UI" / "Small.ui").write_text(FORM, encoding="utf-8")
    (tmp_path / "Small.py").write_text(MODULE, encoding="utf-8")
    slicer.selfTests.pop("started", None)
    app.load_module(tmp_path / "Small.py")
    assert slicer.selfTests["started"]
    yield slicer.util.getModuleWidget("Small")
    app.unload_module("Small")


def test_parameters_and_widgets_follow_each_other(panel):
    import pathlib

    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    panel.ui.ct.setCurrentNode(volume)
    panel.ui.sid.value = 1200
    panel.ui.live.checked = False
    panel.ui.method.currentIndex = 1
    panel.ui.size.currentIndex = 1
    panel.ui.note.text = "text"
    panel.ui.folder.currentPath = "/data"
    panel.ui.angles.setValues(-20, 30)
    got = panel.parameters
    assert got.ct is volume and got.sid == 1200 and got.live is False and got.method.name == "MIP"
    assert got.size == 256 and got.note == "text" and got.folder == pathlib.Path("/data")
    assert (got.angles.minimum, got.angles.maximum) == (-20, 30)
    got.sid, got.live, got.names, got.pair = 900.0, True, ["lung"], (3, 4.5)
    assert panel.ui.sid.value == 900 and panel.ui.live.checked is True
    fresh = type(got)(panel.logic.getParameterNode())
    assert (
        fresh.sid == 900 and fresh.names == ["lung"] and tuple(fresh.pair) == (3, 4.5) and fresh.ct is volume
    )
    slicer.mrmlScene.RemoveNode(volume)
    assert got.ct is None


def test_wrong_values_are_refused(panel):
    for name, value, error in (("sid", 100.0, ValueError), ("size", 100, ValueError), ("note", 3, TypeError)):
        with pytest.raises(error):
            setattr(panel.parameters, name, value)


def test_enter_exit_reload_and_scene_close_reach_the_panel(app, panel):
    import slicer

    app.select_module("Small")
    app.select_module("Volumes")
    assert panel.calls == ["enter", "exit"]
    slicer.mrmlScene.Clear(False)
    assert panel.calls[-1] == "close"
    slicer.util.reloadScriptedModule("Small")
    fresh = slicer.util.getModuleWidget("Small")
    assert panel.calls[-1] == "cleanup" and fresh is not panel and fresh.parameters.sid == 1800


def test_the_preview_shows_panel_and_views_in_one_window(app, tmp_path):
    from host import preview

    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "Resources" / "UI" / "Small.ui").write_text(FORM, encoding="utf-8")
    (tmp_path / "Small.py").write_text(MODULE, encoding="utf-8")
    picture = tmp_path / "preview.png"
    assert preview.main([str(tmp_path / "Small.py"), "--screenshot", str(picture), "--wait", "50"]) == 0
    assert app.window.windowTitle == preview.TITLE == "preview, not Slicer"
    from PySide6 import QtGui

    image = QtGui.QImage(str(picture))
    assert image.width() >= 1000
    left = {image.pixel(x, y) for x in range(10, 400, 5) for y in range(50, 600, 25)}
    assert len(left) > 2
    app.window.hide()
