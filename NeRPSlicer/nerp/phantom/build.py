"""A person drawn on the grid, organ by organ: what comes later lies over what came before."""

from __future__ import annotations

import numpy as np

from ..errors import NerpError
from ..structures import Structures
from ..volume import Volume
from .abdomen import diaphragm_height, draw_abdomen
from .anatomy import Anatomy, draw_anatomy
from .cage import Cage, draw_cage
from .canvas import Canvas, Shape, Slices, placed
from .codes import CODES, COLORS
from .findings import Findings, draw_lesions, fluid
from .lungs import SIDES, draw_vessels, label_lobes, lobes, lung_distance
from .mediastinum import Mediastinum
from .shoulder import draw_shoulders
from .spine import draw_spine
from .texture import noise
from .trunk import draw_trunk

LOWER = (-210.0, -160.0, -214.0)
UPPER = (210.0, 140.0, 206.0)
"""A little more than a 430 mm film covers, so that no ray of a PA view misses the person's ends."""
PLEURA_MM = 5.1
"""From the ribs' centre lines to the inner wall."""
COLLAPSED_HU = 32
FLUID_HU = 8


def thorax(
    seed: int = 1,
    spacing_mm: float = 1.5,
    lesions: int = 0,
    effusion: str | None = None,
    collapse: str | None = None,
) -> tuple[Volume, Structures]:
    """A digital person from neck to upper abdomen, standing, after a deep breath in.

    Args:
        seed: another whole number is another person; the same is the same, bit for bit.
        spacing_mm: voxel edge, 1 to 8.
        lesions: nodules in the lungs, 0 to 12: structures ``lesion_1`` and so on.
        effusion: "left" or "right" puts fluid into that pleura: ``pleural_effusion_left`` or ``_right``.
        collapse: a lobe that has lost its air ("right_upper", "right_middle", "right_lower", "left_upper",
            "left_lower"): ``collapse_right_upper`` and so on.

    Returns:
        The CT, int16 ``[K, J, I]`` in HU with its exact body, and its structures, which overlap: lobes,
        vessels and findings lie in lungs, chambers in the heart, everything in the body.

    Raises:
        NerpError: an argument that is none of these.
    """
    person = draw_anatomy(seed)
    findings = Findings(lesions, effusion, collapse)
    if not 1 <= spacing_mm <= 8:
        raise NerpError(f"The spacing of a digital thorax is 1 to 8 mm, not {spacing_mm:g}.")
    canvas = Canvas(LOWER, UPPER, (person.width, person.depth, person.height), spacing_mm)
    cage = Cage(person)
    body = draw_trunk(canvas, cage)
    _draw_chest(canvas, cage, findings)
    draw_spine(canvas, cage)
    draw_cage(canvas, cage)
    draw_shoulders(canvas, person)
    canvas.leave_free("muscle", "body")
    canvas.hu += np.float32(9) * noise(canvas.shape, 7 * seed, 1)
    canvas.hu[~body] = -1000
    np.rint(canvas.hu, out=canvas.hu)
    volume = Volume(canvas.hu.astype(np.int16), canvas.ras_from_ijk, body, f"thorax-{seed}")
    return volume, canvas.structures(CODES, COLORS)


def _draw_chest(canvas: Canvas, cage: Cage, findings: Findings) -> None:
    """What the rib cage holds."""
    person = cage.person
    box = canvas.box((-140, -125, -230), (140, 95, 150))
    x, y, z = canvas.axes(box)
    inside = cage.distance(canvas, box) + np.float32(PLEURA_MM)
    canvas.erase("muscle", Shape(box, inside))
    dome = diaphragm_height(canvas, cage, box, findings.raised_mm())
    middle = Mediastinum(canvas, cage, Shape(box, dome - z))
    # Fat lies among the great vessels; toward the diaphragm pericardium and crura take its place.
    canvas.paint(Shape(box, inside), np.interp(z, [-62, -30], [18, -80]).astype(np.float32))
    draw_abdomen(canvas, cage, dome, box, inside)
    both = lung_distance(canvas, box, inside, middle.core(box), dome)
    tissue = _parenchyma(canvas, box, person)
    right = x > middle.midline(y, z)
    aerated = both.copy()
    for word, side in SIDES.items():
        half = canvas.box((min(-25, 140 * side), -125, -230), (max(25, 140 * side), 95, 150))
        own = placed(half, box)
        mine = right[own] if side > 0 else ~right[own]
        lung = np.where(mine, both[own], np.float32(9))
        lung = _draw_lung(canvas, half, lung, inside[own], tissue[own], person, findings, word)
        aerated[own] = np.where(mine, lung, aerated[own])
    draw_lesions(canvas, box, aerated, findings.lesions, person.seed)
    middle.paint()
    middle.paint_airways()


def _draw_lung(
    canvas: Canvas,
    box: Slices,
    lung: np.ndarray,
    inside: np.ndarray,
    tissue: np.ndarray,
    person: Anatomy,
    findings: Findings,
    word: str,
) -> np.ndarray:
    """One lung with what fills or empties it; returns the distance to the part that holds air.

    Args:
        canvas, person, findings: who is drawn.
        box: voxels, the side's half of the chest.
        lung: distance to the lung without findings.
        inside: distance to the inner wall.
        tissue: HU of the parenchyma.
        word: "left" or "right".
    """
    side = SIDES[word]
    if findings.effusion == word:
        top = person.dome_right_mm - (0 if side > 0 else person.dome_left_mm)
        level = fluid(canvas, box, inside, top)
        canvas.paint(Shape(box, np.maximum(lung, level)), FLUID_HU, f"pleural_effusion_{word}")
        lung = np.maximum(lung, -level)
    canvas.paint(Shape(box, lung), tissue, f"lung_{word}")
    parts = lobes(canvas, box, lung, side, findings.fissures(word))
    label_lobes(canvas, box, parts, word)
    draw_vessels(canvas, box, lung, side, person.seed)
    if findings.collapse is not None and findings.collapse.startswith(word):
        lost = parts[findings.collapse.removeprefix(f"{word}_")]
        canvas.paint(Shape(box, lost), COLLAPSED_HU, f"collapse_{findings.collapse}")
        lung = np.maximum(lung, -lost)
    return lung


def _parenchyma(canvas: Canvas, box: Slices, person: Anatomy) -> np.ndarray:
    """HU of the lungs' tissue: denser toward the base, as blood is in a person standing, and grainy."""
    _, _, z = canvas.axes(box)
    shape = canvas.hu[box].shape
    grain = 22 * noise(shape, 7 * person.seed + 1, 1) + 16 * noise(shape, 7 * person.seed + 2, 4)
    return person.lung_hu + np.float32(0.12) * (30 - z) + grain
