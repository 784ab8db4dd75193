"""Section 2: where source and detector stand."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from ..scene.camera import showHandles
from ..scene.ghosts import ghostCameras, setGhosts
from .section import Section

_PRESETS = ("PA", "AP", "LL", "LAO", "RAO")


class CameraSection(Section):
    form = "CameraSection"

    def connect(self) -> None:
        ui, positioner = self.ui, self.panel.session.positioner
        for name in _PRESETS:
            getattr(ui, f"preset{name}").connect("clicked()", lambda name=name: positioner.setPreset(name))
        for slider in (ui.primarySlider, ui.secondarySlider, ui.rollSlider):
            slider.connect("valueChanged(double)", self._onAngle)
        ui.randomButton.connect("clicked()", positioner.randomize)
        ui.backButton.connect("clicked()", positioner.back)
        ui.clearButton.connect("clicked()", self._onClear)
        ui.useViewButton.connect("clicked()", self._onUseView)

    def onParameter(self, name: str) -> None:
        parameters, session = self.panel.parameters, self.panel.session
        if name in ("sourceToImage", "airGap") and session.geometry is not None:
            session.positioner.setDistances(parameters.sourceToImage, parameters.airGap)
        elif name == "fieldShare" and session.geometry is not None:
            session.positioner.setFieldShare(parameters.fieldShare)
        elif name == "handles":
            showHandles(parameters.handles)

    def refresh(self) -> None:
        ui, session = self.ui, self.panel.session
        camera = session.camera
        noPatient = "" if session.geometry is not None else _("Choose a CT in section 1 first.")
        for name in _PRESETS:
            self.enable(getattr(ui, f"preset{name}"), noPatient)
        for widget in (ui.primarySlider, ui.secondarySlider, ui.rollSlider, ui.sidSlider, ui.airGapSlider):
            self.enable(widget, noPatient)
        for widget in (ui.fieldSlider, ui.randomButton, ui.useViewButton, ui.handlesBox):
            self.enable(widget, noPatient)
        noGhosts = "" if ghostCameras() else _("No random pose has been drawn yet.")
        self.enable(ui.backButton, noPatient or noGhosts)
        self.enable(ui.clearButton, noGhosts)
        if camera is not None:
            self.setValue(ui.primarySlider, camera.angles.primary)
            self.setValue(ui.secondarySlider, camera.angles.secondary)
            self.setValue(ui.rollSlider, camera.angles.roll)

    def _onAngle(self) -> None:
        ui = self.ui
        angles = ui.primarySlider.value, ui.secondarySlider.value, ui.rollSlider.value
        self.panel.session.positioner.setAngles(*angles)

    def _onClear(self) -> None:
        setGhosts([])
        self.refresh()

    def _onUseView(self) -> None:
        manager = slicer.app.layoutManager()
        if manager is None or not manager.threeDViewCount:
            self.panel.tell(_("There is no 3-D view: choose a layout that has one."))
            return
        self.panel.session.positioner.useThreeDView(manager.threeDWidget(0).threeDView().cameraNode())
