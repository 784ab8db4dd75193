"""Heart, great vessels, windpipe and gullet, and the space between the lungs that they fill."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .cage import Cage
from .canvas import Canvas, Shape, overlap, placed, smooth_maximum, smooth_minimum

HEART_CENTER = np.array([-14.0, 14.0, -32.0])
CARINA = np.array([2.0, -24.0, 40.0])


class Mediastinum:
    """The shapes of one person's mediastinum, in reference mm."""

    def __init__(self, canvas: Canvas, cage: Cage, dome: Shape) -> None:
        person = cage.person
        self.canvas, self.cage = canvas, cage
        self.chambers = _chambers(canvas, person)
        heart = canvas.union(list(self.chambers.values()), 16.0)
        # The heart lies on the diaphragm's central tendon and takes its shape.
        floor = canvas.within(dome, heart.box) + np.float32(0.5)
        self.heart = Shape(heart.box, smooth_maximum(heart.distance, floor, 4.0))
        self.aorta = canvas.tube(*_aorta(cage), margin=14)
        move = _heart_move(person)
        self.pulmonary = canvas.union(
            [
                canvas.tube(
                    move(np.array([(-12, 40, -8), (-22, 30, 14), (-27, 12, 28)])), [15, 14.5, 14], margin=14
                ),
                canvas.tube(
                    np.array([(-26, 12, 28), (-40, -8, 34), (-52, -24, 28), (-56, -32, 12), (-57, -36, -8)]),
                    [13, 12, 11, 9, 7.5],
                    margin=14,
                ),
                canvas.tube(
                    np.array(
                        [
                            (-26, 10, 26),
                            (-6, -4, 22),
                            (18, -8, 18),
                            (36, -12, 12),
                            (46, -18, -4),
                            (49, -24, -24),
                        ]
                    ),
                    [12.5, 11.5, 11, 10, 9, 7],
                    margin=14,
                ),
            ],
            5.0,
        )
        self.veins = {
            "superior_vena_cava": canvas.tube(
                np.array([(24, 22, 84), (27, 17, 60), (28, 12, 30), (25, 10, 2)]),
                [9, 10, 10.5, 11],
                margin=14,
            ),
            "brachiocephalic_vein_right": canvas.tube(
                np.array([(24, 22, 84), (26, 18, 104), (30, 8, 122)]), [8, 7, 6.5], margin=12
            ),
            "brachiocephalic_vein_left": canvas.tube(
                np.array([(24, 24, 84), (4, 32, 92), (-16, 28, 104), (-28, 12, 120)]),
                [7.5, 7, 6.5, 6],
                margin=12,
            ),
            "inferior_vena_cava": canvas.tube(
                np.array([(20, 2, -42), (22, -6, -80), (18, -14, -120), (14, -16, -200)]), 11.5, margin=12
            ),
            "azygos_vein": canvas.tube(_azygos(cage), 4.0, margin=12),
        }
        self.arteries = {
            "brachiocephalic_trunk": canvas.tube(
                np.array([(6, 16, 78), (14, 14, 98), (26, 4, 120), (52, -6, 130)]), [7, 6.5, 6, 5], margin=12
            ),
            "common_carotid_artery_left": canvas.tube(
                np.array([(-8, 4, 82), (-14, 2, 108), (-22, 0, 150), (-24, 4, 236)]), 4, margin=12
            ),
            "subclavian_artery_left": canvas.tube(
                np.array([(-20, -12, 80), (-26, -12, 108), (-36, -10, 128), (-62, -6, 128)]), 5, margin=12
            ),
        }
        gullet = np.linspace(236, -110, 70)
        x, y = cage.spine(gullet)
        front = np.interp(gullet, [-110, -60, 20, 140, 170], [34, 30, 22, 17, 14])
        shift = np.interp(gullet, [-110, -60, 0, 60, 140], [-22, -12, -1, -3, -5])
        self.oesophagus = canvas.tube(
            np.column_stack([x + shift, y + front, gullet]),
            7.0,
            np.tile([0.0, 1, 0], (70, 1)),
            0.7,
            margin=12,
        )
        self.airway = airway_lines(cage)

    def core(self, box: tuple[slice, slice, slice]) -> np.ndarray:
        """Distance to what keeps the lungs apart: organs with the fat about them, spine, median septum."""
        canvas, cage = self.canvas, self.cage
        out = np.full(tuple(s.stop - s.start for s in box), np.float32(200))

        def add(shape: Shape, coat: float, blend: float = 9.0) -> None:
            common = overlap(shape.box, box)
            if common is not None:
                view = out[placed(common, box)]
                near = shape.distance[placed(common, shape.box)] - np.float32(coat)
                view[...] = smooth_minimum(view, near, blend)

        add(self.heart, 3.0)
        add(self.aorta, 2.0)
        add(self.pulmonary, 1.5)
        for shape in (*self.veins.values(), *self.arteries.values()):
            add(shape, 2.0)
        add(self.oesophagus, 1.5)
        for points, radius, _ in self.airway[:3]:
            add(canvas.tube(points, radius, margin=14), 3.0)
        spine = np.array(
            [cage.vertebra(name) for name in ("C7", *(f"T{n}" for n in range(1, 13)), "L1", "L2")]
        )
        add(canvas.tube(spine - np.array([0.0, 24, 0]), np.linspace(18, 22, len(spine)), margin=14), 0.0)
        # Widest at the discs, as the bodies between them are waisted.
        discs = (spine[1:] + spine[:-1]) / 2
        beaded = np.insert(spine, np.arange(1, len(spine)), discs, axis=0)
        radius = np.linspace(16, 22, len(beaded)) + np.where(np.arange(len(beaded)) % 2, 1.5, -1.0)
        add(canvas.tube(beaded, radius, margin=14), 0.0, 5.0)
        # Thymic fat between the lungs behind the manubrium, fat pads beside the apex of the heart.
        add(canvas.ellipsoid((0, 22, 104), (27, 34, 34), margin=14), 0.0)
        add(canvas.ellipsoid((0, 40, 72), (14, 18, 34), margin=14), 0.0)
        add(canvas.ellipsoid((38, 52, -78), (20, 22, 18), margin=14), 0.0)
        add(canvas.ellipsoid((-72, 54, -84), (24, 24, 16), margin=14), 0.0)
        x, y, z = canvas.axes(box)
        septum = np.abs(x - self.midline(y, z)) - np.float32(0.8)
        return smooth_minimum(out, septum, 4.0)

    def midline(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """x of the surface between the lungs, which leans to the left before and behind the heart.

        Leaning, it is never seen edge on over its whole depth as a white line.
        """
        x, _ = self.cage.spine(z)
        return (x - 0.2 * np.abs(y + 5)).astype(np.float32)

    def paint(self) -> None:
        """All organs of the mediastinum, from the back of the list of priorities to its front."""
        canvas = self.canvas
        canvas.paint(Shape(self.heart.box, self.heart.distance - 2), -75)
        canvas.paint(self.heart, 44, "heart")
        box = self.heart.box
        parts = {name: canvas.within(shape, box) for name, shape in self.chambers.items()}
        nearest = np.minimum.reduce(list(parts.values()))
        for name, part in parts.items():
            mine = np.where(part == nearest, self.heart.distance, np.float32(1))
            canvas.label(Shape(box, np.maximum(part, mine)), name)
        canvas.paint(self.oesophagus, 30, "oesophagus")
        for shape, name in ((self.aorta, "aorta"), (self.pulmonary, "pulmonary_artery")):
            canvas.paint(shape, 45, name)
        for name, shape in (*self.veins.items(), *self.arteries.items()):
            canvas.paint(shape, 43, name)

    def paint_airways(self) -> None:
        """Windpipe and large bronchi with their walls."""
        canvas = self.canvas
        for points, radius, _ in self.airway:
            tube = canvas.tube(points, radius)
            canvas.paint(Shape(tube.box, tube.distance - np.float32(1.4)), 25)
        for points, radius, name in self.airway:
            canvas.paint(canvas.tube(points, radius), -985, name)


def _heart_move(person: Anatomy):  # type: ignore[no-untyped-def]
    """The map of a reference heart's points to the person's."""
    a = np.radians(person.heart_turn)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]) @ np.eye(3)

    def move(points: np.ndarray) -> np.ndarray:
        moved = (np.asarray(points, float) - HEART_CENTER) @ turn.T * person.heart + HEART_CENTER
        return moved + np.array([0, 0, 0.8 * (person.dome_right_mm + 66) - 3])

    return move


def _axes(direction: tuple[float, float, float]) -> np.ndarray:
    """Columns: an orthonormal frame whose first axis is a direction."""
    first = np.array(direction, float) / np.linalg.norm(direction)
    second = np.cross([0, 0, 1.0], first)
    second /= np.linalg.norm(second)
    return np.column_stack([first, second, np.cross(first, second)])


def _chambers(canvas: Canvas, person: Anatomy) -> dict[str, Shape]:
    move, size = _heart_move(person), person.heart
    plan = {
        "heart_atrium_right": ((20, 8, -38), (26, 30, 40), None),
        "heart_ventricle_right": ((-14, 38, -55), (54, 32, 31), (-0.85, 0.3, -0.4)),
        "heart_ventricle_left": ((-42, 16, -48), (56, 34, 37), (-0.68, 0.42, -0.6)),
        "heart_atrium_left": ((-8, -20, -6), (37, 24, 27), None),
    }
    return {
        name: canvas.ellipsoid(
            move(np.array(center)),
            np.array(radii) * size,
            None if axis is None else _axes(axis),
            margin=14,
        )
        for name, (center, radii, axis) in plan.items()
    }


def _aorta(cage: Cage) -> tuple[np.ndarray, np.ndarray]:
    """The centre line of the aorta from its root, and its radii."""
    from scipy.interpolate import CubicSpline

    size = cage.person.aorta
    move = _heart_move(cage.person)
    root = move(np.array([(-6.0, 18, -14), (6, 22, 8)]))
    z = np.array([40.0, 10, -30, -70, -110, -150, -200])
    x, y = cage.spine(z)
    left = np.interp(-z, [-40, 0, 70, 150], [25, 24, 18, 6])
    front = np.interp(-z, [-40, 0, 70, 150], [12, 15, 22, 26])
    descent = np.column_stack([x - left, y + front + 4, z])
    arch = np.array([(17, 22, 34), (15, 18, 56), (4, 8, 69), (-13, -9, 73.5), (-25, -29, 64)], float)
    knots = np.vstack([root, arch * [size, 1, 1], descent])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    at = np.linspace(0, along[-1], 70)
    radius = np.interp(at, [0, 60, 130, 200, along[-1]], [16, 15.5, 13.5, 12.5, 11]) * size
    return CubicSpline(along, knots)(at), radius


def _azygos(cage: Cage) -> np.ndarray:
    z = np.array([-140.0, -60, 0, 36])
    x, y = cage.spine(z)
    up = np.column_stack([x + 8, y + np.array([22.0, 24, 22, 20]), z])
    return np.vstack([up, [(14, -34, 47), (20, -14, 50), (26, 8, 46)]])


def airway_lines(cage: Cage) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Centre lines, lumen radii and names: windpipe, main bronchi, then the lobes' bronchi."""
    c = CARINA

    def line(points: list[tuple[float, float, float]], start: float, end: float, name: str):  # type: ignore[no-untyped-def]
        p = np.array(points, float)
        return p, np.linspace(start, end, len(p)), name

    return [
        line([(0, 16, 236), (0, 6, 150), (1, -4, 105), (3, -16, 65), tuple(c)], 8.6, 8.8, "trachea"),
        line([tuple(c), (16, -27, 24), (30, -29, 12)], 7.6, 7.0, "bronchus_right"),
        line([tuple(c), (-18, -27, 24), (-42, -32, 12)], 7.0, 6.0, "bronchus_left"),
        line([(26, -28, 17), (44, -28, 26), (56, -24, 42)], 5.0, 3.2, "bronchus_right"),
        line([(30, -29, 12), (36, -32, -10), (42, -40, -32)], 5.4, 3.6, "bronchus_right"),
        line([(36, -30, -8), (50, -14, -22)], 3.6, 2.4, "bronchus_right"),
        line([(-42, -32, 12), (-56, -26, 18), (-64, -22, 36)], 4.8, 3.0, "bronchus_left"),
        line([(-42, -32, 12), (-50, -40, -10), (-54, -48, -34)], 5.0, 3.4, "bronchus_left"),
    ]
