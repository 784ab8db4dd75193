"""The diaphragm's domes and what lies under them."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy, uniform
from .cage import Cage
from .canvas import Canvas, Shape, smooth_maximum
from .texture import noise

DIAPHRAGM_MM = 3.0


def diaphragm_height(
    canvas: Canvas, cage: Cage, box: tuple[slice, slice, slice], raised: dict[int, float] | None = None
) -> np.ndarray:
    """z of the diaphragm's upper face over a box's plan ``[1, j, i]``; domes fall off into sharp recesses.

    Args:
        canvas, cage: the person.
        box: voxels.
        raised: mm a side (1 right, -1 left) is raised.
    """
    person, raised = cage.person, raised or {}
    x, y, _ = canvas.axes(box)
    width, middle, depth = (np.float32(v) for v in cage.wall(-75.0))
    inner = np.float32(5.5)
    front, back = middle + depth - inner, middle - depth + inner
    tops = {
        1: (60.0, 14.0, person.dome_right_mm + raised.get(1, 0.0)),
        -1: (-66.0, 10.0, person.dome_right_mm - person.dome_left_mm + raised.get(-1, 0.0)),
    }
    heights = []
    for side, (cx, cy, top) in tops.items():
        u = (x - np.float32(cx)) * side
        lateral = np.clip(u / (width - inner - abs(cx)), 0, 1.6)
        medial = np.clip(-u / abs(cx), 0, 3)
        anterior = np.clip((y - cy) / (front - cy), 0, 1.6)
        posterior = np.clip((cy - y) / (cy - back), 0, 1.6)
        rho = np.sqrt(lateral**2 + medial**2 * np.float32(0.5) + anterior**2 + posterior**2)
        fall = 44 * lateral**2 + 10 * medial**2 + 26 * anterior**2 + 84 * posterior**2
        heights.append(np.float32(top) - fall * (0.35 + 0.65 * np.minimum(rho, 1.6) ** 3))
    height = smooth_maximum(heights[0], heights[1], 14.0)
    return height.astype(np.float32)


def draw_abdomen(
    canvas: Canvas, cage: Cage, dome: np.ndarray, box: tuple[slice, slice, slice], inside: np.ndarray
) -> None:
    """Diaphragm, liver, spleen, stomach and fat below.

    Args:
        canvas, cage: the person.
        dome: from `diaphragm_height` for ``box``.
        box: voxels of the cage.
        inside: distance to the inner wall over ``box``.
    """
    person: Anatomy = cage.person
    x, y, z = canvas.axes(box)
    below = z - dome
    cavity = np.maximum(inside, below)
    # Fat with bowel in it: organs stand out from it, and a ray through it is less than one through liver.
    low = slice(box[0].start, box[0].start + int(np.searchsorted(z.ravel(), dome.max() + 5)))
    cavity = Shape((low, *box[1:]), cavity[: low.stop - low.start])
    bowel = noise(cavity.distance.shape, 7 * person.seed + 4, 9)
    canvas.paint(cavity, -62 + 38 * bowel)
    under = np.maximum(inside + 1, below + np.float32(DIAPHRAGM_MM + 0.5))
    liver_bottom = -172 + np.float32(0.5) * np.maximum(0, 60 - x)
    liver = smooth_maximum(under, -(z - liver_bottom), 14)
    edge = x + 28 - np.float32(0.25) * (z + 110)
    liver = smooth_maximum(liver, -edge, 16)
    spine = x * x / 34**2 + (y + 60) ** 2 / 42**2
    liver = smooth_maximum(liver, (1 - np.sqrt(spine)) * 34, 10)
    canvas.paint(Shape(box, liver), 60, "liver")
    spleen = canvas.ellipsoid((-96, -46, -122), (34, 44, 46), margin=6)
    spleen = Shape(spleen.box, np.maximum(spleen.distance, canvas.within(Shape(box, under), spleen.box)))
    canvas.paint(spleen, 52, "spleen")
    stomach = canvas.ellipsoid((-62, 16, -126), (42, 46, 50), margin=6)
    room = canvas.within(Shape(box, np.maximum(under + 2, -liver + 1)), stomach.box)
    room = smooth_maximum(room, -canvas.within(spleen, stomach.box), 3)
    hollow = smooth_maximum(stomach.distance, room, 6)
    canvas.paint(Shape(stomach.box, hollow), 35, "stomach")
    # Standing, the gas of the stomach gathers under the left dome, over a level of fluid.
    top = person.dome_right_mm - person.dome_left_mm
    size = 1 + 0.35 * (uniform(person.seed, "gas") - 0.5)
    gas = canvas.ellipsoid((-68, 16, top - 32), (30 * size, 34 * size, 22 * size), margin=6)
    _, _, level = canvas.axes(gas.box)
    bubble = smooth_maximum(gas.distance, top - 36 - level, 5)
    bubble = smooth_maximum(bubble, canvas.within(Shape(stomach.box, hollow + 3), gas.box), 6)
    canvas.paint(Shape(gas.box, bubble), -960, "stomach_gas")
    skin = np.abs(below + np.float32(DIAPHRAGM_MM / 2)) - np.float32(DIAPHRAGM_MM / 2)
    canvas.paint(Shape(box, np.maximum(skin, inside)), 46, "diaphragm")
