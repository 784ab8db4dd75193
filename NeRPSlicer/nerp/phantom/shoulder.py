"""Clavicles, scapulae and the upper ends of the humeri, with the shoulders rolled as for a PA view."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .canvas import Canvas, Shape, smooth_maximum

HUMERUS = np.array([(181, -14, 94), (192, -15, 85), (216, -18, 64), (256, -21, 34)], float)


def mirrored(points: np.ndarray, side: int) -> np.ndarray:
    """Points of the right side, on a side (1 right, -1 left)."""
    return points * np.array([side, 1, 1])


def draw_shoulders(canvas: Canvas, person: Anatomy) -> None:
    """Both shoulders' bones."""
    for side, word in ((1, "right"), (-1, "left")):
        lift = np.array([0, 0, person.lift_mm(side)])
        cortex = 1350 * person.bone
        line = clavicle(person, side)
        half = np.interp(np.linspace(0, 1, len(line)), [0, 0.1, 0.35, 0.7, 1], [10, 8, 5.8, 5.8, 7])
        shape = canvas.tube(line, half, margin=3)
        # A lateral view meets both clavicles' inner ends one behind the other.
        x, _, _ = canvas.axes(shape.box)
        fading = 0.55 + 0.45 * np.clip((np.abs(x) - 15) / 50, 0, 1)
        canvas.bone(shape, 1.8, cortex * fading, 220 * fading, f"clavicula_{word}")
        scapula = _scapula(canvas, side, lift)
        canvas.bone(scapula, 1.2, 0.8 * cortex, 200, f"scapula_{word}")
        arm = mirrored(HUMERUS + lift, side)
        head = canvas.ellipsoid(arm[0], (23.5, 22.5, 24))
        shaft = canvas.tube(arm[1:], [17, 12, 11.5], margin=4)
        whole = canvas.union([head, shaft], 8)
        # The grid's side cuts the arm off: fading toward it, the cut is no bright ring in a lateral view.
        x, _, _ = canvas.axes(whole.box)
        fading = 1 - 0.55 * np.clip((np.abs(x) - 178) / 32, 0, 1)
        canvas.bone(whole, 1.4, 0.8 * cortex * fading, 160 * fading, f"humerus_{word}")


def clavicle(person: Anatomy, side: int) -> np.ndarray:
    """Centre line ``[40, 3]`` of a clavicle, from the sternum."""
    from scipy.interpolate import CubicSpline

    knots = np.array(
        [(15, 46, 93), (36, 52, 98), (66, 48, 107), (98, 27, 118), (134, 0, 126), (168, -12, 126)], float
    )
    knots[:, 2] += person.lift_mm(side) * np.linspace(0, 1, len(knots))
    line = CubicSpline(np.arange(len(knots)), knots)(np.linspace(0, len(knots) - 1, 40))
    return mirrored(line, side)


def _scapula(canvas: Canvas, side: int, lift: np.ndarray) -> Shape:
    superior, inferior, glenoid = (
        mirrored(np.array(p, float) + lift, side) for p in ((88, -82, 116), (113, -93, -16), (158, -26, 90))
    )
    root = mirrored(np.array((93, -92, 86), float) + lift, side)
    acromion = mirrored(np.array((168, -38, 120), float) + lift, side)
    tip = mirrored(np.array((182, -14, 125), float) + lift, side)
    neck = glenoid + mirrored(np.array((-12, -6, 0), float), side)
    parts = [
        _plate(canvas, superior, inferior, neck),
        canvas.tube(np.array([superior, root, inferior]), [2.6, 2.2, 4.0], margin=3),
        canvas.tube(np.array([inferior, (inferior + neck) / 2, neck]), [5, 4.2, 6.5], margin=3),
        canvas.tube(np.array([superior, neck]), [2.4, 3.4], margin=3),
        canvas.ellipsoid(glenoid, (7, 12, 17)),
        canvas.tube(np.array([neck, glenoid]), [8, 10], margin=3),
        # The spine of the scapula stands on the plate and ends in the acromion.
        canvas.tube(np.array([root, (root + acromion) / 2 + [0, -7, 2], acromion]), [2.5, 4, 5.5], margin=3),
        canvas.tube(np.array([acromion, tip]), 9.5, np.tile([0.0, 0.1, 1.0], (2, 1)), 0.5, margin=3),
        canvas.tube(
            np.array([neck + np.array(p) for p in ((0, 4, 14), (side * -2, 24, 20), (side * 8, 34, 12))]),
            [6, 5, 4.5],
            margin=3,
        ),
    ]
    return canvas.union(parts, 4.0)


def _plate(canvas: Canvas, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Shape:
    """A thin curved triangle."""
    box = canvas.box(np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c), 14)
    p = canvas.axes(box)
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal)
    middle = (a + b + c) / 3

    def plane(n: np.ndarray, origin: np.ndarray) -> np.ndarray:
        m = n.astype(np.float32)
        return p[0] * m[0] + p[1] * m[1] + p[2] * m[2] - np.float32(n @ origin)

    edges = None
    for start, stop in ((a, b), (b, c), (c, a)):
        outward = np.cross(stop - start, normal)
        outward /= np.linalg.norm(outward)
        if outward @ (middle - start) > 0:
            outward = -outward
        d = plane(outward, start)
        edges = d if edges is None else smooth_maximum(edges, d, 4)
    assert edges is not None
    # Hollow toward the ribs.
    bow = np.float32(5) * np.clip(-edges / 22, 0, 1)
    away = np.sign(normal[1]) or 1.0
    height = plane(normal, a) + bow * np.float32(away)
    return Shape(box, smooth_maximum(np.abs(height) - np.float32(1.3), edges, 2))
