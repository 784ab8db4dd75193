"""What a picture becomes in the scene and in the views, while the panel is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import qt
import slicer
from nerp.geometry import Camera

from .client.arrays import readArray
from .scene.cameraModels import showCameraModels
from .scene.layouts import FILM_VIEW, NERP, RADIOGRAPH_VIEW, SHEET_VIEW, Layouts, sliceNode
from .scene.markers import showMarkers
from .scene.masks import (
    Mask,
    hideOverlay,
    iterateMaskSegments,
    masksNode,
    showDifference,
    showMaskOverlay,
    showThickness,
)
from .scene.radiograph import fitView, lookAtDetector, radiographNode, showInView, showRadiograph
from .scene.threeDView import showWholeSetup
from .scene.tone import showTone
from .scene.viewTexts import ViewText, cameraText

SETTLE_MS = 150
"""Views of a new layout get their sizes by events, a little later."""


class RadiographDisplay:
    """The radiograph with its masks, markers and texts, in views of our own."""

    def __init__(self) -> None:
        self.layouts = Layouts()
        self.masks: list[Mask] = []
        """Masks of the picture shown last, for whoever changes how they are drawn."""
        self.autoWindow = True
        """Whether each full picture sets window and level."""
        self._texts: list[ViewText] = []
        self._captions: dict[str, ViewText] = {}
        self._described: tuple | None = None
        self._fitted = False
        self._camera: Camera | None = None
        self._wholeSetupWanted = False
        self._maskSteps: Iterator[Mask] = iter(())
        self._maskOpacity, self._overlayShown = 0.5, False
        self._maskTimer = qt.QTimer()
        self._maskTimer.setInterval(0)
        self._maskTimer.connect("timeout()", self._stepMasks)
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.connect("timeout()", self._onSettled)

    # --- views ----------------------------------------------------------------------------------------------

    def enter(self, identifier: int = NERP) -> None:
        """Show a layout of ours."""
        if slicer.app.layoutManager() is None:
            return
        self.layouts.show(identifier)
        self._dropTexts()
        for view in self._textViews():
            self._texts.append(ViewText(view))
        self._described = None
        self._settle.start()

    def exit(self) -> None:
        """Give the user's layout back."""
        self._settle.stop()
        self._dropTexts()
        if slicer.app.layoutManager() is not None:
            self.layouts.restore()

    def restore(self, camera: Camera | None, method: str) -> None:
        """Set again what a scene or a layout does not keep."""
        self._fitted = False
        self._described = None
        if self.layouts.isActive:
            self.layouts.restoreViews()
        if camera is not None:
            self.showNode(camera)
            self.follow(camera, method)

    def close(self) -> None:
        """Leave nodes and views alone from now on."""
        self._maskTimer.stop()
        self._settle.stop()
        self.masks = []

    def follow(self, camera: Camera, method: str) -> None:
        """Turn our views to the detector of a camera, and say where it stands."""
        for name in (RADIOGRAPH_VIEW, FILM_VIEW):
            widget = _sliceWidget(name)
            if widget is not None:
                lookAtDetector(widget.mrmlSliceNode(), camera)
        self._camera = camera
        self._say(camera, method)

    def caption(self, viewName: str, text: str) -> None:
        """Say in a view what it shows, until another layout comes."""
        widget = _sliceWidget(viewName)
        if widget is not None:
            if viewName not in self._captions:
                self._captions[viewName] = ViewText(widget.sliceView())
            self._captions[viewName].setText(text)

    def fit(self, camera: Camera) -> None:
        """Zoom our views to the whole field."""
        for name in (RADIOGRAPH_VIEW, FILM_VIEW):
            widget = _sliceWidget(name)
            if widget is not None:
                fitView(widget.mrmlSliceNode(), camera)
        sheet = _sliceWidget(SHEET_VIEW)
        if sheet is not None:
            sheet.sliceLogic().FitSliceToBackground()

    def showWholeSetup(self, camera: Camera) -> None:
        """Source, patient and detector in the 3-D view, also where that is narrow."""
        manager = slicer.app.layoutManager()
        if manager is None or not self.layouts.isActive or not manager.threeDViewCount:
            self._wholeSetupWanted = True
            return
        self._wholeSetupWanted = False
        view = manager.threeDWidget(0).threeDView()
        node = view.cameraNode()
        showWholeSetup(node, camera)
        width, height = view.renderWindow().GetSize()
        position, focalPoint = np.array(node.GetPosition()), np.array(node.GetFocalPoint())
        away = (position - focalPoint) * max(1.0, 0.8 * height / max(width, 1))
        node.SetPosition(*(focalPoint + away))
        node.ResetClippingRange()

    def _onSettled(self) -> None:
        """The views of a new layout have their sizes now."""
        if self._camera is not None and self.layouts.isActive and radiographNode() is not None:
            self.fit(self._camera)
            if self._wholeSetupWanted:
                self.showWholeSetup(self._camera)

    def describe(self, camera: Camera, method: str) -> None:
        """Beam and detector in 3-D and letters on the picture, where they are not as they should be."""
        wanted = (camera.field_mm, camera.source_to_image_mm, camera.right_is_on_viewers_left(), method)
        wanted += (camera.mirrored, camera.principal_point, camera.source_to_isocenter_mm)
        if wanted != self._described:
            self._described = wanted
            showCameraModels(camera)
            showMarkers(camera, method, self._markerViews())
            self._say(camera, method)

    def _say(self, camera: Camera, method: str) -> None:
        for viewText in self._texts:
            viewText.setText(cameraText(camera, method))

    # --- pictures -------------------------------------------------------------------------------------------

    def showPicture(
        self,
        picture: np.ndarray,
        camera: Camera,
        limits: tuple[float, float] | None,
        tone: Sequence[float] = (),
    ) -> None:
        """Put a picture onto the detector.

        :param camera: at the picture's size.
        :param limits: what to show black and white; None leaves window and level alone.
        :param tone: the curve between them, see `showTone`.
        """
        isNew = radiographNode() is None
        node = showRadiograph(picture, camera, limits if self.autoWindow or isNew else None)
        showTone(node.GetDisplayNode(), tone)
        if isNew or not self._fitted:
            self.showNode(camera)

    def showNode(self, camera: Camera) -> None:
        """The radiograph in its view, the whole field."""
        node, widget = radiographNode(), _sliceWidget(RADIOGRAPH_VIEW)
        if node is not None and widget is not None:
            showInView(widget.sliceLogic(), node)
            fitView(widget.mrmlSliceNode(), camera)
            self._fitted = True

    def readMasks(self, reply: dict[str, Any], folder, colors: dict[str, tuple[int, int, int]]) -> None:
        """Take the masks of an answer."""
        if "masks" not in reply:
            self.masks = []
            return
        labels = readArray(folder, reply["masks"])
        self.masks = [
            Mask(name, colors.get(name, (255, 176, 0)), labels == number)
            for number, name in enumerate(reply["names"], start=1)
            if name not in reply["empty"]
        ]

    def drawMasks(
        self, camera: Camera, outlines: bool, opacity: float, atRest: bool, quick: bool = True
    ) -> None:
        """Draw the masks over the radiograph: at once as one colour picture, at rest as segments too.

        :param atRest: put them into the segmentation, one by one between events; then the picture goes.
        :param quick: whether the view's foreground is free for the colour picture.
        """
        self._maskTimer.stop()
        self._showSegments(False)
        logic = sliceLogic(RADIOGRAPH_VIEW)
        if logic is not None and quick:
            showMaskOverlay(self.masks, camera, logic, opacity, outlines)
        if atRest:
            self._maskSteps = iterateMaskSegments(self.masks, camera, outlines)
            self._maskOpacity, self._overlayShown = opacity, quick
            self._maskTimer.start()

    @property
    def settling(self) -> bool:
        """Whether masks are being put into the segmentation."""
        return self._maskTimer.isActive()

    def _stepMasks(self) -> None:
        if next(self._maskSteps, None) is not None:
            self._showSegments(False)
            return
        self._maskTimer.stop()
        self._showSegments(True)
        if self._overlayShown:
            self.clearOverlay()

    def _showSegments(self, shown: bool) -> None:
        """The masks' segmentation in our views, or nowhere."""
        node = masksNode()
        if node is None:
            return
        display = node.GetDisplayNode()
        wasModified = display.StartModify()
        display.RemoveAllViewNodeIDs()
        for name in (RADIOGRAPH_VIEW, FILM_VIEW):
            view = sliceNode(name)
            if view is not None:
                display.AddViewNodeID(view.GetID())
        display.SetOpacity2DFill(self._maskOpacity)
        display.SetVisibility(shown)
        display.EndModify(wasModified)

    def hideMasks(self) -> None:
        """Neither masks nor thickness over the radiograph."""
        self._maskTimer.stop()
        self._showSegments(False)
        self.clearOverlay()

    def drawThickness(self, millimetres: np.ndarray, camera: Camera, opacity: float) -> None:
        """Draw a structure's path length over the radiograph."""
        logic = sliceLogic(RADIOGRAPH_VIEW)
        self._maskTimer.stop()
        self._showSegments(False)
        if logic is not None:
            showThickness(millimetres, camera, logic, opacity)

    def drawDifference(self, difference: np.ndarray, camera: Camera, opacity: float) -> None:
        """Draw what a model changed over the radiograph."""
        self.hideMasks()
        logic = sliceLogic(RADIOGRAPH_VIEW)
        if logic is not None:
            showDifference(difference, camera, logic, opacity)

    def clearOverlay(self) -> None:
        """Nothing over the radiograph."""
        logic = sliceLogic(RADIOGRAPH_VIEW)
        if logic is not None:
            hideOverlay(logic)

    # --- inside ---------------------------------------------------------------------------------------------

    def _markerViews(self) -> list:
        nodes = (slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode") for name in (RADIOGRAPH_VIEW,))
        return [node for node in nodes if node is not None]

    def _textViews(self) -> list:
        manager = slicer.app.layoutManager()
        views = []
        widget = _sliceWidget(RADIOGRAPH_VIEW)
        if widget is not None:
            views.append(widget.sliceView())
        if manager.threeDViewCount:
            views.append(manager.threeDWidget(0).threeDView())
        return views

    def _dropTexts(self) -> None:
        for viewText in (*self._texts, *self._captions.values()):
            viewText.remove()
        self._texts, self._captions = [], {}


def _sliceWidget(name: str):
    manager = slicer.app.layoutManager()
    return manager.sliceWidget(name) if manager is not None else None


def sliceLogic(name: str):
    """The slice logic of a view of ours, or None where it is not open."""
    widget = _sliceWidget(name)
    return widget.sliceLogic() if widget is not None else None
