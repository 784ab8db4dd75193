"""A value of each type as plain data and back; nodes are kept as references, not as data."""

from __future__ import annotations

import enum
import pathlib
import types
import typing

import slicer

from .annotations import FloatRange

_PLAIN = (int, float, str, bool)
_RANGES = [FloatRange]


def parts(kind) -> tuple[type, bool]:
    """A type without Optional, and whether None is allowed."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [item for item in typing.get_args(kind) if item is not type(None)]
        if len(inner) == 1:
            return inner[0], True
        raise TypeError(f"The stand-in takes no union of several types: {kind}")
    return kind, False


def node_classes(kind) -> tuple[type, ...]:
    """The node classes of a node type or a union of some; none for another type."""
    inner = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    classes = tuple(item for item in inner if item is not type(None))
    nodes = all(isinstance(item, type) and issubclass(item, slicer.vtkMRMLNode) for item in classes)
    return classes if nodes else ()


def is_node(kind) -> bool:
    return bool(node_classes(kind))


def implicit_default(kind):
    if is_node(kind):
        return None
    inner, optional = parts(kind)
    if optional:
        return None
    if isinstance(inner, type) and issubclass(inner, enum.Enum):
        return next(iter(inner))
    if typing.get_origin(inner) is tuple:
        return tuple(implicit_default(item) for item in typing.get_args(inner))
    return (typing.get_origin(inner) or inner)()


def to_plain(kind, value):
    """Plain data for JSON.

    Raises:
        TypeError: the value is not of the type, or the type is not one the stand-in takes.
    """
    inner, optional = parts(kind)
    if value is None and optional:
        return None
    origin, arguments = typing.get_origin(inner), typing.get_args(inner)
    if inner in _PLAIN:
        allowed = (int, float) if inner is float else inner
        if not isinstance(value, allowed) or (isinstance(value, bool) and inner is not bool):
            raise TypeError(f"{value!r} is not {inner.__name__}")
        return inner(value)
    if origin is list:
        return [to_plain(arguments[0], item) for item in value]
    if origin is tuple:
        return [to_plain(a, item) for a, item in zip(arguments, value, strict=True)]
    if origin is dict:
        return [[to_plain(arguments[0], k), to_plain(arguments[1], v)] for k, v in value.items()]
    if isinstance(inner, type) and isinstance(value, inner):
        if issubclass(inner, enum.Enum):
            return value.name
        if issubclass(inner, pathlib.PurePath):
            return str(value)
        if inner in _RANGES:
            return [value.minimum, value.maximum]
    raise TypeError(f"The stand-in cannot store {value!r} as {kind}")


def from_plain(kind, data):
    """The value that `to_plain` wrote."""
    inner, optional = parts(kind)
    if data is None and optional:
        return None
    origin, arguments = typing.get_origin(inner), typing.get_args(inner)
    if origin is list:
        return [from_plain(arguments[0], item) for item in data]
    if origin is tuple:
        return tuple(from_plain(a, item) for a, item in zip(arguments, data, strict=True))
    if origin is dict:
        return {from_plain(arguments[0], k): from_plain(arguments[1], v) for k, v in data}
    if issubclass(inner, enum.Enum):
        return inner[data]
    if inner in _RANGES:
        return inner(*data)
    return inner(data)
