"""The grid that a person is drawn on: shapes by signed distance, HU by partial volume, one mask a structure.

A shape's signed distance (mm, negative inside) is kept only in a box around it. Painting covers a voxel by
the share ``clip(1/2 - distance / voxel, 0, 1)``, so edges are as soft as a scanner's and thin shells keep
their mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..structures import Code, Structure, Structures

FAR = np.float32(1e3)
Slices = tuple[slice, slice, slice]
Numbers = Sequence[float] | np.ndarray


class Shape(NamedTuple):
    """Signed distance ``[k, j, i]`` in mm inside a box of the grid; farther away than it matters outside."""

    box: Slices
    distance: np.ndarray


class Canvas:
    """HU and masks on one axis-aligned grid (columns to the left, rows to the back, slices to the head).

    Args:
        lower, upper: corners in mm (RAS).
        scale: the person's size over the reference's along x, y, z.
        spacing_mm: voxel edge.
    """

    def __init__(self, lower: Numbers, upper: Numbers, scale: Numbers, spacing_mm: float) -> None:
        size = np.array(upper) - np.array(lower)
        columns, rows, slices = (max(2, round(edge / spacing_mm)) for edge in size)
        origin = np.array(upper, float) - spacing_mm / 2
        origin[2] = lower[2] + spacing_mm / 2
        self.ras_from_ijk = np.diag([-spacing_mm, -spacing_mm, spacing_mm, 1.0])
        self.ras_from_ijk[:3, 3] = origin
        self.x = ((origin[0] - spacing_mm * np.arange(columns)) / scale[0]).astype(np.float32)
        self.y = ((origin[1] - spacing_mm * np.arange(rows)) / scale[1]).astype(np.float32)
        self.z = ((origin[2] + spacing_mm * np.arange(slices)) / scale[2]).astype(np.float32)
        self.voxel = np.float32(spacing_mm)
        self.hu = np.full((slices, rows, columns), -1000, np.float32)
        self.masks: dict[str, tuple[Slices, np.ndarray]] = {}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along K, J, I."""
        return self.hu.shape  # type: ignore[return-value]

    # --- where ----------------------------------------------------------------------------------------------

    def box(self, lower: Numbers, upper: Numbers, margin: float = 0.0) -> Slices:
        """The voxels whose centres lie between two corners (RAS reference mm), never empty."""
        found = []
        for axis, low, high in zip((self.x, self.y, self.z), lower, upper, strict=True):
            inside = np.flatnonzero((axis >= low - margin) & (axis <= high + margin))
            found.append(slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 1))
        return found[2], found[1], found[0]

    def axes(self, box: Slices) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x ``[1, 1, i]``, y ``[1, j, 1]``, z ``[k, 1, 1]`` of a box."""
        k, j, i = box
        return self.x[None, None, i], self.y[None, j, None], self.z[k, None, None]

    # --- shapes ---------------------------------------------------------------------------------------------

    def ellipsoid(
        self,
        center: Numbers,
        radii: Numbers,
        turn: np.ndarray | None = None,
        margin: float = 4.0,
    ) -> Shape:
        """An ellipsoid; ``turn`` ``[3, 3]`` has its axes as columns. Distance by first order."""
        reach = max(radii) if turn is not None else np.array(radii)
        box = self.box(np.array(center) - reach, np.array(center) + reach, margin)
        p = [axis - np.float32(c) for axis, c in zip(self.axes(box), center, strict=True)]
        if turn is not None:
            t = turn.astype(np.float32)
            p = [p[0] * t[0, n] + p[1] * t[1, n] + p[2] * t[2, n] for n in range(3)]
        r = [np.float32(value) for value in radii]
        q = np.sqrt((p[0] / r[0]) ** 2 + (p[1] / r[1]) ** 2 + (p[2] / r[2]) ** 2) + np.float32(1e-6)
        slope = np.sqrt((p[0] / r[0] ** 2) ** 2 + (p[1] / r[1] ** 2) ** 2 + (p[2] / r[2] ** 2) ** 2)
        return Shape(box, q * (q - 1) / (slope + np.float32(1e-6)))

    def tube(
        self,
        points: np.ndarray,
        radii: float | Numbers,
        normals: np.ndarray | None = None,
        flatness: float = 1.0,
        margin: float = 4.0,
    ) -> Shape:
        """A tube swept along a polyline of tapering cones.

        Args:
            points: ``[n, 3]``.
            radii: one, or one a point.
            normals: ``[n, 3]`` unit vectors across the tube along which the section is thinner.
            flatness: thickness along the normal over width; 1 is round.
            margin: how far outside the distance is still known.
        """
        points = np.asarray(points, float)
        radius = np.broadcast_to(np.asarray(radii, float), len(points))
        reach = radius.max() + margin
        box = self.box(points.min(axis=0), points.max(axis=0), reach)
        out = np.full(tuple(s.stop - s.start for s in box), FAR, np.float32)
        for n in range(len(points) - 1):
            a, b = points[n], points[n + 1]
            grow = max(radius[n], radius[n + 1]) + margin
            part = self.box(np.minimum(a, b), np.maximum(a, b), grow)
            x, y, z = self.axes(part)
            line = (b - a).astype(np.float32)
            px, py, pz = (axis - np.float32(c) for axis, c in zip((x, y, z), a, strict=True))
            t = (px * line[0] + py * line[1] + pz * line[2]) / np.float32(max(line @ line, 1e-6))
            np.clip(t, 0, 1, out=t)
            dx, dy, dz = px - t * line[0], py - t * line[1], pz - t * line[2]
            square = dx * dx + dy * dy + dz * dz
            if normals is not None:
                m = ((normals[n] + normals[n + 1]) / 2).astype(np.float32)
                along = dx * m[0] + dy * m[1] + dz * m[2]
                square += np.float32(1 / flatness**2 - 1) * along * along
            near = np.sqrt(square)
            near -= np.float32(radius[n]) + t * np.float32(radius[n + 1] - radius[n])
            if normals is not None:
                near *= np.float32((1 + flatness) / 2)
            inner = placed(part, box)
            view = out[inner]
            np.minimum(view, near, out=view)
        return Shape(box, out)

    def within(self, shape: Shape, box: Slices) -> np.ndarray:
        """A shape's distance on another box; `FAR` where it is not known."""
        out = np.full(tuple(s.stop - s.start for s in box), FAR, np.float32)
        common = overlap(shape.box, box)
        if common is not None:
            out[placed(common, box)] = shape.distance[placed(common, shape.box)]
        return out

    def union(self, shapes: Sequence[Shape], blend: float = 0.0) -> Shape:
        """The union of shapes, its seams rounded over ``blend`` mm."""
        box = bounding(shapes)
        out = self.within(shapes[0], box)
        for shape in shapes[1:]:
            inner = tuple(
                slice(s.start - o.start, s.stop - o.start) for s, o in zip(shape.box, box, strict=True)
            )
            out[inner] = smooth_minimum(out[inner], shape.distance, blend)
        return Shape(box, out)

    # --- painting -------------------------------------------------------------------------------------------

    def cover(self, distance: np.ndarray) -> np.ndarray:
        """The share of each voxel that lies inside."""
        return np.clip(np.float32(0.5) - distance / self.voxel, 0, 1)

    def paint(self, shape: Shape, hu: float | np.ndarray, *names: str) -> None:
        """Fill a shape with HU and add it to the named structures' masks."""
        view = self.hu[shape.box]
        view += self.cover(shape.distance) * (np.asarray(hu, np.float32) - view)
        for name in names:
            self.label(shape, name)

    def bone(
        self,
        shape: Shape,
        shell_mm: float,
        cortex_hu: float | np.ndarray,
        marrow_hu: float | np.ndarray,
        *names: str,
    ) -> None:
        """Fill a shape with marrow inside a cortical shell, and add it to the named masks."""
        self.paint(shape, cortex_hu, *names)
        self.paint(Shape(shape.box, shape.distance + np.float32(shell_mm)), marrow_hu)

    def label(self, shape: Shape, name: str) -> None:
        """Add a shape to a structure's mask."""
        inside = shape.distance < 0
        if name in self.masks:
            box, before = self.masks[name]
            whole = bounding([shape, Shape(box, before)])
            merged = np.zeros(tuple(s.stop - s.start for s in whole), bool)
            for other, mask in ((box, before), (shape.box, inside)):
                inner = placed(other, whole)
                merged[inner] |= mask
            self.masks[name] = whole, merged
        else:
            self.masks[name] = shape.box, inside

    def erase(self, name: str, shape: Shape) -> None:
        """Take a shape out of a structure's mask."""
        box, mask = self.masks[name]
        common = overlap(shape.box, box)
        if common is not None:
            mask[placed(common, box)] &= shape.distance[placed(common, shape.box)] >= 0

    def leave_free(self, name: str, container: str) -> None:
        """Take out of a structure's mask what belongs to any other structure than its container."""
        box, mask = self.masks[name]
        for other, (part, taken) in self.masks.items():
            common = None if other in (name, container) else overlap(part, box)
            if common is not None:
                mask[placed(common, box)] &= ~taken[placed(common, part)]

    def structures(self, codes: dict[str, Code], colors: dict[str, tuple[int, int, int]]) -> Structures:
        """The masks as structures, in the order they were first named; empty ones are left out."""
        combination = np.zeros(self.hu.shape, np.uint16)
        combinations: list[tuple[int, ...]] = [()]
        index: dict[tuple[int, ...], int] = {(): 0}
        items: list[Structure] = []
        for name, (box, mask) in self.masks.items():
            if not mask.any():
                continue
            position = len(items)
            color = next((rgb for word, rgb in colors.items() if word in name), (255, 176, 0))
            items.append(Structure(name, position + 1, color, codes.get(name)))
            view = combination[box]
            inside = view[mask]
            lookup = np.zeros(len(combinations), np.uint16)
            for old in np.flatnonzero(np.bincount(inside, minlength=len(combinations))):
                members = (*combinations[old], position)
                if members not in index:
                    index[members] = len(combinations)
                    combinations.append(members)
                lookup[old] = index[members]
            view[mask] = lookup[inside]
        return Structures(combination, combinations, items, self.ras_from_ijk)


def placed(inner: Slices, outer: Slices) -> Slices:
    """Where a box lies in the array of a larger one."""
    k, j, i = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, outer, strict=True))
    return k, j, i


def overlap(a: Slices, b: Slices) -> Slices | None:
    """The box that two boxes share, if any."""
    k, j, i = (slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(a, b, strict=True))
    return (k, j, i) if all(s.start < s.stop for s in (k, j, i)) else None


def bounding(shapes: Sequence[Shape]) -> Slices:
    """The smallest box that holds the shapes' boxes."""
    k, j, i = (
        slice(min(shape.box[n].start for shape in shapes), max(shape.box[n].stop for shape in shapes))
        for n in range(3)
    )
    return k, j, i


def smooth_minimum(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """The minimum of two distances with a rounded seam (quadratic polynomial over ``blend`` mm)."""
    if blend <= 0:
        return np.minimum(a, b)
    h = np.maximum(np.float32(blend) - np.abs(a - b), 0)
    return np.minimum(a, b) - h * h * np.float32(0.25 / blend)


def smooth_maximum(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """The maximum of two distances with a rounded seam."""
    return -smooth_minimum(-a, -b, blend)
