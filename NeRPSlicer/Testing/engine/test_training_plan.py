"""Before a run starts: what it will need, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from nerp import NerpError
from nerp.cli import main
from nerp.datasets import Cache, CtCase, prepare_ct
from nerp.datasets.ct_sizes import CtSize, ct_size
from nerp.datasets.prepared_cts import is_prepared
from nerp.training import plan as plan_module
from nerp.training.estimate import estimate, machine_speed
from nerp.training.plan import duration, found_cts, gigabytes, plan
from nerp.training.room import free_disk_bytes, free_memory_bytes
from nerp.training.settings import PRESETS, TrainingSettings
from training_files import film, small_ct, write_dicom_ct, write_picture, write_volume

SMALL = PRESETS["small"]
CHEST = CtSize(512 * 512 * 133, (350.0, 350.0, 330.0))


def files(folder: Path, films: int = 3) -> dict[str, object]:
    """A configuration of one CT and some films."""
    write_volume(folder / "ct" / "one.nrrd", small_ct())
    for number in range(films):
        write_picture(folder / "films" / f"film{number}.png", film(seed=number))
    return {
        "settings": SMALL.to_dict(),
        "ct": [str(folder / "ct")],
        "labels": None,
        "xray": [str(folder / "films")],
        "thoraxes": [1],
        "cache": None,
    }


def test_sizes_come_from_headers(tmp_path: Path) -> None:
    image = write_volume(tmp_path / "a.nii.gz", np.zeros((6, 5, 4), np.int16), (1.0, 2.0, 3.0))
    assert ct_size(CtCase("a", "a", image)) == CtSize(120, (4.0, 10.0, 18.0))
    write_dicom_ct(tmp_path / "series", slices=12, side=8)
    size = ct_size(CtCase("b", "b", tmp_path / "series"))
    assert size.voxels == 12 * 8 * 8 and size.box_mm[:2] == (80.0, 80.0)
    assert ct_size(CtCase("c", "c", None, thorax=1)).voxels == 280 * 200 * 280
    assert CtSize(8, (10.0, 20.0, 30.0)).voxels_at(5.0) == 2 * 4 * 6


def test_more_of_anything_needs_more() -> None:
    base = estimate(SMALL, [CHEST], 60, 5e10)
    assert estimate(SMALL, [CHEST, CHEST], 60, 5e10).memory_bytes > base.memory_bytes
    assert estimate(SMALL, [CHEST], 6000, 5e10).disk_bytes > base.disk_bytes
    for change in ({"size": 192}, {"ct_mm": 2.0}, {"mapper_mm": 3.0}, {"views": 16}, {"mapper": "vnet"}):
        more = estimate(replace(SMALL, **change), [CHEST], 60, 5e10)
        assert more.memory_bytes > base.memory_bytes and more.seconds > base.seconds, change
    fine = replace(SMALL, mapper_mm=3.0)
    again = estimate(replace(fine, gradient_checkpointing=True), [CHEST], 60, 5e10)
    kept = estimate(fine, [CHEST], 60, 5e10)
    assert again.memory_bytes < kept.memory_bytes and again.seconds > kept.seconds
    assert estimate(SMALL, [CHEST], 60, 1e11).seconds == pytest.approx(base.seconds / 2)
    paper = estimate(PRESETS["paper"], [CHEST], 60, 5e10)
    assert paper.memory_bytes > 10e9 and paper.seconds > 1e7, "the paper's preset is for a GPU"


def test_what_was_prepared_before_is_not_read_again(tmp_path: Path) -> None:
    configuration = files(tmp_path) | {"cache": str(tmp_path / "cache")}
    cache = Cache(tmp_path / "cache")
    cases = found_cts(configuration)
    old = time.time() - 10
    for path in [case.path for case in cases if case.path]:
        os.utime(path, (old, old))
    first = plan(configuration, tmp_path / "run").estimate
    assert not any(is_prepared(case, SMALL.ct_mm, cache) for case in cases) and not cache.folder.exists()
    for case in cases:
        prepare_ct(case, SMALL.ct_mm, cache)
        assert is_prepared(case, SMALL.ct_mm, cache) and not is_prepared(case, 2 * SMALL.ct_mm, cache)
    again = plan(configuration, tmp_path / "run").estimate
    assert again.memory_bytes < 0.8 * first.memory_bytes
    assert plan(configuration | {"cache": None}, tmp_path / "run").estimate == replace(
        first, seconds=ANY, step_seconds=ANY, steps=ANY
    )


def test_no_more_is_counted_than_is_kept_in_memory() -> None:
    many = [estimate(SMALL, [CHEST] * count, 60, 5e10).memory_bytes for count in (4000, 8000)]
    assert many[0] == many[1] < 8e9


def test_on_a_card_networks_take_no_memory_of_the_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = PRESETS["paper"]
    host, card = (estimate(paper, [CHEST], 60, 5e10, on_card=way) for way in (False, True))
    assert card.memory_bytes < 6e9 < host.memory_bytes and card.seconds == host.seconds
    configuration = files(tmp_path)
    for program, settings, expected in (
        (None, SMALL, False),
        ("nvidia-smi", SMALL, True),
        ("nvidia-smi", replace(SMALL, device="cpu"), False),
    ):
        monkeypatch.setattr("nerp.training.plan.shutil.which", lambda name, found=program: found)
        asked = plan(configuration | {"settings": settings.to_dict()}, tmp_path / "run")
        assert asked.on_card is expected and ("graphics card" in asked.line) is expected


@pytest.mark.parametrize(
    "wrong", [{"settings": None}, {"ct": "folder"}, {"xray": None}, {"labels": 3}, {"thoraxes": 1}]
)
def test_another_jobs_configuration_is_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(NerpError, match=f"not that of a training run .{next(iter(wrong))}.; make it anew"):
        plan(files(tmp_path) | wrong, tmp_path / "run")


def test_a_time_limit_counts() -> None:
    short = estimate(replace(SMALL, minutes=2.0), [CHEST], 60, 5e10)
    assert short.seconds == 120 and 1 <= short.steps < SMALL.steps
    assert short.steps == pytest.approx(120 / short.step_seconds, abs=1)


def test_the_machine_is_measured() -> None:
    assert 1e8 < machine_speed(0.05) < 1e14
    memory, disk = free_memory_bytes(), free_disk_bytes(Path("not/there/yet"))
    assert memory is None or memory > 1e7
    assert disk is not None and disk > 0


def test_quantities_are_told_for_people() -> None:
    assert [gigabytes(n) for n in (2e4, 3.2e7, 8.4e8, 2.25e10)] == ["1 MB", "32 MB", "0.8 GB", "22.5 GB"]
    assert [duration(n) for n in (5, 900, 9000, 9e5)] == ["1 min", "15 min", "2.5 h", "10 days"]


def test_a_plan_says_what_was_found(tmp_path: Path) -> None:
    found = plan(files(tmp_path), tmp_path / "run")
    assert (found.cts, found.labelled, found.films) == (2, 1, 3)
    assert re.match(r"2 CTs \(1 with labels\), 3 chest X-rays; about \d\.\d GB of memory, ", found.line)
    assert not found.refusal and not (tmp_path / "run").exists()


@pytest.mark.parametrize(("name", "told"), [("memory", "of memory"), ("disk", "of disk")])
def test_too_little_room_is_one_line_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, name: str, told: str
) -> None:
    files(tmp_path)
    monkeypatch.setattr(plan_module, f"free_{name}_bytes", lambda *_: 1e6)
    run = tmp_path / "run"
    given = ["train", "--ct", str(tmp_path / "ct"), "--xray", str(tmp_path / "films"), "--out", str(run)]
    assert main(given) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("nerp train: Training needs about") and told in last and "1 MB" in last
    assert not run.exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--xray", "lone"], "one chest X-ray only"),
        (["--xray", "films", "--settings", '{"views": 0}'], "views must be"),
        (["--xray", "films", "--labels", "films"], "has the name of a CT"),
    ],
)
def test_what_is_refused_leaves_no_run(
    given: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    files(tmp_path)
    write_picture(tmp_path / "lone" / "film.png", film())
    assert main(["train", "--ct", "ct", *given, "--out", "run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line and not (tmp_path / "run").exists()


def test_an_estimate_for_programs_needs_no_torch(tmp_path: Path) -> None:
    files(tmp_path)
    program = (
        "import sys; sys.modules['torch'] = sys.modules['monai'] = None\n"
        "from nerp.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    given = ["train", "--ct", "ct", "--xray", "films", "--minutes", "3", "--estimate"]
    done = subprocess.run(
        [sys.executable, "-c", program, *given], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert (told["cts"], told["films"], told["refusal"]) == (1, 3, "")
    assert told["estimate"]["seconds"] <= 180 and told["line"] in done.stderr
    settings = TrainingSettings.from_dict(told["configuration"]["settings"])
    assert settings == replace(SMALL, minutes=3.0)
    assert told["configuration"]["ct"] == [str(tmp_path / "ct")]


def test_the_command_tells_its_steps_and_its_end(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("monai")
    files(tmp_path)
    tiny = {"mapper_mm": 30.0, "ct_mm": 15.0, "widths": [4, 8], "size": 16, "samples": 24, "views": 2}
    run = tmp_path / "run"
    given = ["--ct", str(tmp_path / "ct"), "--xray", str(tmp_path / "films"), "--out", str(run)]
    assert main(["train", *given, "--steps", "2", "--settings", json.dumps(tiny)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert "chest X-rays; about" in lines[0]
    assert f"Done: 2 steps; the model is in {run / 'model'}." in lines
    assert lines[-1].startswith("It is a tone curve alone"), "two steps are none of the Mapper"


def test_a_configuration_that_is_none_is_told() -> None:
    with pytest.raises(NerpError, match="version"):
        plan({"settings": {}, "ct": [], "xray": []}, Path())
