"""Nodes of the module are found by what they are for, not by name or id: both change in a loaded scene."""

from __future__ import annotations

import slicer

_ATTRIBUTE = "NeRPSlicer.Role"
_lastIds: dict[str, str] = {}
"""Role -> where its node was found last: a scene of hundreds of nodes is not searched for each picture."""


def findNode(role: str):
    """The node of a role, or None.

    :param role: for example "camera" or "radiograph".
    """
    scene = slicer.mrmlScene
    known = scene.GetNodeByID(_lastIds.get(role, ""))
    if known is not None and known.GetAttribute(_ATTRIBUTE) == role:
        return known
    nodes = scene.GetNodesByClass("vtkMRMLNode")
    nodes.UnRegister(None)
    for index in range(nodes.GetNumberOfItems()):
        node = nodes.GetItemAsObject(index)
        if node.GetAttribute(_ATTRIBUTE) == role:
            _lastIds[role] = node.GetID()
            return node
    return None


def findOrAddNode(role: str, className: str, name: str):
    """The node of a role, made if there is none.

    :param className: MRML class of a new node.
    :param name: name of a new node, as people see it.
    """
    node = findNode(role)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass(className, name)
        node.SetAttribute(_ATTRIBUTE, role)
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
    return node
