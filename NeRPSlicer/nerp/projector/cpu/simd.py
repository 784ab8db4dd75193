"""Vector instructions that Numba has no words for: loads, stores and powers of two.

A field pair is stored interleaved, so that the four floats at a voxel are (matter, opacity) here and at the
next voxel along i: one 128-bit load. A trilinear sample of both fields is four such loads and seven fused
    steps.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

FLOAT = ir.FloatType()
INT32 = ir.IntType(32)


def _index(value: int) -> ir.Constant:
    return ir.Constant(INT32, value)


def _splat(builder: Any, value: Any, width: int) -> Any:
    kind = ir.VectorType(FLOAT, width)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _index(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INT32, width), [0] * width))


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=["contract"]), c, flags=["contract"])


def _lerp(builder: Any, a: Any, b: Any, weight: Any) -> Any:
    return _multiply_add(builder, weight, builder.fsub(b, a), a)


def _corners(
    context: Any, builder: Any, array_type: Any, array: Any, offset: Any, steps: Any, width: int
) -> list[Any]:
    """Pointers to the vectors at (j, k), (j + 1, k), (j, k + 1), (j + 1, k + 1)."""
    data = context.make_array(array_type)(context, builder, array).data
    base = builder.gep(data, [offset])
    above = builder.gep(base, [steps[1]])
    kind = ir.VectorType(FLOAT, width).as_pointer()
    return [
        builder.bitcast(pointer, kind)
        for pointer in (base, builder.gep(base, [steps[0]]), above, builder.gep(above, [steps[0]]))
    ]


def _load(builder: Any, pointer: Any) -> Any:
    return builder.load(pointer, align=4)


def _halves(builder: Any, vector: Any, width: int) -> tuple[Any, Any]:
    """The lower and the upper half of a vector (voxel i and voxel i + 1)."""
    half = width // 2
    kind = ir.VectorType(INT32, half)
    low = builder.shuffle_vector(vector, vector, ir.Constant(kind, list(range(half))))
    high = builder.shuffle_vector(vector, vector, ir.Constant(kind, list(range(half, width))))
    return low, high


def _elements(context: Any, builder: Any, kind: Any, vector: Any, count: int) -> Any:
    return context.make_tuple(
        builder, kind, [builder.extract_element(vector, _index(n)) for n in range(count)]
    )


def _sample_signature(array: Any, result: Any, extra: int = 0) -> Any:
    return result(array, *[types.int64] * 3, *[types.float32] * (3 + extra))


@intrinsic
def sample_pair(typing_context, array, offset, step_j, step_k, fi, fj, fk):  # type: ignore[no-untyped-def]
    """(matter, opacity) at fraction (fi, fj, fk) of the cell whose first float lies at ``offset`` of a flat
    array."""
    signature = _sample_signature(array, types.UniTuple(types.float32, 2))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, offset, step_j, step_k, fi, fj, fk = arguments
        pointers = _corners(context, builder, signature.args[0], array, offset, (step_j, step_k), 4)
        c00, c10, c01, c11 = (_load(builder, pointer) for pointer in pointers)
        tj, tk = (_splat(builder, weight, 4) for weight in (fj, fk))
        edge = _lerp(builder, _lerp(builder, c00, c10, tj), _lerp(builder, c01, c11, tj), tk)
        low, high = _halves(builder, edge, 4)
        pair = _lerp(builder, low, high, _splat(builder, fi, 2))
        return _elements(context, builder, signature.return_type, pair, 2)

    return signature, generate


@intrinsic
def sample_one(typing_context, array, offset, step_j, step_k, fi, fj, fk):  # type: ignore[no-untyped-def]
    """The single field's value at fraction (fi, fj, fk) of the cell at ``offset``."""
    signature = _sample_signature(array, types.float32)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, offset, step_j, step_k, fi, fj, fk = arguments
        pointers = _corners(context, builder, signature.args[0], array, offset, (step_j, step_k), 2)
        c00, c10, c01, c11 = (_load(builder, pointer) for pointer in pointers)
        tj, tk = (_splat(builder, weight, 2) for weight in (fj, fk))
        edge = _lerp(builder, _lerp(builder, c00, c10, tj), _lerp(builder, c01, c11, tj), tk)
        low, high = (builder.extract_element(edge, _index(n)) for n in (0, 1))
        return _lerp(builder, low, high, fi)

    return signature, generate


@intrinsic
def slope_pair(  # type: ignore[no-untyped-def]
    typing_context, array, offset, step_j, step_k, fi, fj, fk, matter, opacity
):
    """matter times the slope of the first field plus opacity times that of the second, along (i, j, k)."""
    signature = _sample_signature(array, types.UniTuple(types.float32, 3), extra=2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, offset, step_j, step_k, fi, fj, fk, *factors = arguments
        pointers = _corners(context, builder, signature.args[0], array, offset, (step_j, step_k), 4)
        c00, c10, c01, c11 = (_load(builder, pointer) for pointer in pointers)
        tj, tk = (_splat(builder, weight, 4) for weight in (fj, fk))
        near, far = _lerp(builder, c00, c10, tj), _lerp(builder, c01, c11, tj)
        along_j = _lerp(builder, builder.fsub(c10, c00), builder.fsub(c11, c01), tk)
        ti = _splat(builder, fi, 2)

        def weighed(pair: Any) -> Any:
            one, other = (builder.extract_element(pair, _index(n)) for n in (0, 1))
            return _multiply_add(builder, one, factors[0], builder.fmul(other, factors[1]))

        low, high = _halves(builder, _lerp(builder, near, far, tk), 4)
        slopes = [weighed(builder.fsub(high, low))]
        for vector in (along_j, builder.fsub(far, near)):
            low, high = _halves(builder, vector, 4)
            slopes.append(weighed(_lerp(builder, low, high, ti)))
        return context.make_tuple(builder, signature.return_type, slopes)

    return signature, generate


@intrinsic
def slope_one(typing_context, array, offset, step_j, step_k, fi, fj, fk):  # type: ignore[no-untyped-def]
    """The single field's slope along (i, j, k)."""
    signature = _sample_signature(array, types.UniTuple(types.float32, 3))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, offset, step_j, step_k, fi, fj, fk = arguments
        pointers = _corners(context, builder, signature.args[0], array, offset, (step_j, step_k), 2)
        c00, c10, c01, c11 = (_load(builder, pointer) for pointer in pointers)
        tj, tk = (_splat(builder, weight, 2) for weight in (fj, fk))
        near, far = _lerp(builder, c00, c10, tj), _lerp(builder, c01, c11, tj)
        along_j = _lerp(builder, builder.fsub(c10, c00), builder.fsub(c11, c01), tk)

        slopes: list[Any] = []
        for vector in (_lerp(builder, near, far, tk), along_j, builder.fsub(far, near)):
            low, high = (builder.extract_element(vector, _index(n)) for n in (0, 1))
            slopes.append(_lerp(builder, low, high, fi) if slopes else builder.fsub(high, low))
        return context.make_tuple(builder, signature.return_type, slopes)

    return signature, generate


def _add_to_corners(context: Any, builder: Any, signature: Any, arguments: Any, width: int) -> Any:
    array, offset, step_j, step_k, fi, fj, fk, *values = arguments
    pointers = _corners(context, builder, signature.args[0], array, offset, (step_j, step_k), width)
    one = ir.Constant(FLOAT, 1.0)
    edge = ir.Constant(ir.VectorType(FLOAT, width), ir.Undefined)
    for n, weight in enumerate((builder.fsub(one, fi), fi)):
        for m, value in enumerate(values):
            position = _index(n * len(values) + m)
            edge = builder.insert_element(edge, builder.fmul(weight, value), position)
    gj, gk = builder.fsub(one, fj), builder.fsub(one, fk)
    for pointer, wj, wk in zip(pointers, (gj, fj, gj, fj), (gk, gk, fk, fk), strict=True):
        weight = _splat(builder, builder.fmul(wj, wk), width)
        builder.store(_multiply_add(builder, weight, edge, _load(builder, pointer)), pointer, align=4)
    return context.get_dummy_value()


@intrinsic
def add_pair(typing_context, array, offset, step_j, step_k, fi, fj, fk, matter, opacity):  # type: ignore[no-untyped-def]
    """The adjoint of `sample_pair`: add (matter, opacity) to the eight corners with their trilinear
    weights."""
    signature = _sample_signature(array, types.none, extra=2)
    return signature, lambda *call: _add_to_corners(*call, width=4)


@intrinsic
def add_one(typing_context, array, offset, step_j, step_k, fi, fj, fk, value):  # type: ignore[no-untyped-def]
    """The adjoint of `sample_one`."""
    signature = _sample_signature(array, types.none, extra=1)
    return signature, lambda *call: _add_to_corners(*call, width=2)


@intrinsic
def power_of_two(typing_context, exponent):  # type: ignore[no-untyped-def]
    """2 to a whole power in [-126, 127], by writing the exponent's bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.shl(builder.add(arguments[0], ir.Constant(INT32, 127)), ir.Constant(INT32, 23))
        return builder.bitcast(bits, FLOAT)

    return types.float32(types.int32), generate
