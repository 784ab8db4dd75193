"""Qt 5 enumerations over Qt 6: values lie on the class and compare with whole numbers.

PythonQt knows ``qt.Qt.Horizontal`` and ``qt.QMessageBox.Yes``, and its values are whole numbers; it does not
know ``qt.Qt.Orientation.Horizontal``. PySide6's own members stay in use, so that every call takes them.
"""

from __future__ import annotations

import enum

_flattened: set[type] = set()


class _ScopeMeta(type):
    def __getattr__(cls, name: str):
        raise AttributeError(
            f"{cls.__qualname__}.{name} is a Qt 6 spelling; in Slicer the value lies on the class: "
            f"{cls.__qualname__.rpartition('.')[0]}.{name}"
        )


def _scope(kind: type[enum.Enum], owner: str) -> type:
    """What stands where the enumeration's type stood: callable, without members."""
    return _ScopeMeta(
        kind.__name__,
        (),
        {
            "__new__": staticmethod(lambda _cls, value=0: kind(value)),
            "__qualname__": f"{owner}.{kind.__name__}",
        },
    )


def _compare_with_numbers(kind: type[enum.Enum]) -> None:
    def equal(self, other):
        return self is other or (
            self.value == other if isinstance(other, int) else self.value == getattr(other, "value", None)
        )

    kind.__eq__ = equal
    kind.__ne__ = lambda self, other: not equal(self, other)
    kind.__hash__ = lambda self: hash(self.value)
    kind.__int__ = kind.__index__ = lambda self: self.value


def members(kind: type[enum.Enum]) -> dict[str, enum.Enum]:
    """Name -> value, aliases included, comparable with whole numbers."""
    if kind not in _flattened:
        _flattened.add(kind)
        _compare_with_numbers(kind)
    return dict(kind.__members__)


def flatten(cls: type) -> None:
    """Move the members of a class's enumerations, own and inherited, onto the class."""
    for base in reversed(cls.__mro__):
        if base in _flattened or base is object:
            continue
        _flattened.add(base)
        kinds = {
            name: value
            for name, value in vars(base).items()
            if isinstance(value, type) and issubclass(value, enum.Enum)
        }
        for name, kind in kinds.items():
            for member, value in members(kind).items():
                if member not in vars(base):
                    setattr(base, member, value)
            setattr(base, name, _scope(kind, base.__name__))
