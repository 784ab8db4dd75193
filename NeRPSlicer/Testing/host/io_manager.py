"""``slicer.app.ioManager()``: loads and saves through Slicer's own logics and storage nodes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6 import QtCore

_TYPES = {
    "SceneFile": (".mrml", ".mrb"),
    "SegmentationFile": (".seg.nrrd", ".seg.nhdr"),
    "MarkupsFile": (".mrk.json", ".fcsv"),
    "TransformFile": (".h5", ".tfm", ".txt"),
    "ModelFile": (".vtk", ".vtp", ".stl", ".ply", ".obj"),
    "VolumeFile": (
        ".nrrd",
        ".nhdr",
        ".nii",
        ".nii.gz",
        ".mha",
        ".mhd",
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".dcm",
    ),
}


class qSlicerIOManager(QtCore.QObject):
    """The part of the IO manager that ``slicer.util`` calls."""

    newFileLoaded = QtCore.Signal(object)
    fileSaved = QtCore.Signal(object)

    def __init__(self, scene, application_logic) -> None:
        from slicer_core import vtkDataIOManagerLogic, vtkMRMLRemoteIOLogic

        super().__init__()
        self._scene, self._application_logic = scene, application_logic
        # Scenes in .mrb files load through a data manager with a cache folder.
        self._cache = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._remote = vtkMRMLRemoteIOLogic()
        self._remote.SetMRMLScene(scene)
        self._remote.SetMRMLApplicationLogic(application_logic)
        self._remote.GetCacheManager().SetRemoteCacheDirectory(self._cache.name)
        self._data = vtkDataIOManagerLogic()
        self._data.SetMRMLScene(scene)
        self._data.SetMRMLApplicationLogic(application_logic)
        self._data.SetAndObserveDataIOManager(self._remote.GetDataIOManager())
        self._remote.AddDataIOToScene()

    def fileType(self, path: str) -> str:
        for kind, endings in _TYPES.items():
            if path.lower().endswith(endings):
                return kind
        return "NoFile"

    def loadNodes(self, kind: str, properties: dict, loaded=None, messages=None) -> bool:
        load = {
            "SceneFile": self._load_scene,
            "VolumeFile": self._load_volume,
            "SegmentationFile": self._load_segmentation,
            "TransformFile": self._load_by_storage(
                "vtkMRMLLinearTransformNode", "vtkMRMLTransformStorageNode"
            ),
            "ModelFile": self._load_by_storage("vtkMRMLModelNode", "vtkMRMLModelStorageNode"),
        }.get(kind)
        node = load(properties) if load else None
        if node is None:
            if messages is not None:
                import vtk

                messages.AddMessage(vtk.vtkCommand.ErrorEvent, f"Cannot load {properties['fileName']}")
            return False
        if loaded is not None and node is not True:
            loaded.AddItem(node)
        return True

    def _load_scene(self, properties: dict):
        path = Path(properties["fileName"])
        if path.suffix == ".mrb":
            with tempfile.TemporaryDirectory() as folder:
                if properties.get("clear", False):
                    self._scene.Clear(False)
                return True if self._import_bundle(path, folder) else None
        self._scene.SetURL(str(path))
        done = self._scene.Connect() if properties.get("clear", False) else self._scene.Import()
        return True if done else None

    def _import_bundle(self, path: Path, folder: str) -> bool:
        inside = self._application_logic.UnpackSlicerDataBundle(str(path), folder)
        if not inside:
            return False
        self._scene.SetURL(inside)
        return bool(self._scene.Import())

    def _load_volume(self, properties: dict):
        path = properties["fileName"]
        name = properties.get("name") or Path(path).name.split(".")[0]
        options = (1 if properties.get("labelmap") else 0) + (4 if properties.get("singleFile") else 0)
        if not Path(path).is_file():
            return None
        if path.lower().endswith((".png", ".jpg", ".jpeg")):
            node = self._load_picture(path, name)
        else:
            node = self._application_logic.GetModuleLogic("Volumes").AddArchetypeVolume(path, name, options)
        if node is not None and properties.get("show", True):
            selection = self._application_logic.GetSelectionNode()
            if node.IsA("vtkMRMLLabelMapVolumeNode"):
                selection.SetActiveLabelVolumeID(node.GetID())
            else:
                selection.SetActiveVolumeID(node.GetID())
            self._application_logic.PropagateVolumeSelection()
        return node

    def _load_picture(self, path: str, name: str):
        """A picture file as Slicer's reader gives it; slicer-core is built without that reader."""
        import numpy as np
        import SimpleITK
        import slicer

        image = SimpleITK.ReadImage(path)
        kind = "Vector" if image.GetNumberOfComponentsPerPixel() > 1 else "Scalar"
        node = self._scene.AddNewNodeByClass(f"vtkMRML{kind}VolumeNode", name)
        slicer.util.updateVolumeFromArray(node, SimpleITK.GetArrayFromImage(image)[np.newaxis])
        node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
        node.CreateDefaultDisplayNodes()
        return node

    def _load_segmentation(self, properties: dict):
        logic = self._application_logic.GetModuleLogic("Segmentations")
        return logic.LoadSegmentationFromFile(properties["fileName"], True)

    def _load_by_storage(self, node_class: str, storage_class: str):
        def load(properties: dict):
            path = properties["fileName"]
            node = self._scene.AddNewNodeByClass(node_class, properties.get("name") or Path(path).stem)
            storage = self._scene.AddNewNodeByClass(storage_class)
            storage.SetFileName(path)
            if not storage.ReadData(node):
                self._scene.RemoveNode(storage)
                self._scene.RemoveNode(node)
                return None
            node.SetAndObserveStorageNodeID(storage.GetID())
            node.CreateDefaultDisplayNodes()
            return node

        return load

    def fileWriterFileType(self, _node, _format: str = "") -> str:
        return "NodeFile"

    def saveNodes(self, kind: str, properties: dict, _messages=None) -> bool:
        path = Path(properties["fileName"])
        if kind == "SceneFile":
            return self._save_scene(path)
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode(str(path))
        node.GetStorageNode().SetFileName(str(path))
        return bool(node.GetStorageNode().WriteData(node))

    def _save_scene(self, path: Path) -> bool:
        if path.suffix == ".mrb":
            before = self._scene.GetURL()
            written = bool(self._scene.WriteToMRB(str(path)))
            self._scene.SetURL(before)
            return written
        if path.suffix == ".mrml":
            self._scene.SetURL(str(path))
            return bool(self._scene.Commit())
        return bool(self._application_logic.SaveSceneToSlicerDataBundleDirectory(str(path), None))

    def addDefaultStorageNodes(self) -> None:
        pass
