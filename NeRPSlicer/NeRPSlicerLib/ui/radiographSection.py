"""Section 3: how the radiograph is drawn and shown."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..scene.radiograph import radiographNode
from .section import Section

_DRAWN_ANEW = ("method", "size", "samples")


class RadiographSection(Section):
    form = "RadiographSection"

    def connect(self) -> None:
        ui, session = self.ui, self.panel.session
        ui.computeButton.connect("clicked()", session.draw)
        ui.fitButton.connect("clicked()", self._onFit)
        ui.windowRange.connect("valuesChanged(double,double)", self._onWindow)

    def onParameter(self, name: str) -> None:
        session = self.panel.session
        if name in _DRAWN_ANEW or (name == "live" and self.panel.parameters.live):
            session.draw()
        elif name in ("masks", "maskOpacity"):
            if self.panel.parameters.masks.name == "THICKNESS" and name == "masks":
                session.draw()
            else:
                session.pictures.redrawMasks()
        elif name == "autoWindow":
            session.display.autoWindow = self.panel.parameters.autoWindow
            if self.panel.parameters.autoWindow:
                session.draw()

    def refresh(self) -> None:
        ui, session, parameters = self.ui, self.panel.session, self.panel.parameters
        session.display.autoWindow = parameters.autoWindow
        noPatient = "" if session.geometry is not None else _("Choose a CT in section 1 first.")
        for widget in (ui.computeButton, ui.fitButton):
            self.enable(widget, noPatient)
        noStructures = "" if session.segmentIds else _("Choose a segmentation in section 1 first.")
        self.enable(ui.masksBox, noStructures)
        exact = _("DRR is exact: it takes no samples.") if parameters.method.name == "DRR" else ""
        self.enable(ui.samplesBox, exact)
        drawn = "" if radiographNode() is not None else _("There is no radiograph yet.")
        automatic = _("Untick Auto to set it by hand.") if parameters.autoWindow else ""
        self.enable(ui.windowRange, drawn or automatic)
        opaque = parameters.masks.name in ("OUTLINES", "NONE")
        self.enable(ui.opacitySlider, _("Outlines are opaque.") if opaque else "")
        self._showWindow()
        ui.methodNote.text = _(
            "VRR, the learned radiance, needs a trained model, which is not part of this version."
        )

    def _showWindow(self) -> None:
        node = radiographNode()
        if node is None:
            return
        display, widget = node.GetDisplayNode(), self.ui.windowRange
        low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
        wasBlocked = widget.blockSignals(True)
        span = max(high - low, 1e-3)
        if low < widget.minimum or high > widget.maximum or widget.maximum - widget.minimum > 20 * span:
            widget.setRange(low - span, high + span)
        widget.setValues(low, high)
        widget.blockSignals(wasBlocked)

    def _onWindow(self, low: float, high: float) -> None:
        node = radiographNode()
        if node is not None:
            node.GetDisplayNode().SetWindowLevelMinMax(low, max(high, low + 1e-6))

    def _onFit(self) -> None:
        camera = self.panel.session.camera
        if camera is not None:
            self.panel.session.display.fit(camera)
