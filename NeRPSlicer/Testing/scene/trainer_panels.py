"""The trainer's panel for tests: runs of no process, and a planner that answers when told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scene.panels import Driver

MODULE = Path(__file__).resolve().parents[2] / "NeRPTrainer.py"
POLL_MS, REFRESH_MS = 30, 5
NEEDED = ("torch", "monai", "safetensors")
CONFIGURATION = {"settings": {"preset": "small"}, "ct": ["ct"], "xray": ["films"], "thoraxes": []}


def python_with_torch() -> str:
    """A Python that can train: this one, or the environment that make.py sets up; "" for none."""
    environment = MODULE.parents[1] / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    check = f"import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, {NEEDED})))"
    for python in (sys.executable, str(environment)):
        if Path(python).is_file() and subprocess.run([python, "-c", check], check=False).returncode == 0:
            return python
    return ""


def plan(refusal: str = "") -> dict:
    """What `nerp train --estimate` answers."""
    return {
        "configuration": CONFIGURATION,
        "line": "2 CTs (2 with labels), 60 chest X-rays; about 1.1 GB of memory, 33 MB of disk and 15 min.",
        "refusal": refusal,
    }


def report(step: int, **more) -> dict:
    """An event of a run, as `nerp.training.job` tells them."""
    numbers = {"distance_vrr": 9.0 - step / 100, "distance_tone": 8.0, "distance_fixed": 20.0}
    kept = {"body_correlation": 0.97, "lungs_correlation": 0.95, "gate": True}
    return {
        "time": 1.0,
        "step": step,
        "discriminator_loss": 2.7,
        "mapper_loss": 1.4,
        **numbers,
        **kept,
        **more,
    }


class FakePlanner:
    """Notes what it is asked."""

    def __init__(self, whenPlanned, whenRefused) -> None:
        self.planned, self.refused = whenPlanned, whenRefused
        self.asked: list[list[str]] = []
        self.cancelled = 0

    def ask(self, arguments: list[str]) -> None:
        self.asked.append(arguments)

    def cancel(self) -> None:
        self.cancelled += 1


class FakeJobs:
    """Run folders as the real ones, without a process: a test writes what a run would."""

    def __init__(self) -> None:
        self.stops: list[tuple[Path, bool]] = []
        self.started: list[Path] = []
        self.ended: list[Path] = []
        self.states: dict[Path, str] = {}

    def create(self, folder, kind, configuration):
        from nerp import jobs

        return jobs.create(folder, kind, configuration)

    def start(self, folder, python) -> None:
        self.started.append(folder)
        self.write(folder, "running")

    def look(self, folder):
        from dataclasses import replace

        from nerp import jobs

        status = jobs.look(folder)
        state = self.states.get(folder)
        return replace(status, state=state, error="") if state and status.state != "damaged" else status

    def find(self, folder, depth=1):
        from nerp import jobs

        return [self.look(status.folder) for status in jobs.find(folder, depth)]

    def request_stop(self, folder, at_epoch=False) -> None:
        self.stops.append((folder, at_epoch))
        self.states[folder] = "stopping"

    def end(self, folder) -> None:
        self.ended.append(folder)
        self.states[folder] = "stopped"

    def write(self, folder: Path, state: str, done: int = 0, total: int = 100) -> None:
        """What a run's process would say of itself."""
        self.states[folder] = state
        record = {"state": state, "done": done, "total": total, "text": "correlation 0.97", "eta_s": 60.0}
        record |= {"pid": 1, "pid_started": "then", "host": "here", "heartbeat": time.time(), "error": ""}
        (folder / "status.json").write_text(json.dumps(record), encoding="utf-8")

    def tell(self, folder: Path, *events: dict) -> None:
        with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)


def write_sample(run: Path, name: str, grey: int, shape=(192, 192)) -> Path:
    """A sample picture of one grey."""
    from PIL import Image

    (run / "samples").mkdir(exist_ok=True)
    Image.fromarray(np.full(shape, grey, np.uint8)).save(run / "samples" / name)
    return run / "samples" / name


def write_model(folder: Path, name: str = "A model") -> Path:
    """A model's folder as far as its description goes."""
    from nerp.models import CARD, FORMAT, METADATA, WEIGHTS

    for part, text in ((CARD, f"# {name}\n\nThe card for people.\n"), (WEIGHTS, "w" * 200_000)):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        (folder / part).write_text(text, encoding="utf-8")
    record = {
        "format": FORMAT,
        "architecture": "slim",
        "mapper_mm": 8.0,
        "opacity_ratio": 100.0,
        "tone": [0.0, 1.0],
        "sha256": name,
        "card": {"name": name, "anatomy_gate": "passed"},
    }
    (folder / METADATA).parent.mkdir(parents=True, exist_ok=True)
    (folder / METADATA).write_text(json.dumps(record), encoding="utf-8")
    return folder


class TrainerDriver(Driver):
    """The panel, and what a person does at it."""

    def __init__(self, app, panel, engine: FakeJobs, folder: Path) -> None:
        super().__init__(app, panel)
        self.engine, self.folder = engine, folder
        self.data, self.runs, self.models = panel.data.ui, panel.runs.ui, panel.models.ui

    @property
    def planner(self) -> FakePlanner:
        return self.panel.data.planner

    def rest(self) -> None:
        self.app.wait(0)
        self.wait(lambda: self.panel.settled)

    def chooseFolders(self) -> None:
        """Folders for CTs, films and runs, chosen in the fields."""
        for edit, name in (
            (self.data.ctEdit, "ct"),
            (self.data.filmsEdit, "films"),
            (self.data.runsEdit, "runs"),
        ):
            (self.folder / name).mkdir(exist_ok=True)
            edit.currentPath = str(self.folder / name)
        self.rest()

    def startRun(self) -> Path:
        """Folders chosen, planned and started; the run's folder."""
        self.chooseFolders()
        self.planner.planned(plan())
        self.rest()
        self.data.startButton.click()
        self.rest()
        return self.engine.started[-1]


@pytest.fixture
def trainer(app, monkeypatch, tmp_path):
    """The panel shown; nothing is missing, no process starts."""
    import slicer

    app.load_module(MODULE)
    import NeRPSlicerLib.client.jobClient
    import NeRPSlicerLib.ui.trainerPanel
    import NeRPSlicerLib.ui.trainerSetUp
    from NeRPSlicerLib.modelFolders import SETTING

    engine = FakeJobs()
    slicer.app.settings().remove(SETTING)
    monkeypatch.setattr(NeRPSlicerLib.client.jobClient, "POLL_MS", POLL_MS)
    monkeypatch.setattr(NeRPSlicerLib.ui.sectionedPanel, "REFRESH_MS", REFRESH_MS)
    monkeypatch.setattr(NeRPSlicerLib.ui.trainerPanel, "jobs", engine)
    monkeypatch.setattr(NeRPSlicerLib.ui.trainerPanel, "ProcessPlanner", FakePlanner)
    monkeypatch.setattr(NeRPSlicerLib.ui.trainerSetUp, "lacking_packages", list)
    app.select_module("NeRPTrainer")
    panel = slicer.util.getModuleWidget("NeRPTrainer").panel
    yield TrainerDriver(app, panel, engine, tmp_path)
    app.unload_module("NeRPTrainer")
    slicer.app.settings().remove(SETTING)
