"""A labelled set drawn as a job: the patient's files are written first, between events; then the job goes on
alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import qt
from nerp.errors import NerpError
from nerp.geometry import PRESETS
from nerp.poses import CameraRanges
from nerp.settings import ExportSettings
from slicer.i18n import tr as _

from .client.jobClient import JobClient
from .client.nrrd import iterateSegmentsNrrd, iterateVolumeNrrd
from .patient import Layers
from .scene.segments import iterateSegments, segmentIds
from .scene.volumes import rasFromIjk, volumeArray

JOB, INPUTS = ".job", ".inputs"
CT, STRUCTURES = "ct.nrrd", "structures.seg.nrrd"


class Exporter:
    """Starts an export job for a patient of the scene.

    :param jobs: follows the job.
    :param onProgress: called with the share written and what is being written.
    :param whenFailed: called with one line for people.
    """

    def __init__(
        self,
        jobs: JobClient,
        onProgress: Callable[[float, str], None],
        whenFailed: Callable[[str], None],
    ) -> None:
        self._jobs, self._onProgress, self._whenFailed = jobs, onProgress, whenFailed
        self._steps: Iterator[None] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)

    @property
    def busy(self) -> bool:
        """Whether the patient's files are being written."""
        return self._steps is not None

    def start(self, folder: Path, volumeNode, segmentationNode, settings: ExportSettings) -> None:
        """Write the patient's files into ``folder/.job`` and start the job that draws into ``folder``.

        :raises NerpError: the CT is no CT, or the folder cannot be used.
        """
        if not str(folder).strip() or folder == Path():
            raise NerpError("Choose a folder for the labelled set first.")
        if (folder / JOB).exists():
            raise NerpError(f"{folder} holds a labelled set already: resume it, or choose another folder.")
        if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise NerpError(f"{folder} is not empty: choose a new folder for the labelled set.")
        volumeArray(volumeNode)
        try:
            (folder / JOB / INPUTS).mkdir(parents=True)
        except OSError as error:
            raise NerpError(
                f"{folder} cannot be written ({error.strerror}): choose another folder."
            ) from error
        self._steps = self._writeSteps(folder / JOB, volumeNode, segmentationNode, settings)
        self._timer.start()

    def resume(self, folder: Path) -> None:
        """Start a stopped, failed or killed job again.

        :raises NerpError: there is none.
        """
        self._jobs.start(folder / JOB)

    def cancel(self) -> None:
        """Stop writing, or ask the job to stop."""
        if self._steps is not None:
            self._timer.stop()
            self._steps = None
        else:
            self._jobs.cancel()

    def _writeSteps(self, run: Path, volumeNode, segmentationNode, settings) -> Iterator[None]:
        voxels, frame = volumeArray(volumeNode)
        if voxels.dtype == np.float64:
            voxels = voxels.astype(np.float32)
        for share in iterateVolumeNrrd(run / INPUTS / CT, voxels, frame):
            self._onProgress(0.5 * share, _("Writing the CT"))
            yield
        labels = None
        if segmentationNode is not None:
            total = len(segmentIds(segmentationNode))
            layers = Layers(voxels.shape, total)
            for number, segment in enumerate(iterateSegments(segmentationNode, volumeNode)):
                yield
                layers.add(segment)
                self._onProgress(
                    0.5 + 0.4 * number / total, _("Reading structures: {0}").format(segment.name)
                )
                yield
            if layers.arrays:
                labels = f"{INPUTS}/{STRUCTURES}"
                path = run / INPUTS / STRUCTURES
                for share in iterateSegmentsNrrd(path, layers.arrays, layers.tables, rasFromIjk(volumeNode)):
                    self._onProgress(0.9 + 0.1 * share, _("Writing the structures"))
                    yield
        case = {"name": _caseName(volumeNode.GetName()), "ct": f"{INPUTS}/{CT}", "labels": labels}
        configuration = {"cases": [case], "settings": settings.to_dict(), "out": ".."}
        self._jobs.create(run, "export", configuration)
        self._jobs.start(run)

    def _step(self) -> None:
        steps = self._steps
        try:
            next(steps)
            return
        except StopIteration:
            pass
        except NerpError as error:
            self._whenFailed(str(error))
        except OSError as error:
            self._whenFailed(
                _("The folder cannot be written ({0}): choose another one.").format(error.strerror)
            )
        if self._steps is steps:
            self._timer.stop()
            self._steps = None


def settingsOf(parameters) -> ExportSettings:
    """What the panel asks for, as the job takes it.

    :raises NerpError: something makes no sense.
    """
    pairs = {
        name: (range_.minimum, range_.maximum)
        for name, range_ in (
            ("primary", parameters.primaryRange),
            ("secondary", parameters.secondaryRange),
            ("roll", parameters.rollRange),
        )
    }
    return ExportSettings(
        views=parameters.exportViews,
        seed=parameters.seed,
        presets=tuple(PRESETS) if parameters.exportStandard else (),
        ranges=CameraRanges(**pairs),
        method=parameters.method.value,
        rows=parameters.size,
        columns=parameters.size,
        samples=parameters.samples,
    )


def savePicture(folder: Path, picture: np.ndarray, camera, masks, reply: dict) -> list[str]:
    """The radiograph's numbers on the detector, its masks and its camera, into a folder.

    :param picture: ``[rows, columns]`` float32.
    :param camera: at the picture's size.
    :param masks: scene masks, at any size of the field.
    :param reply: the worker's answer to the picture.
    :return: the names of the files.
    :raises NerpError: the folder cannot be written.
    """
    name = _caseName(reply.get("description", "radiograph")).replace("°", "")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [f"{name}.nrrd", f"{name}.json"]
        for _ in iterateVolumeNrrd(folder / written[0], picture[np.newaxis], camera.ras_from_pixel):
            pass
        record = {
            "synthetic": True,
            "research_use_only": True,
            "method": reply["method"],
            "samples": reply["samples"],
            "description": reply["description"],
            "camera": camera.to_dict(),
            "display": reply["display"],
            "ct_sha256": reply["volume"],
        }
        (folder / written[1]).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        if masks:
            written.append(f"{name}-masks.seg.nrrd")
            # Masks overlap in projection: each has a layer of its own.
            layers = [mask.pixels[np.newaxis].astype(np.uint8) for mask in masks]
            tables = [[{"name": mask.name, "value": 1, "color": mask.color}] for mask in masks]
            frame = camera.resized(*masks[0].pixels.shape).ras_from_pixel
            for _ in iterateSegmentsNrrd(folder / written[2], layers, tables, frame):
                pass
    except OSError as error:
        raise NerpError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error
    return written


def _caseName(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return kept.strip("_.") or "ct"
