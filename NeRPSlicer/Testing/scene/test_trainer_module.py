"""The trainer's module file, its planner's process, and one real run from the panel."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from scene.trainer_panels import MODULE, python_with_torch

TESTING = MODULE.parent / "Testing"


def test_the_module_file_is_light():
    """Importing it takes the standard library, vtk and slicer alone, and under 50 ms of processor time."""
    import importlib.util

    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location("NeRPTrainerProbe", MODULE)
    module = importlib.util.module_from_spec(spec)
    began = time.process_time()
    spec.loader.exec_module(module)
    assert time.process_time() - began < 0.05
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not new - set(sys.stdlib_module_names) - {"slicer", "vtk", "vtkmodules", "NeRPTrainerProbe"}
    assert len(MODULE.read_text(encoding="utf-8").splitlines()) < 300


def test_no_torch_in_slicers_process():
    """With the panel shown; in a process of its own, as other tests may have loaded it in this one."""
    program = (
        f"import sys; sys.path[:0] = [{str(TESTING)!r}, {str(MODULE.parent)!r}]\n"
        "import host, pathlib; running = host.start()\n"
        f"running.load_module(pathlib.Path({str(MODULE)!r})); running.select_module('NeRPTrainer')\n"
        "print(*sorted({'torch', 'monai', 'safetensors', 'numba', 'nerp'} & set(sys.modules)))\n"
        "running.stop()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["nerp"]


def test_an_estimate_is_made_by_a_process(app, tmp_path):
    """Without torch; only the newest question is answered."""
    from NeRPSlicerLib.trainer.planner import ProcessPlanner
    from NeRPSlicerLib.trainer.selfTest import drawnFilm, writePng

    for number in range(3):
        writePng(tmp_path / f"film{number}.png", drawnFilm(number))
    plans, refusals = [], []
    planner = ProcessPlanner(plans.append, refusals.append)
    planner.ask(["--thoraxes", "1", "--xray", str(tmp_path / "nowhere")])
    planner.ask(["--thoraxes", "1", "2", "--xray", str(tmp_path), "--seed", "7"])
    assert app.wait(30000, lambda: plans or refusals), "no answer"
    ((plan,), seed) = plans, plans[0]["configuration"]["settings"]["seed"]
    assert not refusals and seed == 7 and plan["line"].startswith("2 CTs (2 with labels), 3 chest X-rays")
    planner.ask(["--thoraxes", "1", "--xray", str(tmp_path / "nowhere")])
    assert app.wait(30000, lambda: refusals)
    assert refusals == [f"There is no folder {tmp_path / 'nowhere'}; check the path."]
    planner.ask(["--thoraxes", "1", "--xray", str(tmp_path)])
    planner.cancel()
    app.wait(600)
    assert len(plans) == 1


@pytest.mark.slow
def test_a_real_run_from_the_panel(app, monkeypatch):
    """Start, first curve, stop now, resume, model listed, deleted: what `NeRPTrainerTest` does in Slicer."""
    import slicer

    python = python_with_torch()
    if not python:
        pytest.skip("a real run needs torch, MONAI and safetensors")
    app.load_module(MODULE)
    import NeRPSlicerLib.client.jobClient
    import NeRPSlicerLib.ui.trainerSetUp
    from NeRPSlicerLib.modelFolders import SETTING
    from NeRPSlicerLib.trainer.selfTest import TrainerSelfTest

    slicer.app.settings().remove(SETTING)
    monkeypatch.setattr(NeRPSlicerLib.client.jobClient, "pythonExecutable", lambda: python)
    monkeypatch.setattr(NeRPSlicerLib.ui.trainerSetUp, "lacking_packages", list)
    app.select_module("NeRPTrainer")
    told = TrainerSelfTest(slicer.util.getModuleWidget("NeRPTrainer").panel).run()
    assert told.startswith("first curve"), told
    app.unload_module("NeRPTrainer")
    slicer.app.settings().remove(SETTING)


def test_the_self_test_ends_with_the_estimate_where_torch_is_missing(app, monkeypatch):
    import slicer

    app.load_module(MODULE)
    import NeRPSlicerLib.ui.trainerSetUp
    from NeRPSlicerLib.trainer.selfTest import TrainerSelfTest

    monkeypatch.setattr(NeRPSlicerLib.ui.trainerSetUp, "lacking_packages", lambda: ["torch"])
    app.select_module("NeRPTrainer")
    told = TrainerSelfTest(slicer.util.getModuleWidget("NeRPTrainer").panel).run()
    assert told == "Estimate only: torch missing"
    app.unload_module("NeRPTrainer")
