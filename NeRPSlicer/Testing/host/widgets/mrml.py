"""qMRML and qSlicer widgets that follow the scene."""

from __future__ import annotations

import vtk
from PySide6 import QtCore, QtWidgets

from .. import strict
from .properties import emit, one_line, stored


class qMRMLWidget(QtWidgets.QWidget):
    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene) -> None:
        if scene is not self.__dict__.get("_scene"):
            self._scene = scene
            emit(self, "mrmlSceneChanged", scene)

    def mrmlScene(self):
        return self.__dict__.get("_scene")


class qSlicerWidget(QtWidgets.QWidget):
    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene) -> None:
        if scene is not self.__dict__.get("_scene"):
            self._scene = scene
            emit(self, "mrmlSceneChanged", scene)


class _Watch:
    """Observations of a scene, which end when a widget goes: Qt deletes it without asking Python, and the
    scene would go on calling what is left of it.
    """

    def __init__(self, *widgets) -> None:
        self._scene, self._tags = None, []
        for widget in widgets:
            strict.plain(widget, "destroyed").connect(self.end)

    def begin(self, scene, observers: dict) -> None:
        self._scene, self._tags = scene, [scene.AddObserver(*item) for item in observers.items()]

    def end(self, *_deleted) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags.clear()


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """The nodes of the scene that have one of ``nodeTypes``, by name. Empty until it has a scene."""

    currentNodeChanged = QtCore.Signal(object)
    _currentNodeChangedBool = QtCore.Signal(bool)
    currentNodeIDChanged = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)
    _overloads = {"currentNodeChanged(bool)": "_currentNodeChangedBool"}  # noqa: RUF012

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._box = QtWidgets.QComboBox()
        row = one_line(self)
        row.addWidget(self._box)
        self._scene, self._filters, self._nodes = None, [], []
        self._watch = _Watch(self, self._box)
        self._current, self._busy = None, False
        self._box.connect("currentIndexChanged(int)", self._picked)

    def _refill(self) -> None:
        self._busy = True
        self._nodes = self._wanted()
        self._box.clear()
        for node in self._nodes:
            self._box.addItem(self.noneDisplay if node is None else node.GetName())
        kept = self._current if self._current in self._nodes else (self._nodes[0] if self._nodes else None)
        self._box.currentIndex = self._nodes.index(kept) if kept in self._nodes else -1
        self._busy = False
        self._become(kept)

    def _wanted(self) -> list:
        if self._scene is None:
            return []
        found: list = [None] if self.noneEnabled else []
        for kind in self.nodeTypes:
            nodes = self._scene.GetNodesByClass(kind)
            nodes.UnRegister(None)
            found += [
                node
                for node in (nodes.GetItemAsObject(n) for n in range(nodes.GetNumberOfItems()))
                if node not in found and self._lists(node, kind)
            ]
        return found

    def _lists(self, node, kind: str) -> bool:
        """Whether a node of a class, or of one below it, is among those to choose from."""
        if not self.showChildNodeTypes and node.GetClassName() != kind:
            return False
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if any(node.IsA(child) for child in self.hideChildNodeTypes):
            return False
        return all(
            not node.IsA(filtered)
            or (node.GetAttribute(key) == value if value is not None else node.GetAttribute(key) is not None)
            for filtered, key, value in self._filters
        )

    def _become(self, node) -> None:
        if node is self._current:
            return
        self._current = node
        emit(self, "currentNodeChanged", node)
        emit(self, "_currentNodeChangedBool", node is not None)
        emit(self, "currentNodeIDChanged", node.GetID() if node else "")

    def _picked(self, index: int) -> None:
        if not self._busy:
            self._become(self._nodes[index] if 0 <= index < len(self._nodes) else None)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_added(self, _caller, _event, node) -> None:
        if any(node.IsA(kind) for kind in self.nodeTypes):
            self._refill()

    def _nodes_added(self, _caller, _event) -> None:
        self._refill()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_leaving(self, _caller, _event, node) -> None:
        if node in self._nodes:
            self._busy = True
            index = self._nodes.index(node)
            self._nodes.pop(index)
            self._box.removeItem(index)
            self._busy = False
            if node is self._current:
                kept = self._nodes[0] if self._nodes else None
                self._box.currentIndex = 0 if self._nodes else -1
                self._become(kept)

    nodeTypes = stored("QStringList", "nodeTypes", [], _refill)
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [], _refill)
    showHidden = stored(bool, "showHidden", False, _refill)
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True, _refill)
    noneEnabled = stored(bool, "noneEnabled", False, _refill)
    noneDisplay = stored(str, "noneDisplay", "None", _refill)
    addEnabled = stored(bool, "addEnabled", True)
    removeEnabled = stored(bool, "removeEnabled", True)
    editEnabled = stored(bool, "editEnabled", False)
    renameEnabled = stored(bool, "renameEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    baseName = stored(str, "baseName", "")
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "")

    def setMRMLScene(self, scene) -> None:
        import slicer

        if scene is self._scene:
            return
        self._watch.end()
        self._scene = scene
        if scene is not None:
            self._watch.begin(
                scene,
                {
                    slicer.vtkMRMLScene.NodeAddedEvent: self._node_added,
                    slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent: self._node_leaving,
                    slicer.vtkMRMLScene.EndBatchProcessEvent: self._nodes_added,
                },
            )
        self._refill()

    def mrmlScene(self):
        return self._scene

    def currentNode(self):
        return self._current

    def _id(self) -> str:
        return self._current.GetID() if self._current else ""

    def _set_id(self, node_id: str) -> None:
        self.setCurrentNode(self._scene.GetNodeByID(node_id) if self._scene and node_id else None)

    currentNodeID = QtCore.Property(str, _id, _set_id)
    currentNodeId = QtCore.Property(str, _id, _set_id)

    def setCurrentNode(self, node) -> None:
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node) if self._scene else None
        self._busy = True
        self._box.currentIndex = self._nodes.index(node) if node in self._nodes else -1
        self._busy = False
        self._become(node if node in self._nodes else None)

    def setCurrentNodeID(self, node_id: str) -> None:
        self._set_id(node_id)

    def addAttribute(self, kind: str, key: str, value=None) -> None:
        self._filters.append((kind, key, value))
        self._refill()

    def nodeCount(self) -> int:
        return sum(node is not None for node in self._nodes)

    def nodeFromIndex(self, index: int):
        return self._nodes[index]

    def addNode(self, kind: str = ""):
        node = self._scene.AddNewNodeByClass(kind or self.nodeTypes[0], self.baseName)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        emit(self, "nodeAddedByUser", node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self._current)
