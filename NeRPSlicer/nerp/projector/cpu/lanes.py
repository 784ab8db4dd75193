"""Vectors as values of compiled functions.

Numba has arrays and leaves it to LLVM to find vectors in loops over them; between arrays that might overlap
it finds few. `Lanes` are an LLVM vector by construction, on every processor: LLVM cuts them into registers of
the width there is. They know +, -, *, min and max (also with a number, which then stands in every lane),
np.floor and what is defined here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

BLOCK = 16
"""Samples of one ray worked on together: one vector register of a recent processor."""

INT32 = ir.IntType(32)


class Lanes(types.Type):
    """Some numbers of one type, float32 or int32."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({dtype}, {count})")


FLOATS, INTS = Lanes(types.float32, BLOCK), Lanes(types.int32, BLOCK)


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:
        number = ir.FloatType() if kind.dtype == types.float32 else INT32
        super().__init__(manager, kind, ir.VectorType(number, kind.count))


def shuffled(builder: Any, order: list[int], one: Any, other: Any = None) -> Any:
    """The chosen lanes of a vector; those of a second vector are counted on."""
    lanes = ir.Constant(ir.VectorType(INT32, len(order)), order)
    return builder.shuffle_vector(one, one if other is None else other, lanes)


def joined(builder: Any, vectors: list[Any]) -> Any:
    """Vectors, as many as a power of two, one behind the other."""
    while len(vectors) > 1:
        order = list(range(2 * vectors[0].type.count))
        vectors = [
            shuffled(builder, order, one, other)
            for one, other in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    return vectors[0]


def zeros(kind: Any) -> Any:
    """A vector of 0."""
    return ir.Constant(kind, [kind.element(0)] * kind.count)


def _splat(builder: Any, value: Any, count: int) -> Any:
    if isinstance(value.type, ir.VectorType):
        return value
    blank = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    return shuffled(builder, [0] * count, builder.insert_element(blank, value, ir.Constant(INT32, 0)))


def at(context: Any, builder: Any, array_type: Any, array: Any, place: Any, kind: Any) -> Any:
    """Pointer to a vector in a flat array."""
    pointer = builder.gep(context.make_array(array_type)(context, builder, array).data, [place])
    return builder.bitcast(pointer, kind.as_pointer())


def _define(function: Any, on_floats: Callable[..., Any], on_ints: Callable[..., Any]) -> None:
    """Let compiled functions call ``function`` of two lanes, or of lanes and a number."""

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            lanes = [kind for kind in arguments if isinstance(kind, Lanes)]
            if not lanes or len(arguments) != 2:
                return None
            return signature(lanes[0], *(k if isinstance(k, Lanes) else lanes[0].dtype for k in arguments))

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result = signature.return_type
        chosen = on_floats if result.dtype == types.float32 else on_ints
        return chosen(builder, *(_splat(builder, value, result.count) for value in arguments))

    for kinds in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(function, *kinds)(write)


def _choice(comparison: str, compare: Any) -> Callable[..., Any]:
    return lambda builder, a, b: builder.select(compare(builder, comparison, a, b), a, b)


_define(operator.add, ir.IRBuilder.fadd, ir.IRBuilder.add)
_define(operator.sub, ir.IRBuilder.fsub, ir.IRBuilder.sub)
_define(operator.mul, ir.IRBuilder.fmul, ir.IRBuilder.mul)
_define(max, _choice(">", ir.IRBuilder.fcmp_ordered), _choice(">", ir.IRBuilder.icmp_signed))
_define(min, _choice("<", ir.IRBuilder.fcmp_ordered), _choice("<", ir.IRBuilder.icmp_signed))


@infer_global(np.floor)
class _Floor(AbstractTemplate):
    def generic(self, arguments: Any, keywords: Any) -> Any:
        return signature(FLOATS, FLOATS) if arguments == (FLOATS,) else None


@lower_builtin(np.floor, Lanes)
def _floor(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = arguments[0].type
    name = f"llvm.floor.v{BLOCK}f32"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
    return builder.call(function, arguments)


@intrinsic
def counted(typing_context):  # type: ignore[no-untyped-def]
    """The floats 0, 1, 2, ... BLOCK - 1."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(context.get_value_type(FLOATS), [float(n) for n in range(BLOCK)])

    return FLOATS(), generate


@intrinsic
def whole_numbers(typing_context, lanes):  # type: ignore[no-untyped-def]
    """Whole floats as int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fptosi(arguments[0], context.get_value_type(INTS))

    return INTS(FLOATS), generate


@intrinsic
def two_to_the(typing_context, exponent):  # type: ignore[no-untyped-def]
    """2 to a whole power in [-126, 127], of lanes or of one float, by writing the exponent's bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (power,) = arguments
        count = power.type.count if isinstance(power.type, ir.VectorType) else None
        kind = INT32 if count is None else ir.VectorType(INT32, count)
        bias, place = (ir.Constant(kind, n if count is None else [n] * count) for n in (127, 23))
        return builder.bitcast(builder.shl(builder.add(builder.fptosi(power, kind), bias), place), power.type)

    return exponent(exponent), generate


@intrinsic
def running_sums(typing_context, lanes):  # type: ignore[no-untyped-def]
    """Lane n becomes the sum of lanes 0 .. n."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (sums,) = arguments
        nothing, reach = zeros(sums.type), 1
        while reach < BLOCK:
            order = [n - reach if n >= reach else BLOCK for n in range(BLOCK)]
            sums = builder.fadd(sums, shuffled(builder, order, sums, nothing))
            reach *= 2
        return sums

    return FLOATS(FLOATS), generate


@intrinsic
def total(typing_context, lanes):  # type: ignore[no-untyped-def]
    """The sum of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (vector,) = arguments
        while (half := vector.type.count // 2) > 0:
            low, high = (shuffled(builder, list(range(n, n + half)), vector) for n in (0, half))
            vector = builder.fadd(low, high)
        return builder.extract_element(vector, ir.Constant(INT32, 0))

    return lanes.dtype(lanes), generate


@intrinsic
def last(typing_context, lanes):  # type: ignore[no-untyped-def]
    """The last lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_element(arguments[0], ir.Constant(INT32, lanes.count - 1))

    return lanes.dtype(lanes), generate


@intrinsic
def first_lanes(typing_context, lanes, count):  # type: ignore[no-untyped-def]
    """The first ``count`` lanes, 0 in the others."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, count = arguments
        place = ir.Constant(ir.VectorType(INT32, BLOCK), list(range(BLOCK)))
        kept = builder.icmp_signed("<", place, _splat(builder, builder.trunc(count, INT32), BLOCK))
        return builder.select(kept, vector, zeros(vector.type))

    return FLOATS(FLOATS, types.int64), generate


def _picker(order: Callable[[int], list[int]], document: str) -> Any:
    """Lanes chosen from some lanes and, counted on, as many zeros."""

    def pick(typing_context, lanes):  # type: ignore[no-untyped-def]
        chosen = order(lanes.count)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return shuffled(builder, chosen, arguments[0], zeros(arguments[0].type))

        return Lanes(lanes.dtype, len(chosen))(lanes), generate

    pick.__doc__ = document
    return intrinsic(pick)


before_each = _picker(lambda n: [n, *range(n - 1)], "The lanes moved up by one, behind a 0.")
lower_half = _picker(lambda n: list(range(n // 2)), "The first half of the lanes.")
upper_half = _picker(lambda n: list(range(n // 2, n)), "The second half of the lanes.")
moved_down = _picker(lambda n: list(range(n // 2, n + n // 2)), "The second half, then zeros.")
moved_up = _picker(lambda n: [*range(n, n + n // 2), *range(n // 2)], "Zeros, then the first half.")


@intrinsic
def load_like(typing_context, lanes, array, place):  # type: ignore[no-untyped-def]
    """As many numbers of a flat array as there are lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, values, place = arguments
        return builder.load(at(context, builder, array, values, place, vector.type), align=4)

    return lanes(lanes, array, types.int64), generate


@intrinsic
def store(typing_context, array, place, lanes):  # type: ignore[no-untyped-def]
    """Write the lanes into a flat array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, place, vector = arguments
        builder.store(vector, at(context, builder, array, values, place, vector.type), align=4)
        return context.get_dummy_value()

    return types.none(array, types.int64, lanes), generate


@intrinsic
def add_to(typing_context, array, place, lanes):  # type: ignore[no-untyped-def]
    """Add the lanes to numbers of a flat array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, place, vector = arguments
        pointer = at(context, builder, array, values, place, vector.type)
        builder.store(builder.fadd(builder.load(pointer, align=4), vector), pointer, align=4)
        return context.get_dummy_value()

    return types.none(array, types.int64, lanes), generate
