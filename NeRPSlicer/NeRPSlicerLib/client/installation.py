"""What is missing for fast pictures, and installing it: from the network or from a folder of wheels."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Protocol

import qt
import slicer
from slicer.i18n import tr as _

from .python import processEnvironment, pythonExecutable

SHIPPED = ("numpy", "scipy", "SimpleITK", "pydicom", "highdicom", "Pillow", "packaging", "requests", "vtk")
"""Slicer's own packages: pip must not replace them, which breaks Slicer."""


class Installer(Protocol):
    """How the panel installs."""

    def install(
        self,
        requirements: list[str],
        folder: Path | None,
        onLog: Callable[[str], None],
        whenDone: Callable[[int], None],
    ) -> None: ...
    def cancel(self) -> None: ...


def requirementsOf(path: Path) -> list[str]:
    """The lines of a requirements file."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def missing(requirements: list[str]) -> list[str]:
    """The requirements whose package is not there."""
    importlib.invalidate_caches()
    return [line for line in requirements if importlib.util.find_spec(_packageOf(line)) is None]


def _packageOf(requirement: str) -> str:
    end = next((n for n, letter in enumerate(requirement) if not (letter.isalnum() or letter in "_-")), None)
    return requirement[:end].replace("-", "_")


def writeConstraints(path: Path) -> Path:
    """Pin what Slicer ships to the versions that are there."""
    pins = []
    for name in SHIPPED:
        try:
            pins.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    path.write_text("\n".join(pins) + "\n", encoding="utf-8")
    return path


class PipInstaller:
    """pip in Slicer's Python: through ``slicer.packaging`` where that is (5.12), else in a process."""

    def __init__(self) -> None:
        self._process = None
        self._rest = b""

    def install(self, requirements, folder, onLog, whenDone) -> None:
        """Install; returns at once.

        :param folder: of wheels, for computers without a network; None installs from the network.
        :param onLog: called with each line that pip prints.
        :param whenDone: called with pip's exit code.
        """
        constraints = writeConstraints(Path(slicer.app.temporaryPath) / "nerp-constraints.txt")
        if folder is None and importlib.util.find_spec("slicer.packaging") is not None:
            from slicer import packaging

            if packaging.isPipInstallInProgress():
                onLog(_("ERROR: Another extension is installing: wait for it, then set up again."))
                whenDone(-1)
                return
            packaging.pip_install(
                requirements,
                constraints=constraints,
                blocking=False,
                show_progress=False,
                requester="NeRPSlicer",
                logCallback=onLog,
                completedCallback=whenDone,
            )
            return
        arguments = ["-m", "pip", "install", "--disable-pip-version-check", "-c", str(constraints)]
        if folder is not None:
            arguments += ["--no-index", "--find-links", str(folder)]
        self._run([*arguments, *requirements], onLog, whenDone)

    def cancel(self) -> None:
        """End pip, as far as it is ours."""
        if self._process is not None:
            self._process.kill()

    def _run(self, arguments: list[str], onLog, whenDone) -> None:
        process = self._process = qt.QProcess()
        process.setProcessEnvironment(processEnvironment())
        process.setProcessChannelMode(qt.QProcess.MergedChannels)

        def read() -> None:
            data = self._rest + bytes(process.readAllStandardOutput().data())
            *lines, self._rest = data.split(b"\n")
            for line in lines:
                onLog(line.decode("utf-8", "replace").rstrip())

        def finished(code: int, status) -> None:
            self._process = None
            whenDone(int(code) if status == qt.QProcess.NormalExit else -1)

        def failed(error) -> None:
            if error == qt.QProcess.FailedToStart:
                self._process = None
                onLog(f"{pythonExecutable()} cannot be started")
                whenDone(-1)

        process.connect("readyReadStandardOutput()", read)
        process.connect("finished(int,QProcess::ExitStatus)", finished)
        process.connect("errorOccurred(QProcess::ProcessError)", failed)
        process.start(pythonExecutable(), arguments)
