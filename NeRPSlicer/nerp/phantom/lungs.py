"""Lungs: the room that chest wall, diaphragm and mediastinum leave, with lobes, vessels and airways."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .anatomy import uniform
from .canvas import Canvas, Shape, Slices, smooth_maximum

SIDES = {"right": 1, "left": -1}
_ROOTS = {
    ("artery", "right", "upper"): (40, -12, 14),
    ("artery", "right", "lower"): (49, -24, -22),
    ("artery", "left", "upper"): (-52, -20, 30),
    ("artery", "left", "lower"): (-57, -36, -6),
    ("vein", "right", "upper"): (30, -8, -2),
    ("vein", "right", "lower"): (26, -24, -22),
    ("vein", "left", "upper"): (-42, -12, 4),
    ("vein", "left", "lower"): (-40, -26, -18),
    ("bronchus", "right", "upper"): (56, -24, 42),
    ("bronchus", "right", "lower"): (42, -40, -32),
    ("bronchus", "left", "upper"): (-64, -22, 36),
    ("bronchus", "left", "lower"): (-54, -48, -34),
}
"""Where each tree enters its lobes."""


def is_upper(y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Whether points lie above and before the oblique fissure."""
    return oblique(y, z) > 0


def oblique(y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Distance in mm to the oblique fissure, positive in the upper (and middle) lobe."""
    return ((z - 72) + (y + 95) * 1.05) / np.float32(1.45)


def lung_distance(
    canvas: Canvas, box: Slices, inside: np.ndarray, core: np.ndarray, dome: np.ndarray
) -> np.ndarray:
    """Distance to both lungs over a box, negative inside."""
    x, y, z = canvas.axes(box)
    lung = smooth_maximum(inside, -core, 9.0)
    # The apices are two domes beside the vessels of the neck.
    rise = np.maximum(z - 74, 0) / np.float32(60)
    apex = np.sqrt((np.abs(x) - 40) ** 2 / 52**2 + (y + 10) ** 2 / 66**2 + rise**2)
    apex = (apex - 1) * 44 - np.maximum(84 - z, 0) * 4
    lung = smooth_maximum(lung, apex.astype(np.float32), 8.0)
    return smooth_maximum(lung, dome - z, 2.0)


@dataclass(frozen=True)
class Fissures:
    """Where the fissures stand."""

    oblique_mm: float = 0.0
    """Moved forward and up."""
    oblique_tilt: float = 0.0
    """Moved back by this share of the distance from the heart's side."""
    minor_mm: float = 8.0
    """z of the right lung's horizontal fissure beside the hilum."""
    minor_tilt: float = 0.08
    """How much it rises toward the side."""
    minor_bow_mm: float = 0.0
    """How far it is drawn up between its ends."""


def lobes(canvas: Canvas, box: Slices, lung: np.ndarray, side: int, at: Fissures) -> dict[str, np.ndarray]:
    """Distance to each lobe of one lung over a box: "upper", "middle" (right only) and "lower"."""
    x, y, z = canvas.axes(box)
    aside = np.abs(x) - np.float32(36)
    # Fissures bulge a little, as the lungs they part do.
    front = oblique(y, z) - np.float32(at.oblique_mm) + np.float32(at.oblique_tilt) * np.maximum(aside, 0)
    front = front + 5 * np.cos(aside / 26)
    parts = {"upper": np.maximum(lung, -front), "lower": np.maximum(lung, front)}
    if side > 0:
        above = z - np.float32(at.minor_mm) - np.float32(at.minor_tilt) * aside + 4 * np.cos(y / 24)
        above = above - np.float32(at.minor_bow_mm) * np.sin(np.clip(aside / 75, 0, 1) * np.float32(np.pi))
        parts["middle"] = np.maximum(parts["upper"], above)
        parts["upper"] = np.maximum(parts["upper"], -above)
    return parts


def label_lobes(canvas: Canvas, box: Slices, parts: dict[str, np.ndarray], word: str) -> None:
    """The lobes' masks, and the pleura of the fissures between them."""
    for name, part in parts.items():
        canvas.label(Shape(box, part), f"lung_{name}_lobe_{word}")
    for a, b in combinations(parts.values(), 2):
        canvas.paint(Shape(box, np.maximum(a, b) - np.float32(0.35)), -500)


@dataclass(frozen=True)
class Branches:
    """A tree as segments."""

    start: np.ndarray
    """``[n, 3]`` mm."""
    stop: np.ndarray
    """``[n, 3]`` mm."""
    radius: np.ndarray
    """``[n, 2]`` at start and stop, mm."""


def grow(
    root: np.ndarray, targets: np.ndarray, tip_mm: float, seed: int, name: str, power: float = 2.6
) -> Branches:
    """A tree that fills a volume: each branch halves the targets that it serves and heads for their middle.

    After Tawhai, Pullan and Hunter (Ann Biomed Eng 28, 2000); radii follow Murray's law with the exponent
    measured in lungs.

    Args:
        root: ``[3]``, where the tree enters.
        targets: ``[n, 3]``, where its twigs end.
        tip_mm: radius of a twig.
        seed, name: name the small random bends.
        power: a branch's radius to this power is the sum of its children's.
    """
    starts: list[np.ndarray] = []
    stops: list[np.ndarray] = []
    radii: list[tuple[float, float]] = []

    def branch(point: np.ndarray, parent_radius: float, group: np.ndarray, depth: int) -> None:
        count = len(group)
        radius = min(parent_radius, tip_mm * count ** (1 / power))
        middle = group.mean(axis=0)
        share = 1.0 if count == 1 else 0.42 if depth else 0.2
        end = point + share * (middle - point)
        length = float(np.linalg.norm(end - point))
        if length > 6:
            bend = np.array([uniform(seed, name, len(starts), axis) - 0.5 for axis in "xyz"])
            knee = (point + end) / 2 + 0.22 * length * bend
            steps = [(point, knee), (knee, end)]
        else:
            steps = [(point, end)]
        for a, b in steps:
            starts.append(a)
            stops.append(b)
            radii.append((radius, radius * (0.93 if count > 1 else 0.6)))
        if count == 1:
            return
        offset = group - end
        _, _, axes = np.linalg.svd(offset - offset.mean(axis=0), full_matrices=False)
        order = np.argsort(offset @ axes[0], kind="stable")
        # Uneven halves, as in lungs: one child takes 35 to 65 % of the targets.
        cut = max(1, min(count - 1, round(count * (0.35 + 0.3 * uniform(seed, name, "cut", len(starts))))))
        for child in (order[:cut], order[cut:]):
            branch(end, radius, group[child], depth + 1)

    branch(root, np.inf, targets, 0)
    return Branches(np.array(starts), np.array(stops), np.array(radii))


def scattered(
    canvas: Canvas, box: Slices, lung: np.ndarray, count: int, seed: int, name: str, depth_mm: float = 4.0
) -> np.ndarray:
    """Points ``[count, 3]`` spread evenly (a rank-1 lattice, shifted by the seed) inside a lung."""
    ratio = 1.2207440846057596  # the root of t^4 = t + 1: the plastic number's cousin for three dimensions
    shift = np.array([uniform(seed, name, axis) for axis in "zyx"])
    lattice = (shift + np.arange(1, 40 * count + 1)[:, None] / ratio ** np.arange(1, 4)) % 1.0
    shape = np.array(lung.shape)
    index = (lattice * shape).astype(int)
    kept = lung[tuple(index.T)] < -depth_mm
    k, j, i = index[kept][:count].T
    return np.column_stack([canvas.x[box[2]][i], canvas.y[box[1]][j], canvas.z[box[0]][k]]).astype(float)


def draw_branches(canvas: Canvas, box: Slices, tree: Branches) -> Shape:
    """The union of a tree's segments over a box."""
    shape = tuple(s.stop - s.start for s in box)
    out = np.full(shape, np.float32(1e3))
    axes = [canvas.x[box[2]], canvas.y[box[1]], canvas.z[box[0]]]
    step = [axis[1] - axis[0] for axis in axes]
    for a, b, (ra, rb) in zip(tree.start, tree.stop, tree.radius, strict=True):
        reach = ra + 2.0
        part = []
        for n in range(3):
            ends = [
                (min(a[n], b[n]) - reach - axes[n][0]) / step[n],
                (max(a[n], b[n]) + reach - axes[n][0]) / step[n],
            ]
            low, high = sorted(ends)
            part.append(slice(max(0, int(low)), max(0, min(len(axes[n]), int(high) + 2))))
        px, py, pz = axes[0][part[0]] - a[0], axes[1][part[1]] - a[1], axes[2][part[2]] - a[2]
        px, py, pz = px[None, None, :], py[None, :, None], pz[:, None, None]
        line = b - a
        t = np.clip((px * line[0] + py * line[1] + pz * line[2]) / max(line @ line, 1e-6), 0, 1)
        near = np.sqrt((px - t * line[0]) ** 2 + (py - t * line[1]) ** 2 + (pz - t * line[2]) ** 2)
        near -= ra + t * (rb - ra)
        view = out[part[2], part[1], part[0]]
        np.minimum(view, near, out=view)
    return Shape(box, out)


def draw_vessels(canvas: Canvas, box: Slices, lung: np.ndarray, side: int, seed: int) -> None:
    """Arteries, veins and bronchi of one lung, each lobe's from its own place at the hilum."""
    word = "right" if side > 0 else "left"
    trees, bronchi = [], []
    for kind, count, depth in (("artery", 760, 3.0), ("vein", 560, 4.0), ("bronchus", 80, 14.0)):
        targets = scattered(canvas, box, lung, count, seed, f"{kind} {word}", depth)
        upper = is_upper(targets[:, 1], targets[:, 2])
        for part, chosen in (("upper", upper), ("lower", ~upper)):
            root = np.array(_ROOTS[kind, word, part], float)
            name = f"{kind} {word} {part}"
            if kind == "bronchus":
                bronchi.append(draw_branches(canvas, box, grow(root, targets[chosen], 0.8, seed, name, 2.9)))
            else:
                trees.append(draw_branches(canvas, box, grow(root, targets[chosen], 0.68, seed, name)))
    vessels = Shape(box, np.maximum(canvas.union(trees).distance, lung - 6))
    canvas.paint(vessels, 42, "lung_vessels")
    lumen = canvas.union(bronchi)
    canvas.paint(Shape(box, lumen.distance - np.float32(0.7)), 0)
    canvas.paint(lumen, -975, f"bronchus_{word}")
