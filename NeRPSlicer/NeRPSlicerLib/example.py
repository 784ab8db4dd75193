"""[Load example]: the worker builds a digital thorax and a film of another; here they become nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import qt
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from .client.arrays import readArray
from .client.renderClient import RenderClient, Reply
from .patient import geometryOf
from .scene.matrices import matrixFromArray

CT_NAME = "Example chest CT (synthetic)"
SEGMENTATION_NAME = "Example structures (synthetic)"
SEED = 1
FILM_SEED = 2
SPACING_MM = 1.75
FILM_SIDE = 512
"""Pixels."""


class ExampleLoader:
    """Builds the example patient in the worker and its nodes here, step by step between events.

    :param client: the render worker's client.
    :param onProgress: called with a share from 0 to 1 and what is being done.
    :param whenVolume: called with the CT's node and geometry: it can be drawn then.
    :param whenStructures: called with the segmentation node and {name in the engine: segment id}.
    :param whenFilm: called with the film's volume node.
    :param whenFailed: called with one line for people.
    :param mayGoOn: whether there is time for structures: pictures come first.
    """

    def __init__(
        self,
        client: RenderClient,
        onProgress: Callable[[float, str], None],
        whenVolume: Callable,
        whenStructures: Callable,
        whenFilm: Callable,
        whenFailed: Callable[[str], None],
        mayGoOn: Callable[[], bool],
    ) -> None:
        self._client, self._onProgress, self._whenFailed = client, onProgress, whenFailed
        self._mayGoOn = mayGoOn
        self._whenVolume, self._whenStructures, self._whenFilm = whenVolume, whenStructures, whenFilm
        self._steps: Iterator[None] | None = None
        self._request: int | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(2)
        self._timer.connect("timeout()", self._step)

    @property
    def busy(self) -> bool:
        return self._steps is not None or self._request is not None

    def load(self, seed: int = SEED) -> None:
        """Build the example patient; whatever was under way is dropped."""
        self.cancel()
        self._request = self._client.request(
            {"do": "example", "seed": seed, "spacing_mm": SPACING_MM}, self._onPatient, self._onTold
        )

    def cancel(self) -> None:
        self._timer.stop()
        self._steps = None
        if self._request is not None:
            self._client.forget(self._request)
            self._request = None

    def _onTold(self, done: int, total: int, text: str) -> None:
        self._onProgress((done + 1) / (total + 1), text.capitalize())

    def _onPatient(self, reply: Reply) -> None:
        self._request = None
        if "error" in reply:
            self._whenFailed(reply["error"])
            return
        ct, labels = self._client.adopt(reply["ct"]), self._client.adopt(reply["labels"])
        frame = reply["volume"]["ras_from_ijk"]
        structures = {"do": "structures", **labels, "ras_from_ijk": frame, "table": reply["structures"]}
        self._client.remember(
            [
                {"do": "volume", **ct, "ras_from_ijk": frame, "name": reply["volume"]["name"]},
                {**structures, "combinations": reply["combinations"]},
            ]
        )
        folder = self._client.filesFolder
        node = addVolume(CT_NAME, readArray(folder, ct), np.array(frame))
        node.GetDisplayNode().AutoWindowLevelOff()
        node.GetDisplayNode().SetWindowLevelMinMax(-200, 300)
        self._whenVolume(node, geometryOf(reply["volume"]))
        self._steps = self._segmentSteps(node, readArray(folder, labels), reply)
        self._timer.start()

    def _segmentSteps(self, volumeNode, labels: np.ndarray, reply: Reply) -> Iterator[None]:
        table: list[dict[str, Any]] = reply["structures"]
        frame = np.array(reply["volume"]["ras_from_ijk"])
        members = [
            np.array([place in combination for combination in reply["combinations"]])
            for place in range(len(table))
        ]
        spans = yield from _spans(labels, members)
        # Filled before a node observes it: each segment would wake every view.
        segmentation = slicer.vtkSegmentation()
        segmentation.SetSourceRepresentationName(_labelmapName())
        ids: dict[str, str] = {}
        for place, row in enumerate(table):
            cut = members[place][labels[tuple(slice(a, b + 1) for a, b in spans[place])]]
            segment = segmentOf(row["name"], row["color"], cut, spans[place], frame)
            segmentation.AddSegment(segment, row["name"])
            ids[row["name"]] = row["name"]
            self._onProgress((place + 1) / len(table), _("Adding structures: {0}").format(row["name"]))
            yield
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", SEGMENTATION_NAME)
        node.SetAndObserveSegmentation(segmentation)
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        # Dozens of outlines hide the CT in slice views.
        node.GetDisplayNode().SetVisibility2D(False)
        self._whenStructures(node, ids)
        self._request = self._client.request(
            {
                "do": "film",
                "seed": FILM_SEED,
                "spacing_mm": SPACING_MM,
                "rows": FILM_SIDE,
                "columns": FILM_SIDE,
            },
            self._onFilm,
            self._onTold,
        )

    def _step(self) -> None:
        if self._mayGoOn():
            steps = self._steps
            if next(steps, self) is self and self._steps is steps:
                self._timer.stop()
                self._steps = None

    def _onFilm(self, reply: Reply) -> None:
        self._request = None
        if "error" in reply:
            self._whenFailed(reply["error"])
            return
        record = self._client.adopt(reply["film"])
        grey = readArray(self._client.filesFolder, record)
        rowMm, columnMm = reply["pixel_spacing_mm"]
        # As Slicer shows a picture file: rows run down, columns to the right of an axial view.
        frame = np.diag([-columnMm, -rowMm, 1.0, 1.0])
        self._whenFilm(addVolume(reply["name"], grey[np.newaxis].astype(np.uint16), frame))


def addVolume(name: str, array: np.ndarray, rasFromIjk: np.ndarray):
    """A scalar volume node of voxels ``[K, J, I]``."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.CreateDefaultDisplayNodes()
    slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(matrixFromArray(rasFromIjk))
    return node


def _spans(labels: np.ndarray, members: list[np.ndarray]) -> Iterator[None]:
    """First and last index of each structure along K, J, I, with a pause after each slab.

    :param members: for each structure, whether each number in ``labels`` holds it.
    """
    count = len(members[0])
    spans: list[list[tuple[int, int]]] = [[] for _ in members]
    for axis in range(3):
        present = np.zeros((labels.shape[axis], count), bool)
        for index in range(labels.shape[axis]):
            present[index] = np.bincount(labels.take(index, axis).ravel(), minlength=count) > 0
            if index % 16 == 0:
                yield
        for span, holds in zip(spans, members, strict=True):
            where = np.flatnonzero(present[:, holds].any(axis=1))
            span.append((int(where[0]), int(where[-1])) if where.size else (0, 0))
    return spans


def segmentOf(name: str, color: list[int], mask: np.ndarray, spans, rasFromIjk: np.ndarray):
    """A segment of voxels.

    :param color: 8-bit RGB.
    :param mask: boolean ``[k, j, i]``, cut to where the structure is.
    :param spans: first and last voxel along K, J, I of ``mask``.
    """
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*spans[2], *spans[1], *spans[0])
    voxels = np.ascontiguousarray(mask, np.uint8).ravel()
    image.GetPointData().SetScalars(numpy_to_vtk(voxels, deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
    image.SetImageToWorldMatrix(matrixFromArray(rasFromIjk))
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(*(channel / 255 for channel in color))
    segment.AddRepresentation(_labelmapName(), image)
    return segment


def _labelmapName() -> str:
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
