"""The trainer's panel as a person uses it: folders, estimate, start, curves, stop, resume, models."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from scene.trainer_panels import CONFIGURATION, MODULE, plan, report, write_model, write_sample


def test_what_is_missing_is_said_in_turn(trainer):
    ui = trainer.data
    trainer.rest()
    assert ui.ctEdit.currentPath == "" == ui.runsEdit.currentPath
    assert not ui.startButton.enabled and "folder of chest CTs" in ui.startButton.toolTip
    ui.thoraxesBox.value = 3
    trainer.rest()
    assert "chest X-rays" in ui.estimateLabel.text
    ui.filmsEdit.currentPath = str(trainer.folder)
    trainer.rest()
    assert "keep runs" in ui.estimateLabel.text and not trainer.planner.asked
    ui.runsEdit.currentPath = str(trainer.folder)
    trainer.rest()
    assert "looked up" in ui.startButton.toolTip and len(trainer.planner.asked) == 1
    trainer.planner.planned(plan())
    trainer.rest()
    assert ui.startButton.enabled and "1.1 GB of memory" in ui.estimateLabel.text


def test_the_estimate_is_asked_for_what_is_set(trainer):
    trainer.chooseFolders()
    asked = trainer.planner.asked[-1]
    assert asked[:2] == ["--preset", "small"] and "--labels" not in asked and "--steps" not in asked
    assert asked[asked.index("--minutes") + 1] == "15"
    assert asked[asked.index("--ct") + 1] == str(trainer.folder / "ct")
    trainer.planner.planned(plan())
    trainer.rest()
    assert trainer.data.startButton.enabled
    trainer.data.presetBox.currentIndex = 1
    trainer.data.minutesBox.value = 0
    trainer.data.stepsBox.value = 700
    trainer.data.seedBox.value = 4
    trainer.data.thoraxesBox.value = 2
    trainer.data.labelsEdit.currentPath = str(trainer.folder)
    trainer.rest()
    assert not trainer.data.startButton.enabled, "the old estimate is of another run"
    asked = trainer.planner.asked[-1]
    assert asked[1] == "paper" and "--minutes" not in asked
    for option, values in (("--steps", ["700"]), ("--seed", ["4"]), ("--thoraxes", ["1", "2"])):
        at = asked.index(option)
        assert asked[at + 1 : at + 1 + len(values)] == values
    assert asked[asked.index("--labels") + 1] == str(trainer.folder)


@pytest.mark.parametrize("line", ["films holds one chest X-ray only", "ct holds no CT that can be used"])
def test_what_speaks_against_the_folders_is_one_line(trainer, line):
    trainer.chooseFolders()
    trainer.planner.refused(line)
    trainer.rest()
    assert trainer.data.estimateLabel.text == line and trainer.data.startButton.toolTip == line
    assert not trainer.data.startButton.enabled


def test_too_little_memory_is_said_before_the_start(trainer):
    trainer.chooseFolders()
    trainer.planner.planned(plan("Training needs about 40 GB of memory and 8 GB are free: close others."))
    trainer.rest()
    assert not trainer.data.startButton.enabled and "40 GB" in trainer.data.estimateLabel.text


def test_a_run_is_started_followed_and_shown(trainer):
    import slicer
    from nerp import jobs
    from NeRPSlicerLib.scene.curves import TABLE_ROLE
    from NeRPSlicerLib.scene.roles import findNode
    from NeRPSlicerLib.scene.samples import ROLE

    run = trainer.startRun()
    assert run.parent == trainer.folder / "runs" and run.name.startswith("small-")
    record = jobs.read_job(run)
    assert record["kind"] == "train" and record["configuration"] == CONFIGURATION
    assert trainer.runs.runBox.currentText.startswith(run.name)
    assert trainer.runs.stopButton.enabled and not trainer.data.startButton.enabled
    assert "under way" in trainer.data.startButton.toolTip
    trainer.engine.write(run, "running", 50)
    trainer.engine.tell(run, {"event": "started"}, report(1), report(50))
    write_sample(run, "step_00000050.png", 180)
    write_sample(run, "films.png", 70)
    trainer.wait(lambda: findNode(ROLE) is not None)
    trainer.rest()
    assert trainer.runs.runBar.value == 50 and trainer.runs.runBar.maximum == 100
    assert "50 of 100" in trainer.runs.runLabel.text and "Anatomy kept" in trainer.runs.runLabel.text
    steps = slicer.util.arrayFromTableColumn(findNode(TABLE_ROLE), "step")
    np.testing.assert_array_equal(steps, [1, 50])
    view = slicer.app.layoutManager().plotWidget(0).plotView()
    assert view.chart().GetNumberOfPlots() == 2
    picture = slicer.util.arrayFromVolume(findNode(ROLE))[0]
    assert picture.shape == (192, 392) and picture[0, 0] == 180 and picture[0, -1] == 70
    trainer.engine.tell(run, report(100, gate=False))
    write_sample(run, "step_00000100.png", 150)
    trainer.wait(lambda: slicer.util.arrayFromVolume(findNode(ROLE))[0, 0, 0] == 150)
    trainer.rest()
    assert "Anatomy damaged" in trainer.runs.runLabel.text
    trainer.runs.chartBox.currentIndex = 1
    trainer.rest()
    assert view.chart().GetTitle() == "Anatomy kept (correlation)"


def test_the_samples_are_called_synthetic(trainer):
    run = trainer.startRun()
    write_sample(run, "step_00000050.png", 180)
    said = []
    text = trainer.panel.display._text
    text.setText = said.append
    trainer.wait(lambda: said)
    assert "SYNTHETIC" in said[-1] and "step 50" in said[-1] and "X-rays" not in said[-1]
    write_sample(run, "films.png", 70)
    write_sample(run, "step_00000100.png", 180)
    trainer.wait(lambda: "X-rays of the folder" in said[-1])


def test_stopping_after_the_epoch_or_now(trainer, monkeypatch):
    from NeRPSlicerLib.client import jobClient

    run = trainer.startRun()
    trainer.runs.epochButton.click()
    trainer.rest()
    assert trainer.engine.stops == [(run, True)] and trainer.runs.stopButton.enabled
    assert "stopping" in trainer.runs.runLabel.text
    trainer.runs.stopButton.click()
    assert trainer.engine.stops[-1] == (run, False) and not trainer.engine.ended
    now = jobClient.time.monotonic()
    monkeypatch.setattr(jobClient.time, "monotonic", lambda: now + 6.0)
    trainer.wait(lambda: trainer.engine.ended == [run])
    trainer.rest()
    assert not trainer.runs.stopButton.enabled and trainer.runs.resumeButton.enabled
    assert trainer.data.startButton.enabled, "another run may be started"
    trainer.runs.resumeButton.click()
    trainer.rest()
    assert trainer.engine.started == [run, run] and trainer.runs.stopButton.enabled


def test_two_runs_at_once_are_refused(trainer):
    first = trainer.startRun()
    trainer.engine.write(first, "stopped")
    trainer.rest()
    trainer.wait(lambda: trainer.data.startButton.enabled)
    trainer.data.startButton.click()
    trainer.rest()
    second = trainer.engine.started[-1]
    assert second != first
    index = next(n for n in range(2) if trainer.runs.runBox.itemText(n).startswith(f"{first.name}:"))
    trainer.panel.runs._onChosen(index)
    trainer.rest()
    assert not trainer.runs.resumeButton.enabled and second.name in trainer.runs.resumeButton.toolTip
    # It is one that another program has started meanwhile: only the click finds out.
    trainer.engine.write(second, "stopped")
    trainer.panel.runs.find()
    trainer.panel.refresh()
    trainer.engine.write(second, "running")
    trainer.runs.resumeButton.click()
    assert "under way" in trainer.message and len(trainer.engine.started) == 2


def test_a_run_of_an_earlier_session_is_found_and_followed(app, trainer):
    import slicer

    run = trainer.startRun()
    app.unload_module("NeRPTrainer")
    trainer.engine.write(run, "running", 70)
    trainer.engine.tell(run, report(70))
    slicer.mrmlScene.Clear(False)
    app.load_module(MODULE)
    app.select_module("NeRPTrainer")
    panel = slicer.util.getModuleWidget("NeRPTrainer").panel
    assert panel.runs.status.folder == run and panel.runs.status.active
    assert "70 of 100" in panel.runs.ui.runLabel.text
    assert panel.runs.reader.events[-1]["step"] == 70


def test_a_run_that_is_deleted_underneath_is_told(trainer):
    run = trainer.startRun()
    trainer.engine.tell(run, report(1))
    trainer.rest()
    shutil.rmtree(run)
    trainer.wait(lambda: "is gone" in trainer.message)
    trainer.rest()
    assert run.name in trainer.message and trainer.runs.runBox.count == 0
    assert not trainer.runs.stopButton.enabled and trainer.data.startButton.enabled


def test_a_folder_that_cannot_be_written_is_told(trainer):
    trainer.chooseFolders()
    trainer.planner.planned(plan())
    trainer.rest()
    shutil.rmtree(trainer.folder / "runs")
    (trainer.folder / "runs").write_text("a file", encoding="utf-8")
    trainer.data.startButton.click()
    trainer.rest()
    assert "could not be written" in trainer.message and "\n" not in trainer.message
    assert not trainer.engine.started


def test_what_training_lacks_is_asked_for_first(trainer, monkeypatch):
    import qt
    from NeRPSlicerLib.ui import trainerSetUp

    monkeypatch.setattr(trainerSetUp, "lacking_packages", lambda: ["torch", "monai"])
    asked, installed = [], []
    setUp = trainer.panel.setUp
    setUp.ask = lambda lacking: asked.append(lacking) or "folder"
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(trainer.folder), raising=False)

    class Installer:
        def install(self, requirements, folder, onLog, whenDone) -> None:
            installed.append((requirements, folder))
            self.done = whenDone

    setUp.installer = Installer()
    trainer.chooseFolders()
    trainer.planner.planned(plan())
    trainer.rest()
    assert "torch, monai" in trainer.panel.status.ui.statusLabel.text
    trainer.data.startButton.click()
    assert asked == [["torch", "monai"]] and not trainer.engine.started
    assert installed == [(["torch>=2.8", "monai>=1.6"], trainer.folder)]
    setUp.installer.done(0)
    assert "training can start" in trainer.message
    setUp.ask = lambda lacking: "network"
    trainer.data.startButton.click()
    assert "extension PyTorch" in trainer.message and "\n" not in trainer.message
    setUp.ask = lambda lacking: "without"
    trainer.data.startButton.click()
    assert len(installed) == 1 and not trainer.engine.started


def test_torch_comes_by_its_own_extension(trainer, monkeypatch):
    import sys
    import types
    from importlib.machinery import ModuleSpec

    from NeRPSlicerLib.ui import trainerSetUp

    lacking = ["torch", "monai", "safetensors"]
    calls = []

    class Logic:
        def installTorch(
            self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None
        ):
            calls.append((askConfirmation, torchVersionRequirement))
            lacking.remove("torch")

    extension = types.ModuleType("PyTorchUtils")
    extension.__spec__ = ModuleSpec("PyTorchUtils", None)
    extension.PyTorchUtilsLogic = Logic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    monkeypatch.setattr(trainerSetUp, "lacking_packages", lambda: list(lacking))
    setUp, installed = trainer.panel.setUp, []
    setUp.ask = lambda _lacking: "network"
    setUp.install = lambda requirements, folder: installed.append((requirements, folder))
    setUp.open()
    assert calls == [(False, ">=2.8")] and installed == [(["monai>=1.6", "safetensors>=0.5"], None)]


def test_models_are_listed_with_size_and_card_and_deleted(trainer, monkeypatch):
    import slicer

    trainer.chooseFolders()
    model = write_model(trainer.folder / "runs" / "small-1" / "model", "Mine")
    (trainer.folder / "runs" / "small-1" / "log.txt").write_text("", encoding="utf-8")
    trainer.panel.models.find()
    table = trainer.models.modelsTable
    rows = [[table.item(row, column).text() for column in range(3)] for row in range(table.rowCount)]
    assert ["Mine", "0.2 MB", "passed"] in rows and not trainer.models.deleteButton.enabled
    table.selectRow(next(n for n, row in enumerate(rows) if row[0] == "Mine"))
    trainer.rest()
    assert "The card for people" in trainer.models.cardText.plainText
    assert trainer.models.deleteButton.enabled
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda *_, **__: False)
    trainer.models.deleteButton.click()
    assert (model / "configs" / "metadata.json").is_file()
    (model / "mine.txt").write_text("a note", encoding="utf-8")
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda *_, **__: True)
    trainer.models.deleteButton.click()
    trainer.rest()
    assert [path.name for path in model.iterdir()] == ["mine.txt"], "what is not the model's stays"
    assert "Deleted" in trainer.message and (trainer.folder / "runs" / "small-1" / "log.txt").is_file()
    assert "Mine" not in [table.item(row, 0).text() for row in range(table.rowCount)]


def test_a_shipped_model_and_one_in_the_making_are_not_deleted(trainer, monkeypatch):
    from nerp.models import describe_model
    from NeRPSlicerLib.ui.trainerModelsSection import TrainerModelsSection

    run = trainer.startRun()
    model = describe_model(write_model(run / "model"))
    monkeypatch.setattr(TrainerModelsSection, "chosen", property(lambda self: model))
    trainer.panel.refresh()
    assert "stop it first" in trainer.models.deleteButton.toolTip
    trainer.engine.write(run, "done", 100)
    trainer.wait(lambda: trainer.panel.runs.status.state == "done")
    trainer.panel.refresh()
    assert trainer.models.deleteButton.enabled
    monkeypatch.setattr(trainer.panel, "resourcePath", lambda name: str(run))
    trainer.panel.refresh()
    assert "comes with the extension" in trainer.models.deleteButton.toolTip


def test_the_model_is_where_the_other_module_looks(trainer):
    from nerp.models import find_models
    from NeRPSlicerLib.modelFolders import modelFolders

    run = trainer.startRun()
    write_model(run / "model", "Fresh")
    assert modelFolders() == [trainer.folder / "runs"]
    assert "Fresh" in [model.name for model in find_models(modelFolders())[0]]


def test_a_scene_is_closed_and_loaded(trainer, tmp_path):
    import slicer

    run = trainer.startRun()
    trainer.data.seedBox.value = 11
    trainer.engine.tell(run, report(1), report(2))
    trainer.rest()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    trainer.rest()
    assert trainer.data.seedBox.value == 0 and trainer.panel.runs.status.folder == run, "found by its folder"
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    trainer.rest()
    assert trainer.data.seedBox.value == 11
    assert trainer.data.runsEdit.currentPath == str(trainer.folder / "runs")
    assert trainer.panel.runs.status.folder == run


def test_the_users_layout_comes_back(app, trainer):
    import slicer
    from NeRPSlicerLib.scene.layouts import TRAINER

    assert slicer.app.layoutManager().layout == TRAINER
    app.select_module("")
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    app.select_module("NeRPTrainer")
    assert slicer.app.layoutManager().layout == TRAINER


def test_steps_told_again_after_a_kill_count_once(tmp_path):
    import json

    from NeRPSlicerLib.trainer.runs import RunReader

    steps = [1, 50, 100, 150, "x", 100, 150, 200]
    lines = [json.dumps({"step": step, "n": n}) for n, step in enumerate(steps)]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines, '{"step": 2', ""]), encoding="utf-8")
    reader = RunReader(tmp_path)
    assert reader.read() and not reader.read()
    assert [(event["step"], event["n"]) for event in reader.events] == [
        (1, 0), (50, 1), (100, 5), (150, 6), (200, 7),
    ]  # fmt: skip
    assert reader.gate is None and reader.sample is None and reader.films is None


def test_a_picture_that_is_none_is_left_out(tmp_path):
    from NeRPSlicerLib.trainer.pictures import readGrey
    from PIL import Image

    good = tmp_path / "good.png"
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(pixels).save(good)
    np.testing.assert_array_equal(readGrey(good), pixels)
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "colour.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for name in ("colour.png", "bad.png", "nowhere.png"):
        assert readGrey(tmp_path / name) is None


def test_the_end_of_a_run_that_is_not_followed_is_noticed(trainer, monkeypatch):
    trainer.panel.runs._others.setInterval(20)
    first = trainer.startRun()
    trainer.engine.write(first, "stopped")
    trainer.wait(lambda: trainer.data.startButton.enabled)
    trainer.data.startButton.click()
    trainer.rest()
    second = trainer.engine.started[-1]
    trainer.panel.runs.follow(first)
    trainer.rest()
    assert not trainer.data.startButton.enabled
    trainer.engine.write(second, "done", 100)
    trainer.wait(lambda: trainer.data.startButton.enabled and trainer.runs.resumeButton.enabled)


def test_a_run_without_samples_shows_none_of_another(trainer):
    from NeRPSlicerLib.display import sliceLogic
    from NeRPSlicerLib.scene.layouts import SAMPLES_VIEW

    first = trainer.startRun()
    write_sample(first, "step_00000001.png", 90)
    write_sample(first, "step_00000001 copy.png", 90)
    trainer.engine.tell(first, report(1))
    composite = sliceLogic(SAMPLES_VIEW).GetSliceCompositeNode()
    trainer.wait(lambda: composite.GetBackgroundVolumeID() is not None)
    trainer.engine.write(first, "stopped")
    trainer.wait(lambda: trainer.data.startButton.enabled)
    trainer.data.startButton.click()
    trainer.rest()
    assert not composite.GetBackgroundVolumeID()
    trainer.panel.runs.follow(first)
    assert composite.GetBackgroundVolumeID()
    shutil.rmtree(first)
    trainer.panel.runs._others.stop()
    trainer.panel.runs.jobs.follow(first)
    trainer.rest()
    assert not composite.GetBackgroundVolumeID() and "is gone" in trainer.message


def test_a_run_that_was_chosen_stays_chosen(trainer):
    import slicer

    first = trainer.startRun()
    trainer.engine.write(first, "stopped")
    trainer.wait(lambda: trainer.data.startButton.enabled)
    trainer.data.startButton.click()
    trainer.rest()
    trainer.engine.write(trainer.engine.started[-1], "stopped")
    trainer.panel.runs.follow(first)
    trainer.rest()
    trainer.panel.exit()
    trainer.panel.enter()
    trainer.rest()
    assert trainer.panel.runs.status.folder == first and slicer.app.layoutManager().layout


def test_an_installation_that_fails_is_one_line(trainer, monkeypatch):
    import sys
    import types

    from NeRPSlicerLib.ui import trainerSetUp

    def fail(**kwargs) -> None:
        raise RuntimeError("no space left\nTraceback")

    logic = types.SimpleNamespace(installTorch=fail)
    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = lambda: logic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    monkeypatch.setattr(trainerSetUp.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(trainerSetUp, "lacking_packages", lambda: ["torch"])
    trainer.panel.setUp.ask = lambda lacking: "network"
    trainer.panel.setUp.open()
    assert trainer.message == "torch was not installed: no space left"
