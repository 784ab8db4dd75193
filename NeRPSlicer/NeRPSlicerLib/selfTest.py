"""The self-test for a real Slicer: the whole path on the example, pictures and numbers asserted.

``NeRPSlicerTest`` runs it; under two minutes.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .scene.camera import cameraNode
from .scene.ghosts import ghostCameras
from .scene.layouts import COMPARE, FILM_VIEW, NERP, RADIOGRAPH_VIEW
from .scene.radiograph import radiographNode


class SelfTest:
    """Drives the panel as a person does.

    :param panel: the module's panel, shown.
    """

    def __init__(self, panel) -> None:
        self.panel = panel
        self.figures: dict[str, float] = {}
        """Seconds measured on the way."""

    def run(self) -> dict[str, float]:
        """Walk the whole path.

        :return: seconds measured on the way.
        :raises AssertionError: something is not as it should be.
        """
        self.loadExample()
        self.moveTheCamera()
        self.drawEachMethod()
        self.compare()
        self.surviveADeadWorker()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self.saveAndLoad(Path(folder))
            self.exportASet(Path(folder) / "set")
        return self.figures

    # --- steps ----------------------------------------------------------------------------------------------

    def loadExample(self) -> None:
        begin = time.monotonic()
        self.button("exampleButton").click()
        self.wait(lambda: self.session.numbers is not None, 60)
        self.figures["first radiograph"] = time.monotonic() - begin
        self.rest(90)
        self.figures["example complete"] = time.monotonic() - begin
        parameters = self.panel.parameters
        assert parameters.film.GetName() == "Example radiograph (synthetic)"
        assert parameters.segmentation.GetSegmentation().GetNumberOfSegments() > 50
        assert self.session.camera.view == "PA" and self.session.camera.right_is_on_viewers_left()
        picture = slicer.util.arrayFromVolume(radiographNode())[0]
        rows, columns = picture.shape
        lung, spine = picture[int(0.4 * rows), int(0.3 * columns)], picture[int(0.6 * rows), columns // 2]
        assert spine > 1.5 * lung > 0, (spine, lung)
        assert {"lung_left", "lung_right", "heart"} <= {mask.name for mask in self.session.display.masks}
        self.assertShown(RADIOGRAPH_VIEW)

    def moveTheCamera(self) -> None:
        for name, primary in (("AP", 180), ("LL", 90), ("LAO", 45), ("RAO", -45), ("PA", 0)):
            self.button(f"preset{name}").click()
            self.rest()
            assert abs(abs(self.session.camera.angles.primary) - abs(primary)) < 1e-6, name
        isocentre = self.session.camera.isocenter_ras
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
        for _ in range(3):
            self.button("randomButton").click()
            self.rest()
        assert len(ghostCameras()) == 3
        self.button("backButton").click()
        self.rest()
        assert len(ghostCameras()) == 2

    def drawEachMethod(self) -> None:
        parameters = self.panel.parameters
        drr = self.session.numbers.copy()
        for method in type(parameters.method):
            parameters.method = method
            self.rest()
            assert self.session.lastReply["method"] == method.value
            numbers = self.session.numbers
            assert np.isfinite(numbers).all() and numbers.std() > 0, method
            assert method.name == "DRR" or np.abs(numbers - drr).max() > 0.01
        parameters.method = type(parameters.method).DRR
        for masks in type(parameters.masks):
            parameters.masks = masks
            self.rest()
        parameters.masks = type(parameters.masks).OUTLINES
        self.rest()

    def compare(self) -> None:
        parameters = self.panel.parameters
        kinds = type(parameters.comparison)
        for kind in (kinds.SIDE_BY_SIDE, kinds.SWIPE, kinds.BLINK, kinds.SHEET, kinds.OFF):
            parameters.comparison = kind
            self.rest()
            assert not self.message, self.message
            if kind is kinds.SIDE_BY_SIDE:
                assert slicer.app.layoutManager().layout == COMPARE
                self.assertShown(FILM_VIEW)
        assert slicer.app.layoutManager().layout == NERP

    def surviveADeadWorker(self) -> None:
        worker = self.session.client.worker
        begin = time.monotonic()
        worker.kill()
        self.button("presetPA").click()
        self.wait(lambda: self.session.client.worker not in (None, worker))
        self.rest(30)
        self.figures["back after a kill"] = time.monotonic() - begin
        assert "started again" in self.message

    def saveAndLoad(self, folder: Path) -> None:
        before, picture = self.session.camera, self.session.numbers
        self.panel.parameters.seed = 4711
        self.rest()
        assert slicer.util.saveScene(str(folder / "scene.mrb"))
        slicer.mrmlScene.Clear(False)
        self.rest()
        assert self.session.geometry is None
        slicer.util.loadScene(str(folder / "scene.mrb"))
        self.wait(lambda: self.session.numbers is not None, 60)
        self.rest(60)
        assert self.panel.parameters.seed == 4711
        assert np.allclose(self.session.camera.ras_from_camera, before.ras_from_camera, atol=1e-4)
        assert np.abs(self.session.numbers - picture).max() < 0.02 * picture.max()
        assert len(ghostCameras()) == 2

    def exportASet(self, folder: Path) -> None:
        parameters = self.panel.parameters
        parameters.exportFolder, parameters.exportViews, parameters.exportStandard = folder, 2, False
        self.rest()
        self.button("exportButton").click()
        lines = folder / "projections.jsonl"
        self.wait(lambda: lines.is_file() and not self.exporting(), 120)
        records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
        assert [record["view"] for record in records] == ["v000", "v001"]
        assert all((folder / record["image"]).is_file() for record in records)

    # --- tools ----------------------------------------------------------------------------------------------

    @property
    def session(self):
        return self.panel.session

    @property
    def message(self) -> str:
        return self.panel.status.ui.messageLabel.text

    def exporting(self) -> bool:
        section = next(s for s in self.panel.sections if s.form == "ExportSection")
        return section.exporter.busy or section.status is None or section.status.active

    def button(self, name: str):
        """A button of the panel, which must be enabled."""
        self.wait(lambda: self.panel.settled)
        button = next(
            getattr(section.ui, name) for section in self.panel.sections if hasattr(section.ui, name)
        )
        assert button.enabled, f"{name} is disabled: {button.toolTip}"
        return button

    def wait(self, until: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, f"waited in vain; the panel says {self.message!r}"
            slicer.app.processEvents()
            time.sleep(0.002)

    def rest(self, seconds: float = 30) -> None:
        """Wait until nothing is under way."""
        session = self.session

        def idle() -> bool:
            return self.panel.settled and not (
                session.live.active
                or session.display.settling
                or session.loader.busy
                or session.example.busy
                or session.client.busy
            )

        for _ in range(2):
            slicer.app.processEvents()
            self.wait(idle, seconds)

    def turnHandle(self, degrees: float) -> None:
        """What a ring of Slicer's transform handles does."""
        node = cameraNode()
        transform, centre = vtk.vtkTransform(), node.GetCenterOfTransformation()
        matrix = slicer.util.arrayFromTransformMatrix(node)
        transform.SetMatrix(slicer.util.vtkMatrixFromArray(matrix))
        transform.Translate(centre)
        transform.RotateY(degrees)
        transform.Translate(*(-part for part in centre))
        node.SetMatrixTransformToParent(transform.GetMatrix())

    def assertShown(self, viewName: str) -> None:
        """A slice view is neither black nor of one grey; skipped where no views are."""
        manager = slicer.app.layoutManager()
        if manager is None:
            logging.info("No views: pictures on screen are not looked at.")
            return
        view = manager.sliceWidget(viewName).sliceView()
        view.forceRender()
        window = view.renderWindow()
        width, height = window.GetSize()
        pixels = vtk.vtkUnsignedCharArray()
        window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        shown = vtk_to_numpy(pixels)
        assert shown.std() > 25 and shown.max() > 180, f"{viewName} shows nothing"
