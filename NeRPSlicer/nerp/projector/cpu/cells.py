"""Trilinear samples of a block, their slopes and their adjoint.

A field pair is stored interleaved, so that the four floats at a voxel are (matter, opacity) here and at the
next voxel along i, an edge of the cell: one 128-bit load. A sample of both fields is four such loads and four
interpolations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import (
    BLOCK,
    FLOATS,
    INT32,
    Lanes,
    add_to,
    at,
    joined,
    load_like,
    lower_half,
    moved_down,
    moved_up,
    shuffled,
    store,
    upper_half,
    zeros,
)
from .rays import helper

Vectors = list[Any]


class _Cells:
    """The cells of some neighbouring samples while their code is written."""

    def __init__(self, builder: Any, channels: int, fractions: Vectors, samples: range) -> None:
        self.builder, self.channels, self.fractions, self.samples = builder, channels, fractions, samples

    def lerp(self, a: Any, b: Any, axis: int) -> Any:
        """From a to b by each sample's fraction along an axis."""
        width = a.type.count // len(self.samples)
        order = [n for n in self.samples for _ in range(width)]
        weight = shuffled(self.builder, order, self.fractions[axis])
        return self.builder.fadd(self.builder.fmul(weight, self.builder.fsub(b, a)), a)

    def ends(self, edges: Any) -> tuple[Any, Any]:
        """Both ends of the edges along i."""
        lanes = range(edges.type.count)
        far = [n // self.channels % 2 == 1 for n in lanes]
        return (
            shuffled(self.builder, [n for n in lanes if not far[n]], edges),
            shuffled(self.builder, [n for n in lanes if far[n]], edges),
        )


def _values(cells: _Cells, c00: Any, c10: Any, c01: Any, c11: Any) -> Vectors:
    edge = cells.lerp(cells.lerp(c00, c10, 1), cells.lerp(c01, c11, 1), 2)
    return [cells.lerp(*cells.ends(edge), 0)]


def _slopes(cells: _Cells, c00: Any, c10: Any, c01: Any, c11: Any) -> Vectors:
    subtract = cells.builder.fsub
    near, far = cells.lerp(c00, c10, 1), cells.lerp(c01, c11, 1)
    low, high = cells.ends(cells.lerp(near, far, 2))
    along_j = cells.lerp(subtract(c10, c00), subtract(c11, c01), 2)
    return [
        subtract(high, low),
        cells.lerp(*cells.ends(along_j), 0),
        cells.lerp(*cells.ends(subtract(far, near)), 0),
    ]


def _of_a_block(channels: int, quantities: int, measure: Callable[..., Vectors], document: str) -> Any:
    """An intrinsic that measures something in each sample's cell: lanes for each quantity and channel."""
    side_by_side = 4 // channels  # samples whose edges make a vector of eight

    def over_cells(typing_context, array, base, offset, step_j, step_k, fractions):  # type: ignore[no-untyped-def]
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values, base, offset, step_j, step_k, fractions = arguments
            kinds = signature.args
            edge = ir.VectorType(ir.FloatType(), 2 * channels)
            parts = [builder.extract_value(fractions, a) for a in range(3)]
            found: list[Vectors] = [[] for _ in range(quantities)]
            for first in range(0, BLOCK, side_by_side):
                samples = range(first, first + side_by_side)
                corners: list[Vectors] = [[] for _ in range(4)]
                for n in samples:
                    place = builder.load(
                        at(context, builder, kinds[2], offset, ir.Constant(INT32, n), INT32), align=4
                    )
                    corner = builder.add(base, builder.sext(place, base.type))
                    above = builder.add(corner, step_k)
                    places = corner, builder.add(corner, step_j), above, builder.add(above, step_j)
                    for found_there, place in zip(corners, places, strict=True):
                        pointer = at(context, builder, kinds[0], values, place, edge)
                        found_there.append(builder.load(pointer, align=4))
                cells = _Cells(builder, channels, parts, samples)
                measured = measure(cells, *(joined(builder, corner) for corner in corners))
                for quantity, vector in zip(found, measured, strict=True):
                    quantity.append(vector)
            lanes = [
                shuffled(builder, list(range(channel, channels * BLOCK, channels)), joined(builder, quantity))
                for quantity in found
                for channel in range(channels)
            ]
            return context.make_tuple(builder, signature.return_type, lanes)

        result = types.UniTuple(FLOATS, quantities * channels)
        places = types.int64, offset, types.int64, types.int64
        return result(array, *places, types.UniTuple(FLOATS, 3)), generate

    over_cells.__doc__ = document
    return intrinsic(over_cells)


sample_pairs = _of_a_block(2, 1, _values, "(matter, opacity) of a block, see `rays.locate`.")
sample_ones = _of_a_block(1, 1, _values, "(value,) of a block.")
slope_pairs = _of_a_block(2, 3, _slopes, "Slopes of matter and opacity along i, then j, then k.")
slope_ones = _of_a_block(1, 3, _slopes, "Slope along i, j and k.")


@intrinsic
def _store_in_turn(typing_context, array, place, lanes):  # type: ignore[no-untyped-def]
    """Write a tuple of lanes into a flat array: lane 0 of each, then lane 1 of each, ..."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, place, lanes = arguments
        parts = [builder.extract_value(lanes, n) for n in range(len(signature.args[2]))]
        order = [n + BLOCK * m for n in range(BLOCK) for m in range(len(parts))]
        every = shuffled(builder, order, joined(builder, parts))
        builder.store(every, at(context, builder, array, values, place, every.type), align=4)
        return context.get_dummy_value()

    return types.none(array, types.int64, lanes), generate


@intrinsic
def _no_edge(typing_context, ends):  # type: ignore[no-untyped-def]
    """Zeros, one for each of some lanes."""
    edge = Lanes(types.float32, len(ends))
    return edge(ends), lambda context, *call: zeros(context.get_value_type(edge))


@helper
def _add_to_cell(flat, place, step_j, step_k, c00, c10, c01, c11):  # type: ignore[no-untyped-def]
    add_to(flat, place, c00)
    add_to(flat, place + step_j, c10)
    add_to(flat, place + step_k, c01)
    add_to(flat, place + step_j + step_k, c11)


@helper
def scatter(flat, base, offset, step_j, step_k, ends, fj, fk, count, scratch):  # type: ignore[no-untyped-def]
    """The adjoint of `sample_pairs` and `sample_ones`: add to the corners of a block's cells.

    What consecutive samples add to one cell is gathered first, and what the next cell along i shares with it
    stays in hand: memory just written is slow to read again, and slowest where only half of it was written.

    Args:
        ends: what is added at each end of the edge along i, a tuple of lanes: of each channel at the voxel,
            then of each at the next one.
        count: how many of the samples count.
        scratch: float32 ``[8 * BLOCK]``.
    """
    channels = len(ends) // 2
    gj, gk = np.float32(1) - fj, np.float32(1) - fk
    store(scratch, 0, gj * gk)
    store(scratch, BLOCK, fj * gk)
    store(scratch, 2 * BLOCK, gj * fk)
    store(scratch, 3 * BLOCK, fj * fk)
    _store_in_turn(scratch, 4 * BLOCK, ends)
    none = _no_edge(ends)
    c00, c10, c01, c11 = none, none, none, none
    place = base + offset[0]
    for n in range(count):
        ahead = base + offset[n] - place
        if ahead != 0:
            if ahead == channels:
                _add_to_cell(
                    flat,
                    place,
                    step_j,
                    step_k,
                    lower_half(c00),
                    lower_half(c10),
                    lower_half(c01),
                    lower_half(c11),
                )
                c00, c10, c01, c11 = moved_down(c00), moved_down(c10), moved_down(c01), moved_down(c11)
            elif ahead == -channels:
                _add_to_cell(
                    flat,
                    place + channels,
                    step_j,
                    step_k,
                    upper_half(c00),
                    upper_half(c10),
                    upper_half(c01),
                    upper_half(c11),
                )
                c00, c10, c01, c11 = moved_up(c00), moved_up(c10), moved_up(c01), moved_up(c11)
            else:
                _add_to_cell(flat, place, step_j, step_k, c00, c10, c01, c11)
                c00, c10, c01, c11 = none, none, none, none
            place += ahead
        edge = load_like(none, scratch, 4 * BLOCK + len(ends) * n)
        c00 = c00 + edge * scratch[n]
        c10 = c10 + edge * scratch[BLOCK + n]
        c01 = c01 + edge * scratch[2 * BLOCK + n]
        c11 = c11 + edge * scratch[3 * BLOCK + n]
    _add_to_cell(flat, place, step_j, step_k, c00, c10, c01, c11)
