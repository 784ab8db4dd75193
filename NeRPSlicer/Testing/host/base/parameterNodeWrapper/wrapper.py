"""The class decorator: every annotated member becomes a parameter of the node."""

from __future__ import annotations

import json
import typing

import qt
import vtk

from .annotations import Default
from .connectors import connector
from .serializers import from_plain, implicit_default, is_node, to_plain

_PROPERTY = "SlicerParameterName"


class _Parameter:
    def __init__(self, owner: type, name: str, kind) -> None:
        self.name, self.unalteredType = name, kind
        self.annotations: list = []
        if typing.get_origin(kind) is typing.Annotated:
            self.kind, *self.annotations = typing.get_args(kind)
        else:
            self.kind = kind
        given = next((a for a in self.annotations if isinstance(a, Default)), None)
        if hasattr(owner, name):
            given = Default(getattr(owner, name))
        self.default = given or Default(generator=lambda: implicit_default(self.kind))

    def read(self, node):
        if is_node(self.kind):
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        return from_plain(self.kind, json.loads(text)) if text else self.default.value

    def write(self, node, value) -> None:
        if is_node(self.kind):
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        for annotation in self.annotations:
            if hasattr(annotation, "validate"):
                annotation.validate(value)
        node.SetParameter(self.name, json.dumps(to_plain(self.kind, value)))


def parameterNodeWrapper(classtype=None):
    """Make a class of annotated members a wrapper of a parameter node."""
    return _wrap if classtype is None else _wrap(classtype)


def isParameterNodeWrapper(classOrObj) -> bool:
    return getattr(classOrObj, "_is_parameter_node_wrapper", False)


def _wrap(cls: type) -> type:
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: _Parameter(cls, name, kind) for name, kind in hints.items()}
    reserved = {name for name in vars(_Methods) if not name.startswith("__")}
    for name in parameters:
        if name in reserved:
            raise ValueError(f"Cannot use reserved name {name!r} in a parameterNodeWrapper")
        setattr(
            cls,
            name,
            property(lambda s, name=name: s.getValue(name), lambda s, v, name=name: s.setValue(name, v)),
        )
    cls.allParameters = parameters
    cls._is_parameter_node_wrapper = True
    for name, value in vars(_Methods).items():
        if not name.startswith("__") or name == "__init__":
            setattr(cls, name, value)
    return cls


class _Methods:
    def __init__(self, parameterNode) -> None:
        self.parameterNode = parameterNode
        self._bound: dict[int, dict] = {}
        self._observers: dict[int, int] = {}
        self._showing = False
        for parameter in self.allParameters.values():
            if not is_node(parameter.kind) and not parameterNode.GetParameter(parameter.name):
                parameter.write(parameterNode, parameter.default.value)

    def _parameter(self, name: str) -> _Parameter:
        if name not in self.allParameters:
            raise ValueError(f"There is no parameter {name!r}")
        return self.allParameters[name]

    def getValue(self, name: str):
        return self._parameter(name).read(self.parameterNode)

    def setValue(self, name: str, value) -> None:
        self._parameter(name).write(self.parameterNode, value)

    def default(self, name: str) -> Default:
        return self._parameter(name).default

    def dataType(self, name: str):
        return self._parameter(name).unalteredType

    def isCached(self, name: str) -> bool:
        return False

    def connectGui(self, gui) -> int:
        widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "findChildren") else vars(gui).values()
        named = {widget.property(_PROPERTY): widget for widget in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict) -> int:
        tag = max(self._bound, default=-1) + 1
        bound = {}
        for name, widget in mapping.items():
            parameter = self._parameter(name)
            link = connector(widget, parameter.kind, parameter.annotations)
            link.write(self.getValue(name))
            changed = self._changed(name, link)
            if link.signal:
                widget.connect(link.signal, changed)
            bound[name] = (widget, link, changed)
        self._bound[tag] = bound
        self._observers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show())
        return tag

    def _changed(self, name: str, link):
        def changed() -> None:
            if not self._showing:
                self.setValue(name, link.read())

        return changed

    def _show(self) -> None:
        if self._showing:
            return
        self._showing = True
        try:
            for bound in self._bound.values():
                for name, (_widget, link, _changed) in bound.items():
                    link.write(self.getValue(name))
        finally:
            self._showing = False

    def disconnectGui(self, tag: int) -> None:
        for widget, link, changed in self._bound.pop(tag, {}).values():
            if link.signal:
                widget.disconnect(link.signal, changed)
        if tag in self._observers:
            self.RemoveObserver(self._observers.pop(tag))

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified):
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event, callback, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()
