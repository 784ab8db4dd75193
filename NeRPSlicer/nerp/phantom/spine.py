"""Vertebrae C3 to L5 with discs, canal and cord."""

from __future__ import annotations

import numpy as np

from .anatomy import uniform
from .cage import VERTEBRAE, Cage
from .canvas import Canvas, Shape, smooth_maximum


def draw_spine(canvas: Canvas, cage: Cage) -> None:
    """Discs, vertebrae, canal and cord."""
    bone = cage.person.bone
    levels = [cage.vertebra(name) for name in VERTEBRAE]
    _draw_discs(canvas, levels)
    for number, name in enumerate(VERTEBRAE):
        center = levels[number]
        above = levels[number - 1] if number else center + (center - levels[1])
        below = levels[number + 1] if number + 1 < len(levels) else center + (center - levels[number - 1])
        axis = (above - below) / np.linalg.norm(above - below)
        pitch = float(np.linalg.norm(above - below)) / 2
        thoracic = float(np.clip((number - 5) / 12, 0, 1))
        body = _body(canvas, center, axis, 13.5 + 6.5 * thoracic, 9.5 + 5.5 * thoracic, pitch * 0.4)
        canvas.bone(body, 1.3, 630 * bone, 150 * bone, f"vertebrae_{name.lower()}")
        chance = [2 * uniform(cage.person.seed, "process", name, n) - 1 for n in range(4)]
        arch, spinous = _arch(
            canvas, center, axis, number, 13.5 + 6.5 * thoracic, 9.5 + 5.5 * thoracic, pitch, chance
        )
        # Seen end on in the midline, a cortex like the others' would be the whitest line of a PA view.
        canvas.bone(spinous, 0.8, 190 * bone, 70 * bone, f"vertebrae_{name.lower()}")
        canvas.bone(arch, 0.9, 330 * bone, 90 * bone, f"vertebrae_{name.lower()}")
    line = np.array(levels)
    z = np.linspace(line[-1, 2] - 25, line[0, 2] + 25, 60)
    x, y = cage.spine(z)
    depth = np.interp(z, [-140, 138], [15 + 9.0, 9.5 + 8.5])
    canal = np.column_stack([x, y - depth, z])
    canvas.paint(canvas.tube(canal, 7.5, margin=3), 12)
    canvas.paint(canvas.tube(canal, 4.6, margin=3), 36, "spinal_cord")


def _frame(axis: np.ndarray) -> np.ndarray:
    """Columns: right, forward, up along the spine's axis."""
    right = np.array([1.0, 0, 0]) - axis * axis[0]
    right /= np.linalg.norm(right)
    return np.column_stack([right, np.cross(axis, right), axis])


def _local(
    canvas: Canvas, center: np.ndarray, axis: np.ndarray, reach: float
) -> tuple[tuple[slice, slice, slice], list[np.ndarray]]:
    box = canvas.box(center - reach, center + reach)
    turn = _frame(axis).astype(np.float32)
    p = [a - np.float32(c) for a, c in zip(canvas.axes(box), center, strict=True)]
    return box, [p[0] * turn[0, n] + p[1] * turn[1, n] + p[2] * turn[2, n] for n in range(3)]


def _body(
    canvas: Canvas,
    center: np.ndarray,
    axis: np.ndarray,
    width: float,
    depth: float,
    half: float,
    waist: float = 0.2,
) -> Shape:
    box, (u, v, w) = _local(canvas, center, axis, width + half)
    # Waisted: end plates are wider than the middle.
    flare = 1 - np.float32(waist) * (1 - np.minimum((w / np.float32(half)) ** 2, 1))
    q = np.sqrt((u / (np.float32(width) * flare)) ** 2 + (v / (np.float32(depth) * flare)) ** 2)
    side = (q - 1) * np.float32(depth)
    return Shape(box, smooth_maximum(side, np.abs(w) - np.float32(half), 2.0))


def _draw_discs(canvas: Canvas, levels: list[np.ndarray]) -> None:
    for number in range(len(levels) - 1):
        middle = (levels[number] + levels[number + 1]) / 2
        axis = levels[number] - levels[number + 1]
        length = float(np.linalg.norm(axis))
        thoracic = float(np.clip((number - 5) / 12, 0, 1))
        disc = _body(
            canvas, middle, axis / length, 12.5 + 6.5 * thoracic, 9 + 5.5 * thoracic, 0.16 * length, 0.0
        )
        canvas.paint(disc, 45)


def _arch(
    canvas: Canvas,
    center: np.ndarray,
    axis: np.ndarray,
    number: int,
    width: float,
    depth: float,
    pitch: float,
    chance: list[float],
) -> tuple[Shape, Shape]:
    """Pedicles, laminae, transverse and articular processes; and the spinous process.

    Args:
        canvas, center, axis, number, width, depth, pitch: the vertebra.
        chance: four numbers from -1 to 1, by which no two vertebrae's processes are alike.
    """
    turn = _frame(axis)

    def at(u: float, v: float, w: float) -> np.ndarray:
        return center + turn @ np.array([u, v, w])

    lumbar, cervical = number >= 17, number < 5
    parts = []
    for side in (1, -1):
        pedicle = [
            at(side * 0.72 * width, -0.6 * depth, 0.16 * pitch),
            at(side * 11, -depth - 9, 0.14 * pitch),
        ]
        parts.append(canvas.tube(np.array(pedicle), [4.6, 4.2], margin=3))
        lamina = [at(side * 11, -depth - 10, 0.1 * pitch), at(0, -depth - 19, -0.16 * pitch)]
        parts.append(canvas.tube(np.array(lamina), [4.2, 4.0], margin=3))
        length, back = (22, 2) if lumbar else (16, 4) if cervical else (33 - 0.9 * (number - 5), 13)
        transverse = [
            at(side * 11, -depth - 10, 0.1 * pitch),
            at(
                side * (length + 4 + 2 * chance[0]),
                -depth - back - 8 + 2 * side * chance[1],
                (0.16 + 0.12 * side * chance[0]) * pitch,
            ),
        ]
        parts.append(canvas.tube(np.array(transverse), [4.4, 4.8 if not lumbar else 3.2], margin=3))
        facet = [at(side * 12, -depth - 10, 0.5 * pitch), at(side * 12, -depth - 12, -0.55 * pitch)]
        parts.append(canvas.tube(np.array(facet), [3.6, 3.6], margin=3))
    # Spinous processes point down most in the middle of the chest.
    droop = 0.25 + 0.9 * np.exp(-(((number - 10.5) / 3.2) ** 2))
    tip = at(2.2 * chance[2], -depth - 35 + 4 * droop + 2 * chance[3], -droop * 22 - 3 + 3 * chance[0])
    root = at(0, -depth - 19, -0.18 * pitch)
    thin = np.tile([1.0, 0, 0], (2, 1))
    spinous = canvas.tube(np.array([root, tip]), [5.6, 4.8 + 0.8 * chance[1]], thin, 0.5, margin=3)
    return canvas.union(parts, 2.0), spinous
