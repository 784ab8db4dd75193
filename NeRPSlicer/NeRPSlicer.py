"""Module "Neural Radiance Projection": labelled radiographs from chest CT, beside a real X-ray."""

import importlib.util
import pathlib
import sys

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

EXAMPLE = "NeRP example (digital thorax)"


class NeRPSlicer(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Neural Radiance Projection")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        parent.contributors = ["The NeRPSlicer developers"]
        parent.helpText = _(
            "Turns a chest CT and its segmentation into realistic labelled radiographs, places or randomizes "
            "the camera, and compares with a real X-ray. Press [Load example] to start. "
            "<b>For research use only: not for diagnosis or treatment.</b>"
        )
        tutorial = pathlib.Path(__file__).resolve().with_name("Resources") / "Pages" / "tutorial.html"
        parent.helpText += f' <a href="{tutorial.as_uri()}">{_("Tutorial")}</a>'
        parent.acknowledgementText = _("Implements the paper 'Neural Radiance Projection'.")
        slicer.app.connect("startupCompleted()", registerAtStartup)


def registerAtStartup():
    """Layouts, and the example in Sample Data; the phantom is built here, nothing is downloaded."""
    from NeRPSlicerLib.scene.layouts import registerLayouts

    if slicer.app.layoutManager() is not None:
        registerLayouts()
    if importlib.util.find_spec("SampleData") is None:
        return
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=_("Neural Radiance Projection"),
        sampleName=EXAMPLE,
        uris="local",
        fileNames="NeRPExample",
        nodeNames=EXAMPLE,
        customDownloader=downloadExample,
        thumbnailFileName=slicer.modules.NeRPSlicerInstance.resourcePath("Icons/NeRPExample.png"),
    )


def downloadExample(source=None):
    """Sample Data's [NeRP example]: show the module and build the example there."""
    slicer.util.selectModule("NeRPSlicer")
    panel = slicer.util.getModuleWidget("NeRPSlicer").panel
    return panel.loadExampleAndWait()


class NeRPSlicerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel; what it does lies in ``NeRPSlicerLib``."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel = None
        self.logic = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from NeRPSlicerLib.ui.panel import Panel

        self.logic = NeRPSlicerLogic()
        self.panel = Panel(self.layout, self.resourcePath, self.logic.getParameterNode)

    def enter(self):
        self.panel.enter()

    def exit(self):
        self.panel.exit()

    def cleanup(self):
        if self.panel is not None:
            self.panel.close()
            self.panel = None

    def onReload(self):
        """Reload the library too, which Slicer leaves alone."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "NeRPSlicerLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class NeRPSlicerLogic(ScriptedLoadableModuleLogic):
    """The module's parameter node; usable without a panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self.isSingletonParameterNode = True


class NeRPSlicerTest(ScriptedLoadableModuleTest):
    """Reload & Test in Slicer: the whole path on the example."""

    def setUp(self):
        slicer.mrmlScene.Clear(False)

    def test_theWholePath(self):
        from NeRPSlicerLib.selfTest import SelfTest

        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("NeRPSlicer")
        figures = SelfTest(slicer.util.getModuleWidget("NeRPSlicer").panel).run()
        self.delayDisplay("  ".join(f"{name}: {seconds:.2f} s" for name, seconds in figures.items()))
