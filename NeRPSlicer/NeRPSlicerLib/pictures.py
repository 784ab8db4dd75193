"""Pictures of the patient: asked of the worker, shown with their masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nerp.geometry import Camera
from slicer.i18n import tr as _

from .client.arrays import readArray
from .client.live import FULL, MASKS, SMALL, LivePreview
from .client.renderClient import RenderClient, Reply
from .comparison import ComparisonView
from .display import RadiographDisplay
from .models import Models, pictureLabel
from .patient import Patient

MASK_SIDE_WITHOUT_NUMBA = 128
"""Path lengths of dozens of structures take seconds for a full picture without Numba."""


class Pictures:
    """Draws what the settings ask for, from where the camera stands.

    :param settings: gives the parameter node wrapper.
    :param patient: whom to draw.
    :param camera: gives the camera as it stands, or None.
    :param client: the render worker's client.
    :param display: shows the picture and its masks.
    :param comparison: what the picture is compared with.
    :param models: the trained models that pictures can be drawn by.
    :param tell: called with one line for people.
    :param whenChanged: called when another picture is shown.
    """

    def __init__(
        self,
        settings: Callable[[], Any],
        patient: Patient,
        camera: Callable[[], Camera | None],
        client: RenderClient,
        display: RadiographDisplay,
        comparison: ComparisonView,
        models: Models,
        tell: Callable[[str], None],
        whenChanged: Callable[[], None],
    ) -> None:
        self._settings, self._patient, self._camera, self._client = settings, patient, camera, client
        self._display, self._comparison, self._models = display, comparison, models
        self._tell, self._whenChanged = tell, whenChanged
        self.live = LivePreview(client, self._request, self._onPicture)
        self.lastReply: Reply = {}
        """The answer to the picture that is shown."""
        self.numbers: np.ndarray | None = None
        """That picture's numbers, whatever is done to them for the eye."""
        self._forSheet = self._isBlank = False
        self.difference: np.ndarray | None = None
        """What the model changed in that picture, where it was asked for."""
        self._maskPose: list | None = None

    def forget(self) -> None:
        """The patient is another one."""
        self.live.cancel()
        self.lastReply, self.numbers = {}, None
        self._isBlank = False

    def draw(self) -> None:
        """A full picture with masks, live preview or not."""
        if self._isReady():
            self.live.drawFull()

    def drawPlaced(self, forSheet: bool = False) -> None:
        """A picture of a camera that a button has placed: at once, live preview or not.

        :param forSheet: keep it for the contact sheet.
        """
        self._forSheet = self._forSheet or forSheet
        if not self._isReady():
            return
        if self._settings().live:
            self.live.moved()
        else:
            self.live.drawFull()

    def drawMoved(self) -> None:
        """A picture of a camera that is being dragged, if the preview is live."""
        if self._settings().live and self._patient.geometry is not None and self._isReady():
            self.live.moved()

    def redrawMasks(self, atRest: bool = True) -> None:
        """The masks of the picture shown, as the settings ask now."""
        settings, camera = self._settings(), self._camera()
        if camera is None:
            return
        if settings.masks.name == "NONE":
            self._display.hideMasks()
        elif settings.masks.name == "DIFFERENCE":
            self.draw()
        elif self._display.masks:
            outlines, blinking = settings.masks.name != "FILLED", settings.comparison.name == "BLINK"
            self._display.drawMasks(camera, outlines, settings.maskOpacity, atRest, quick=not blinking)
        else:
            self.draw()

    def showAgain(self) -> None:
        """Show the picture that is there as the settings ask now."""
        if self.numbers is not None:
            shown = self.lastReply["display"]
            self._show(Camera.from_dict(self.lastReply["camera"]), (shown["low"], shown["high"]))

    # --- inside ---------------------------------------------------------------------------------------------

    def _isReady(self) -> bool:
        """Whether the method can be drawn; a model that is not ready calls `draw` when it is."""
        return self._patient.geometry is None or self._models.isReady()

    def _chosenStructures(self) -> list[str]:
        chosen = self._settings().structures
        return [name for name in self._patient.segmentIds if not chosen or name in chosen]

    def _request(self, stage: str) -> dict[str, Any] | None:
        settings, camera = self._settings(), self._camera()
        if settings is None or camera is None or self._patient.geometry is None:
            return None
        size = settings.size
        request = {
            "do": "draw",
            "camera": camera.resized(size, size).to_dict(),
            "method": settings.method.engine,
            "samples": settings.samples,
            "quality": "full" if stage == FULL else "small",
            "structures": False,
        }
        model = self._models.chosen
        if model is not None:
            request["model"] = str(model.folder)
        if stage == FULL and settings.masks.name == "DIFFERENCE":
            request["difference"] = True
        names = self._chosenStructures() if settings.masks.name not in ("NONE", "DIFFERENCE") else []
        fast = bool(self._client.hello.get("numba"))
        if stage == SMALL and fast and names:
            request["structures"] = names
        if stage == MASKS:
            if not names:
                return None
            side = size if fast else min(size, MASK_SIDE_WITHOUT_NUMBA)
            request.update(structures=names, small=[side, side, 2])
            if settings.masks.name == "THICKNESS":
                request["lengths"] = names[:1]
        return request

    def _onPicture(self, stage: str, reply: Reply) -> None:
        if "error" in reply:
            self._tell(reply["error"])
            return
        camera, settings = self._camera(), self._settings()
        if camera is None or settings is None:
            return
        folder = self._client.worker.folder
        pictureCamera = Camera.from_dict(reply["camera"])
        if stage != MASKS:
            shown = reply["display"]
            isFirst = not self.lastReply
            limits = (shown["low"], shown["high"]) if stage == FULL or isFirst else None
            self.numbers = readArray(folder, reply["picture"])
            self.lastReply = reply
            self._show(pictureCamera, limits)
            self._display.describe(camera, pictureLabel(reply, settings))
            self._tellBlank()
            if stage == FULL and self._forSheet:
                self._forSheet = False
                self._comparison.keep(self.numbers)
        if "difference" in reply:
            self.difference = readArray(folder, reply["difference"])
            self._display.drawDifference(self.difference, pictureCamera, settings.maskOpacity)
        elif "masks" in reply:
            self._maskPose = reply["camera"]["ras_from_camera"]
            self._display.readMasks(reply, folder, self._patient.colors())
            if settings.masks.name == "THICKNESS" and "lengths" in reply:
                self._display.drawThickness(
                    readArray(folder, reply["lengths"])[0], pictureCamera, settings.maskOpacity
                )
            elif self._display.masks:
                self.redrawMasks(atRest=stage == MASKS)
            else:
                # All are empty in this picture: none to draw, and none to ask for again.
                self._display.hideMasks()
        elif reply["camera"]["ras_from_camera"] != self._maskPose or settings.masks.name == "DIFFERENCE":
            # Masks of another pose would lie.
            self._display.masks = []
            self._display.hideMasks()
        self._whenChanged()

    def _tellBlank(self) -> None:
        """Say that nothing of the patient is in the picture, for as long as that is so."""
        isBlank = bool(self.numbers.min() == self.numbers.max())
        if isBlank != self._isBlank:
            line = _("The beam misses the patient: move the camera back or press a projection.")
            self._tell(line if isBlank else "")
        self._isBlank = isBlank

    def _show(self, pictureCamera: Camera, limits: tuple[float, float] | None) -> None:
        picture, matchedLimits = self._comparison.matched(self.numbers)
        # Grey levels that are a film's already need no curve.
        tone = () if matchedLimits else self.lastReply["display"].get("tone", ())
        self._display.showPicture(picture, pictureCamera, matchedLimits or limits, tone)
        self._comparison.onPicture()
