"""[Set up...]: what is missing, one consent, the network or a folder of wheels, or going on without."""

from __future__ import annotations

import sys
import types
import zipfile
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from scene.panels import add_ct


class FakeInstaller:
    """Notes what it is asked and answers when told to."""

    def __init__(self) -> None:
        self.asked, self.cancelled = [], False

    def install(self, requirements, folder, onLog, whenDone) -> None:
        self.asked.append((requirements, folder))
        self.log, self.done = onLog, whenDone

    def cancel(self) -> None:
        self.cancelled = True
        self.done(-1)


@pytest.fixture
def set_up(driver, monkeypatch):
    from NeRPSlicerLib.ui import setUp

    monkeypatch.setattr(setUp, "missing", list)
    driver.panel.setUp.installer = FakeInstaller()
    return driver.panel.setUp


def test_installing_from_the_network_renews_the_worker(driver, set_up, monkeypatch):
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    driver.rest()
    told = []
    monkeypatch.setattr(set_up, "ask", lambda lacking: told.append(lacking) or "network")
    driver.panel.status.ui.setUpButton.click()
    assert told == [["numba>=0.60"]] and set_up.installer.asked == [(["numba>=0.60"], None)]
    set_up.installer.log("Collecting numba")
    assert driver.panel.status.ui.progressBar.format == "Collecting numba"
    set_up.installer.done(0)
    driver.rest()
    assert len(driver.workers) == 2 and "Installed" in driver.message
    assert [r["do"] for r in driver.workers[1].requests[:3]] == ["hello", "volume", "draw"]


def test_a_failure_or_cancel_is_told_and_the_panel_goes_on(driver, set_up, monkeypatch):
    monkeypatch.setattr(set_up, "ask", lambda lacking: "network")
    driver.panel.status.ui.setUpButton.click()
    set_up.installer.log("ERROR: No matching distribution found for numba")
    set_up.installer.done(1)
    assert "No matching distribution" in driver.message and not set_up.busy
    driver.panel.status.ui.setUpButton.click()
    driver.wait(lambda: driver.panel.settled)
    driver.panel.status.ui.cancelButton.click()
    assert set_up.installer.cancelled and not set_up.busy


def test_going_on_without_asks_nothing_more(driver, set_up, monkeypatch):
    monkeypatch.setattr(set_up, "ask", lambda lacking: "without")
    driver.panel.status.ui.setUpButton.click()
    assert set_up.installer.asked == [] and "process" in set_up.describe()


def test_what_slicer_ships_is_pinned(driver, tmp_path):
    from importlib.metadata import version

    from NeRPSlicerLib.client.installation import missing, requirementsOf, writeConstraints

    pins = writeConstraints(tmp_path / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"numpy=={version('numpy')}" in pins and f"vtk=={version('vtk')}" in pins
    path = Path(driver.panel.resourcePath("requirements.txt"))
    assert requirementsOf(path) == ["numba>=0.60"]
    assert missing(["numpy>=1", "no-such-package==1"]) == ["no-such-package==1"]


@pytest.fixture
def packaging(driver, monkeypatch):
    """Slicer's own ``slicer.packaging`` (5.12 and later), as far as it is used."""
    import slicer

    module = types.ModuleType("slicer.packaging")
    module.__spec__ = ModuleSpec("slicer.packaging", None)
    module.busy, module.asked = False, []

    def pip_install(
        requirements, constraints=None, no_deps_requirements=None, skip_packages=None, blocking=True,
        show_progress=True, requester=None, parent=None, logCallback=None, completedCallback=None,
    ):  # fmt: skip
        module.asked.append((requirements, Path(constraints).read_text(encoding="utf-8"), blocking))
        logCallback("Successfully installed numba")
        completedCallback(0)

    module.pip_install, module.isPipInstallInProgress = pip_install, lambda: module.busy
    monkeypatch.setitem(sys.modules, "slicer.packaging", module)
    monkeypatch.setattr(slicer, "packaging", module, raising=False)
    return module


def test_slicers_own_packaging_installs_where_there_is_one(driver, monkeypatch, packaging):
    from NeRPSlicerLib.ui import setUp

    monkeypatch.setattr(setUp, "missing", list)
    monkeypatch.setattr(driver.panel.setUp, "ask", lambda lacking: "network")
    driver.panel.status.ui.setUpButton.click()
    ((requirements, constraints, blocking),) = packaging.asked
    assert requirements == ["numba>=0.60"] and "numpy==" in constraints and blocking is False
    assert "Installed" in driver.message and not driver.panel.setUp.busy
    packaging.busy = True
    driver.panel.status.ui.setUpButton.click()
    assert len(packaging.asked) == 1 and not driver.panel.setUp.busy
    assert "Another extension" in driver.message and "\n" not in driver.message


@pytest.mark.slow
def test_pip_takes_a_folder_of_wheels(driver, tmp_path):
    """A real pip, told to report only, finds a wheel that lies in a folder, without a network."""
    from NeRPSlicerLib.client.installation import PipInstaller

    pytest.importorskip("pip", reason="pip is not installed")
    wheel = tmp_path / "wheels" / "nerp_probe-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "nerp_probe-1.0.dist-info"
        archive.writestr("nerp_probe.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nerp-probe\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    lines, codes = [], []
    installer = PipInstaller()
    installer.install(["--dry-run", "nerp-probe"], wheel.parent, lines.append, codes.append)
    driver.wait(lambda: bool(codes), 30000)
    assert codes == [0], lines
    assert any("nerp-probe-1.0" in line or "nerp_probe-1.0" in line for line in lines), lines
    assert "nerp_probe" not in sys.modules
