"""Which widget shows which type. The widget's class must match exactly, as in Slicer."""

from __future__ import annotations

import enum
import pathlib
from typing import NamedTuple

import ctk
import qt
import slicer

from .annotations import (
    Choice,
    Decimals,
    Default,
    FloatRange,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
)
from .serializers import is_node, node_classes, parts


class Connector(NamedTuple):
    """How to read and write a widget, and what it sends when changed."""

    read: object
    write: object
    signal: str


def connector(widget, kind, annotations) -> Connector:
    """The connector of a widget and a type.

    Raises:
        RuntimeError: the widget cannot show the type, or an annotation it needs is missing.
    """
    cls = type(widget)
    if is_node(kind) and cls is slicer.qMRMLNodeComboBox:
        # Slicer makes an instance of each class to ask for its name: an abstract class raises TypeError.
        widget.nodeTypes = [nodeClass().GetClassName() for nodeClass in node_classes(kind)]
        return Connector(widget.currentNode, widget.setCurrentNode, "currentNodeChanged(vtkMRMLNode*)")
    inner = parts(kind)[0]
    if inner is bool and cls in (qt.QCheckBox, ctk.ctkCheckBox):
        return _attribute(widget, "checked", "stateChanged(int)")
    if inner is bool and cls in (qt.QPushButton, ctk.ctkCheckablePushButton):
        widget.checkable = True
        return _attribute(widget, "checked", "toggled(bool)")
    if inner is int and cls in (qt.QSlider, qt.QSpinBox):
        _set_bounds(widget, annotations, needed=cls is qt.QSlider)
        return _attribute(widget, "value", "valueChanged(int)")
    sliders = (ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)
    if inner in (int, float) and cls in (
        *sliders, qt.QDoubleSpinBox, ctk.ctkDoubleSlider, ctk.ctkDoubleSpinBox, slicer.qMRMLSpinBox
    ):  # fmt: skip
        _set_bounds(widget, annotations, needed=cls in sliders)
        _set_looks(widget, annotations, inner)
        return _attribute(widget, "value", "valueChanged(double)", inner)
    if cls in (qt.QComboBox, ctk.ctkComboBox):
        if isinstance(inner, type) and issubclass(inner, enum.Enum):
            label = getattr(inner, "label", lambda member: member.name)
            return _choices(widget, {label(member): member for member in inner})
        choice = _find(annotations, Choice)
        if inner in (int, float, str, bool):
            if choice is None:
                raise RuntimeError("A combo box needs the Choice annotation")
            return _choices(widget, {str(item): item for item in choice.choices})
    if inner is str and cls is qt.QLineEdit:
        return _attribute(widget, "text", "textChanged(QString)")
    if inner is str and cls is qt.QTextEdit:
        return _attribute(widget, "plainText", "textChanged()")
    if inner is str and cls is qt.QLabel:
        return Connector(lambda: widget.text, lambda value: setattr(widget, "text", value), "")
    if inner is FloatRange and cls in (ctk.ctkRangeWidget, ctk.ctkDoubleRangeSlider, slicer.qMRMLRangeWidget):
        bounds = _find(annotations, RangeBounds)
        if bounds is None or _find(annotations, Default) is None:
            raise RuntimeError("A range widget needs RangeBounds and Default in the annotation")
        _set_looks(widget, annotations, float)
        widget.setRange(bounds.minimum, bounds.maximum)
        return Connector(
            lambda: FloatRange(widget.minimumValue, widget.maximumValue),
            lambda value: widget.setValues(value.minimum, value.maximum),
            "valuesChanged(double,double)",
        )
    if isinstance(inner, type) and issubclass(inner, pathlib.PurePath):
        if cls is ctk.ctkPathLineEdit:
            return _path(widget, "currentPath", "currentPathChanged(QString)", inner)
        if cls is ctk.ctkDirectoryButton:
            return _path(widget, "directory", "directoryChanged(QString)", inner)
    raise RuntimeError(f"Unable to connect a parameter of type {kind} to a {cls.__name__}")


def _attribute(widget, name: str, signal: str, convert=lambda value: value) -> Connector:
    return Connector(
        lambda: convert(getattr(widget, name)), lambda value: setattr(widget, name, value), signal
    )


def _path(widget, name: str, signal: str, kind: type) -> Connector:
    return Connector(
        lambda: kind(getattr(widget, name)), lambda value: setattr(widget, name, str(value)), signal
    )


def _choices(widget, labels: dict) -> Connector:
    widget.clear()
    for label in labels:
        widget.addItem(label)
    values = list(labels.values())
    return Connector(
        lambda: values[widget.currentIndex],
        lambda value: setattr(widget, "currentIndex", values.index(value)),
        "currentIndexChanged(int)",
    )


def _find(annotations, kind: type):
    return next((item for item in annotations if isinstance(item, kind)), None)


def _set_bounds(widget, annotations, needed: bool) -> None:
    both, low, high = (_find(annotations, kind) for kind in (WithinRange, Minimum, Maximum))
    low, high = both or low, both or high
    if needed and not (low and high):
        raise RuntimeError("A slider needs WithinRange, or Minimum and Maximum")
    if low:
        widget.minimum = low.minimum
    if high:
        widget.maximum = high.maximum


def _set_looks(widget, annotations, inner: type) -> None:
    decimals, step = _find(annotations, Decimals), _find(annotations, SingleStep)
    if step:
        widget.singleStep = step.value
    if type(widget) not in (ctk.ctkDoubleSlider, ctk.ctkDoubleRangeSlider):
        if inner is int:
            widget.decimals = 0
        elif decimals:
            widget.decimals = decimals.value
