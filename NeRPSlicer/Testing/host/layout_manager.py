"""``slicer.app.layoutManager()``: Slicer's own layout logic, and a view for each view node it names."""

from __future__ import annotations

from xml.etree import ElementTree

import vtk
from PySide6 import QtCore, QtWidgets

from . import errors
from .plots import qMRMLPlotWidget
from .views import FIRST_SIZE, qMRMLSliceWidget, qMRMLThreeDWidget

_KINDS = {
    "vtkMRMLSliceNode": qMRMLSliceWidget,
    "vtkMRMLViewNode": qMRMLThreeDWidget,
    "vtkMRMLPlotViewNode": qMRMLPlotWidget,
}


class qSlicerLayoutManager(QtCore.QObject):
    """Makes views as the layout node asks for them, and places them in the viewport."""

    layoutChanged = QtCore.Signal(int)

    def __init__(self, scene, application_logic, viewport: QtWidgets.QWidget) -> None:
        from slicer import vtkMRMLLayoutLogic, vtkMRMLLayoutNode

        super().__init__()
        self._scene, self._application_logic, self._viewport = scene, application_logic, viewport
        self._widgets: dict[str, QtWidgets.QWidget] = {}
        self._paused = 0
        self._shown = None
        self._box: QtWidgets.QWidget | None = None
        self._logic = vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)
        self._node = self._logic.GetLayoutNode()
        self._node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._follow)
        self._node.SetViewArrangement(vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self._follow()

    def _follow(self, *_event) -> None:
        try:
            for node in self._view_nodes():
                if node.GetID() not in self._widgets:
                    kind = _KINDS[node.GetClassName()]
                    self._widgets[node.GetID()] = kind(node, self._application_logic)
            now = self._node.GetViewArrangement(), self._node.GetCurrentLayoutDescription()
            if now != self._shown:
                self._shown = now
                self._arrange(ElementTree.fromstring(now[1]) if now[1] else None)
                from .strict import plain

                plain(self, "layoutChanged").emit(now[0])
        except Exception as error:
            errors.report(error)

    def _view_nodes(self) -> list:
        """Slice, 3-D and plot view nodes of the current layout; an unknown layout has none."""
        found = self._logic.GetViewNodes()
        nodes = [found.GetItemAsObject(n) for n in range(found.GetNumberOfItems())] if found else []
        return [node for node in nodes if node.GetClassName() in _KINDS]

    def _arrange(self, element) -> None:
        row = QtWidgets.QWidget.layout(self._viewport)
        if row is None:
            row = QtWidgets.QVBoxLayout(self._viewport)
            row.setContentsMargins(0, 0, 0, 0)
        # Views outlive the boxes that hold them.
        for widget in self._widgets.values():
            widget.setParent(None)
        if self._box is not None and self._box not in self._widgets.values():
            row.removeWidget(self._box)
            self._box.setParent(None)
            self._box.deleteLater()
        self._box = self._placed(element) if element is not None else None
        if self._box is not None:
            row.addWidget(self._box)

    def _placed(self, element: ElementTree.Element) -> QtWidgets.QWidget:
        if element.tag == "view":
            return self._view_of(element) or QtWidgets.QWidget()
        kind = element.get("type", "vertical")
        if kind == "grid":
            box = QtWidgets.QWidget()
            grid = QtWidgets.QGridLayout(box)
            for item in element:
                grid.addWidget(self._placed(item[0]), int(item.get("row", 0)), int(item.get("column", 0)))
            return box
        if kind == "tab":
            box = QtWidgets.QTabWidget()
            for item in element:
                box.addTab(self._placed(item[0]), item.get("name", ""))
            return box
        box = QtWidgets.QSplitter()
        QtWidgets.QSplitter.setOrientation(
            box, QtCore.Qt.Horizontal if kind == "horizontal" else QtCore.Qt.Vertical
        )
        for item in element:
            box.addWidget(self._placed(item[0]))
        sizes = [int(item.get("splitSize", 0)) for item in element]
        if any(sizes):
            QtWidgets.QSplitter.setSizes(box, sizes)
        return box

    def _restore_sizes(self) -> None:
        """A window that was shown has fitted the views to itself."""
        for widget in self._widgets.values():
            view = widget.viewWidget()
            if view.renderWindow().GetSize() != FIRST_SIZE:
                view._resize(*FIRST_SIZE)

    def _close(self) -> None:
        """Take the views down while the libraries that draw them are still there."""
        self._node.RemoveAllObservers()
        self._arrange(None)
        for widget in self._widgets.values():
            widget.viewWidget()._close()
            widget.deleteLater()
        self._widgets.clear()

    def _view_of(self, element: ElementTree.Element):
        tag, kind = element.get("singletontag"), element.get("class")
        node = self._scene.GetSingletonNode(tag, kind)
        widget = self._widgets.get(node.GetID()) if node else None
        if widget is not None:
            widget.show()
        return widget

    def _shown_widgets(self, kind: type) -> list:
        return [
            self._widgets[node.GetID()]
            for node in self._view_nodes()
            if isinstance(self._widgets.get(node.GetID()), kind)
        ]

    layout = QtCore.Property(
        int, lambda self: self._node.GetViewArrangement(), lambda self, value: self.setLayout(value)
    )
    threeDViewCount = QtCore.Property(int, lambda self: len(self._shown_widgets(qMRMLThreeDWidget)))
    tableViewCount = QtCore.Property(int, lambda _self: 0)
    plotViewCount = QtCore.Property(int, lambda self: len(self._shown_widgets(qMRMLPlotWidget)))

    def setLayout(self, identifier: int) -> None:
        self._node.SetViewArrangement(identifier)

    def layoutLogic(self):
        return self._logic

    def mrmlScene(self):
        return self._scene

    def viewport(self):
        return self._viewport

    def sliceViewNames(self) -> list[str]:
        return [widget.sliceViewName for widget in self._shown_widgets(qMRMLSliceWidget)]

    def sliceWidget(self, name: str):
        for widget in self._widgets.values():
            if isinstance(widget, qMRMLSliceWidget) and widget.sliceViewName == name:
                return widget
        return None

    def threeDWidget(self, which):
        shown = self._shown_widgets(qMRMLThreeDWidget)
        if isinstance(which, int):
            return shown[which] if 0 <= which < len(shown) else None
        return next((w for w in shown if w.mrmlViewNode().GetLayoutName() == which), None)

    def plotWidget(self, number: int):
        shown = self._shown_widgets(qMRMLPlotWidget)
        return shown[number] if 0 <= number < len(shown) else None

    def viewWidget(self, node):
        return self._widgets.get(node.GetID())

    def activeMRMLThreeDViewNode(self):
        shown = self._shown_widgets(qMRMLThreeDWidget)
        return shown[0].mrmlViewNode() if shown else None

    def mrmlSliceLogics(self):
        return self._application_logic.GetSliceLogics()

    def resetSliceViews(self) -> None:
        for widget in self._shown_widgets(qMRMLSliceWidget):
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        for widget in self._shown_widgets(qMRMLThreeDWidget):
            widget.threeDView().resetFocalPoint()

    def setRenderPaused(self, paused: bool) -> None:
        for widget in self._widgets.values():
            if not isinstance(widget, qMRMLPlotWidget):
                widget.viewWidget().setRenderPaused(paused)

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)
