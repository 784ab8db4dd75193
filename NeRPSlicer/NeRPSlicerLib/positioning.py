"""Where source and detector stand: placed by buttons and sliders, followed when a hand drags them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from nerp.errors import NerpError
from nerp.geometry import PRESETS, Camera
from nerp.poses import CameraRanges, draw_camera
from slicer.util import VTKObservationMixin

from .display import RadiographDisplay
from .patient import Patient
from .scene.camera import cameraFromNode, cameraNode, setCamera
from .scene.ghosts import addGhost, ghostCameras, setGhosts
from .scene.threeDView import cameraAsViewed

_FILM_MM = (430.0, 430.0)


class Positioner(VTKObservationMixin):
    """Places the X-ray camera; views and models follow it.

    :param settings: gives the parameter node wrapper.
    :param patient: whom to place it for.
    :param display: follows the camera.
    :param method: gives the name of what is drawn, for people.
    :param tell: called with one line for people.
    :param whenPlaced: called when a button has placed it, with whether the pose is a random one.
    :param whenMoved: called when its transform was moved by somebody else: handles, a script.
    """

    def __init__(
        self,
        settings: Callable[[], Any],
        patient: Patient,
        display: RadiographDisplay,
        method: Callable[[], str],
        tell: Callable[[str], None],
        whenPlaced: Callable[[bool], None],
        whenMoved: Callable[[], None],
    ) -> None:
        VTKObservationMixin.__init__(self)
        self._settings, self._patient, self._display = settings, patient, display
        self._method, self._tell = method, tell
        self._whenPlaced, self._whenMoved = whenPlaced, whenMoved
        self._isPlacing = self._isRefused = False
        self._distances: tuple[float, float] | None = None

    @property
    def camera(self) -> Camera | None:
        """The camera as it stands in the scene; None where there is none that can be used."""
        try:
            return cameraFromNode(cameraNode())
        except NerpError:
            return None

    def follow(self) -> None:
        """Follow the camera that is in the scene, by views and models too."""
        node, event = cameraNode(), slicer.vtkMRMLTransformNode.TransformModifiedEvent
        if node is not None and not self.hasObserver(node, event, self._onTransform):
            self.removeObservers()
            self.addObserver(node, event, self._onTransform)

    def leave(self) -> None:
        """Follow no camera any more."""
        self.removeObservers()

    def setPreset(self, name: str) -> None:
        """A standard projection of the patient."""
        isFirst = self.camera is None
        self._settings().airGap = PRESETS[name].gap_mm
        self._place(lambda size: self._narrowed(Camera.preset(name, self._patient.geometry, size, size)))
        if isFirst and self.camera is not None:
            self._display.showWholeSetup(self.camera)

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
            self._place(
                lambda size: self._narrowed(now.collimated(self._patient.geometry, _FILM_MM), percent)
            )

    def randomize(self) -> None:
        """The next variational camera of the seed; the pose before stays as a ghost."""
        settings, before = self._settings(), self.camera
        ranges = CameraRanges(
            primary=_pair(settings.primaryRange),
            secondary=_pair(settings.secondaryRange),
            roll=_pair(settings.rollRange),
        )
        view = before.view if before is not None and before.view else "PA"
        size, geometry = settings.size, self._patient.geometry
        try:
            self._needPatient()
            draw = draw_camera(geometry, settings.seed, settings.nextView, ranges, view, size, size)
            camera = draw.camera(geometry, size, size)
        except NerpError as error:
            self._tell(str(error))
            return
        if before is not None:
            addGhost(before)
        settings.nextView = settings.nextView + 1
        self._put(camera)
        self._whenPlaced(True)

    def back(self) -> None:
        """The pose before the last random one."""
        ghosts = ghostCameras()
        if ghosts:
            setGhosts(ghosts[:-1])
            self._put(ghosts[-1])
            self._whenPlaced(False)

    def useThreeDView(self, viewCamera) -> None:
        """Look as a 3-D view does: isocentre and distances stay.

        :param viewCamera: ``threeDView().cameraNode()``.
        """
        now = self.camera
        if now is not None:
            self._place(lambda size: cameraAsViewed(viewCamera, now))

    # --- inside ---------------------------------------------------------------------------------------------

    def _needPatient(self) -> None:
        if self._patient.geometry is None:
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
        self._whenPlaced(False)

    def _from(self, now: Camera, angles, sourceToIsocenter, sourceToImage=None, airGap=50.0) -> Camera:
        return Camera.from_angles(
            self._patient.geometry,
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
        self._isPlacing = True
        try:
            setCamera(camera)
        finally:
            self._isPlacing = self._isRefused = False
        settings = self._settings()
        settings.sourceToImage = min(max(float(round(camera.source_to_image_mm)), 600.0), 3000.0)
        self._distances = (settings.sourceToImage, settings.airGap)
        self.follow()
        self._show(camera)

    def _show(self, camera: Camera) -> None:
        method = self._method()
        self._display.follow(camera, method)
        self._display.describe(camera, method)

    def _onTransform(self, caller, event) -> None:
        if self._isPlacing:
            return
        try:
            camera = cameraFromNode(cameraNode())
        except NerpError as error:
            self._isRefused = True
            self._tell(str(error))
        else:
            if self._isRefused:
                self._isRefused = False
                self._tell("")
            self._show(camera)
        self._whenMoved()


def _pair(range_) -> tuple[float, float]:
    return range_.minimum, range_.maximum
