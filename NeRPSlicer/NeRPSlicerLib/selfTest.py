"""The self-test for a real Slicer: the whole path on the example, pictures and numbers asserted.

``NeRPSlicerTest`` runs it; under two minutes, also on nothing but Slicer's own packages.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import slicer

from .models import methodLabel
from .panelUser import PanelUser
from .scene.compare import filmOnRadiograph, greyLevels
from .scene.film import alignment
from .scene.ghosts import ghostCameras
from .scene.layouts import COMPARE, CONTACT_SHEET, FILM_VIEW, NERP, RADIOGRAPH_VIEW, SHEET_VIEW
from .scene.markers import markerPositionsRas, markersNode, shownWords
from .scene.masks import THICKNESS_ROLE, masksNode
from .scene.radiograph import radiographNode
from .scene.roles import findNode

SIDE, SAMPLES = 256, 128
"""Of most pictures: enough to tell structures apart, little enough for a computer without Numba."""
EXPORT_SIDE = 128
"""Of exported pictures, which carry every structure: by far the most work of the whole path without Numba."""
MANY = 5000
"""Views of an export that is cancelled: more than any computer draws meanwhile."""


class SelfTest(PanelUser):
    """Walks the whole path.

    :param panel: the module's panel, shown where there is a main window.
    """

    def __init__(self, panel) -> None:
        super().__init__(panel)
        self.figures: dict[str, float] = {}
        """Seconds measured on the way."""

    def run(self) -> dict[str, float]:
        """Walk the whole path.

        :return: seconds measured on the way.
        :raises AssertionError: something is not as it should be.
        """
        begin = time.monotonic()
        self.loadExample()
        self.choose(size=min(self.panel.parameters.size, SIDE), samples=SAMPLES)
        self.moveTheCamera()
        self.randomizeAndReplay()
        self.drawEachMethod()
        self.showMasks()
        self.compareWithTheFilm()
        self.cancelAPicture()
        self.surviveADeadWorker()
        self.leaveAndComeBack()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self.saveAndLoad(Path(folder))
            self.exportASet(Path(folder) / "set")
        self.figures["all"] = time.monotonic() - begin
        return self.figures

    def loadExample(self) -> None:
        begin = time.monotonic()
        self.press("exampleButton")
        self.wait(lambda: self.session.numbers is not None, 60)
        self.figures["first radiograph"] = time.monotonic() - begin
        self.rest(90)
        self.figures["example complete"] = time.monotonic() - begin
        parameters = self.panel.parameters
        assert parameters.film.GetName() == "Example radiograph (synthetic)"
        assert parameters.segmentation.GetSegmentation().GetNumberOfSegments() > 50
        assert self.session.camera.view == "PA"
        assert {"lung_left", "lung_right", "heart"} <= {mask.name for mask in self.session.display.masks}
        assert self.mean("heart") > 1.3 * max(self.mean("lung_left"), self.mean("lung_right")) > 0
        # The patient's right on the viewer's left, in the picture and by the letters beside it.
        columns = [np.nonzero(self.mask(name))[1].mean() for name in ("lung_right", "heart", "lung_left")]
        assert columns == sorted(columns), columns
        assert [markersNode().GetNthControlPointLabel(n) for n in (0, 1)] == ["R", "L"]
        right, left = markerPositionsRas(markersNode())[:2]
        assert right[0] > left[0]
        self.assertShown(RADIOGRAPH_VIEW)

    def moveTheCamera(self) -> None:
        for name, primary in (("AP", 180), ("LL", 90), ("LAO", 45), ("RAO", -45), ("PA", 0)):
            self.press(f"preset{name}")
            self.rest()
            assert abs(abs(self.session.camera.angles.primary) - abs(primary)) < 1e-6, name
            assert (self.session.camera.right_is_on_viewers_left() is None) == (name == "LL"), name
        isocentre, front = self.session.camera.isocenter_ras, self.session.numbers.copy()
        self.widget("secondarySlider").value = 12
        self.rest()
        assert abs(self.session.camera.angles.secondary - 12) < 1e-6
        assert np.corrcoef(self.session.numbers.ravel(), front.ravel())[0, 1] < 0.99
        times = []
        for _ in range(10):
            begin, before = time.monotonic(), self.session.lastReply
            self.turnHandle(3.0)
            self.wait(lambda before=before: self.session.lastReply is not before)
            times.append(time.monotonic() - begin)
        self.figures["move to small picture"] = float(np.median(times))
        begin = time.monotonic()
        self.wait(lambda: self.session.lastReply.get("quality") == "full")
        self.figures["rest to full picture"] = time.monotonic() - begin
        self.rest()
        assert np.allclose(self.session.camera.isocenter_ras, isocentre, atol=1e-3)
        assert abs(self.session.camera.angles.primary) > 20
        self.press("presetPA")
        self.rest()
        assert sameAs(self.session.numbers, front)

    def randomizeAndReplay(self) -> None:
        self.choose(seed=42, nextView=0)
        start = self.session.camera
        drawn = []
        for number in range(3):
            self.press("randomButton")
            self.rest()
            assert len(ghostCameras()) == number + 1
            drawn.append((self.session.camera.ras_from_camera, self.session.numbers.copy()))
        assert all(np.abs(a[0] - b[0]).max() > 1 for a, b in itertools.pairwise(drawn))
        for pose in (drawn[1][0], drawn[0][0], start.ras_from_camera):
            self.press("backButton")
            self.rest()
            assert np.allclose(self.session.camera.ras_from_camera, pose, atol=1e-4)
        assert not ghostCameras()
        self.choose(nextView=0)
        for pose, picture in drawn[:2]:
            self.press("randomButton")
            self.rest()
            assert np.allclose(self.session.camera.ras_from_camera, pose, atol=1e-6)
            assert sameAs(self.session.numbers, picture)

    def drawEachMethod(self) -> None:
        methods = type(self.panel.parameters.method)
        pictures = {}
        for method in methods:
            if self.session.models.reason(method):
                continue
            self.choose(method=method)
            assert self.session.lastReply["method"] == method.engine
            numbers = pictures[method] = self.session.numbers.copy()
            assert np.isfinite(numbers).all() and numbers.std() > 0, method
            # Ribs before a lung are as bright as those before the heart where the brightest counts.
            assert method.name in ("MIP", "MIDA") or self.mean("heart") > self.mean("lung_left"), method
            assert shownWords() == f"SYNTHETIC · {methodLabel(self.panel.parameters)}", shownWords()
        assert (pictures[methods.MIP] >= pictures[methods.AIP] - 1e-3).all()
        assert np.abs(pictures[methods.FIXED] - pictures[methods.DRR]).max() > 0.01
        self.choose(method=methods.DRR)

    def showMasks(self) -> None:
        kinds = type(self.panel.parameters.masks)
        colours = {}
        for kind in (kinds.OUTLINES, kinds.FILLED, kinds.THICKNESS, kinds.NONE):
            self.choose(masks=kind)
            colours[kind] = self.coloured(RADIOGRAPH_VIEW)
            if kind is kinds.FILLED:
                masks = {mask.name for mask in self.session.display.masks}
                segments = masksNode().GetSegmentation()
                assert {segments.GetNthSegment(n).GetName() for n in range(len(masks))} == masks
            if kind is kinds.THICKNESS and self.hasViews:
                millimetres = slicer.util.arrayFromVolume(findNode(THICKNESS_ROLE))
                assert 50 < millimetres.max() < 400, millimetres.max()
        if self.hasViews:
            bare = colours[kinds.NONE]
            assert colours[kinds.FILLED] > colours[kinds.OUTLINES] > bare < colours[kinds.THICKNESS], colours
        self.choose(masks=kinds.OUTLINES, autoWindow=False)
        self.widget("windowRange").setValues(1.0, 2.0)
        display = radiographNode().GetDisplayNode()
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (1.0, 2.0)
        self.choose(autoWindow=True)
        assert display.GetWindowLevelMax() > 2.0

    def compareWithTheFilm(self) -> None:
        kinds = type(self.panel.parameters.comparison)
        self.press("presetPA")
        self.choose(comparison=kinds.SIDE_BY_SIDE)
        if self.hasViews:
            assert slicer.app.layoutManager().layout == COMPARE
            self.assertShown(FILM_VIEW)
        film = filmOnRadiograph().astype(float)
        picture = greyLevels(radiographNode()).astype(float)
        assert np.corrcoef(film.ravel(), picture.ravel())[0, 1] > 0.7, "the film lies elsewhere"
        self.choose(filmRight=30.0, filmTurn=5.0)
        assert np.allclose(alignment(self.session.camera), (30, 0, 1, 5), atol=1e-6)
        assert np.corrcoef(filmOnRadiograph().ravel(), film.ravel())[0, 1] < 0.98
        self.press("resetAlignmentButton")
        self.rest()
        assert np.abs(filmOnRadiograph() - film).max() <= 1
        self.choose(comparison=kinds.SWIPE, swipe=50.0)
        middle = picture.shape[1] // 2
        swiped = slicer.util.arrayFromVolume(findNode("swipe"))[0].astype(float)
        assert np.abs(swiped[:, :middle] - picture[:, :middle]).max() <= 1
        assert np.abs(swiped[:, middle:] - film[:, middle:]).max() <= 1
        self.choose(matchHistogram=True)
        matched = slicer.util.arrayFromVolume(radiographNode())
        wanted = np.median(slicer.util.arrayFromVolume(self.panel.parameters.film))
        assert abs(np.median(matched) - wanted) < 0.05 * wanted
        self.choose(matchHistogram=False, comparison=kinds.BLINK)
        if self.hasViews:
            composite = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW).mrmlSliceCompositeNode()
            for opacity in (0.0, 1.0, 0.0):
                self.wait(lambda opacity=opacity: composite.GetForegroundOpacity() == opacity, 5)
        self.choose(comparison=kinds.SHEET)
        if self.hasViews:
            assert slicer.app.layoutManager().layout == CONTACT_SHEET
            self.assertShown(SHEET_VIEW)
        self.choose(comparison=kinds.OFF)
        if self.hasViews:
            assert slicer.app.layoutManager().layout == NERP
            self.assertShown(RADIOGRAPH_VIEW)
        assert not self.message, self.message

    def cancelAPicture(self) -> None:
        self.choose(live=False)
        picture = self.session.numbers
        self.press("computeButton")
        self.panel.cancel()
        self.rest()
        assert self.session.numbers is picture, "a cancelled picture was shown"
        self.choose(live=True)

    def surviveADeadWorker(self) -> None:
        self.press("presetPA")
        self.rest()
        client, picture = self.session.client, self.session.numbers.copy()
        worker, whenRestored, restored = client.worker, client.whenRestored, []
        client.whenRestored = lambda: restored.append(True)
        begin, reply = time.monotonic(), self.session.lastReply
        worker.kill()
        self.press("presetPA")
        self.wait(lambda: self.session.lastReply is not reply)
        self.figures["back after a kill"] = time.monotonic() - begin
        assert client.worker not in (None, worker) and "started again" in self.message
        # The picture comes first, what takes the worker long to find out after it.
        self.wait(lambda: restored)
        client.whenRestored = whenRestored
        whenRestored()
        self.rest()
        assert sameAs(self.session.numbers, picture)

    def leaveAndComeBack(self) -> None:
        if self.hasViews and slicer.util.mainWindow() is not None:
            self.panel.exit()
            assert slicer.app.layoutManager().layout not in (NERP, COMPARE, CONTACT_SHEET)
            self.panel.enter()
            self.rest()
            assert slicer.app.layoutManager().layout == NERP
            self.assertShown(RADIOGRAPH_VIEW)

    def saveAndLoad(self, folder: Path) -> None:
        self.choose(seed=4711, filmScale=110.0)
        before, picture = self.session.camera, self.session.numbers
        poses = [camera.ras_from_camera for camera in ghostCameras()]
        masks = masksNode().GetSegmentation().GetNumberOfSegments()
        assert poses and masks
        assert slicer.util.saveScene(str(folder / "scene.mrb"))
        slicer.mrmlScene.Clear(False)
        self.rest()
        assert self.session.geometry is None
        slicer.util.loadScene(str(folder / "scene.mrb"))
        stored = slicer.util.arrayFromVolume(radiographNode())[0]
        assert sameAs(stored, picture), "the saved picture is another one"
        assert masksNode().GetSegmentation().GetNumberOfSegments() == masks
        self.wait(lambda: self.session.numbers is not None, 60)
        self.rest()
        parameters = self.panel.parameters
        assert (parameters.seed, parameters.filmScale) == (4711, 110.0)
        assert parameters.film.GetName() == "Example radiograph (synthetic)"
        assert abs(alignment(self.session.camera).scale - 1.1) < 1e-6
        assert np.allclose(self.session.camera.ras_from_camera, before.ras_from_camera, atol=1e-4)
        assert sameAs(self.session.numbers, picture)
        assert np.allclose([camera.ras_from_camera for camera in ghostCameras()], poses, atol=1e-6)

    def exportASet(self, folder: Path) -> None:
        from PIL import Image

        self.choose(size=EXPORT_SIDE, exportFolder=folder / "picture")
        self.press("pictureButton")
        self.rest()
        assert "Saved" in self.message and len(recordsIn(folder / "picture")) == 1, self.message
        folder = folder / "set"
        self.choose(exportFolder=folder, exportViews=MANY, exportStandard=False, nextView=0)
        self.press("randomButton")
        self.rest()
        self.press("exportButton")
        self.drawAndCancel(folder, 2)
        records = recordsIn(folder)
        pose = np.array(records[0]["camera"]["ras_from_camera"])
        assert np.allclose(pose, self.session.camera.ras_from_camera, atol=1e-3), "not the panel's pose"
        for record in records[:2]:
            assert record["synthetic"] is True
            assert all((folder / name).is_file() for name in record["files"])
            grey = np.asarray(Image.open(folder / record["image"])).astype(float)
            lung = np.asarray(Image.open(folder / record["masks"]["lung_left"])) > 0
            heart = np.asarray(Image.open(folder / record["masks"]["heart"])) > 0
            assert grey[heart & ~lung].mean() > 1.3 * grey[lung & ~heart].mean() > 0
        self.wait(lambda: self.panel.settled)
        self.press("exportButton")
        self.drawAndCancel(folder, len(records) + 1)
        assert recordsIn(folder)[: len(records)] == records

    def drawAndCancel(self, folder: Path, views: int) -> None:
        """Let the job draw some views, then cancel it, twice as people do."""
        self.wait(lambda: self.export.status is not None and self.export.status.active, 120)
        self.wait(lambda: (folder / "projections.jsonl").is_file() and len(recordsIn(folder)) >= views, 120)
        begin = time.monotonic()
        self.press("exportButton")
        if self.exporting:
            self.widget("exportButton").click()
        self.wait(lambda: not self.exporting, 60)
        self.figures["cancel an export"] = time.monotonic() - begin
        assert self.export.status.state == "stopped", self.export.status.line
        assert len(recordsIn(folder)) < MANY

    @property
    def export(self):
        """The section that exports."""
        return next(section for section in self.panel.sections if section.form == "ExportSection")

    @property
    def exporting(self) -> bool:
        """Whether an export is under way."""
        section = self.export
        return section.exporter.busy or section.status is None or section.status.active


def sameAs(numbers: np.ndarray, picture: np.ndarray) -> bool:
    """Whether two pictures are one, but for rounding."""
    return numbers.shape == picture.shape and bool(np.abs(numbers - picture).max() < 1e-3 * picture.max())


def recordsIn(folder: Path) -> list[dict]:
    """The projections of a labelled set."""
    text = (folder / "projections.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
