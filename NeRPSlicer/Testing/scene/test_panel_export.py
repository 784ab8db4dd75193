"""Export from the panel: a labelled set as a job that is cancelled, found again and resumed; one picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from nerp.errors import NerpError
from nerp.io import read_ct, read_structures
from scene.panels import CORE, OVER, add_ct, add_segmentation


@pytest.fixture
def export(driver, monkeypatch):
    """The export section with a small patient; jobs start in this Python."""
    ct = add_ct()
    driver.patient.ui.ctSelector.setCurrentNode(ct)
    driver.patient.ui.segmentationSelector.setCurrentNode(add_segmentation(ct, CORE, OVER))
    driver.rest()
    return driver.panel.sections[-2]


def state(export) -> str:
    return export.status.state if export.status is not None else ""


def test_a_set_is_exported_stopped_found_again_and_resumed(app, driver, export, tmp_path):
    folder = tmp_path / "set"
    assert not export.ui.exportButton.enabled and "folder" in export.ui.exportButton.toolTip
    export.ui.folderEdit.currentPath = str(folder)
    export.ui.viewsBox.value = 40
    export.ui.standardBox.click()
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: state(export) == "running" and export.status.done >= 1)
    driver.rest()
    assert export.ui.exportButton.text == "Cancel" and "of 40" in export.ui.exportLabel.text
    driver.parameters.exportFolder = Path()
    driver.rest()
    assert state(export) == ""
    export.begin()
    assert state(export) == "running" and export.ui.folderEdit.currentPath == str(folder)
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: state(export) == "stopped")
    done = export.status.done
    assert 1 <= done < 40
    export.ui.folderEdit.currentPath = ""
    driver.rest()
    assert state(export) == ""
    export.ui.folderEdit.currentPath = str(folder)
    driver.rest()
    assert state(export) == "stopped" and export.ui.exportButton.text == "Resume"
    run = tmp_path / "set.job"
    assert not [path for path in folder.rglob("*") if "job" in path.name], "nothing of the job is in the set"
    record = json.loads((run / "job.json").read_text(encoding="utf-8"))
    assert record["configuration"]["settings"]["views"] == 40
    volume = read_ct(run / ".inputs" / "ct.nrrd")
    structures = read_structures(run / ".inputs" / "structures.seg.nrrd", like=volume)
    worker = driver.workers[0]._session
    assert volume.hash == worker.volume.hash, "the same views as in the panel"
    assert dict(structures.counts()) == worker._voxels


@pytest.mark.slow
def test_a_small_set_runs_to_its_end_with_the_panels_own_views(driver, export, tmp_path):
    folder = tmp_path / "set"
    driver.camera.ui.seedBox.value = 5
    export.ui.folderEdit.currentPath = str(folder)
    export.ui.viewsBox.value = 2
    export.ui.standardBox.click()
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: state(export) in ("done", "failed"))
    assert state(export) == "done", export.status
    assert not (tmp_path / "set.job" / ".inputs").exists(), "the patient's copy has gone"
    lines = (folder / "projections.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["view"] for record in records] == ["v000", "v001"]
    assert (folder / records[0]["image"]).is_file() and set(records[0]["masks"]) == {"left_lung", "heart"}
    driver.camera.ui.randomButton.click()
    np.testing.assert_allclose(
        driver.session.camera.ras_from_camera, records[0]["camera"]["ras_from_camera"], atol=1e-6
    )
    export.ui.viewsBox.value = 3
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: export.exporter.busy or state(export) != "done")
    driver.wait(lambda: not export.exporter.busy and state(export) in ("done", "failed"))
    assert state(export) == "done" and export.status.done == 3, "a set that is done can grow"
    export.ui.folderEdit.currentPath = str(tmp_path)
    driver.rest()
    export.ui.exportButton.click()
    assert "not empty" in driver.message


def test_an_export_that_was_cancelled_while_it_wrote_can_be_started_again(driver, export, tmp_path):
    export.ui.folderEdit.currentPath = str(tmp_path / "set")
    export.ui.viewsBox.value = 1
    driver.rest()
    export.ui.exportButton.click()
    assert export.exporter.busy
    export.ui.exportButton.click()
    assert not export.exporter.busy
    assert not (tmp_path / "set.job").exists(), "no copy of the patient stays"
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: state(export) in ("done", "failed"))
    assert state(export) == "done", export.status


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_scene_that_is_closed_while_its_patient_is_written_leaves_nothing(
    app, driver, export, tmp_path, steps
):
    import slicer

    export.ui.folderEdit.currentPath = str(tmp_path / "set")
    driver.rest()
    export.ui.exportButton.click()
    for _ in range(steps):
        export.exporter._step()
    assert export.exporter.busy and (tmp_path / "set.job" / ".inputs").is_dir()
    slicer.mrmlScene.Clear(False)
    assert not export.exporter.busy and "export was stopped" in driver.message
    assert not (tmp_path / "set.job").exists() and not list((tmp_path / "set").iterdir())
    driver.rest()
    assert state(export) == "" and export.ui.exportButton.text == "Export"
    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    export.ui.folderEdit.currentPath = str(tmp_path / "set")
    driver.rest()
    export.ui.exportButton.click()
    assert export.exporter.busy, "the next patient can be exported"


def test_a_job_is_followed_over_the_end_of_its_scene(app, driver, export, tmp_path):
    import slicer

    export.ui.folderEdit.currentPath = str(tmp_path / "set")
    export.ui.viewsBox.value = 6
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: state(export) in ("starting", "running"))
    slicer.mrmlScene.Clear(False)
    driver.wait(lambda: state(export) in ("done", "failed"))
    assert state(export) == "done" and export.ui.folderEdit.currentPath == str(tmp_path / "set")
    assert not (tmp_path / "set.job" / ".inputs").exists(), "the patient's copy has gone"


def test_pictures_are_saved_into_one_set_and_drawn_again(driver, export, tmp_path):
    from nerp import Camera, project
    from nerp.export import read_dataset, read_records
    from nerp.export.contact_sheet import read_mask

    folder = tmp_path / "pictures"
    export.ui.folderEdit.currentPath = str(folder)
    driver.camera.ui.presetLL.click()
    driver.rest()
    export.ui.pictureButton.click()
    assert not export.ui.pictureButton.enabled and "Saving" in driver.message
    driver.rest()
    driver.wait(lambda: export.ui.pictureButton.enabled)
    assert "Saved CT_s000 with 2 masks" in driver.message
    driver.camera.ui.presetPA.click()
    driver.rest()
    export.ui.pictureButton.click()
    driver.rest()
    assert "Saved CT_s001" in driver.message and read_dataset(folder)["complete"]
    first, second = read_records(folder).values()
    camera = Camera.from_dict(second["camera"])
    np.testing.assert_allclose(camera.ras_from_camera, driver.session.camera.ras_from_camera)
    assert first["description"] == "LL" and camera.rows == driver.picture().shape[0]
    worker = driver.workers[0]._session
    again = project(worker.volume, camera, second["method"], structures=worker.structures)
    np.testing.assert_allclose(again.image, driver.picture(), rtol=1e-5, atol=1e-6)
    for name, path in second["masks"].items():
        np.testing.assert_array_equal(read_mask(folder / path), again.mask(name))
    export.ui.viewsBox.value = 1
    export.ui.standardBox.click()
    driver.rest()
    export.ui.exportButton.click()
    driver.wait(lambda: state(export) in ("done", "failed"))
    assert state(export) == "done", export.status
    assert [record["view"] for record in read_records(folder).values()] == ["s000", "s001", "v000"]


def test_a_picture_that_cannot_be_saved_is_told(driver, export, tmp_path):
    export.ui.folderEdit.currentPath = str(tmp_path)
    (tmp_path / "cat.png").touch()
    driver.rest()
    export.ui.pictureButton.click()
    driver.rest()
    assert "no labelled set" in driver.message and "\n" not in driver.message
    export.ui.folderEdit.currentPath = str(Path(__file__))
    driver.rest()
    export.ui.pictureButton.click()
    assert "cannot be written" in driver.message


def test_a_whole_drive_is_no_folder_for_a_set(driver, export, tmp_path):
    with pytest.raises(NerpError, match="whole drive"):
        export.exporter.start(Path(tmp_path.anchor), driver.parameters.ct, None, None)
    assert not export.exporter.busy
