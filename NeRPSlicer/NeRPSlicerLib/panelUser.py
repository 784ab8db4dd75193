"""What a person at the panel does and sees, for the self-test."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .scene.camera import cameraNode


class PanelUser:
    """Presses, waits and looks.

    :param panel: the module's panel.
    """

    def __init__(self, panel) -> None:
        self.panel = panel

    @property
    def session(self):
        return self.panel.session

    @property
    def message(self) -> str:
        """What the panel says."""
        return self.panel.status.ui.messageLabel.text

    @property
    def hasViews(self) -> bool:
        """Whether there are views: not without a main window."""
        return slicer.app.layoutManager() is not None

    # --- hands ----------------------------------------------------------------------------------------------

    def widget(self, name: str):
        """A widget of the panel."""
        return next(getattr(section.ui, name) for section in self.panel.sections if hasattr(section.ui, name))

    def press(self, name: str) -> None:
        """Press a button, which must be enabled."""
        self.wait(lambda: self.panel.settled)
        button = self.widget(name)
        assert button.enabled, f"{name} is disabled: {button.toolTip}"
        button.click()

    def choose(self, **parameters) -> None:
        """Set parameters, and wait until that has had its effect."""
        for name, value in parameters.items():
            setattr(self.panel.parameters, name, value)
        self.rest()

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

    # --- patience -------------------------------------------------------------------------------------------

    def wait(self, until: Callable[[], bool], seconds: float = 30) -> None:
        """Process events until something is true."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, f"waited in vain; the panel says {self.message!r}"
            slicer.app.processEvents()
            time.sleep(0.002)

    def rest(self, seconds: float = 60) -> None:
        """Wait until nothing is under way."""
        for _ in range(2):
            slicer.app.processEvents()
            self.wait(lambda: self.panel.idle, seconds)

    # --- eyes -----------------------------------------------------------------------------------------------

    def seen(self, viewName: str) -> np.ndarray | None:
        """What a slice view shows: uint8 ``[rows, columns, 3]``, first row on top; None without views."""
        manager = slicer.app.layoutManager()
        if manager is None:
            logging.info("No views: pictures on screen are not looked at.")
            return None
        view = manager.sliceWidget(viewName).sliceView()
        view.forceRender()
        window = view.renderWindow()
        width, height = window.GetSize()
        pixels = vtk.vtkUnsignedCharArray()
        window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        return vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()

    def assertShown(self, viewName: str) -> None:
        """A slice view is neither black nor of one grey."""
        shown = self.seen(viewName)
        if shown is not None:
            assert shown.std() > 25 and shown.max() > 180, f"{viewName} shows nothing"

    def coloured(self, viewName: str) -> int:
        """How many pixels of a slice view have a colour; 0 without views."""
        shown = self.seen(viewName)
        return 0 if shown is None else int((np.ptp(shown.astype(int), axis=2) > 30).sum())

    def mask(self, name: str) -> np.ndarray:
        """A structure's mask over the radiograph: bool ``[rows, columns]``."""
        return next(mask.pixels for mask in self.session.display.masks if mask.name == name)

    def mean(self, name: str) -> float:
        """The radiograph's mean where a structure is."""
        numbers, pixels = self.session.numbers, self.mask(name)
        rows, columns = (np.arange(n) * m // n for n, m in zip(numbers.shape, pixels.shape, strict=True))
        return float(numbers[pixels[np.ix_(rows, columns)]].mean())
