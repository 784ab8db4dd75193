"""Section 3: how the radiograph is drawn and shown."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from nerp.models import find_models
from slicer.i18n import tr as _

from ..modelFolders import rememberModelFolder
from ..scene.masks import differenceScale
from ..scene.radiograph import radiographNode
from .section import Section

_DRAWN_ANEW = ("method", "model", "size", "samples")
_ENABLED, _DISABLED = 33, 0
"""Item flags: selectable and enabled, or neither."""


class RadiographSection(Section):
    form = "RadiographSection"

    def __init__(self, panel) -> None:
        super().__init__(panel)
        self._shown: list = []

    def connect(self) -> None:
        ui = self.ui
        ui.computeButton.connect("clicked()", self._onCompute)
        ui.modelBox.connect("currentIndexChanged(int)", self._onModel)
        ui.findModelButton.connect("clicked()", self._onFindModel)
        ui.fitButton.connect("clicked()", self._onFit)
        ui.windowRange.connect("valuesChanged(double,double)", self._onWindow)

    def onParameter(self, name: str) -> None:
        session = self.panel.session
        if name == "method":
            self._chooseModel()
        if name in ("method", "model"):
            session.models.follow()
        if name in _DRAWN_ANEW or (name == "live" and self.panel.parameters.live):
            session.draw()
        elif name in ("masks", "maskOpacity"):
            if self.panel.parameters.masks.name in ("THICKNESS", "DIFFERENCE") and name == "masks":
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
        self.enable(ui.computeButton, noPatient or session.models.reason(parameters.method))
        self.enable(ui.fitButton, noPatient)
        isLearned = parameters.method.name == "VRR"
        needed = session.segmentIds or isLearned
        noStructures = "" if needed else _("Choose a segmentation in section 1 first.")
        self.enable(ui.masksBox, noStructures)
        exact = _("DRR is exact: it takes no samples.") if parameters.method.name == "DRR" else ""
        self.enable(ui.samplesBox, exact)
        drawn = "" if radiographNode() is not None else _("There is no radiograph yet.")
        automatic = _("Untick Auto to set it by hand.") if parameters.autoWindow else ""
        self.enable(ui.windowRange, drawn or automatic)
        opaque = parameters.masks.name in ("OUTLINES", "NONE")
        self.enable(ui.opacitySlider, _("Outlines are opaque.") if opaque else "")
        self._showWindow()
        self._showModels()

    # --- models ---------------------------------------------------------------------------------------------

    def _showModels(self) -> None:
        """The models of the method, and why a method cannot be chosen."""
        ui, models, parameters = self.ui, self.panel.session.models, self.panel.parameters
        method = parameters.method
        for index, kind in enumerate(type(method)):
            reason = models.reason(kind)
            usable = _DISABLED if reason and kind is not method else _ENABLED
            ui.methodBox.setItemData(index, usable, int(qt.Qt.UserRole) - 1)
            ui.methodBox.setItemData(index, reason, qt.Qt.ToolTipRole)
        for widget in (ui.modelLabel, ui.modelBox):
            widget.visible = method.needsModel
        shown = models.of(method)
        wasBlocked = ui.modelBox.blockSignals(True)
        if shown != self._shown:
            self._shown = shown
            ui.modelBox.clear()
            for model in shown:
                ui.modelBox.addItem(model.name)
        chosen = models.chosen
        ui.modelBox.currentIndex = -1 if chosen is None else shown.index(chosen)
        ui.modelBox.blockSignals(wasBlocked)
        ui.methodNote.text = models.reason(method) or self._note(chosen)

    def _note(self, chosen) -> str:
        """What a person should know of a picture by a model."""
        reply = self.panel.session.lastReply
        if chosen is None:
            return ""
        if chosen.method == "fixed":
            return _("Fixed radiance through a film's tone curve: nothing is learned but contrast.")
        note = _("Learned: what it shows may differ from the CT. Anatomy gate: {0}.").format(
            chosen.card.get("anatomy_gate", _("not told"))
        )
        if "difference" in reply:
            scale = differenceScale(self.panel.session.pictures.difference)
            near = reply["correlation_with_fixed"]
            note += " " + _(
                "Red is brighter than the fixed radiance, blue darker, full colour at {0:.3f}"
            ).format(scale)
            note += _("; correlation inside the body {0:.3f}.").format(near) if near is not None else "."
        return note

    def _chooseModel(self) -> None:
        """A method's first model, where the settings name none of its own."""
        models = self.panel.session.models
        if models.chosen is None:
            models.choose(next(iter(models.of(self.panel.parameters.method)), None))

    def _onModel(self, index: int) -> None:
        if 0 <= index < len(self._shown):
            self.panel.session.models.choose(self._shown[index])

    def _onFindModel(self) -> None:
        text = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder with models or training runs")
        )
        if text:
            self.findIn(Path(text))

    def findIn(self, folder: Path) -> None:
        """Look for models in a folder too, from now on."""
        found, refused = find_models([folder], shipped=False)
        if not found:
            self.panel.tell(
                next(iter(refused), _("There is no model in {0}: choose another folder.").format(folder))
            )
            return
        rememberModelFolder(folder)
        models = self.panel.session.models
        models.look()
        if self.panel.parameters.method.needsModel:
            self._chooseModel()
        self.panel.refresh()

    def _onCompute(self) -> None:
        self.panel.session.models.retry()
        self.panel.session.draw()

    # --- window ---------------------------------------------------------------------------------------------

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
