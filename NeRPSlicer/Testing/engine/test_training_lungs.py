"""A run cuts films and pictures to the lungs by default and counts the films that stay whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from nerp.cli import main
from nerp.io.xray import Xray
from training_files import film, lungs, small_ct, write_picture, write_volume

pytest.importorskip("torch")
pytest.importorskip("monai")

from nerp.training import data
from nerp.training.settings import TrainingSettings

TINY = {
    "steps": 1,
    "mapper_mm": 30.0,
    "ct_mm": 15.0,
    "widths": (4, 8),
    "size": 16,
    "samples": 24,
    "views": 2,
    "held_out": 0.5,
}


class Finder:
    """Knows the lungs of some films."""

    key = "of a test"

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, xray: Xray) -> np.ndarray | None:
        self.seen += 1
        left, right = lungs(*xray.image.shape)
        return (left | right) if self.seen % 3 else None


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> Finder:
    one = Finder()
    monkeypatch.setattr(data, "load_lung_finder", lambda: one)
    return one


def arguments(tmp_path: Path, *more: str) -> list[str]:
    for number in range(6):
        write_picture(tmp_path / "films" / f"film{number}.png", film(seed=number))
    write_volume(tmp_path / "cts" / "one.nii.gz", small_ct())
    chosen = [
        "--ct",
        str(tmp_path / "cts"),
        "--xray",
        str(tmp_path / "films"),
        "--out",
        str(tmp_path / "run"),
    ]
    return ["train", *chosen, "--settings", json.dumps(TINY), *more]


def test_films_without_masks_are_cut_and_those_left_whole_are_counted(finder: Finder, tmp_path: Path) -> None:
    assert main(arguments(tmp_path)) == 0
    assert finder.seen == 6
    assert "2 of 6 films stay whole" in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    job = json.loads((tmp_path / "run" / "job.json").read_text(encoding="utf-8"))
    assert job["configuration"]["find_lungs"] is True


def test_nobody_looks_for_lungs_where_films_are_to_stay_whole(finder: Finder, tmp_path: Path) -> None:
    assert main(arguments(tmp_path, "--whole-films")) == 0
    assert finder.seen == 0
    assert "6 of 6 films stay whole" in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")


def test_an_older_run_that_says_nothing_of_the_field_has_a_covered_one() -> None:
    older = TrainingSettings().to_dict()
    older["ranges"].pop("collimation", None)
    assert TrainingSettings.from_dict(older).ranges.collimation == "covered"
