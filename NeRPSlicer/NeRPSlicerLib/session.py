"""One patient, one camera, one radiograph: asks the worker and shows what it answers. No widgets here."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from nerp.errors import NerpError
from nerp.geometry import PRESETS, Camera, VolumeGeometry
from nerp.poses import CameraRanges, draw_camera
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .client.arrays import readArray
from .client.live import FULL, MASKS, SMALL, LivePreview
from .client.renderClient import RenderClient, Reply
from .client.workerProcess import Start
from .comparison import ComparisonView
from .display import RadiographDisplay
from .example import ExampleLoader
from .patient import PatientLoader
from .patientSurface import showPatientSurface
from .scene.camera import cameraFromNode, cameraNode, setCamera
from .scene.ghosts import addGhost, ghostCameras, setGhosts
from .scene.threeDView import cameraAsViewed

MASK_SIDE_WITHOUT_NUMBA = 128
"""Path lengths of dozens of structures take seconds for a full picture without Numba."""


class Session(VTKObservationMixin):
    """What the panel drives.

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
        VTKObservationMixin.__init__(self)
        self._settings, self._tell = settings, tell
        self._onProgress, self._whenChanged = onProgress, whenChanged
        files = Path(slicer.app.temporaryPath) / f"nerp-files-{uuid.uuid4().hex[:12]}"
        self.client = RenderClient(files, tell, start)
        self.client.whenHello = whenChanged
        self.client.whenRestored = self.draw
        self.display = RadiographDisplay()
        self.comparison = ComparisonView(self.display, settings, lambda: self.camera, self._methodLabel, tell)
        self.live = LivePreview(self.client, self._drawRequest, self._onPicture)
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
        self.geometry: VolumeGeometry | None = None
        """The CT that the worker holds; None until it can be drawn."""
        self.segmentIds: dict[str, str] = {}
        """The structures that the worker holds: name in the engine -> segment id."""
        self.lastReply: Reply = {}
        """The answer to the picture that is shown."""
        self.numbers: np.ndarray | None = None
        """That picture's numbers, whatever is done to them for the eye."""
        self._forSheet = False
        self._patient: tuple = (None, None)
        self._settingCamera = False
        self._maskPose: list | None = None
        self._distances: tuple[float, float] | None = None

    def close(self) -> None:
        """End everything."""
        self.live.cancel()
        self.display.close()
        self.comparison.stop()
        self.loader.cancel()
        self.example.cancel()
        self.removeObservers()
        self.client.close()

    def forget(self) -> None:
        """The scene is being closed: let go of its nodes."""
        self._forgetPatient()
        self.example.cancel()
        self.removeObservers(self._onTransform)
        self.display.close()
        self._onProgress(None, "")

    def restore(self) -> None:
        """Set again what a scene or a layout does not keep, and follow the camera that is there."""
        self._observeCamera()
        self.display.restore(self.camera, self._methodLabel())

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
        before, self._patient = self._patient, (volumeNode, segmentationNode)
        if self._patient == before:
            return
        self._tell("")
        if volumeNode is None:
            self._forgetPatient()
            if self.client.worker is not None:
                self.client.request({"do": "release"})
            self._whenChanged()
            return
        try:
            if volumeNode is before[0] and self.geometry is not None:
                self.loader.loadStructures(segmentationNode, volumeNode)
            else:
                self._forgetPatient()
                self._patient = (volumeNode, segmentationNode)
                self.loader.load(volumeNode, segmentationNode)
        except NerpError as error:
            self._onLoadFailed(str(error))
        self._whenChanged()

    def _forgetPatient(self) -> None:
        self.live.cancel()
        self.loader.cancel()
        self.geometry, self.segmentIds, self.lastReply = None, {}, {}
        self.numbers = None
        self.comparison.stop()
        self.comparison.pictures = []
        self._patient = (None, None)

    def _onVolume(self, geometry: VolumeGeometry) -> None:
        self.geometry = geometry
        if self._patient[0] is not None:
            showPatientSurface(self._patient[0])
        if cameraNode() is None:
            self.setPreset("PA")
        else:
            self.restore()
            self._drawPlaced()
        self._whenChanged()

    def _onStructures(self, ids: dict[str, str]) -> None:
        self.segmentIds = ids
        if not any(name in ids for name in self._settings().structures):
            self._settings().structures = mainStructures(list(ids))
        self._onProgress(None, "")
        self.live.drawFull()
        self._whenChanged()

    def _onExampleVolume(self, node, geometry: VolumeGeometry) -> None:
        self._patient = (node, None)
        self._settings().ct = node
        self._settings().segmentation = None
        self.geometry = geometry
        showPatientSurface(node)
        self.setPreset("PA")

    def _onExampleStructures(self, node, ids: dict[str, str]) -> None:
        self._patient = (self._patient[0], node)
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

    @property
    def camera(self) -> Camera | None:
        """The camera as it stands in the scene; None where there is none that can be used."""
        try:
            return cameraFromNode(cameraNode())
        except NerpError:
            return None

    def setPreset(self, name: str) -> None:
        """A standard projection of the patient."""
        isFirst = self.camera is None
        self._settings().airGap = PRESETS[name].gap_mm
        self._place(lambda size: self._narrowed(Camera.preset(name, self.geometry, size, size)))
        if isFirst and self.camera is not None:
            self.display.showWholeSetup(self.camera)

    def setAngles(self, primary: float, secondary: float, roll: float) -> None:
        """Turn source and detector about the isocentre; the field and the distances stay."""
        now = self.camera
        if now is not None:
            self._place(lambda size: self._from(now, (primary, secondary, roll), now.source_to_isocenter_mm))

    def setDistances(self, sourceToImage: float, airGap: float) -> None:
        """Source-to-image distance, and the gap between patient and detector, in mm."""
        now = self.camera
        if now is not None and (sourceToImage, airGap) != self._distances:
            self._place(lambda size: self._from(now, now.angles, None, sourceToImage, airGap))

    def setFieldShare(self, percent: float) -> None:
        """Narrow the field to a share of what the CT covers."""
        now = self.camera
        if now is not None:
            self._place(lambda size: self._narrowed(now.collimated(self.geometry, _FILM_MM), percent))

    def randomize(self) -> str:
        """The next variational camera of the seed; the pose before stays as a ghost.

        :return: its parameters in words.
        """
        settings = self._settings()
        ranges = CameraRanges(
            primary=_pair(settings.primaryRange),
            secondary=_pair(settings.secondaryRange),
            roll=_pair(settings.rollRange),
        )
        before = self.camera
        view = before.view if before is not None and before.view else "PA"
        size = settings.size
        try:
            self._needPatient()
            draw = draw_camera(self.geometry, settings.seed, settings.nextView, ranges, view, size, size)
            camera = draw.camera(self.geometry, size, size)
        except NerpError as error:
            self._tell(str(error))
            return ""
        if before is not None:
            addGhost(before)
        settings.nextView = settings.nextView + 1
        self._forSheet = True
        self._put(camera)
        self._drawPlaced()
        self._whenChanged()
        return f"seed {draw.seed}, view {draw.index}"

    def back(self) -> None:
        """The pose before the last random one."""
        ghosts = ghostCameras()
        if ghosts:
            setGhosts(ghosts[:-1])
            self._put(ghosts[-1])
            self._drawPlaced()
            self._whenChanged()

    def useThreeDView(self, viewCamera) -> None:
        """Look as a 3-D view does: isocentre and distances stay.

        :param viewCamera: ``threeDView().cameraNode()``.
        """
        now = self.camera
        if now is not None:
            self._place(lambda size: cameraAsViewed(viewCamera, now))

    def moved(self) -> None:
        """The camera's transform has moved."""
        if not self._settingCamera:
            self._follow()
            self._whenChanged()

    def _needPatient(self) -> None:
        if self.geometry is None:
            raise NerpError("There is no CT yet: choose one in section 1, or press [Load example].")

    def _place(self, make: Callable[[int], Camera]) -> None:
        """Put the camera that ``make(size)`` gives, or say why not."""
        self._tell("")
        try:
            self._needPatient()
            self._put(make(self._settings().size))
        except NerpError as error:
            self._tell(str(error))
            return
        self._drawPlaced()
        self._whenChanged()

    def _from(self, now: Camera, angles, sourceToIsocenter, sourceToImage=None, airGap=50.0) -> Camera:
        return Camera.from_angles(
            self.geometry,
            tuple(angles),
            rows=now.rows,
            columns=now.columns,
            source_to_image_mm=sourceToImage or now.source_to_image_mm,
            source_to_isocenter_mm=sourceToIsocenter,
            gap_mm=airGap,
            isocenter_ras=now.isocenter_ras,
            field=now.field_mm,
            mirrored=now.mirrored,
            view=now.view,
        )

    def _narrowed(self, camera: Camera, percent: float | None = None) -> Camera:
        share = (self._settings().fieldShare if percent is None else percent) / 100
        record = camera.to_dict()
        record["pixel_spacing_mm"] = [share * mm for mm in camera.pixel_spacing_mm]
        return Camera.from_dict(record)

    def _put(self, camera: Camera) -> None:
        self._settingCamera = True
        try:
            setCamera(camera)
        finally:
            self._settingCamera = False
        settings = self._settings()
        settings.sourceToImage = min(max(float(round(camera.source_to_image_mm)), 600.0), 3000.0)
        self._distances = (settings.sourceToImage, settings.airGap)
        self._observeCamera()
        self.display.follow(camera, self._methodLabel())
        self.display.describe(camera, self._methodLabel())

    def _observeCamera(self) -> None:
        node, event = cameraNode(), slicer.vtkMRMLTransformNode.TransformModifiedEvent
        if node is not None and not self.hasObserver(node, event, self._onTransform):
            self.removeObservers(self._onTransform)
            self.addObserver(node, event, self._onTransform)

    def _onTransform(self, caller, event) -> None:
        self.moved()

    def _follow(self) -> None:
        camera = self.camera
        if camera is None:
            self.live.cancel()
            return
        self.display.follow(camera, self._methodLabel())
        self.display.describe(camera, self._methodLabel())
        self._drawMoved()

    def _drawPlaced(self) -> None:
        """A picture of a camera that a button has placed: at once, live preview or not."""
        if self._settings().live:
            self.live.moved()
        else:
            self.live.drawFull()

    def _drawMoved(self) -> None:
        if self._settings().live and self.geometry is not None:
            self.live.moved()

    # --- pictures -------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """A full picture with masks, live preview or not."""
        self.live.drawFull()

    def cancel(self) -> None:
        """Drop what was asked for: pictures and loading."""
        self.live.cancel()
        self.example.cancel()
        self.loader.cancel()
        self._onProgress(None, "")
        self._whenChanged()

    def redrawMasks(self, atRest: bool = True) -> None:
        """The masks of the picture shown, as the settings ask now."""
        settings, camera = self._settings(), self.camera
        if camera is None:
            return
        if settings.masks.name == "NONE":
            self.display.hideMasks()
        elif self.display.masks:
            outlines, blinking = settings.masks.name != "FILLED", settings.comparison.name == "BLINK"
            self.display.drawMasks(camera, outlines, settings.maskOpacity, atRest, quick=not blinking)
        else:
            self.live.drawFull()

    def _chosenStructures(self) -> list[str]:
        chosen = self._settings().structures
        return [name for name in self.segmentIds if not chosen or name in chosen]

    def _drawRequest(self, stage: str) -> dict[str, Any] | None:
        settings, camera = self._settings(), self.camera
        if settings is None or camera is None or self.geometry is None:
            return None
        size = settings.size
        request = {
            "do": "draw",
            "camera": camera.resized(size, size).to_dict(),
            "method": settings.method.value,
            "samples": settings.samples,
            "quality": "full" if stage == FULL else "small",
            "structures": False,
        }
        names = self._chosenStructures() if settings.masks.name != "NONE" else []
        fast = bool(self.client.hello.get("numba"))
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
        camera, settings = self.camera, self._settings()
        if camera is None or settings is None:
            return
        folder = self.client.worker.folder
        pictureCamera = Camera.from_dict(reply["camera"])
        if stage != MASKS:
            shown = reply["display"]
            first = not self.lastReply
            limits = (shown["low"], shown["high"]) if stage == FULL or first else None
            self.numbers = readArray(folder, reply["picture"])
            self.lastReply = reply
            self._showNumbers(pictureCamera, limits)
            self.display.describe(camera, self._methodLabel())
            if stage == FULL and self._forSheet:
                self._forSheet = False
                self.comparison.keep(self.numbers)
        if "masks" in reply:
            self._maskPose = reply["camera"]["ras_from_camera"]
            self.display.readMasks(reply, folder, self._colors())
            if settings.masks.name == "THICKNESS" and "lengths" in reply:
                self.display.drawThickness(
                    readArray(folder, reply["lengths"])[0], pictureCamera, settings.maskOpacity
                )
            else:
                self.redrawMasks(atRest=stage == MASKS)
        elif reply["camera"]["ras_from_camera"] != self._maskPose:
            # Masks of another pose would lie.
            self.display.masks = []
            self.display.hideMasks()
        self._whenChanged()

    def showAgain(self) -> None:
        """Show the picture that is there as the settings ask now."""
        if self.numbers is not None:
            shown = self.lastReply["display"]
            self._showNumbers(Camera.from_dict(self.lastReply["camera"]), (shown["low"], shown["high"]))

    def _showNumbers(self, pictureCamera: Camera, limits: tuple[float, float] | None) -> None:
        picture, matchedLimits = self.comparison.matched(self.numbers)
        self.display.showPicture(picture, pictureCamera, matchedLimits or limits)
        self.comparison.onPicture()

    def _methodLabel(self) -> str:
        return self._settings().method.label()

    def _colors(self) -> dict[str, tuple[int, int, int]]:
        node = self._patient[1]
        if node is None:
            return {}
        colors = {}
        for name, segmentId in self.segmentIds.items():
            segment = node.GetSegmentation().GetSegment(segmentId)
            if segment is not None:
                red, green, blue = segment.GetColor()
                colors[name] = (round(255 * red), round(255 * green), round(255 * blue))
        return colors


_FILM_MM = (430.0, 430.0)
_LUNGS = ("lung", "lungs", "lung_left", "lung_right", "left_lung", "right_lung")


def mainStructures(names: list[str]) -> list[str]:
    """The structures one looks for first in a chest radiograph; none where none of them is there."""
    lungs = [name for name in names if name in _LUNGS] or [name for name in names if "lobe" in name]
    return lungs + [name for name in names if name == "heart" or name.startswith("clavic")]


def _pair(range_) -> tuple[float, float]:
    return range_.minimum, range_.maximum
