"""The 3-D view: see source and detector whole, or take the view's direction for the X-ray camera."""

from __future__ import annotations

import numpy as np
from nerp.errors import NerpError
from nerp.geometry import Camera


def showWholeSetup(cameraNode, camera: Camera) -> None:
    """Turn a 3-D view so that source, patient and detector are all in sight.

    From above and aside, rather behind the source: the beam, foreshortened, leaves the patient room.

    :param cameraNode: the view's MRML camera, ``threeDView().cameraNode()``.
    """
    rasFromCamera = camera.ras_from_camera
    middle = rasFromCamera @ (0, 0, camera.source_to_image_mm * 0.5, 1)
    aside = rasFromCamera[:3, 0] * 0.62 - rasFromCamera[:3, 1] * 0.4 - rasFromCamera[:3, 2] * 0.68
    distance = 2.3 * camera.source_to_image_mm
    cameraNode.SetFocalPoint(*middle[:3])
    cameraNode.SetPosition(*(middle[:3] + distance * aside / np.linalg.norm(aside)))
    cameraNode.SetViewUp(*(-rasFromCamera[:3, 1]))
    cameraNode.ResetClippingRange()


def cameraAsViewed(cameraNode, camera: Camera) -> Camera:
    """The X-ray camera turned so that its beam runs as one looks in a 3-D view, up being up.

    Isocentre, distances and picture stay.

    :raises NerpError: the view looks nowhere.
    """
    position, focalPoint, up = (
        np.array(values)
        for values in (cameraNode.GetPosition(), cameraNode.GetFocalPoint(), cameraNode.GetViewUp())
    )
    beam = focalPoint - position
    down = -(up - beam * (up @ beam) / max(beam @ beam, 1e-12))
    if np.linalg.norm(beam) < 1e-6 or np.linalg.norm(down) < 1e-6:
        raise NerpError("The 3-D view has no direction: reset it first.")
    z, y = beam / np.linalg.norm(beam), down / np.linalg.norm(down)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([np.cross(y, z), y, z])
    matrix[:3, 3] = camera.isocenter_ras - camera.source_to_isocenter_mm * z
    return camera.moved(matrix)
