"""What the voxels of a CT tell about themselves, in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .volume import Volume

LUNG_HU = (-960, -650)
"""Aerated lung; air, bowel gas and the trachea lie below, rims of tissue above."""
LEAST_LUNG = 0.01
"""Of the body: a chest has a tenth and more, an abdomen some bowel gas."""
CUT_LUNG_MM2 = 500.0
"""Lung on a face of the volume from which it counts as cut off: the apices' tips and bowel gas stay below."""
SIDES = (("on the left", "on the right"), ("behind", "in front"), ("below", "above"))
"""Where the negative and the positive direction of each RAS axis lead."""


def content_notices(volume: Volume) -> list[str]:
    """Doubts about a CT: voxels not in HU, lungs cut off by the volume's faces; and what was taken away."""
    told = []
    if volume.hu.min() > -500:
        told.append(
            f"{volume.name} has no air (its least value is {volume.hu.min():g}); is this a chest CT in HU?"
        )
    elif lung_share(volume) < LEAST_LUNG:
        told.append(f"{volume.name} shows next to no lung; is this a chest CT?")
    cut = sides_that_cut_lungs(volume)
    if cut:
        sides = " and ".join(filter(None, (", ".join(cut[:-1]), cut[-1])))
        told.append(f"The lungs are cut off {sides}; pictures lack what is missing.")
    ml = np.count_nonzero(volume.removed) * abs(np.linalg.det(volume.ras_from_ijk[:3, :3])) / 1000
    if ml >= 1:
        told.append(f"{ml:.0f} ml outside the body (couch, sheets, tubes) were removed.")
    return told


def lung_share(volume: Volume) -> float:
    """How much of the body is aerated lung, told from every eighth voxel."""
    every_other = (slice(None, None, 2),) * 3
    hu = volume.hu[every_other][volume.body[every_other]]
    return float(np.mean((hu > LUNG_HU[0]) & (hu < LUNG_HU[1]))) if hu.size else 0.0


def sides_that_cut_lungs(volume: Volume) -> list[str]:
    """Which faces of the volume cut through aerated lung, for example ``["below"]``."""
    from scipy import ndimage

    cut = []
    edges = volume.ras_from_ijk[:3, :3]
    for axis in range(3):
        world = int(np.argmax(np.abs(edges[:, axis])))
        pixel_mm2 = np.linalg.norm(np.cross(*np.delete(edges, axis, axis=1).T))
        for upper in (False, True):
            face = [slice(None)] * 3
            face[2 - axis] = slice(-1, None) if upper else slice(0, 1)
            hu, body = (np.squeeze(a[tuple(face)], 2 - axis) for a in (volume.hu, volume.body))
            # Voxels half air, half tissue pass for lung; a rim is thin and the mean over 3 x 3 removes it.
            lung = (hu > LUNG_HU[0]) & (hu < LUNG_HU[1]) & body
            lung = ndimage.uniform_filter(lung.astype(np.float32), 3) > 0.6
            if lung.sum() * pixel_mm2 > CUT_LUNG_MM2:
                cut.append(SIDES[world][int(upper == (edges[world, axis] > 0))])
    return cut
