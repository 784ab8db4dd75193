"""One patient, one camera, one radiograph: what the panel drives. No widgets here."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from nerp.errors import NerpError
from nerp.geometry import Camera, VolumeGeometry
from slicer.i18n import tr as _

from .client.renderClient import RenderClient, Reply
from .client.workerProcess import Start
from .comparison import ComparisonView
from .display import RadiographDisplay
from .example import ExampleLoader
from .models import Models, pictureLabel
from .patient import Patient, PatientLoader
from .patientSurface import showPatientSurface
from .pictures import Pictures
from .positioning import Positioner
from .scene.camera import cameraNode
from .scene.segments import segmentIds


class Session:
    """Ties the patient, the camera and the pictures together.

    :param settings: gives the parameter node wrapper, see ``ui/parameters.py``.
    :param tell: called with one line for people.
    :param onProgress: called with a share from 0 to 1 and what is being done; None at the end.
    :param whenChanged: called when something that the panel shows has changed.
    :param start: starts a render worker.
    """

    def __init__(
        self,
        settings: Callable[[], Any],
        tell: Callable[[str], None],
        onProgress: Callable[[float | None, str], None],
        whenChanged: Callable[[], None],
        start: Start,
    ) -> None:
        self._settings, self._tell = settings, tell
        self._onProgress, self._whenChanged = onProgress, whenChanged
        files = Path(slicer.app.temporaryPath) / f"nerp-files-{uuid.uuid4().hex[:12]}"
        self.client = RenderClient(files, tell, start)
        self.client.whenHello = whenChanged
        self.client.whenRestored = self.draw
        self.patient = Patient()
        self.display = RadiographDisplay()
        self.positioner = Positioner(
            settings, self.patient, self.display, self._methodLabel, tell, self._onPlaced, self._onMoved
        )
        self.comparison = ComparisonView(self.display, settings, lambda: self.camera, self._methodLabel, tell)
        self.models = Models(settings, self.client, onProgress, tell, self.draw)
        self.pictures = Pictures(
            settings,
            self.patient,
            lambda: self.camera,
            self.client,
            self.display,
            self.comparison,
            self.models,
            tell,
            whenChanged,
        )
        self.live = self.pictures.live
        self.loader = PatientLoader(
            self.client, onProgress, self._onVolume, self._onStructures, self._onLoadFailed
        )
        self.example = ExampleLoader(
            self.client,
            onProgress,
            self._onExampleVolume,
            self._onExampleStructures,
            self._onExampleFilm,
            self._onLoadFailed,
            lambda: not self.live.active,
        )

    def close(self) -> None:
        """End everything."""
        self.live.cancel()
        self.display.close()
        self.comparison.stop()
        self.loader.cancel()
        self.example.cancel()
        self.positioner.leave()
        self.client.close()

    def forget(self) -> None:
        """The scene is being closed: let go of its nodes."""
        self._forgetPatient()
        self.example.cancel()
        self.positioner.leave()
        self.display.close()
        self._onProgress(None, "")

    def restore(self) -> None:
        """Set again what a scene or a layout does not keep, and follow the camera that is there."""
        self.models.look()
        self.positioner.follow()
        self.display.restore(self.camera, self._methodLabel())

    def cancel(self) -> None:
        """Drop what was asked for: pictures and loading."""
        isLoading = self.loader.busy and self.geometry is None
        self.live.cancel()
        self.models.cancel()
        self.example.cancel()
        self.loader.cancel()
        self._onProgress(None, "")
        if isLoading:
            self._tell(_("Loading was stopped: choose None and then the CT again to load it."))
        self._whenChanged()

    def draw(self) -> None:
        """A full picture with masks, live preview or not."""
        self.pictures.draw()

    # --- as it stands ---------------------------------------------------------------------------------------

    @property
    def geometry(self) -> VolumeGeometry | None:
        """The CT that the worker holds; None until it can be drawn."""
        return self.patient.geometry

    @property
    def segmentIds(self) -> dict[str, str]:
        """The structures that the worker holds: name in the engine -> segment id."""
        return self.patient.segmentIds

    @property
    def camera(self) -> Camera | None:
        """The camera as it stands in the scene; None where there is none that can be used."""
        return self.positioner.camera

    @property
    def lastReply(self) -> Reply:
        """The answer to the picture that is shown."""
        return self.pictures.lastReply

    @property
    def numbers(self) -> np.ndarray | None:
        """That picture's numbers, whatever is done to them for the eye."""
        return self.pictures.numbers

    # --- the patient ----------------------------------------------------------------------------------------

    def loadExample(self) -> None:
        """The digital thorax, and a film of another."""
        self.loader.cancel()
        self._forgetPatient()
        self._tell("")
        self._onProgress(0.0, _("Starting"))
        self.example.load()

    def setPatient(self, volumeNode, segmentationNode) -> None:
        """Follow the nodes that a person chose."""
        patient = self.patient
        known = patient.volumeNode
        if (volumeNode, segmentationNode) == (known, patient.segmentationNode):
            return
        self._tell("")
        if volumeNode is None:
            self._forgetPatient()
            if self.client.worker is not None:
                self.client.request({"do": "release"})
            self._whenChanged()
            return
        isSame = volumeNode is known and patient.geometry is not None
        if not isSame:
            self._forgetPatient()
        patient.volumeNode, patient.segmentationNode = volumeNode, segmentationNode
        try:
            if isSame:
                self.loader.loadStructures(segmentationNode, volumeNode)
            else:
                self.loader.load(volumeNode, segmentationNode)
        except NerpError as error:
            self._onLoadFailed(str(error))
        self._whenChanged()

    def _forgetPatient(self) -> None:
        self.loader.cancel()
        self.patient.forget()
        self.models.forget()
        self.pictures.forget()
        self.comparison.stop()
        self.comparison.pictures = []

    def _onVolume(self, geometry: VolumeGeometry) -> None:
        self.patient.geometry = geometry
        if self.patient.volumeNode is not None:
            showPatientSurface(self.patient.volumeNode)
        if cameraNode() is None:
            self.positioner.setPreset("PA")
        else:
            self.restore()
            self.pictures.drawPlaced()
        self._whenChanged()

    def _onStructures(self, ids: dict[str, str]) -> None:
        self.patient.segmentIds = ids
        if not any(name in ids for name in self._settings().structures):
            self._settings().structures = mainStructures(list(ids))
        self._onProgress(None, "")
        if self.patient.segmentationNode is not None:
            self.tellEmptySegments(segmentIds(self.patient.segmentationNode))
        self.draw()
        self._whenChanged()

    def tellEmptySegments(self, ids: list[str]) -> None:
        """Say which of some segments are left out because they are empty, if any is."""
        names = self.patient.emptySegments(ids)
        if names:
            shown = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
            self._tell(
                _("Empty in this CT and left out: {0}. Draw them in Segment Editor if you need them.").format(
                    shown
                )
            )

    def _onExampleVolume(self, node, geometry: VolumeGeometry) -> None:
        self.patient.volumeNode, self.patient.segmentationNode = node, None
        self._settings().ct = node
        self._settings().segmentation = None
        self.patient.geometry = geometry
        showPatientSurface(node)
        self.positioner.setPreset("PA")

    def _onExampleStructures(self, node, ids: dict[str, str]) -> None:
        self.patient.segmentationNode = node
        self._settings().segmentation = node
        self._onStructures(ids)

    def _onExampleFilm(self, node) -> None:
        self._settings().film = node
        self._onProgress(None, "")
        self._whenChanged()

    def _onLoadFailed(self, line: str) -> None:
        self._onProgress(None, "")
        self._tell(line)
        self._whenChanged()

    # --- the camera -----------------------------------------------------------------------------------------

    def _onPlaced(self, isRandom: bool) -> None:
        self.pictures.drawPlaced(forSheet=isRandom)
        self._whenChanged()

    def _onMoved(self) -> None:
        if self.camera is None:
            self.live.cancel()
        else:
            self.pictures.drawMoved()
        self._whenChanged()

    def _methodLabel(self) -> str:
        return pictureLabel(self.lastReply, self._settings())


_MOST_NAMES = 3
_LUNGS = ("lung", "lungs", "lung_left", "lung_right", "left_lung", "right_lung")


def mainStructures(names: list[str]) -> list[str]:
    """The structures one looks for first in a chest radiograph; none where none of them is there."""
    lungs = [name for name in names if name in _LUNGS] or [name for name in names if "lobe" in name]
    return lungs + [name for name in names if name == "heart" or name.startswith("clavic")]
