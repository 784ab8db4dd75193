"""The rib cage: one surface that the ribs run on and that lungs, muscle and skin follow.

The surface is a stack of superellipses; the ribs are tilted curves on it, so that they narrow toward the
apex, slope forward and never leave the wall.
"""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy, uniform
from .canvas import Canvas, Shape

RIBS = range(1, 13)
EXPONENT = 2.35
RIB_HALF_MM = 3.6
"""Half the thickness of a rib; the pleura lies 1.5 mm farther in."""

_WALL = np.array(
    # z, half-width, front, back: centre lines of the ribs
    [
        (-200, 132, 78, -66),
        (-150, 136, 80, -72),
        (-120, 137, 81, -80),
        (-90, 137, 82, -91),
        (-50, 135, 83, -100),
        (0, 132, 80, -104),
        (30, 129, 77, -99),
        (55, 122, 71, -93),
        (80, 110, 62, -80),
        (97, 96, 51, -66),
        (110, 83, 40, -52),
        (122, 67, 27, -38),
        (134, 46, 12, -28),
        (146, 26, 0, -22),
        (190, 20, -4, -20),
    ],
    float,
)
_BODIES = np.array(
    # z and y of the vertebral bodies' centres, C3 to L5
    [
        (219, -4),
        (203, -4),
        (187, -6),
        (171, -9),
        (155, -14),
        (138, -23),
        (120, -35),
        (101.5, -47),
        (82.5, -59),
        (63, -67.5),
        (43, -75),
        (22.5, -78),
        (1.5, -78.5),
        (-20, -75),
        (-42, -69.5),
        (-65, -62),
        (-89, -52),
        (-115, -42),
        (-143, -34),
        (-172, -30),
        (-203, -29),
        (-236, -33),
    ],
    float,
)
_FIRST_RIB = np.array(
    [
        (15, -30, 140),
        (32, -35, 140),
        (48, -27, 133),
        (61, -8, 123),
        (66, 12, 113),
        (59, 31, 105),
        (45, 43, 99),
    ],
    float,
)
VERTEBRAE = ("C3", "C4", "C5", "C6", "C7", *(f"T{n}" for n in RIBS), "L1", "L2", "L3", "L4", "L5")
_SLOPE = (0.45, 0.46, 0.54, 0.6, 0.63, 0.66, 0.71, 0.77, 0.82, 0.85, 0.84, 0.75)
_ASIDE = (0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.12, 0.2, 0.33, 0.55, 0.8)
"""How much each rib falls sideways; the floating ribs mostly do."""
_END = (38, 30, 29, 29, 30, 33, 38, 46, 56, 68, 104, 138)
"""Where each rib's bone ends, degrees from the front about the cage's centre."""


def curve(table: np.ndarray, column: int, at: np.ndarray | float) -> np.ndarray:
    """A column of a table against its first, as a monotone cubic."""
    from scipy.interpolate import PchipInterpolator

    order = np.argsort(table[:, 0])
    return PchipInterpolator(table[order, 0], table[order, column])(at)


def _resampled(knots: np.ndarray, step_mm: float = 4.0) -> np.ndarray:
    """A smooth curve through knots ``[m, 3]``, in even steps."""
    from scipy.interpolate import CubicSpline

    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    return CubicSpline(along, knots)(np.linspace(0, along[-1], max(12, int(along[-1] / step_mm))))


class Cage:
    """The chest wall and spine of one person, in reference mm."""

    def __init__(self, person: Anatomy) -> None:
        self.person = person

    # --- the spine's line -----------------------------------------------------------------------------------

    def spine(self, z: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the vertebral bodies' centres at height z."""
        bow = np.exp(-((np.asarray(z, float) - 15) ** 2) / (2 * 55**2))
        z = np.clip(z, _BODIES[-1, 0], _BODIES[0, 0])
        x = self.person.scoliosis_mm * (bow - 0.6 * np.exp(-((np.asarray(z, float) + 130) ** 2) / 4000))
        return x, curve(_BODIES, 1, z) - self.person.kyphosis_mm * bow

    def vertebra(self, name: str) -> np.ndarray:
        """Centre of a vertebral body, ``[3]``."""
        z = _BODIES[VERTEBRAE.index(name), 0]
        x, y = self.spine(z)
        return np.array([x, y, z], float)

    # --- the wall -------------------------------------------------------------------------------------------

    def wall(self, z: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Half-width, middle and half-depth (mm) of the ribs' surface at height z."""
        width, front, back = (curve(_WALL, n, np.clip(z, -200, 190)) for n in (1, 2, 3))
        back = back - 0.6 * self.person.kyphosis_mm * np.exp(-((np.asarray(z, float) - 15) ** 2) / 6000)
        return width, (front + back) / 2, (front - back) / 2

    def distance(self, canvas: Canvas, box: tuple[slice, slice, slice]) -> np.ndarray:
        """Distance to the ribs' surface, negative inside: ``[k, j, i]``."""
        x, y, z = canvas.axes(box)
        width, middle, depth = (v.astype(np.float32) for v in self.wall(z))
        dy = y - middle
        power = np.float32(EXPONENT)
        q = ((np.abs(x) / width) ** power + (np.abs(dy) / depth) ** power) ** (1 / power)
        q += np.float32(1e-3)
        radius = np.sqrt(x * x + dy * dy)
        return np.maximum(radius, 1) * (1 - 1 / q)

    def on_wall(self, degrees: np.ndarray, z: np.ndarray, inward: float = 0.0) -> np.ndarray:
        """Points ``[n, 3]`` of the right wall at angles from the front, 0 to 180, and heights z."""
        width, middle, depth = (np.asarray(v, float) for v in self.wall(z))
        a = np.radians(degrees)
        s, c = np.sin(a), np.cos(a)
        radius = ((np.abs(s) / width) ** EXPONENT + (np.abs(c) / depth) ** EXPONENT) ** (-1 / EXPONENT)
        return np.column_stack([(radius - inward) * s, middle + (radius - inward) * c, z])

    # --- ribs -----------------------------------------------------------------------------------------------

    def rib(self, number: int, side: int) -> np.ndarray:
        """Centre line ``[n, 3]`` of a rib from its head to the end of its bone; side 1 is right, -1 left."""
        body = self.vertebra(f"T{number}")
        pitch = _BODIES[VERTEBRAE.index(f"T{number}") - 1, 0] - body[2]
        head_z = body[2] + (0.46 if number < 11 else 0.2) * pitch
        head = np.array([15.0 + 0.5 * number**0.5, body[1] - 9, head_z])
        neck = np.array([35.0, body[1] - 25, head_z + 1.0])
        if number == 1:
            return _resampled(_FIRST_RIB * [side, 1, 1] + [body[0] * 0.5, 0, 0])
        # No two ribs are each other's mirror image.
        uneven = 2 * uniform(self.person.seed, "rib", number, side) - 1
        slope = _SLOPE[number - 1] * self.person.rib_slope * (1 + 0.05 * uneven)
        end = _END[number - 1] + 5 * uniform(self.person.seed, "rib end", number, side)
        start = 180 - np.degrees(np.arctan2(52, self.wall(head_z)[2]))
        degrees = np.linspace(start, end, 26)
        z = np.full(26, head_z)
        for _ in range(6):
            points = self.on_wall(degrees, z)
            y = points[:, 1]
            fall = slope * np.maximum(y - neck[1], 0)
            # Behind the angle a rib runs level before it turns down.
            level = 45.0 if number > 2 else 12.0
            fall = fall * (1 - 0.55 * np.exp(-np.maximum(y - neck[1], 0) / level))
            fall += _ASIDE[number - 1] * np.maximum(points[:, 0] - neck[0], 0)
            z = head_z - fall
        points = self.on_wall(degrees, z)
        # The floating ribs meet no transverse process.
        joint = [head, neck] if number < 11 else [head]
        knots = np.vstack([*joint, points])
        knots[:, 0] *= side
        knots[: len(joint), 0] += body[0]
        return _resampled(knots)

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit outward normals ``[n, 3]`` of the wall near points, in the axial plane."""
        width, middle, depth = (np.asarray(v, float) for v in self.wall(points[:, 2]))
        n = EXPONENT
        gx = np.sign(points[:, 0]) * np.abs(points[:, 0] / width) ** (n - 1) / width
        gy = np.sign(points[:, 1] - middle) * np.abs((points[:, 1] - middle) / depth) ** (n - 1) / depth
        out = np.column_stack([gx, gy, np.zeros(len(points))])
        return out / np.linalg.norm(out, axis=1, keepdims=True)

    def sternum_line(self) -> np.ndarray:
        """Centre line ``[n, 3]`` of manubrium, body and xiphoid, from the top."""
        z = np.array([106, 96, 84, 72, 62, 50, 30, 10, -10, -28, -42, -56], float)
        y = np.array([43, 47, 52.5, 58, 62, 66, 71.5, 75, 77.5, 79, 78.5, 77], float)
        return np.column_stack([np.zeros(len(z)), y, z])


def draw_cage(canvas: Canvas, cage: Cage) -> list[Shape]:
    """Ribs, costal cartilages and sternum; returns the cartilages' shapes."""
    person = cage.person
    cortex = 1450 * person.bone
    cartilages: list[Shape] = []
    ends: dict[tuple[int, int], np.ndarray] = {}
    for side, word in ((1, "right"), (-1, "left")):
        for number in RIBS:
            points = cage.rib(number, side)
            ends[number, side] = points[-1]
            t = np.linspace(0, 1, len(points))
            half = (6.4 if number > 1 else 6.8) * (1 - 0.28 * np.exp(-t / 0.06))
            half *= np.where(number > 10, 0.8, 1.0) * (1 - 0.35 * (number > 10) * t)
            half *= 1 + 0.12 * np.exp(-(1 - t) / 0.05)
            normals, lift = cage.normals(points), (1.0, 0.55, 0.25)[number - 1] if number < 4 else 0.0
            # The first ribs are flat: their thin sides look up rather than out.
            normals = normals * (1 - 0.5 * lift) + np.array([0, 0.2, 0.9]) * lift
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            flat = RIB_HALF_MM / 6.6
            shape = canvas.tube(points, half, normals, flat, margin=3)
            x, y, _ = canvas.axes(shape.box)
            # Toward its front end the bone thins, and fades on a radiograph.
            fading = 1 - 0.4 * np.clip((y - 5) / 60, 0, 1)
            # The neck's cortex is thin: seen end on in an oblique view, it is no row of rings.
            fading = fading * (0.35 + 0.65 * np.clip((np.abs(x) - 28) / 24, 0, 1))
            canvas.bone(shape, 1.0, cortex * fading, 210 * fading, f"rib_{word}_{number}")
        for number in range(1, 11):
            points = _cartilage(cage, ends, number, side)
            normals = cage.normals(points)
            cartilages.append(canvas.tube(points, 6.2 if number > 1 else 7.5, normals, 0.62, margin=3))
            canvas.paint(cartilages[-1], 66, "costal_cartilages")
    _draw_sternum(canvas, cage)
    return cartilages


def _cartilage(cage: Cage, ends: dict[tuple[int, int], np.ndarray], number: int, side: int) -> np.ndarray:
    start = ends[number, side]
    if number <= 7:
        z = (97, 64, 42, 20, 1, -17, -30)[number - 1]
        line = cage.sternum_line()
        edge = 24 if number == 1 else 15
        stop = np.array([side * edge, np.interp(-z, -line[:, 2], line[:, 1]) - 1, z])
    else:
        above = _cartilage(cage, ends, number - 1, side)
        stop = above[len(above) // 3]
    t = np.linspace(0, 1, 12)[:, None]
    low = start + np.array([-side * 0.35 * abs(start[0] - stop[0]), 0, 0])
    low[2] = start[2] - (0.25 * (stop[2] - start[2]) if number > 4 else 0.0)
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * low + t**2 * stop
    # Onto the wall, so that no cartilage cuts through the chest.
    _, middle, depth = (np.asarray(v, float) for v in cage.wall(points[:, 2]))
    width = np.asarray(cage.wall(points[:, 2])[0], float)
    inside = np.clip(1 - np.abs(points[:, 0] / width) ** EXPONENT, 0, 1) ** (1 / EXPONENT)
    wall_y = middle + depth * inside
    blend = np.sin(np.pi * t[:, 0])
    points[:, 1] = points[:, 1] * (1 - blend) + wall_y * blend
    return points


def _draw_sternum(canvas: Canvas, cage: Cage) -> None:
    line = cage.sternum_line()
    half = np.array([21, 26, 24, 19, 15, 16, 17, 18, 18.5, 17, 9, 5], float)
    normals = np.tile([0.0, 0.97, 0.25], (len(line), 1))
    shape = canvas.tube(line, half, normals, 0.32, margin=3)
    canvas.bone(shape, 0.9, 480 * cage.person.bone, 70, "sternum")
