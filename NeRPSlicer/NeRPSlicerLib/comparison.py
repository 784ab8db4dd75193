"""A real X-ray beside or over the radiograph, and the random pictures side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import qt
from nerp.errors import NerpError
from nerp.geometry import Camera

from .display import RadiographDisplay, sliceLogic
from .scene.compare import blink, histogramMatched, showSwipe
from .scene.contactSheet import showSheet
from .scene.film import Alignment, filmNode, filmPixels, setAlignment, showFilm
from .scene.layouts import COMPARE, CONTACT_SHEET, FILM_VIEW, NERP, RADIOGRAPH_VIEW, SHEET_VIEW
from .scene.radiograph import fitView, radiographNode, showInView

BLINK_MS = 600
MOST_PICTURES = 16


class ComparisonView:
    """Shows what the section "Compare" asks for.

    :param display: the radiograph's display.
    :param settings: gives the parameter node wrapper.
    :param camera: gives the camera as it stands, or None.
    :param method: gives the method's name for people.
    :param tell: called with one line for people.
    """

    def __init__(
        self,
        display: RadiographDisplay,
        settings: Callable[[], Any],
        camera: Callable[[], Camera | None],
        method: Callable[[], str],
        tell: Callable[[str], None],
    ) -> None:
        self.pictures: list[np.ndarray] = []
        """The random pictures so far, for the contact sheet."""
        self._display, self._settings, self._camera = display, settings, camera
        self._method, self._tell = method, tell
        self._filmShown = False
        self._blinking = qt.QTimer()
        self._blinking.setInterval(BLINK_MS)
        self._blinking.connect("timeout()", self._onBlink)

    def keep(self, picture: np.ndarray) -> None:
        """Add a picture to the contact sheet; pictures of another size begin a new one."""
        same = [kept for kept in self.pictures if kept.shape == picture.shape]
        self.pictures = [*same, picture][-MOST_PICTURES:]

    def stop(self) -> None:
        """Nothing moves any more; the views stay as they are."""
        self._blinking.stop()

    def update(self) -> None:
        """Bring film, layout and views to what the settings ask for."""
        self._blinking.stop()
        camera, settings = self._camera(), self._settings()
        if camera is None or settings is None:
            return
        try:
            self._placeFilm(camera)
            mode = settings.comparison.name
            if self._display.layouts.isActive:
                layouts = {"SIDE_BY_SIDE": COMPARE, "SHEET": CONTACT_SHEET}
                self._display.enter(layouts.get(mode, NERP))
                self._display.restore(camera, self._method())
            self._show(mode, camera)
        except NerpError as error:
            self._tell(str(error))

    def onPicture(self) -> None:
        """Another radiograph is shown."""
        camera = self._camera()
        if camera is not None and self._settings().comparison.name == "SWIPE" and filmNode() is not None:
            self._showSwipe(camera)

    def align(self) -> None:
        """Shift, scale and turn the film as the settings ask."""
        camera, settings = self._camera(), self._settings()
        if camera is not None and filmNode() is not None:
            setAlignment(
                Alignment(settings.filmRight, settings.filmDown, settings.filmScale / 100, settings.filmTurn),
                camera,
            )
            self.onPicture()

    def matched(self, picture: np.ndarray) -> tuple[np.ndarray, tuple[float, float] | None]:
        """A picture as the eye is to see it, and the window for it.

        :return: the picture itself and None, unless its histogram is to match the film's.
        """
        settings = self._settings()
        if not settings.matchHistogram or settings.film is None:
            return picture, None
        try:
            film = filmPixels(settings.film)
        except NerpError as error:
            self._tell(str(error))
            return picture, None
        if settings.filmInverted:
            film = film.max() + film.min() - film
        low, high = np.percentile(film, (0.5, 99.5))
        return histogramMatched(picture, film), (float(low), float(high))

    # --- inside ---------------------------------------------------------------------------------------------

    def _placeFilm(self, camera: Camera) -> None:
        settings = self._settings()
        if settings.film is not None:
            showFilm(settings.film, camera, settings.filmInverted)
            self.align()

    def _show(self, mode: str, camera: Camera) -> None:
        logic = sliceLogic(RADIOGRAPH_VIEW)
        if mode == "SIDE_BY_SIDE" and sliceLogic(FILM_VIEW) is not None:
            if filmNode() is None:
                raise NerpError(
                    "There is no X-ray picture: choose one in section 1, or press [Load example]."
                )
            showInView(sliceLogic(FILM_VIEW), filmNode(), shownIn3D=False)
            film = self._settings().film
            self._display.caption(FILM_VIEW, film.GetName() if film is not None else "")
            fitView(sliceLogic(FILM_VIEW).GetSliceNode(), camera)
        elif mode == "SHEET" and sliceLogic(SHEET_VIEW) is not None:
            sheet = showSheet(self.pictures, sliceLogic(SHEET_VIEW)).GetDisplayNode()
            shown = radiographNode().GetDisplayNode()
            sheet.AutoWindowLevelOff()
            sheet.SetAndObserveColorNodeID(shown.GetColorNodeID())
            sheet.SetWindowLevelMinMax(shown.GetWindowLevelMin(), shown.GetWindowLevelMax())
            self._display.caption(SHEET_VIEW, f"SYNTHETIC \u00b7 {self._method()}")
        elif mode == "SWIPE":
            self._showSwipe(camera)
        elif mode == "BLINK":
            self._onBlink()
            self._blinking.start()
        elif logic is not None and radiographNode() is not None:
            showInView(logic, radiographNode())

    def _showSwipe(self, camera: Camera) -> None:
        logic = sliceLogic(RADIOGRAPH_VIEW)
        node = showSwipe(camera, self._settings().swipe / 100)
        if logic is not None and logic.GetSliceCompositeNode().GetBackgroundVolumeID() != node.GetID():
            showInView(logic, node)

    def _onBlink(self) -> None:
        logic = sliceLogic(RADIOGRAPH_VIEW)
        if logic is None:
            return
        try:
            self._filmShown = not self._filmShown
            blink(logic, self._filmShown)
        except NerpError as error:
            self._blinking.stop()
            self._tell(str(error))
