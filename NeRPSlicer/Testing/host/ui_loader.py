"""``qt.QUiLoader``: loads .ui files with the stand-in's widgets, refuses what the real classes lack.

Connections are made from the file's ``<connections>`` and nowhere else.
"""

from __future__ import annotations

from functools import partial, reduce
from operator import or_
from pathlib import Path
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from . import facts, signals, strict

_LAYOUT_PROPERTIES = {
    "leftMargin", "topMargin", "rightMargin", "bottomMargin", "margin", "spacing",
    "horizontalSpacing", "verticalSpacing",
}  # fmt: skip


_forms: dict[int, QtWidgets.QWidget] = {}


class UiLoader(QtCore.QObject):
    """Loads one .ui file at a time."""

    def load(self, file: QtCore.QFile, parent=None):
        """The file's top widget.

        Raises:
            AttributeError: a class, property, signal or slot that the real Slicer does not have.
        """
        path = Path(file.fileName())
        root = ElementTree.parse(path).getroot()
        check(root, path.name)
        connections = root.find("connections")
        links = [] if connections is None else [_link(item) for item in connections]
        if connections is not None:
            root.remove(connections)
        later = _take_stand_in_enumerations(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.ReadOnly)
        loader = _Loader()
        strict.form_is_loading = True
        try:
            widget = loader.load(buffer, parent)
        finally:
            strict.form_is_loading = False
        if widget is None:
            return None
        for name, key, text in later:
            target = _named(widget, name)
            values = [getattr(type(target), part.rpartition("::")[2]) for part in text.split("|")]
            setattr(target, key, reduce(or_, values))
        for sender, signal, receiver, slot in links:
            signals.connect(_named(widget, sender), signal, _named(widget, receiver), slot)
        strict.set_plain(widget, "_host_loader", loader)
        # As in PythonQt, Qt alone deletes a form: Python's collector would do so at any time, also in the
        # middle of what the scene tells one of its widgets.
        _forms[id(widget)] = widget
        strict.plain(widget, "destroyed").connect(partial(_forget, id(widget)))
        return widget


def _forget(key: int, *_deleted) -> None:
    _forms.pop(key, None)


def delete_forms() -> None:
    """Delete the forms that nobody has put anywhere."""
    for form in list(_forms.values()):
        form.deleteLater()


class _Loader(QtUiTools.QUiLoader):
    def createWidget(self, class_name: str, parent=None, name: str = ""):
        from .widgets import stand_in

        cls = stand_in(class_name)
        widget = cls(parent) if cls else QtUiTools.QUiLoader.createWidget(self, class_name, parent, name)
        if widget is not None:
            QtCore.QObject.setObjectName(widget, name)
        return widget


def check(root: ElementTree.Element, file_name: str) -> None:
    """Refuse a form that names what the real classes do not have."""
    for widget in root.iter("widget"):
        known, name = widget.get("class"), widget.get("name")
        if not facts.ancestry(known):
            raise AttributeError(f"{file_name}: Slicer has no widget class {known} ({name})")
        for item in widget.findall("property"):
            key = item.get("name")
            dynamic = item.get("stdset") == "0" and key.startswith("Slicer")
            if key not in facts.properties(known) and not dynamic:
                raise AttributeError(f"{file_name}: {known} ({name}) has no property {key!r} in Slicer")
    for layout in root.iter("layout"):
        for item in layout.findall("property"):
            known, key = layout.get("class"), item.get("name")
            if key not in _LAYOUT_PROPERTIES and key not in facts.properties(known):
                raise AttributeError(f"{file_name}: {known} has no property {key!r} in Slicer")


def _link(item: ElementTree.Element) -> tuple[str, str, str, str]:
    return tuple(item.findtext(key) for key in ("sender", "signal", "receiver", "slot"))


def _named(widget, name: str):
    if QtCore.QObject.objectName(widget) == name:
        return widget
    found = QtCore.QObject.findChild(widget, QtCore.QObject, name)
    if found is None:
        raise AttributeError(f"The form has no object named {name}")
    return found


def _take_stand_in_enumerations(root: ElementTree.Element) -> list[tuple[str, str, str]]:
    """Enumerations of ctk and qMRML classes, which Qt's loader cannot read: (widget, property, text)."""
    taken = []
    for widget in root.iter("widget"):
        for item in widget.findall("property"):
            value = item.find("enum") if item.find("enum") is not None else item.find("set")
            if value is not None and value.text.startswith(("ctk", "qMRML", "qSlicer")):
                taken.append((widget.get("name"), item.get("name"), value.text))
                widget.remove(item)
    return taken
