"""Module "NeRP Trainer": trains the radiance that Neural Radiance Projection draws VRR pictures with."""

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


class NeRPTrainer(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("NeRP Trainer")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        parent.contributors = ["The NeRPSlicer developers"]
        parent.helpText = _(
            "Trains a radiance on chest CTs and chest X-rays: choose folders and a preset, see what the run "
            "will need, press [Start training]. A run goes on when Slicer is closed; its model is then a "
            "method of Neural Radiance Projection. <b>For research use only: not for diagnosis or "
            "treatment.</b>"
        )
        parent.acknowledgementText = _("Implements the paper 'Neural Radiance Projection'.")
        slicer.app.connect("startupCompleted()", registerAtStartup)


def registerAtStartup():
    """Slicer forgets layouts that it does not know when a scene is loaded."""
    from NeRPSlicerLib.scene.layouts import registerLayouts

    if slicer.app.layoutManager() is not None:
        registerLayouts()


class NeRPTrainerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel; what it does lies in ``NeRPSlicerLib``."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel = None
        self.logic = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        from NeRPSlicerLib.ui.trainerPanel import TrainerPanel

        self.logic = NeRPTrainerLogic()
        self.panel = TrainerPanel(self.layout, self.resourcePath, self.logic.getParameterNode)

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


class NeRPTrainerLogic(ScriptedLoadableModuleLogic):
    """The module's parameter node; usable without a panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self.isSingletonParameterNode = True


class NeRPTrainerTest(ScriptedLoadableModuleTest):
    """Reload & Test in Slicer: a short run where torch is there, else everything up to its start."""

    def setUp(self):
        slicer.mrmlScene.Clear(False)

    def test_aShortRun(self):
        from NeRPSlicerLib.trainer.selfTest import TrainerSelfTest

        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("NeRPTrainer")
        told = TrainerSelfTest(slicer.util.getModuleWidget("NeRPTrainer").panel).run()
        self.delayDisplay(told)
