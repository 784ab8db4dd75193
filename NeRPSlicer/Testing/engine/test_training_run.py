"""What a run leaves as it goes, for those who look from outside: films beside samples, a model, its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nerp.cli import main
from nerp.jobs import read_events, request_stop
from PIL import Image
from training_files import film, small_ct, write_picture, write_volume

pytest.importorskip("torch")
pytest.importorskip("monai")

from nerp.training import job as job_module
from nerp.training.film_sheet import film_sheet
from nerp.training.trainer import Trainer

TINY = {"mapper_mm": 30.0, "ct_mm": 15.0, "widths": [4, 8], "size": 16, "samples": 24, "views": 2}


def run_tiny(folder: Path, **settings: object) -> tuple[int, Path]:
    """A run on one little CT and four films; its exit status and its folder."""
    write_volume(folder / "ct" / "one.nrrd", small_ct())
    for number in range(4):
        write_picture(folder / "films" / f"film{number}.png", film(seed=number))
    given = ["--ct", str(folder / "ct"), "--xray", str(folder / "films"), "--out", str(folder / "run")]
    code = main(["train", *given, "--settings", json.dumps({**TINY, **settings})])
    return code, folder / "run"


def test_films_lie_in_the_samples_shape() -> None:
    films = np.stack([np.full((4, 4), n / 10, np.float32) for n in range(1, 6)])
    sheet = film_sheet(films, 2)
    assert sheet.shape == (8, 8) and sheet.dtype == np.uint8
    assert [sheet[0, 0], sheet[0, 4], sheet[4, 0], sheet[4, 4]] == [26, 51, 76, 102]
    assert not film_sheet(films[:1], 2)[4:].any()


def test_a_model_is_there_from_the_first_report_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a run that is killed leaves that of its last report."""
    models = []

    def noted(folder: Path, *rest: Any) -> Path:
        models.append((folder.parent / "model" / "configs" / "metadata.json").is_file())
        return save(folder, *rest)

    save = job_module.save_checkpoint
    monkeypatch.setattr(job_module, "save_checkpoint", noted)
    code, run = run_tiny(tmp_path, steps=2, report_every=1)
    assert code == 0 and models == [False, True]
    with (
        Image.open(run / "samples" / "films.png") as films,
        Image.open(run / "samples" / "step_00000002.png") as one,
    ):
        assert films.size == one.size and np.asarray(films).max() > 100


def test_a_stop_at_the_epochs_end_loses_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def asked_at_the_fourth(trainer: Trainer) -> dict[str, float]:
        if trainer.done == 3:
            request_stop(tmp_path / "run", at_epoch=True)
        return step(trainer)

    monkeypatch.setattr(Trainer, "step", asked_at_the_fourth)
    code, run = run_tiny(tmp_path, steps=20, report_every=3)
    told = [event["step"] for event in read_events(run)[0] if "step" in event]
    assert code == 130 and told == [1, 3, 6]
