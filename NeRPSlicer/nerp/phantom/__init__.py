"""A digital thorax of our own: a parametric person in HU with every structure labelled."""

from __future__ import annotations

import numpy as np

from ..errors import NerpError
from ..structures import Structures
from ..volume import Volume
from .abdomen import diaphragm_height, draw_abdomen
from .anatomy import Anatomy, draw_anatomy
from .cage import Cage, draw_cage
from .canvas import Canvas, Shape
from .lungs import SIDES, draw_vessels, lung_distance
from .mediastinum import Mediastinum
from .shoulder import draw_shoulders
from .spine import draw_spine
from .texture import noise
from .trunk import draw_trunk

__all__ = ["Anatomy", "draw_anatomy", "thorax"]

LOWER = (-210.0, -160.0, -214.0)
UPPER = (210.0, 140.0, 206.0)
"""A little more than a 430 mm film covers, so that no ray of a PA view misses the person's ends."""


def thorax(seed: int = 1, spacing_mm: float = 2.0) -> tuple[Volume, Structures]:
    """A person as a CT with every structure labelled.

    Args:
        seed: another whole number is another person.
        spacing_mm: voxel edge, 1 to 8.

    Returns:
        the CT, int16 ``[K, J, I]`` with its exact body, and its structures, which overlap (vessels and lobes
        lie in lungs).

    Raises:
        NerpError: the seed is not a whole number, or the spacing is out of range.
    """
    person = draw_anatomy(seed)
    if not 1 <= spacing_mm <= 8:
        raise NerpError(f"The spacing of a digital thorax is 1 to 8 mm, not {spacing_mm:g}.")
    canvas = Canvas(LOWER, UPPER, (person.width, person.depth, person.height), spacing_mm)
    cage = Cage(person)
    body = draw_trunk(canvas, cage)
    box = canvas.box((-140, -125, -230), (140, 95, 150))
    inside = cage.distance(canvas, box) + np.float32(5.1)
    dome = diaphragm_height(canvas, cage, box)
    x, y, z = canvas.axes(box)
    middle = Mediastinum(canvas, cage, Shape(box, dome - z))
    canvas.paint(Shape(box, inside), -80)
    draw_abdomen(canvas, cage, dome, box, inside)
    core = middle.core(box)
    lung = lung_distance(canvas, box, inside, core, dome)
    canvas.paint(Shape(box, lung), _parenchyma(canvas, box, person))
    middle.paint()
    divide = x - middle.midline(y, z)
    for word, side in SIDES.items():
        one = np.where(divide * side > 0, lung, np.float32(9))
        canvas.label(Shape(box, one), f"lung_{word}")
        draw_vessels(canvas, box, one, side, seed)
    middle.paint_airways()
    draw_spine(canvas, cage)
    draw_cage(canvas, cage)
    draw_shoulders(canvas, person)
    canvas.hu += np.float32(9) * noise(canvas.hu.shape, 7 * seed, 1)
    canvas.hu[~body] = -1000
    structures = canvas.structures({}, {})
    volume = Volume(np.rint(canvas.hu).astype(np.int16), canvas.ras_from_ijk, body, f"thorax-{seed}")
    return volume, structures


def _parenchyma(canvas: Canvas, box: tuple[slice, slice, slice], person: Anatomy) -> np.ndarray:
    """HU of the lungs' tissue: denser toward the base, as blood is in a person standing, and grainy."""
    _, _, z = canvas.axes(box)
    shape = canvas.hu[box].shape
    grain = 22 * noise(shape, 7 * person.seed + 1, 1) + 16 * noise(shape, 7 * person.seed + 2, 4)
    return person.lung_hu + np.float32(0.12) * (30 - z) + grain
