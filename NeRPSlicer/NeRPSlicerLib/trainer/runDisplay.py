"""A run in views of our own: its newest samples beside real films, and a chart of its numbers."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ..display import SETTLE_MS, sliceLogic
from ..scene.curves import showCurves
from ..scene.layouts import SAMPLES_VIEW, TRAINER, Layouts
from ..scene.samples import fitSamples, hideSamples, showSamples
from ..scene.viewTexts import ViewText
from .pictures import readGrey
from .runs import SAMPLE, RunReader


class RunDisplay:
    """While the panel is shown."""

    def __init__(self) -> None:
        self.layouts = Layouts()
        self._text: ViewText | None = None
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.connect("timeout()", self._onSettled)

    def enter(self) -> None:
        """Show our layout."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        self.layouts.show(TRAINER)
        self._dropText()
        widget = manager.sliceWidget(SAMPLES_VIEW)
        if widget is not None:
            self._text = ViewText(widget.sliceView())
        self._settle.start()

    def exit(self) -> None:
        """Give the user's layout back."""
        self._settle.stop()
        self._dropText()
        if slicer.app.layoutManager() is not None:
            self.layouts.restore()

    def show(self, reader: RunReader, chart: str) -> None:
        """Show what a run has told."""
        showCurves(reader.events, chart)
        samples = readGrey(reader.sample) if reader.sample is not None else None
        if samples is None:
            hideSamples(sliceLogic(SAMPLES_VIEW))
            self._say("")
            return
        films = readGrey(reader.films) if reader.films is not None else None
        showSamples(samples, films, sliceLogic(SAMPLES_VIEW))
        step = int(reader.sample.stem.removeprefix(SAMPLE))
        lines = [
            _("SYNTHETIC, left, step {0}: above fixed radiance with tone curve, below learned").format(step)
        ]
        if films is not None:
            lines.append(_("X-rays of the folder, right"))
        self._say("\n".join(lines))

    def clear(self, chart: str) -> None:
        """Show no run."""
        showCurves([], chart)
        hideSamples(sliceLogic(SAMPLES_VIEW))
        self._say("")

    def _onSettled(self) -> None:
        fitSamples(sliceLogic(SAMPLES_VIEW))

    def _say(self, text: str) -> None:
        if self._text is not None:
            self._text.setText(text)

    def _dropText(self) -> None:
        if self._text is not None:
            self._text.remove()
            self._text = None
