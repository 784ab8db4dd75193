"""Drawing with a trained model at the panel: choosing one, waiting for it once, and what is said of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

TONE = (0.0, 0.1, 0.9, 1.0)


def write_model(folder: Path, name: str, architecture: str | None = None, tone=TONE, **more) -> Path:
    """A model's description, all that lies on disk of a tone curve alone."""
    record = {
        "format": "nerp-radiance-1",
        "architecture": architecture,
        "mapper_mm": 24.0,
        "opacity_ratio": 100.0,
        "tone": list(tone),
        "sha256": None if architecture is None else "0" * 64,
        "card": {"name": name, **more},
    }
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "metadata.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture
def no_models(monkeypatch):
    """None that the extension comes with, none remembered from another test."""
    import nerp.models
    import slicer

    monkeypatch.setattr(nerp.models, "_shipped", list)
    slicer.app.settings().setValue("NeRPSlicer/ModelFolders", "[]")
    yield
    slicer.app.settings().setValue("NeRPSlicer/ModelFolders", "[]")


@pytest.fixture
def with_packages(monkeypatch):
    """As if torch were there; no test here needs more of it."""
    monkeypatch.setattr("NeRPSlicerLib.models.lacking_packages", list)


@pytest.fixture
def learned(monkeypatch):
    """A radiance that needs no torch in place of what a model's weights make: matter is doubled on one side.

    :return: how often it was computed.
    """
    import nerp.networks.model
    from nerp.models import describe_model
    from nerp.networks.model import RadianceModel
    from nerp.networks.tone import ToneCurve
    from nerp.radiance import Fields, fixed_radiance

    computed = []

    class Doubled(RadianceModel):
        def _computed_fields(self, mapper, volume, progress):
            for share in (0.0, 0.5):
                progress(share, "computing the learned radiance")
            computed.append(volume)
            fixed = fixed_radiance(volume)
            matter = fixed.matter.copy()
            matter[..., : matter.shape[2] // 2] = 1
            return Fields(matter, fixed.opacity, fixed.ras_from_ijk, fixed.body_box)

    def load(path):
        found = describe_model(path)
        mapper = None if found.architecture is None else object()
        sizes = found.mapper_mm, found.opacity_ratio
        return Doubled(mapper, found.architecture, *sizes, ToneCurve(found.tone), found.card, found)

    monkeypatch.setattr(nerp.networks.model, "load_model", load)
    return computed


def choose(driver, name: str) -> None:
    driver.parameters.method = type(driver.parameters.method)[name]
    driver.rest()


def item(driver, name: str) -> tuple[bool, str]:
    """Whether a method can be chosen in the list, and its tooltip."""
    import qt

    box = driver.radiograph.ui.methodBox
    index = [method.name for method in type(driver.parameters.method)].index(name)
    assert box.itemText(index) == type(driver.parameters.method)[name].label()
    enabled = box.itemData(index, int(qt.Qt.UserRole) - 1)
    return enabled != 0, box.itemData(index, qt.Qt.ToolTipRole)


def test_without_a_model_or_torch_the_list_says_why(driver, no_models, tmp_path, monkeypatch):
    driver.loadPatient()
    monkeypatch.setattr("NeRPSlicerLib.models.lacking_packages", lambda: ["torch", "monai"])
    driver.session.models.look()
    driver.panel.refresh()
    usable, why = item(driver, "VRR")
    assert not usable and "torch, monai" in why
    usable, why = item(driver, "TONE")
    assert not usable and "train one" in why
    assert item(driver, "DRR") == (True, "") and not driver.radiograph.ui.modelBox.visible
    monkeypatch.setattr("NeRPSlicerLib.models.lacking_packages", list)
    write_model(tmp_path / "runs" / "a" / "model", "little", "slim")
    driver.radiograph.findIn(tmp_path / "runs")
    assert item(driver, "VRR") == (True, "") and not item(driver, "TONE")[0]
    assert driver.message == ""


def test_a_tone_curve_changes_what_is_seen_and_no_number(driver, no_models, tmp_path):
    import slicer
    from NeRPSlicerLib.scene.compare import greyLevels
    from NeRPSlicerLib.scene.markers import shownWords
    from NeRPSlicerLib.scene.radiograph import radiographNode

    driver.loadPatient()
    choose(driver, "FIXED")
    plain, straight = driver.picture(), greyLevels(radiographNode()).astype(int)
    driver.radiograph.findIn(write_model(tmp_path / "film", "film look"))
    choose(driver, "TONE")
    assert np.array_equal(driver.picture(), plain), "numbers stay raw"
    assert driver.draws()[-1]["method"] == "fixed" and "model" in driver.draws()[-1]
    reply = driver.session.lastReply
    assert reply["method"] == "fixed" and reply["model"]["name"] == "film look"
    display = radiographNode().GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx(
        (reply["display"]["low"], reply["display"]["high"]), rel=1e-5
    )
    share = np.clip(
        (plain - reply["display"]["low"]) / (reply["display"]["high"] - reply["display"]["low"]), 0, 1
    )
    expected = 255 * np.interp(share, np.linspace(0, 1, 4), TONE)
    seen = greyLevels(radiographNode()).astype(int)
    assert np.abs(seen - expected).max() <= 4 and np.abs(seen - straight).max() > 30
    words = shownWords()
    assert words == "SYNTHETIC · Fixed radiance, tone curve · film look" and "VRR" not in words
    assert "nothing is learned" in driver.radiograph.ui.methodNote.text
    choose(driver, "DRR")
    colours = radiographNode().GetDisplayNode().GetColorNodeID()
    assert colours == "vtkMRMLColorTableNodeGrey" and not driver.radiograph.ui.modelBox.visible
    assert slicer.mrmlScene.GetNodeByID(colours) is not None


def test_vrr_is_computed_once_and_dragged_like_any_method(
    driver, no_models, with_packages, learned, tmp_path
):
    from NeRPSlicerLib.scene.markers import shownWords

    driver.loadPatient()
    driver.radiograph.findIn(write_model(tmp_path / "m", "little", "slim", anatomy_gate="passed"))
    choose(driver, "FIXED")
    fixed = driver.picture()
    shown = []
    driver.panel.session.models._onProgress = lambda share, text: shown.append((share, text))
    choose(driver, "VRR")
    assert len(learned) == 1 and driver.parameters.modelName == "little"
    assert (0.5, "computing the learned radiance") in shown and shown[-1] == (None, "")
    assert [text for _, text in shown].count("Preparing little") == 1
    assert np.abs(driver.picture() - fixed).max() > 0.1 and driver.draws()[-1]["method"] == "vrr"
    words = shownWords()
    assert words == "SYNTHETIC · VRR · little"
    assert "Anatomy gate: passed" in driver.radiograph.ui.methodNote.text
    before = len(driver.draws())
    for angle in (5, 10, 15):
        driver.camera.ui.primarySlider.value = angle
        driver.app.wait(0)
    driver.rest()
    later = driver.draws()[before:]
    assert {draw["quality"] for draw in later} == {"small", "full"} and len(learned) == 1
    choose(driver, "DRR")
    choose(driver, "VRR")
    assert len(learned) == 1, "another method and back: the fields are still there"
    driver.patient.ui.segmentationSelector.setCurrentNode(None)
    driver.rest()
    assert len(learned) == 1 and driver.message == ""


def test_a_picture_is_called_what_it_is_while_the_model_is_awaited(
    driver, no_models, with_packages, learned, tmp_path
):
    from NeRPSlicerLib.scene.viewTexts import cameraText

    driver.loadPatient()
    driver.radiograph.findIn(write_model(tmp_path / "m", "little", "slim"))
    texts = driver.session.display._texts
    said = []
    for text in texts:
        text.setText = said.append
    driver.workers[0].paused = True
    driver.parameters.method = type(driver.parameters.method).VRR
    driver.wait(lambda: driver.session.models.busy)
    driver.camera.ui.primarySlider.value = 10
    driver.app.wait(20)
    assert said[-1] == cameraText(driver.session.camera, "DRR"), "what is seen is still the DRR"
    driver.workers[0].paused = False
    driver.rest()
    assert said[-1] == cameraText(driver.session.camera, "VRR · little")


def test_a_worker_that_died_is_told_the_model_again(driver, no_models, with_packages, learned, tmp_path):
    driver.loadPatient()
    driver.radiograph.findIn(write_model(tmp_path / "m", "little", "slim"))
    choose(driver, "VRR")
    picture = driver.picture()
    driver.workers[0].die()
    driver.rest()
    driver.radiograph.ui.computeButton.click()
    driver.rest()
    told = [request["do"] for request in driver.workers[1].requests if request["do"] != "draw"]
    assert told[:2] == ["hello", "volume"] and told.count("model") == 1 == told.count("volume")
    assert np.array_equal(driver.picture(), picture) and len(learned) == 2
    choose(driver, "DRR")
    driver.workers[1].die()
    driver.rest()
    assert "model" not in [request["do"] for request in driver.workers[2].requests]


def test_models_are_chosen_by_name_and_kept_in_the_scene(
    app, driver, no_models, with_packages, learned, tmp_path
):
    import slicer

    driver.loadPatient()
    for name, tone in (("first", TONE), ("second", (0.0, 1.0))):
        write_model(tmp_path / "runs" / name / "model", name, "slim", tone)
    driver.radiograph.findIn(tmp_path / "runs")
    choose(driver, "VRR")
    box = driver.radiograph.ui.modelBox
    assert [box.itemText(n) for n in range(box.count)] == ["first", "second"] and box.currentText == "first"
    box.currentIndex = 1
    driver.rest()
    assert driver.parameters.modelName == "second" and driver.session.lastReply["model"]["name"] == "second"
    scene = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(scene))
    slicer.mrmlScene.Clear(False)
    driver.rest()
    slicer.util.loadScene(str(scene))
    driver.rest()
    assert driver.parameters.method.name == "VRR" and driver.parameters.modelName == "second"
    driver.rest()
    assert box.currentText == "second" and driver.session.lastReply["model"]["name"] == "second"
    slicer.app.settings().setValue("NeRPSlicer/ModelFolders", "[]")
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(str(scene))
    driver.rest()
    assert "The model second is not on this computer" in driver.radiograph.ui.methodNote.text
    assert driver.picture() is not None, "the scene's picture stays"
    assert not driver.radiograph.ui.computeButton.enabled
    driver.radiograph.findIn(tmp_path / "runs")
    driver.rest()
    assert driver.session.models.chosen.name == "second"


def test_cancel_and_failure_are_told_and_compute_goes_on(
    driver, no_models, with_packages, learned, tmp_path, monkeypatch
):
    driver.loadPatient()
    drr = driver.picture()
    driver.radiograph.findIn(write_model(tmp_path / "m", "little", "slim"))
    driver.workers[0].paused = True
    driver.parameters.method = type(driver.parameters.method).VRR
    driver.wait(lambda: driver.session.models.busy)
    driver.panel.refresh()
    assert driver.panel.status.ui.cancelButton.enabled
    driver.panel.cancel()
    driver.workers[0].paused = False
    driver.rest()
    assert "press [Compute]" in driver.message
    assert np.array_equal(driver.picture(), drr), "the picture stays meanwhile"
    driver.radiograph.ui.computeButton.click()
    driver.rest()
    assert driver.session.lastReply["method"] == "vrr"
    monkeypatch.setattr("nerp.networks.model.load_model", _no_room)
    driver.radiograph.findIn(write_model(tmp_path / "other", "other", "slim", (0.0, 1.0)))
    driver.radiograph.ui.modelBox.currentIndex = 1
    driver.rest()
    assert driver.message == "There is not enough memory for other."
    asked = len(driver.workers[0].requests)
    driver.camera.ui.primarySlider.value = 20
    driver.rest()
    assert len(driver.workers[0].requests) == asked, "what has failed is not tried at each move"


def _no_room(path):
    from nerp.errors import NerpError

    raise NerpError("There is not enough memory for other.")


def test_the_difference_lies_over_the_radiograph(driver, no_models, with_packages, learned, tmp_path):
    import slicer
    from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW
    from NeRPSlicerLib.scene.roles import findNode

    driver.loadPatient()
    driver.radiograph.findIn(write_model(tmp_path / "m", "little", "slim"))
    choose(driver, "FIXED")
    fixed = driver.picture()
    choose(driver, "VRR")
    driver.parameters.masks = type(driver.parameters.masks).DIFFERENCE
    driver.parameters.maskOpacity = 1.0
    driver.rest()
    changed = driver.session.pictures.difference
    np.testing.assert_allclose(changed, driver.picture() - fixed, atol=1e-5)
    colours = slicer.util.arrayFromVolume(findNode("difference"))[0]
    assert not colours[changed == 0][:, 3].any() and (changed == 0).any(), "clear where nothing changed"
    assert (colours[changed > 0.1][:, 0] > colours[changed > 0.1][:, 2]).all(), "red is brighter"
    note = driver.radiograph.ui.methodNote.text
    assert "Red is brighter" in note and "correlation inside the body 0." in note
    widget = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW)
    seen = driver.app.picture(widget.sliceView()).astype(int)
    red, blue = (seen[..., 0] - seen[..., 2]) > 60, (seen[..., 2] - seen[..., 0]) > 60
    assert red.sum() > 100 > blue.sum()
    choose(driver, "DRR")
    composite = widget.sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundVolumeID() in (None, ""), "no difference without a model"


def test_an_export_takes_the_model_along(driver, no_models, with_packages, learned, tmp_path):
    from nerp.models import describe_model
    from NeRPSlicerLib.export import saveRequest, settingsOf

    driver.loadPatient()
    folder = write_model(tmp_path / "m", "little", "slim")
    driver.radiograph.findIn(folder)
    choose(driver, "VRR")
    assert settingsOf(driver.parameters).model == describe_model(folder).sha256
    request = saveRequest(tmp_path / "set", driver.parameters, driver.session.camera, folder)
    assert request["model"] == str(folder) and request["settings"]["method"] == "vrr"
    answers = []
    driver.session.client.request(request, answers.append)
    driver.rest()
    record = json.loads((tmp_path / "set" / "projections.jsonl").read_text(encoding="utf-8"))
    assert record["model"] == "little" and 0 < record["correlation_with_fixed"] < 1 and answers


def test_a_folder_without_a_model_is_told(driver, no_models, tmp_path):
    driver.radiograph.findIn(tmp_path)
    assert "no model in" in driver.message and str(tmp_path) in driver.message
    (write_model(tmp_path / "m", "x") / "configs" / "metadata.json").write_text("{", encoding="utf-8")
    driver.radiograph.findIn(tmp_path)
    assert "is damaged" in driver.message


def test_torch_never_comes_into_this_process(driver):
    assert not {"torch", "monai"} & set(sys.modules)
