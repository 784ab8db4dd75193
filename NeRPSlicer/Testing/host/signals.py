"""Connecting as PythonQt does: by signal name or Qt 5 signature, to callables or to listed slots.

A callable gets as many of the signal's arguments as it takes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from PySide6 import QtCore

from . import errors, facts

_QT5_ONLY = {
    "currentIndexChanged(QString)": ("currentIndexChanged(int)", lambda box, index: (box.itemText(index),)),
    "activated(QString)": ("activated(int)", lambda box, index: (box.itemText(index),)),
    "finished(int)": ("finished(int,QProcess::ExitStatus)", lambda _process, code, _status: (code,)),
}
"""Signatures that Qt 6 dropped: the one to use there, and the arguments to pass on."""


class BoundSignal:
    """``widget.clicked``."""

    def __init__(self, sender, name: str) -> None:
        self._sender, self._name = sender, name

    def connect(self, target: Callable) -> bool:
        return connect(self._sender, self._name, target)

    def disconnect(self, target: Callable) -> bool:
        return disconnect(self._sender, self._name, target)


def connect(sender, signal: str, receiver, slot: str | None = None) -> bool:
    """Connect a signal to a callable, or to a slot of another object by its signature.

    Raises:
        AttributeError: the class has no such signal or slot.
        TypeError: the receiver is not callable.
    """
    signature = _checked_signal(sender, signal)
    target = receiver if slot is None else checked_slot(receiver, slot)
    if not callable(target):
        raise TypeError(f"A signal connects to a callable, not to {target!r}")
    actual, convert = _QT5_ONLY.get(signature, (signature, None))
    if convert is None or signature in _own_signatures(sender):
        actual, convert = signature, None

    accepted = _accepted(target)

    def deliver(*arguments):
        try:
            if convert is not None:
                arguments = convert(sender, *arguments)
            target(*arguments[:accepted])
        except Exception as error:
            errors.report(error)

    _connections(sender).append((signature, receiver, slot, _attach(sender, actual, deliver)))
    return True


def disconnect(sender, signal: str, receiver=None, slot: str | None = None) -> bool:
    """Undo `connect`; False where there was no such connection."""
    signature = _checked_signal(sender, signal)
    connections = _connections(sender)
    found = [
        entry
        for entry in connections
        if entry[0] == signature and (receiver is None or (entry[1] == receiver and entry[2] == slot))
    ]
    for entry in found:
        QtCore.QObject.disconnect(entry[3])
        connections.remove(entry)
    return bool(found)


def checked_slot(receiver, slot: str) -> Callable:
    """The bound slot that a signature names."""
    from .strict import class_name, plain

    signature = facts.signature(slot.lstrip("1"))
    name = signature.partition("(")[0]
    known = class_name(receiver)
    if known and signature not in facts.methods(known):
        raise AttributeError(f"{known} has no slot {signature} in Slicer")
    if known and isinstance(getattr(type(receiver), name, None), property):
        raise AttributeError(f"{known}.{name} is a property, not a slot")
    return plain(receiver, name)


def _checked_signal(sender, signal: str) -> str:
    """The normal signature of a signal given by name or signature."""
    from .strict import class_name

    signature = facts.signature(signal.lstrip("2"))
    known = class_name(sender)
    listed = facts.signals(known) if known else _own_signatures(sender)
    if "(" not in signature:
        overloads = sorted((s for s in listed if s.partition("(")[0] == signature), key=_preference)
        if overloads:
            return overloads[0]
    if signature in listed or (
        known and not facts.ancestry(type(sender).__name__) and signature in _own_signatures(sender)
    ):
        return signature
    raise AttributeError(f"{known or type(sender).__name__} has no signal {signature} in Slicer")


def _preference(signature: str) -> tuple:
    return (
        "QString" in signature or (signature.endswith("(bool)") and "currentNode" in signature),
        -signature.count(","),
        "()" in signature,
    )


_signatures: dict[type, frozenset[str]] = {}


def _own_signatures(sender) -> frozenset[str]:
    """Signatures in the running Qt's meta-object."""
    cls = type(sender)
    if cls not in _signatures:
        meta = QtCore.QObject.metaObject(sender)
        methods = (meta.method(i) for i in range(meta.methodCount()))
        _signatures[cls] = frozenset(
            bytes(method.methodSignature().data()).decode()
            for method in methods
            if method.methodType() == QtCore.QMetaMethod.Signal
        )
    return _signatures[cls]


def _attach(sender, signature: str, deliver: Callable):
    from .strict import plain

    name = signature.partition("(")[0]
    overloads = getattr(type(sender), "_overloads", {})
    if signature in overloads:
        return plain(sender, overloads[signature]).connect(deliver)
    if signature in _own_signatures(sender):
        return QtCore.QObject.connect(sender, QtCore.SIGNAL(signature), deliver)
    signal = getattr(type(sender), name, None)
    if not isinstance(signal, QtCore.Signal):
        raise NotImplementedError(f"The stand-in has no signal {signature} on {type(sender).__name__}")
    return plain(sender, name).connect(deliver)


def _connections(sender) -> list:
    from .strict import plain

    return plain(sender, "__dict__").setdefault("_host_connections", [])


def _accepted(target: Callable) -> int | None:
    """How many arguments a callable takes; None for any number."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
