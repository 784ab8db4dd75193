"""The patient: from the nodes a person chose to the worker, the CT first, then its structures one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import qt
from nerp.errors import NerpError
from nerp.geometry import VolumeGeometry
from slicer.i18n import tr as _

from .client.arrays import ArrayWriter, arrayRecord
from .client.renderClient import RenderClient, Reply
from .scene.segments import SegmentLabels, iterateSegments, segmentIds
from .scene.volumes import rasFromIjk, volumeArray


def geometryOf(record: dict[str, Any]) -> VolumeGeometry:
    """What cameras are placed by, from the worker's description of a volume."""
    return VolumeGeometry(
        tuple(record["shape"]),
        np.array(record["ras_from_ijk"], float),
        np.array(record["body_box"], float),
        record["hash"],
    )


class Patient:
    """What the worker holds of the patient."""

    def __init__(self) -> None:
        self.geometry: VolumeGeometry | None = None
        """The CT's; None until it can be drawn."""
        self.segmentIds: dict[str, str] = {}
        """Its structures: name in the engine -> segment id."""
        self.volumeNode = self.segmentationNode = None
        """The nodes that a person chose; they may still be on their way to the worker."""

    def forget(self) -> None:
        self.geometry, self.segmentIds = None, {}
        self.volumeNode = self.segmentationNode = None

    def colors(self) -> dict[str, tuple[int, int, int]]:
        """Name in the engine -> 8-bit RGB of its segment."""
        if self.segmentationNode is None:
            return {}
        colors = {}
        for name, segmentId in self.segmentIds.items():
            segment = self.segmentationNode.GetSegmentation().GetSegment(segmentId)
            if segment is not None:
                red, green, blue = segment.GetColor()
                colors[name] = (round(255 * red), round(255 * green), round(255 * blue))
        return colors

    def emptySegments(self, ids: Iterable[str]) -> list[str]:
        """Names of those among some segments that the worker does not hold, for they are empty."""
        held = set(self.segmentIds.values())
        segmentation = self.segmentationNode.GetSegmentation()
        return [segmentation.GetSegment(id_).GetName() for id_ in ids if id_ not in held]


class Layers:
    """Segments on a CT's grid as few label maps: those that overlap lie in different ones.

    :param shape: ``[K, J, I]`` of the CT.
    :param most: how many segments there may be.
    """

    def __init__(self, shape: tuple[int, int, int], most: int) -> None:
        self.arrays: list[np.ndarray] = []
        self.tables: list[list[dict[str, Any]]] = []
        self.segmentIds: dict[str, str] = {}
        """Name in the engine -> id of the segment."""
        self._shape, self._type = shape, np.uint8 if most < 256 else np.uint16

    def add(self, labels: SegmentLabels) -> None:
        """Put a segment in; an empty one is left out."""
        if not labels.mask.any():
            return
        region = tuple(slice(s, s + n) for s, n in zip(labels.start, labels.mask.shape, strict=True))
        name = self._uniqueName(labels.name)
        self.segmentIds[name] = labels.segmentId
        value = len(self.segmentIds)
        for layer, table in zip(self.arrays, self.tables, strict=True):  # noqa: B007
            if not layer[region][labels.mask].any():
                break
        else:
            layer, table = np.zeros(self._shape, self._type), []
            self.arrays.append(layer)
            self.tables.append(table)
        labels.paste(layer, value)
        row = {"name": name, "value": value, "color": list(labels.color)}
        table.append(row if labels.code is None else {**row, "code": list(labels.code)})

    def _uniqueName(self, name: str) -> str:
        """As the engine's readers name structures: lower case, underscores."""
        plain = "_".join(name.lower().split()) or "segment"
        unique, number = plain, 2
        while unique in self.segmentIds:
            unique, number = f"{plain}_{number}", number + 1
        return unique


class PatientLoader:
    """Gives one CT and one segmentation to the worker.

    :param client: the render worker's client.
    :param onProgress: called with a share from 0 to 1 and what is being done.
    :param whenVolume: called with the CT's geometry, once it can be drawn.
    :param whenStructures: called with {name in the engine: segment id}, once their masks can be drawn.
    :param whenFailed: called with one line for people; the CT may have been loaded before.
    """

    def __init__(
        self,
        client: RenderClient,
        onProgress: Callable[[float, str], None],
        whenVolume: Callable[[VolumeGeometry], None],
        whenStructures: Callable[[dict[str, str]], None],
        whenFailed: Callable[[str], None],
    ) -> None:
        self._client = client
        self._onProgress, self._whenFailed = onProgress, whenFailed
        self._whenVolume, self._whenStructures = whenVolume, whenStructures
        self._count = 0
        self._writer: ArrayWriter | None = None
        self._request: int | None = None
        self._steps: Iterator[None] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)

    @property
    def busy(self) -> bool:
        return self._writer is not None or self._request is not None or self._steps is not None

    def load(self, volumeNode, segmentationNode) -> None:
        """Give a CT to the worker, then its segmentation's segments; whatever was under way is dropped.

        :param segmentationNode: None for none.
        :raises NerpError: the CT is no CT.
        """
        self.cancel()
        array, _ = volumeArray(volumeNode)
        record = {
            "ras_from_ijk": rasFromIjk(volumeNode).tolist(),
            "name": volumeNode.GetName(),
        }
        self._write("ct", array, record, lambda sent: self._sendVolume(sent, volumeNode, segmentationNode))

    def loadStructures(self, segmentationNode, volumeNode) -> None:
        """Give other structures of the same CT to the worker.

        :param segmentationNode: None takes the structures away.
        """
        self.cancel()
        if segmentationNode is None or not segmentIds(segmentationNode):
            self._ask({"do": "structures", "mode": "clear"}, lambda reply: self._whenStructures({}))
            return
        self._steps = self._exportSteps(segmentationNode, volumeNode)
        self._timer.start()

    def cancel(self) -> None:
        """Drop what is under way."""
        self._timer.stop()
        self._steps = None
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None
        if self._request is not None:
            self._client.forget(self._request)
            self._request = None

    # --- the CT ---------------------------------------------------------------------------------------------

    def _sendVolume(self, record: dict[str, Any], volumeNode, segmentationNode) -> None:
        def answered(reply: Reply) -> None:
            self._whenVolume(geometryOf(reply["volume"]))
            if segmentationNode is not None:
                self.loadStructures(segmentationNode, volumeNode)
            else:
                self._whenStructures({})

        self._ask({"do": "volume", **record}, answered)

    # --- structures -----------------------------------------------------------------------------------------

    def _exportSteps(self, segmentationNode, volumeNode) -> Iterator[None]:
        total = len(segmentIds(segmentationNode))
        layers = Layers(volumeNode.GetImageData().GetDimensions()[::-1], total)
        for number, labels in enumerate(iterateSegments(segmentationNode, volumeNode)):
            yield
            layers.add(labels)
            self._onProgress((number + 1) / total, _("Reading structures: {0}").format(labels.name))
            yield
        if not layers.arrays:
            raise NerpError(f'Every segment of "{segmentationNode.GetName()}" is empty: draw one first.')
        self._sendLayers(layers, rasFromIjk(volumeNode).tolist())

    def _step(self) -> None:
        steps = self._steps
        try:
            next(steps)
        except StopIteration:
            self._endSteps(steps)
        except NerpError as error:
            self._endSteps(steps)
            self._whenFailed(str(error))

    def _endSteps(self, steps) -> None:
        if self._steps is steps:
            self._timer.stop()
            self._steps = None

    def _sendLayers(self, layers: Layers, frame: list, number: int = 0) -> None:
        if number == len(layers.arrays):
            self._whenStructures(layers.segmentIds)
            return
        record = {
            "ras_from_ijk": frame,
            "mode": "add" if number else "replace",
            "table": layers.tables[number],
        }

        def send(sent: dict[str, Any]) -> None:
            self._ask({"do": "structures", **sent}, lambda reply: self._sendLayers(layers, frame, number + 1))

        self._write(f"labels{number}", layers.arrays[number], record, send)

    # --- both -----------------------------------------------------------------------------------------------

    def _write(self, name: str, array: np.ndarray, record: dict[str, Any], whenWritten) -> None:
        self._count += 1
        self._client.filesFolder.mkdir(parents=True, exist_ok=True)
        path: Path = self._client.filesFolder / f"{name}-{self._count}"
        for old in path.parent.glob(f"{name}-*"):
            old.unlink(missing_ok=True)

        def done() -> None:
            self._writer = None
            whenWritten({**arrayRecord(path, array), **record})

        def failed(error: OSError) -> None:
            self._writer = None
            self._whenFailed(f"{path.parent} cannot be written ({error.strerror}): make room there.")

        what = _("Handing over the CT") if name == "ct" else _("Handing over the structures")
        self._writer = ArrayWriter(path, array, done, lambda share: self._onProgress(share, what), failed)

    def _ask(self, request: dict[str, Any], whenAnswered: Callable[[Reply], None]) -> None:
        def answered(reply: Reply) -> None:
            self._request = None
            if "error" in reply:
                self._whenFailed(reply["error"])
            elif "skipped" not in reply:
                whenAnswered(reply)

        self._request = self._client.request(
            request, answered, lambda done, total, text: self._onProgress((done + 1) / (total + 1), text)
        )
