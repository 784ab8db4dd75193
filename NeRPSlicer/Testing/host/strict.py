"""PythonQt's manner over PySide6, and nothing that the real class does not list.

Properties are attributes, signals connect by name or by Qt 5 signature, and a name that ``facts`` does not
list for the class raises AttributeError.
"""

from __future__ import annotations

from functools import cache, partial

from PySide6 import QtCore, QtGui, QtWidgets

from . import facts, signals

_QObject = QtCore.QObject
_own_get: dict[type, object] = {}
"""The getters of Qt classes before `make_strict`: some, as QFile's, tell static from bound functions."""


_own_init: dict[type, object] = {}


def _without_keywords(init, name: str):
    """PythonQt's constructors take no properties or signals by keyword, as PySide6's do."""

    def checked(self, *arguments, **keywords):
        if keywords:
            raise TypeError(f"{name}() takes no keyword arguments in Slicer")
        init(self, *arguments)

    return checked


_VIRTUALS = frozenset({"connectNotify", "disconnectNotify", "sharedPainter"})
"""Virtual functions that PySide6 itself looks up on objects."""


def install() -> None:
    """Make every QObject strict."""
    for name in facts.classes():
        cls = next((getattr(m, name) for m in (QtCore, QtGui, QtWidgets) if hasattr(m, name)), None)
        if cls is not None:
            make_strict(cls)


def make_strict(cls: type) -> None:
    """Patch a Qt class and its bases; each has slots of its own, made when the class is first used."""
    for base in cls.__mro__:
        if issubclass(base, _QObject) and base.__module__.startswith("PySide6."):
            if base.__getattribute__ is not _get:
                _own_get[base] = base.__getattribute__
                base.__getattribute__ = _get
            base.__setattr__ = _set
            if "__init__" in vars(base) and base not in _own_init:
                _own_init[base] = base.__init__
                base.__init__ = _without_keywords(base.__init__, base.__name__)


def plain(obj, name: str):
    """The attribute as PySide6 gives it."""
    return _getter_of(type(obj))(obj, name)


@cache
def _getter_of(cls: type):
    return next(_own_get[base] for base in cls.__mro__ if base in _own_get)


def set_plain(obj, name: str, value) -> None:
    """Set an attribute that Python code of the class keeps: Python refuses the base's own ``__setattr__``."""
    descriptor = getattr(type(obj), name, None)
    if isinstance(descriptor, (QtCore.Property, property)):
        descriptor.fset(obj, value)
    else:
        plain(obj, "__dict__")[name] = value


def class_name(obj_or_class) -> str:
    """The Slicer or Qt class that facts know an object's class by; "" for none."""
    return _known(obj_or_class if isinstance(obj_or_class, type) else type(obj_or_class))[0]


@cache
def _known(cls: type) -> tuple[str, frozenset[str]]:
    """The nearest class with facts, and the names that Python subclasses of it define."""
    own: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.startswith("PySide6.") or facts.ancestry(base.__name__):
            has_facts = bool(facts.ancestry(base.__name__)) and base is not _QObject
            return (base.__name__ if has_facts else _fallback(base)), frozenset(own)
        own.update(vars(base))
    return "", frozenset(own)


def _fallback(base: type) -> str:
    """A class without facts of its own (QShortcut, QEventLoop): Qt's own names count, except on a widget."""
    return "QObject" if base is _QObject else ""


@cache
def _getter(cls: type, name: str):
    """How to read property ``name`` of ``cls``: a function of the object."""
    if isinstance(getattr(cls, name, None), QtCore.Property):
        return lambda obj: plain(obj, name)
    capital = name[0].upper() + name[1:]
    for candidate in (name, f"is{capital}", f"has{capital}"):
        method = getattr(cls, candidate, None)
        if callable(method) and not isinstance(method, QtCore.Signal):
            return method
    return lambda obj: _QObject.property(obj, name)


_meta_properties: dict[type, frozenset[str]] = {}
"""Properties of classes without facts, by Qt's own account."""


def _is_property(obj, name: str) -> bool:
    cls = type(obj)
    known = class_name(cls)
    if known:
        return name in facts.properties(known)
    if cls not in _meta_properties:
        # Asked of the object: the class's own meta-object may be gone once a garbage collection has run.
        meta = _QObject.metaObject(obj)
        _meta_properties[cls] = frozenset(meta.property(n).name() for n in range(meta.propertyCount()))
    return name in _meta_properties[cls]


def _get(self, name: str):
    if name.startswith("_"):
        return plain(self, name)
    cls = type(self)
    known, own = _known(cls)
    if own and (name in own or name in plain(self, "__dict__")):
        value = plain(self, name)
        return signals.BoundSignal(self, name) if isinstance(value, QtCore.SignalInstance) else value
    if known and name not in facts.attributes(known):
        if name in _VIRTUALS:
            return plain(self, name)
        raise AttributeError(f"{known} has no property, signal, slot or method {name!r} in Slicer")
    name = facts.ALIASES.get(name, name)
    if name in _SPECIAL:
        return partial(_SPECIAL[name], self)
    if _is_property(self, name):
        return _getter(cls, name)(self)
    value = plain(self, name)
    if isinstance(value, QtCore.SignalInstance):
        return signals.BoundSignal(self, name)
    return value


form_is_loading = False
"""While true, PySide6's loader names children on the form; PythonQt's does not, so they are dropped."""


def _set(self, name: str, value) -> None:
    if form_is_loading and isinstance(value, _QObject) and not name.startswith("_"):
        return
    if isinstance(value, QtCore.SignalInstance):  # PySide6 keeps a signal on the object once it is used.
        set_plain(self, name, value)
        return
    cls = type(self)
    known, own = _known(cls)
    name = facts.ALIASES.get(name, name)
    if not _is_property(self, name):
        if own or (name.startswith("_") and not cls.__module__.startswith("PySide6.")):
            set_plain(self, name, value)
            return
        raise AttributeError(
            f"Attribute {name!r} does not exist on {known or cls.__name__}; "
            "new attributes on Qt objects are not allowed"
        )
    if known and facts.properties(known)[name].endswith("(read-only)"):
        raise AttributeError(f"Property {name!r} of {known} is read-only")
    if isinstance(getattr(cls, name, None), QtCore.Property):
        set_plain(self, name, value)
        return
    setter = getattr(cls, f"set{name[0].upper()}{name[1:]}", None)
    if setter is not None:
        setter(self, value)
    elif not _QObject.setProperty(self, name, value):
        raise TypeError(f"{known}.{name} does not take {value!r}")


def _find_children(self, kind=None, name: str = "") -> list:
    if isinstance(kind, str):
        found = _QObject.findChildren(self, _QObject, name) if name else _QObject.findChildren(self, _QObject)
        return [child for child in found if _inherits(child, kind)]
    kind = kind or _QObject
    return _QObject.findChildren(self, kind, name) if name else _QObject.findChildren(self, kind)


def _find_child(self, kind=None, name: str = ""):
    return next(iter(_find_children(self, kind, name)), None)


def _inherits(self, name: str) -> bool:
    return any(base.__name__ == name for base in type(self).__mro__) or _QObject.inherits(self, name)


_SPECIAL = {
    "connect": signals.connect,
    "disconnect": signals.disconnect,
    "findChildren": _find_children,
    "findChild": _find_child,
    "inherits": _inherits,
    "className": lambda self: class_name(self) or type(self).__name__,
    "delete": lambda self: _QObject.deleteLater(self),
}
