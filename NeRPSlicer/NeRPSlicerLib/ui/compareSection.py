"""Section 4: the real X-ray beside or over the radiograph."""

from __future__ import annotations

from slicer.i18n import tr as _

from .section import Section

_ALIGNMENT = ("filmRight", "filmDown", "filmScale", "filmTurn")


class CompareSection(Section):
    form = "CompareSection"

    def connect(self) -> None:
        self.ui.resetAlignmentButton.connect("clicked()", self._onReset)

    def onParameter(self, name: str) -> None:
        session = self.panel.session
        if name in ("comparison", "film", "filmInverted"):
            session.comparison.update()
            session.pictures.redrawMasks()
        if name in ("matchHistogram",) or (
            name in ("film", "filmInverted") and self.panel.parameters.matchHistogram
        ):
            session.pictures.showAgain()
        if name in _ALIGNMENT:
            session.comparison.align()
        if name == "swipe":
            session.comparison.onPicture()

    def refresh(self) -> None:
        ui, parameters = self.ui, self.panel.parameters
        noPicture = "" if self.panel.session.lastReply else _("There is no radiograph yet.")
        noFilm = "" if parameters.film is not None else _("Choose a real X-ray in section 1 first.")
        self.enable(ui.comparisonBox, noPicture)
        for widget in (ui.matchBox, ui.invertedBox, ui.resetAlignmentButton):
            self.enable(widget, noPicture or noFilm)
        for widget in (ui.filmRightSlider, ui.filmDownSlider, ui.filmScaleSlider, ui.filmTurnSlider):
            self.enable(widget, noPicture or noFilm)
        swiping = parameters.comparison.name == "SWIPE"
        self.enable(ui.swipeSlider, noPicture or noFilm or ("" if swiping else _("Choose Swipe above.")))

    def _onReset(self) -> None:
        parameters = self.panel.parameters
        parameters.filmRight = parameters.filmDown = parameters.filmTurn = 0.0
        parameters.filmScale = 100.0
