"""The trainer's self-test for a real Slicer: a few steps on a phantom and drawn films, from the panel.

``NeRPTrainerTest`` runs it, in about two minutes; where torch is missing it ends with the estimate.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from ..modelFolders import SETTING
from ..panelUser import PanelUser
from ..scene.curves import TABLE_ROLE
from ..scene.layouts import SAMPLES_VIEW, TRAINER
from ..scene.roles import findNode

FILMS, SIDE = 16, 128
STOP_S = 10.0
"""From [Stop now] to the end of the process."""
START_S = 300.0
"""A phantom is built and kernels are compiled before the first report."""


class TrainerSelfTest(PanelUser):
    """Walks the path of a short run.

    :param panel: the module's panel, shown where there is a main window.
    """

    def run(self) -> str:
        """Walk it.

        :return: what happened, for people.
        :raises AssertionError: something is not as it should be.
        """
        settings = slicer.app.settings()
        folders = settings.value(SETTING)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            try:
                return self._walk(Path(temporary))
            finally:
                status = self.panel.runs.status
                if status is not None and status.active:
                    self.panel.jobsEngine.end(status.folder)
                self.choose(runsFolder=Path())
                settings.setValue(SETTING, folders or "[]")

    def _walk(self, folder: Path) -> str:
        self.plan(folder)
        if self.panel.setUp.lacking():
            return f"Estimate only: {', '.join(self.panel.setUp.lacking())} missing"
        begin = time.monotonic()
        self.start()
        first = time.monotonic() - begin
        stopped = self.stopNow()
        self.resume()
        self.deleteTheModel()
        return f"first curve: {first:.0f} s  stop: {stopped:.1f} s"

    def rest(self, seconds: float = 60) -> None:
        for _ in range(2):
            slicer.app.processEvents()
            self.wait(lambda: self.panel.settled, seconds)

    def plan(self, folder: Path) -> None:
        films, runs = folder / "films", folder / "runs"
        for path in (films, runs):
            path.mkdir()
        for number in range(FILMS):
            writePng(films / f"film{number}.png", drawnFilm(number))
        self.choose(ctFolder=Path(), labelsFolder=Path(), filmsFolder=films, runsFolder=runs)
        self.choose(thoraxes=1, minutes=0, steps=400, seed=1)
        self.wait(lambda: self.panel.data.plan is not None or self.panel.data.refusal, 60)
        assert self.panel.data.plan is not None, self.panel.data.refusal
        self.rest()
        told = self.widget("estimateLabel").text
        assert "1 CT " in told and f"{FILMS} chest X-rays" in told and "GB of memory" in told, told

    def start(self) -> None:
        self.press("startButton")
        runs = self.panel.runs
        assert runs.status is not None, self.message
        self.wait(lambda: not runs.status.active or bool(runs.reader.events), START_S)
        assert runs.status.active, f"{runs.status.line} {runs.status.log}"
        self.rest()
        assert slicer.util.arrayFromTableColumn(findNode(TABLE_ROLE), "step")[0] == 1
        if self.hasViews and self.panel.entered:
            assert slicer.app.layoutManager().layout == TRAINER
            self.wait(lambda: runs.reader.sample is not None, 30)
            self.rest()
            self.assertShown(SAMPLES_VIEW)

    def stopNow(self) -> float:
        """Seconds until it had stopped."""
        begin = time.monotonic()
        self.press("stopButton")
        self.wait(lambda: not self.panel.runs.status.active, 2 * STOP_S)
        taken = time.monotonic() - begin
        assert self.panel.runs.status.state == "stopped", self.panel.runs.status.line
        assert taken <= STOP_S, f"stopping took {taken:.1f} s"
        return taken

    def resume(self) -> None:
        runs = self.panel.runs
        done = runs.status.done
        self.press("resumeButton")
        self.wait(lambda: not runs.status.active or runs.status.done > done, START_S)
        assert runs.status.active, f"{runs.status.line} {runs.status.log}"
        self.stopNow()

    def deleteTheModel(self) -> None:
        models, run = self.panel.models, self.panel.runs.status.folder
        model = next((one for one in models.models if one.folder.is_relative_to(run)), None)
        assert model is not None, "the run left no model"
        self.widget("modelsTable").selectRow(models.models.index(model))
        self.rest()
        assert "intended use" in self.widget("cardText").plainText.lower()
        ask = slicer.util.confirmYesNoDisplay
        slicer.util.confirmYesNoDisplay = lambda *_, **__: True
        try:
            self.press("deleteButton")
        finally:
            slicer.util.confirmYesNoDisplay = ask
        assert not model.folder.exists() and model not in models.models


def drawnFilm(seed: int) -> np.ndarray:
    """A chest as far as grey levels go: dark lungs beside a bright middle, ``[rows, columns]`` uint8."""
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    chance = np.random.default_rng(seed)
    wide, high = 0.13 + 0.02 * chance.random(), 0.30 + 0.04 * chance.random()
    lungs = sum(np.exp(-(((x - at) / wide) ** 2) - ((y - 0.45) / high) ** 2) for at in (0.28, 0.72))
    film = 190 - 150 * lungs + 20 * y + 8 * chance.random((SIDE, SIDE))
    return np.clip(film, 0, 255).astype(np.uint8)


def writePng(path: Path, pixels: np.ndarray) -> None:
    """Grey levels ``[rows, columns]`` uint8 as a file."""
    image = vtk.vtkImageData()
    image.SetDimensions(pixels.shape[1], pixels.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(pixels[::-1]).ravel(), deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
