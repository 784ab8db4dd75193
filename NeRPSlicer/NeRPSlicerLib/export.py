"""A labelled set drawn as a job: the patient's files are written first, between events; then the job goes on
alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import qt
from nerp.errors import NerpError
from nerp.geometry import PRESETS, Camera
from nerp.poses import CameraRanges
from nerp.settings import ExportSettings
from slicer.i18n import tr as _

from .client.jobClient import JobClient
from .client.nrrd import iterateSegmentsNrrd, iterateVolumeNrrd
from .patient import Layers
from .scene.segments import iterateSegments, segmentIds
from .scene.volumes import rasFromIjk, volumeArray

INPUTS = ".inputs"
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
        self._run = Path()
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)

    @property
    def busy(self) -> bool:
        """Whether the patient's files are being written."""
        return self._steps is not None

    def start(
        self, folder: Path, volumeNode, segmentationNode, settings: ExportSettings, model: Path | None = None
    ) -> None:
        """Write the patient's files into the run folder and start the job that draws into ``folder``.

        :param model: folder of the model that the settings name.
        :raises NerpError: the CT is no CT, or the folder cannot be used.
        """
        if not str(folder).strip() or folder == Path():
            raise NerpError("Choose a folder for the labelled set first.")
        if not folder.name:
            raise NerpError(f"{folder} is a whole drive: choose a folder on it for the labelled set.")
        run = runFolder(folder)
        isOver = self._jobs.look(run).state == "done"
        if not isOver and _holdsFiles(run):
            raise NerpError(f"{run} holds a job of this folder already: resume it or choose another folder.")
        if _holdsFiles(folder) and not (folder / "dataset.json").is_file():
            raise NerpError(f"{folder} is not empty: choose a new folder for the labelled set.")
        volumeArray(volumeNode)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if isOver:
                shutil.rmtree(run)
            (run / INPUTS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NerpError(
                f"{folder} cannot be written ({error.strerror}): choose another folder."
            ) from error
        self._run = run
        configuration = {"settings": settings.to_dict(), "out": f"../{folder.name}"}
        if model is not None:
            configuration["model"] = str(model)
        self._steps = self._writeSteps(run, volumeNode, segmentationNode, configuration)
        self._timer.start()

    def tidy(self, run: Path) -> None:
        """Remove the copy of the patient that a job which is done has drawn from."""
        shutil.rmtree(run / INPUTS, ignore_errors=True)

    def resume(self, folder: Path) -> None:
        """Start a stopped, failed or killed job again.

        :raises NerpError: there is none.
        """
        self._jobs.start(runFolder(folder))

    def cancel(self) -> None:
        """Stop writing, or ask the job to stop."""
        if self._steps is not None:
            self._stopWriting()
        else:
            self._jobs.cancel()

    def _writeSteps(
        self, run: Path, volumeNode, segmentationNode, configuration: dict[str, Any]
    ) -> Iterator[None]:
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
        self._jobs.create(run, "export", {"cases": [case], **configuration})
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
            self._stopWriting()

    def _stopWriting(self) -> None:
        """Write no more; a copy of the patient stays only for a job that draws from it."""
        self._timer.stop()
        # The files that are being written close with their generator: Windows removes no open file.
        self._steps.close()
        self._steps = None
        if not (self._run / "job.json").is_file():
            self.tidy(self._run)
            with suppress(OSError):
                self._run.rmdir()


def runFolder(folder: Path) -> Path:
    """The run folder of a set's job, beside the set and not in it: it holds the patient, paths and the
    computer's name, which whoever is given the set need not see."""
    return folder.with_name(f"{folder.name}.job")


def _holdsFiles(folder: Path) -> bool:
    try:
        return folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())
    except OSError as error:
        raise NerpError(f"{folder} cannot be read ({error.strerror}): choose another folder.") from error


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
        method=parameters.method.engine,
        model=parameters.model if parameters.method.needsModel else None,
        rows=parameters.size,
        columns=parameters.size,
        samples=parameters.samples,
    )


def saveRequest(folder: Path, parameters, camera: Camera, model: Path | None = None) -> dict[str, Any]:
    """What the worker is asked to save: the picture shown, with all structures, as part of a labelled set.

    :param camera: the camera as it stands.
    :param model: folder of the model that the settings name.
    :raises NerpError: the folder cannot be written, or a setting makes no sense.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NerpError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error
    settings = settingsOf(parameters)
    shown = camera.resized(settings.rows, settings.columns).to_dict()
    settings = replace(settings, views=0, presets=(), cameras=(shown,))
    name = _caseName(parameters.ct.GetName())
    request = {"do": "save", "folder": str(folder), "name": name, "settings": settings.to_dict()}
    return request if model is None else {**request, "model": str(model)}


def _caseName(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return kept.strip("_.") or "ct"
