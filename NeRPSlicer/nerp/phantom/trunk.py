"""The outside: trunk, neck, shoulders and arms in muscle, fat, breasts and skin."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .cage import Cage, curve
from .canvas import Canvas, Shape, smooth_minimum
from .shoulder import HUMERUS, clavicle, mirrored
from .texture import noise

SKIN_MM = 1.8

_MUSCLE = np.array(
    # z, half-width, front, back: the trunk without its fat
    [
        (-220, 138, 80, -97),
        (-190, 139, 83, -99),
        (-150, 144, 87, -103),
        (-100, 147, 89, -113),
        (-50, 146, 91, -125),
        (0, 143, 91, -132),
        (40, 138, 92, -128),
        (70, 128, 84, -123),
        (95, 112, 68, -114),
        (115, 92, 50, -103),
        (130, 72, 38, -93),
        (150, 58, 36, -80),
        (175, 54, 42, -68),
        (220, 54, 44, -62),
    ],
    float,
)


def _trunk(canvas: Canvas, box: tuple[slice, slice, slice], kyphosis_mm: float) -> np.ndarray:
    x, y, z = canvas.axes(box)
    width, front, back = (curve(_MUSCLE, n, z).astype(np.float32) for n in (1, 2, 3))
    back -= np.float32(max(kyphosis_mm, 0.6 * kyphosis_mm)) * np.exp(-((z - 15) ** 2) / 6000)
    middle, depth = (front + back) / 2, (front - back) / 2
    power = np.float32(2.3)
    dy = y - middle
    q = ((np.abs(x) / width) ** power + (np.abs(dy) / depth) ** power) ** (1 / power) + np.float32(1e-3)
    radius = np.maximum(np.sqrt(x * x + dy * dy), 1)
    # The back is thick where its long muscles run and thin beside them; between them is a furrow.
    aside = 9 * np.exp(-((x / 14) ** 2)) + 11 * np.clip((np.abs(x) - 48) / 36, 0, 1)
    # Fading in from the side, or a lateral view shows a ruler's edge.
    behind = np.clip(-dy / depth, 0, 1)
    furrow = aside * (behind * behind * (3 - 2 * behind)) * np.exp(-(z**2) / 16000)
    return radius * (1 - 1 / q) + furrow.astype(np.float32)


def draw_trunk(canvas: Canvas, cage: Cage) -> np.ndarray:
    """Skin, fat, breasts and muscle over the whole grid; returns the body's mask."""
    person = cage.person
    whole = (slice(0, len(canvas.z)), slice(0, len(canvas.y)), slice(0, len(canvas.x)))
    muscle = _trunk(canvas, whole, person.kyphosis_mm)
    for shape in _limbs(canvas, person):
        view = muscle[shape.box]
        view[...] = smooth_minimum(view, shape.distance, 22.0)
    x, _, z = canvas.axes(whole)
    fat = person.fat_mm * (
        np.interp(z, [-190, -90, 20, 110, 170], [1.25, 1.1, 0.9, 0.65, 0.5])
        + np.interp(np.abs(x), [60, 140], [0.0, 0.15])
    ).astype(np.float32)
    body = muscle - fat
    breasts = [] if not person.breast_mm else _breasts(canvas, person.breast_mm)
    for breast in breasts:
        view = body[breast.box]
        view[...] = smooth_minimum(view, breast.distance, 14.0)
    body -= np.float32(SKIN_MM)
    canvas.paint(Shape(whole, body), 15)
    mask = body < 0
    canvas.label(Shape(whole, body), "body")
    canvas.label(Shape(whole, np.where(body < -SKIN_MM, np.float32(1), body)), "skin")
    body += np.float32(SKIN_MM)
    canvas.paint(Shape(whole, body), -102)
    canvas.label(Shape(whole, np.where(muscle < 0, np.float32(1), body)), "subcutaneous_fat")
    for breast, word in zip(breasts, ("right", "left"), strict=False):
        inner = Shape(breast.box, np.maximum(breast.distance + 9, -muscle[breast.box]))
        canvas.paint(inner, -62, f"breast_{word}")
    grain = noise(muscle.shape, 7 * person.seed + 3, 5)
    # Fat between and within the muscles, in strands.
    canvas.paint(Shape(whole, muscle), np.where(grain > 1.6, np.float32(-40), np.float32(54)), "muscle")
    return mask


def _limbs(canvas: Canvas, person: Anatomy) -> list[Shape]:
    shapes = []
    thick = person.muscle
    for side in (1, -1):

        def tube(points: list[tuple[float, float, float]], radii: list[float], s: int = side) -> Shape:
            return canvas.tube(mirrored(np.array(points, float), s), np.array(radii) * thick, margin=22)

        lift = np.array([0, 0, person.lift_mm(side)])
        arm = mirrored(HUMERUS + lift, side)
        ridge = mirrored(
            np.array([(94, -88, 87), (130, -72, 105), (167, -39, 119), (182, -14, 123)], float) + lift, side
        )
        blade = mirrored(np.array([(90, -82, 112), (94, -89, 86), (113, -90, -14)]) + lift, side)
        shapes += [
            canvas.ellipsoid(arm[0] + [side * 2, 0, -4], np.array([31, 33, 37]) * thick, margin=22),
            canvas.tube(arm, np.array([31, 32, 32, 32]) * thick, margin=22),
            canvas.tube(clavicle(person, side), 11, margin=22),
            canvas.tube(blade, 10, margin=22),
            canvas.tube(ridge, 13, margin=22),
            # Trapezius, from the neck to the acromion.
            tube([(22, -34, 190), (46, -40, 154), (88, -42, 134), (156, -24, 116)], [24, 31, 30, 24]),
            # Scalenes and sternomastoid fill the hollow behind the clavicle.
            tube([(30, 2, 165), (62, 2, 128), (124, 0, 108)], [24, 29, 28]),
            # Pectoralis major runs to the arm as the front fold of the armpit, latissimus as the back one.
            tube([(45, 70, 38), (95, 62, 50), (166, 6, 74)], [15, 20, 17]),
            tube([(40, 62, 72), (95, 48, 80), (166, 4, 86)], [13, 17, 17]),
            tube([(112, -84, -10), (130, -70, 30), (174, -28, 66)], [18, 22, 20]),
            tube([(98, -88, 66), (154, -48, 84)], [25, 27]),
            tube([(88, -72, 112), (150, -40, 102)], [18, 22]),
        ]
    return shapes


def _breasts(canvas: Canvas, depth_mm: float) -> list[Shape]:
    """Right and left breast, hanging as in a person who stands."""
    size = depth_mm / 36
    return [
        canvas.ellipsoid(
            (side * 80, 66, -34 - 10 * size), (54 * size**0.4, 24 + depth_mm, 52 * size**0.5), margin=16
        )
        for side in (1, -1)
    ]
