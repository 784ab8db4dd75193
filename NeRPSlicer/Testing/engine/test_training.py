"""The GAN: losses by hand, gradients from end to end, resumed runs, checkpoints, the job."""

from __future__ import annotations

import json
import math
import os
import pickle
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import nerp
import numpy as np
import pytest
from nerp import NerpError, Structures, Volume
from nerp.cli import main
from nerp.datasets import CtRecord
from nerp.display import thick_window
from nerp.jobs import create
from nerp.structures import Structure
from training_files import small_ct, small_labels, write_volume

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from nerp.evaluation.distance import Distance, kernel_distance, random_features  # noqa: E402
from nerp.networks.mapper import MAPPERS  # noqa: E402
from nerp.networks.tone import ToneCurve  # noqa: E402
from nerp.training import losses  # noqa: E402
from nerp.training import settings as settings_module  # noqa: E402
from nerp.training.augment import augmented  # noqa: E402
from nerp.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from nerp.training.patients import Patient, Patients  # noqa: E402
from nerp.training.plan import found_cts  # noqa: E402
from nerp.training.report import report  # noqa: E402
from nerp.training.settings import PRESETS, TrainingSettings  # noqa: E402
from nerp.training.tone import knots, shown, windows  # noqa: E402
from nerp.training.trainer import NotFinite, Trainer  # noqa: E402
from nerp.training.watched import VIEWS, Watched  # noqa: E402

TINY = TrainingSettings(
    steps=6,
    head_start=0,
    mapper_mm=30.0,
    ct_mm=15.0,
    widths=(4, 8),
    size=16,
    samples=24,
    views=2,
    report_every=2,
)


def patient(seed: int = 0, labelled: bool = True) -> Patient:
    rng = np.random.default_rng(seed)
    hu = np.full((20, 14, 20), -1000, np.int16)
    hu[1:-1, 1:-1, 1:-1] = 20 + 40 * rng.random((18, 12, 18))
    hu[4:16, 3:11, 3:8] = hu[4:16, 3:11, 12:17] = -800
    body = np.zeros(hu.shape, bool)
    body[1:-1, 1:-1, 1:-1] = True
    volume = Volume(hu, np.diag([15.0, 15.0, 15.0, 1.0]), body, f"little-{seed}")
    lungs = Structures.from_labels(
        (hu == -800).astype(np.uint8), volume.ras_from_ijk, [Structure("lung_left", 1)]
    )
    return Patient.of(volume, lungs if labelled else None)


class Pairs:
    """What `training_pairs` gives, of made-up films."""

    def __init__(self, patients: list[Patient], films: np.ndarray) -> None:
        self.patients, self.films = patients, films

    def __getitem__(self, step: int) -> Mapping[str, Any]:
        ct = step % len(self.patients)
        rng = np.random.default_rng(step)
        chosen = self.films[rng.integers(len(self.films), size=TINY.views)]
        hu = self.patients[ct].volume.hu.astype(np.float32)
        return {
            "ct": ct,
            "hu": torch.from_numpy(hu)[None],
            "images": torch.from_numpy(chosen)[:, None].clone(),
        }


def films(count: int = 6) -> np.ndarray:
    return np.random.default_rng(1).random((count, TINY.size, TINY.size)).astype(np.float32)


def trainer(settings: TrainingSettings = TINY) -> Trainer:
    patients = [patient(0), patient(1)]
    return Trainer(settings, patients, films(), Pairs(patients, films()))


def test_losses_are_those_of_the_formulas() -> None:
    real = (torch.tensor([0.5, -1.0]), torch.tensor([2.0]))
    drawn = (torch.tensor([0.0, 1.0]), torch.tensor([-3.0]))

    def log_sigmoid(x: float) -> float:
        return -math.log(1 + math.exp(-x))

    of_real = -(log_sigmoid(0.5) + log_sigmoid(-1.0)) / 2 - log_sigmoid(2.0)
    of_drawn = -(log_sigmoid(0.0) + log_sigmoid(-1.0)) / 2 - log_sigmoid(3.0)
    assert losses.discriminator_loss(real, drawn).item() == pytest.approx(of_real + of_drawn, rel=1e-6)
    fooled = -(log_sigmoid(0.0) + log_sigmoid(1.0)) / 2 - log_sigmoid(-3.0)
    assert losses.mapper_loss(drawn).item() == pytest.approx(fooled, rel=1e-6)
    one, other = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.5, 2.0], [2.0, 4.0]])
    assert losses.anatomy_loss(one, other).item() == pytest.approx((0.5 + 0 + 1 + 0) / 4)


def test_the_penalty_is_half_the_squared_gradient() -> None:
    real = torch.rand(3, 1, 4, 4, requires_grad=True)
    logits = (3 * real).sum(dim=(1, 2, 3)), real * 0 + 5 * real
    # 3 for the whole and 5 / 16 for the mean of pixels, at each of 16 pixels.
    assert losses.penalty(real, logits).item() == pytest.approx(16 * (3 + 5 / 16) ** 2 / 2, rel=1e-5)


def test_correlation_is_numpys_inside_and_one_where_nothing_varies() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.random((2, 3, 9, 9)).astype(np.float32)
    inside = rng.random((3, 9, 9)) > 0.4
    found = losses.correlation(*map(torch.from_numpy, (one, other, inside)))
    expected = [np.corrcoef(a[m], b[m])[0, 1] for a, b, m in zip(one, other, inside, strict=True)]
    assert found.numpy() == pytest.approx(expected, rel=1e-6)
    flat = torch.full((1, 9, 9), 0.1)
    varying, everywhere = torch.from_numpy(one[:1]), torch.ones(1, 9, 9, dtype=torch.bool)
    assert losses.correlation(flat, flat, everywhere).item() == 1
    assert losses.correlation(flat, varying, everywhere).item() == 0
    assert losses.correlation(varying, flat, everywhere).item() == 0
    assert losses.correlation(varying, varying, ~everywhere).isnan().all(), "nothing is inside: no figure"


def test_the_greatest_change_is_that_of_a_patch_inside() -> None:
    one = torch.zeros(2, 16, 16)
    one[0, 4:6, 8:10] = torch.tensor([[0.4, 0.4], [0.4, -0.4]])  # one patch of an eighth: mean 0.2
    one[1, :4] = 1.0
    inside = torch.ones(2, 16, 16, dtype=torch.bool)
    inside[1, :4] = False  # nothing inside has changed
    found = losses.greatest_change(one, torch.zeros_like(one), inside)
    # Its upper half and what lies above, or its left half and what lies beside, change as much.
    assert found.tolist() == pytest.approx([0.2, 0.0])
    inside[0] = False
    inside[0, 4, 8:10] = True
    assert losses.greatest_change(one, torch.zeros_like(one), inside)[0].item() == pytest.approx(0.4)
    assert not losses.greatest_change(one, torch.zeros_like(one), inside & False).any()


def test_the_tone_curve_of_torch_is_numpys_and_passes_gradients() -> None:
    curve = ToneCurve((0.0, 0.1, 0.5, 1.0))
    pictures = torch.rand(2, 40, 40, dtype=torch.float64, requires_grad=True)
    window = torch.tensor([[0.1, 0.8], [0.3, 0.9]], dtype=torch.float64)
    found = shown(pictures, window, knots(curve).double())
    low, high = window.numpy().T[..., None, None]
    expected = curve(np.clip((pictures.detach().numpy() - low) / (high - low), 0, 1))
    assert np.abs(found.detach().numpy() - expected).max() < 1e-6
    small = torch.rand(1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: shown(x, window[:1], knots(curve).double()), (small,), atol=1e-4
    )


def test_black_and_white_are_those_of_displays_whatever_lies_beside_the_body() -> None:
    rng = np.random.default_rng(4)
    fixed, opacity = rng.random((2, 40, 40)), np.full((2, 40, 40), 0.8)
    before = windows(torch.from_numpy(fixed), torch.from_numpy(opacity))
    assert before.tolist() == [list(thick_window(*pair)) for pair in zip(fixed, opacity, strict=True)]
    fixed[:, :4], opacity[:, :4] = 0, 0  # air above the shoulders
    after = windows(torch.from_numpy(fixed), torch.from_numpy(opacity))
    assert torch.allclose(before, after, atol=0.01) and after.min() > 0


def test_augmentation_is_replayable_and_differentiable() -> None:
    pictures = torch.rand(4, 1, 16, 16, requires_grad=True)
    first, again = (augmented(pictures, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, again) and first.shape == pictures.shape
    assert not torch.equal(first, augmented(pictures, torch.Generator().manual_seed(6)))
    first.sum().backward()
    assert pictures.grad is not None and pictures.grad.flatten(1).abs().sum(dim=1).all()


def test_step_0_is_the_fixed_radiance_and_a_step_moves_it_through_the_viewer() -> None:
    run = trainer()
    told = run.step()
    assert told["correlation"] == pytest.approx(1, abs=1e-6)
    one, view = run.patients[0], run.patients[0].cameras(0, 0, 1, TINY.ranges, TINY.size)
    run = trainer()
    learned, _ = one.pictures(*run.fields(run.mapper, one), view, TINY.samples)
    assert (learned - run.fixed_pictures(one, view).image).abs().max() <= 1e-6
    told = run.step()
    assert told["realism_gradient"] > 0
    assert all(parameter.grad.any() for parameter in run.mapper.head.parameters())
    run.step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in run.mapper.parameters())


def test_the_discriminator_begins_alone() -> None:
    run = trainer(TrainingSettings.from_dict({**TINY.to_dict(), "head_start": 2}))
    before = [parameter.clone() for parameter in run.mapper.parameters()]
    judge = [parameter.clone() for parameter in run.discriminator.parameters()]
    assert all("mapper_loss" not in run.step() for _ in range(2))
    assert all(map(torch.equal, before, run.mapper.parameters()))
    assert not all(map(torch.equal, judge, run.discriminator.parameters()))
    assert "mapper_loss" in run.step()
    assert not all(map(torch.equal, before, run.mapper.parameters()))


def test_the_mapper_nearest_to_films_is_kept() -> None:
    run = trainer()
    run.step()
    assert run.keep(3.0)
    nearest = [parameter.clone() for parameter in run.averaged.parameters()]
    run.step()
    assert not run.keep(4.0)
    assert all(map(torch.equal, nearest, run.kept.parameters()))
    assert run.keep(2.0)
    assert not all(map(torch.equal, nearest, run.kept.parameters()))


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    straight = trainer()
    told = [straight.step() for _ in range(6)]
    first = trainer()
    for _ in range(3):
        first.step()
    save_checkpoint(tmp_path, first, {"seconds": 4.5})
    second = trainer()
    assert load_checkpoint(tmp_path, second) == ({"seconds": 4.5}, [])
    assert [second.step() for _ in range(3)] == told[3:]
    assert second.numbers() == straight.numbers()
    for (name, found), (_, expected) in zip(second.tensors(), straight.tensors(), strict=True):
        assert torch.equal(found, expected), name


def test_anatomy_is_steered_to_its_target_and_protected_below_its_floor() -> None:
    run = trainer()
    run.correlation, run.anatomy_weight = 0.5, 3.0
    run.step()
    assert run.anatomy_weight > 3.0
    run.correlation, run.anatomy_weight = 1.0, 3.0
    run.step()
    assert run.anatomy_weight < 3.0
    run.protect_anatomy()
    assert run.anatomy_weight > 3.0
    paper = trainer(TrainingSettings.from_dict({**TINY.to_dict(), "anatomy": 1.0}))
    paper.step()
    paper.protect_anatomy()
    assert paper.anatomy_weight == 1.0


def test_a_patch_that_changes_too_much_raises_the_weight_and_fails_the_gate() -> None:
    run = trainer()
    run.change, run.anatomy_weight = 0.9, 3.0
    run.step()
    assert run.anatomy_weight > 3.0
    watched = Watched(run, [patient(0)], films(0))
    _, gate, _ = report(run.averaged, watched)
    assert gate.passes(TINY) and gate.change < TINY.change_limit
    assert not replace(gate, change=TINY.change_limit + 0.01).passes(TINY)
    seen = watched.views[0].fixed
    spot = seen.image.clone()
    spot[:, 7:9, 7:9] -= 0.4 * (seen.window[:, 1] - seen.window[:, 0])[:, None, None]
    assert (losses.correlation(spot, seen.image, seen.inside) > 0.9).all(), "means do not see it"
    assert (seen.greatest_change(spot) > 0.2).all()


@pytest.mark.parametrize("mapper", MAPPERS)
def test_gradient_checkpointing_changes_no_gradient(mapper: str) -> None:
    kept, again = (
        trainer(
            TrainingSettings.from_dict({**TINY.to_dict(), "mapper": mapper, "gradient_checkpointing": way})
        )
        for way in (False, True)
    )
    for run in (kept, again):
        run.step()
        run.step()
    for (name, a), (_, b) in zip(kept.tensors(), again.tensors(), strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize("mapper", MAPPERS)
def test_nothing_of_a_step_stays_behind_when_it_moves_to_a_card(
    mapper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's "meta" device stands for a card: it computes nothing and refuses tensors of other devices."""
    monkeypatch.setattr("nerp.training.trainer.chosen_device", lambda settings: torch.device("meta"))
    monkeypatch.setattr("nerp.training.trainer.convolutions", lambda *_: nullcontext())
    item, true, cpu = torch.Tensor.item, torch.Tensor.__bool__, torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "item", lambda x: 1.0 if x.is_meta else item(x))
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda x: True if x.is_meta else true(x))
    monkeypatch.setattr(torch.Tensor, "cpu", lambda x: torch.rand(x.shape) if x.is_meta else cpu(x))
    run = trainer(TrainingSettings.from_dict({**TINY.to_dict(), "mapper": mapper}))
    run.step()
    run.step()
    assert {value.device.type for name, value in run.tensors() if not name.endswith("step")} == {"meta"}
    report(run.averaged, Watched(run, [patient(0), patient(1)], films(8)))


def test_where_memory_is_short_a_step_draws_half() -> None:
    run = trainer(TrainingSettings.from_dict({**TINY.to_dict(), "views": 3, "samples": 256}))
    found = []
    while run.need_less():
        found.append((run.views, run.samples))
        run.step()
    assert found == [(1, 256), (1, 128), (1, 64)]


def test_a_step_that_ran_out_of_memory_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trainer()
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

        patched.setattr("nerp.training.trainer.mapper_loss", full)
        with pytest.raises(torch.OutOfMemoryError):
            run.step()
    before = [parameter.clone() for parameter in run.discriminator.parameters()]
    assert run.done == 0 and run.need_less()
    run.step()
    assert run.done == 1 and not all(map(torch.equal, before, run.discriminator.parameters()))


def test_what_a_step_draws_is_kept_with_its_state() -> None:
    run = trainer()
    assert run.need_less()
    other = trainer()
    other.set_numbers(run.numbers())
    assert (other.views, other.samples) == (run.views, run.samples) == (1, 24)


def test_patients_beyond_the_memory_are_made_again() -> None:
    class Records(list):
        asked = 0

        def __getitem__(self, n: int) -> Any:  # type: ignore[override]
            self.asked += 1
            return super().__getitem__(n)

    one, other = patient(0), patient(1)
    records = Records(CtRecord(p.name, p.name, p.volume, p.structures, ()) for p in (one, other))
    roomy, narrow = Patients(records), Patients(records, memory_bytes=one.nbytes)
    for patients, asked in ((roomy, 2), (narrow, 4)):
        records.asked = 0
        for n in (0, 1, 1, 0, -1):
            found = patients[n]
            assert torch.equal(found.matter, (one, other)[n].matter)
            assert found.geometry == patients[n].geometry
        assert records.asked == asked and [p.name for p in patients[:2]] == [one.name, other.name]


def test_a_loss_that_is_not_finite_leaves_the_mapper_and_its_optimizer() -> None:
    run = trainer()
    run.step()
    with torch.no_grad():
        next(run.mapper.parameters()).fill_(float("nan"))
    kept = ("mapper.", "mapper_optimizer.", "averaged.")
    before = {name: value.clone() for name, value in run.tensors() if name.startswith(kept)}
    numbers = run.numbers()
    with pytest.raises(NotFinite):
        run.step()
    assert run.numbers() == numbers and {name.split(".")[0] + "." for name in before} == set(kept)
    for name, value in run.tensors():
        assert name not in before or torch.equal(before[name].nan_to_num(7), value.nan_to_num(7)), name


def test_a_judge_that_is_not_finite_moves_no_mapper() -> None:
    run = trainer()
    run.step()
    with torch.no_grad():
        next(run.discriminator.parameters()).fill_(float("nan"))
    before = [parameter.clone() for parameter in run.mapper.parameters()]
    with pytest.raises(NotFinite, match="discriminator_loss"):
        run.step()
    assert all(map(torch.equal, before, run.mapper.parameters()))


def test_damaged_checkpoints_are_passed_over(tmp_path: Path) -> None:
    run = trainer()
    for _ in range(2):
        run.step()
        save_checkpoint(tmp_path, run, {"step": run.done})
    newest = tmp_path / "step_00000002.safetensors"
    newest.write_bytes(newest.read_bytes()[:-9])
    facts, notices = load_checkpoint(tmp_path, trainer())
    assert facts == {"step": 1} and len(notices) == 1 and newest.name in notices[0]
    (tmp_path / "step_00000001.safetensors").write_bytes(pickle.dumps(print))
    with pytest.raises(NerpError, match="None of the run's checkpoints"):
        load_checkpoint(tmp_path, trainer())
    other = trainer(TrainingSettings.from_dict({**TINY.to_dict(), "widths": [4, 6]}))
    save_checkpoint(tmp_path, run, {})
    with pytest.raises(NerpError, match="other networks"):
        load_checkpoint(tmp_path, other)


def test_the_report_holds_the_gate_and_the_network_free_arm() -> None:
    run = trainer()
    run.step()
    watched = Watched(run, [patient(0), patient(2, labelled=False)], films(8))
    metrics, gate, samples = report(run.averaged, watched)
    assert metrics["body_correlation"] == pytest.approx(1, abs=1e-3) and metrics["gate"] is True
    assert set(gate.structures) == {"lungs"} and gate.structures["lungs"] > 0.99
    assert gate.field_error < 0.05 and gate.contrast == pytest.approx(1, abs=0.05)
    assert metrics["diversity"] == pytest.approx(1, abs=0.1)
    assert metrics["distance_tone"] == pytest.approx(metrics["distance_vrr"], rel=0.1)
    assert "little-2 has no labels" in gate.notices[0]
    assert samples.shape == (2 * TINY.size, 2 * TINY.size) and samples.dtype == np.uint8
    with torch.no_grad():
        run.averaged.head.weight.zero_()
        run.averaged.head.bias.fill_(9.0)  # everything becomes white: no anatomy is left
    metrics, gate, _ = report(run.averaged, watched)
    assert metrics["gate"] is False and gate.contrast < 0.5
    alone, _, _ = report(run.averaged, Watched(run, [patient(0)], films(0)))
    assert alone["diversity"] is None and "distance_vrr" not in alone


def test_the_kernel_distance_is_zero_for_equals_and_grows_with_the_difference() -> None:
    rng = np.random.default_rng(3)
    real = rng.random((60, 24, 24))
    features = random_features(real)
    assert features.shape == (60, 256)
    same = kernel_distance(random_features(rng.random((60, 24, 24))), features, 15)
    near = kernel_distance(random_features(rng.random((60, 24, 24)) ** 1.1), features, 15)
    far = kernel_distance(random_features(rng.random((60, 24, 24)) ** 2), features, 15)
    assert abs(same.mean) < 3 * same.sd and far.mean > near.mean > same.mean


@pytest.mark.parametrize(("real", "expected"), [(60, VIEWS // 2), (8, 4), (7, None)])
def test_distances_are_of_subsets_of_at_most_half_of_the_smaller_set(
    real: int, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    subsets: list[int] = []

    def noted(drawn: np.ndarray, films: np.ndarray, subset: int) -> Distance:
        subsets.append(subset)
        return kernel_distance(drawn, films, subset)

    monkeypatch.setattr("nerp.training.watched.kernel_distance", noted)
    run = trainer()
    watched = Watched(run, [patient(0)], films(real))
    metrics, _, _ = report(run.averaged, watched)
    assert subsets == ([expected] * 3 if expected else [])
    assert bool(watched.notices) == (expected is None) == ("distance_vrr" not in metrics)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": 0}, "steps must be"),
        ({"size": 17}, "cannot be halved"),
        ({"colour": 1}, "Unknown training settings: colour; nerp train --estimate shows"),
        ({"view": 1}, "view; did you mean views?"),
        ({"version": 1}, "version 2"),
        ({"mapper_rate": "fast"}, "mapper_rate must be"),
        ({"views": 1.5}, "views must be a whole"),
        ({"seed": None}, "seed must be a whole"),
        ({"seed": 10**30}, "seed must be a number from"),
        ({"steps": True}, "steps must be a whole"),
        ({"augment": "no"}, "augment must be true or false"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"ct_augmentation": {"windows": ["brain"]}}, "no CT window 'brain'"),
        ({"ct_augmentation": {"gamma": 2}}, "no CT augmentation"),
        ({"ct_augmentation": {"windows": 7}}, "list of windows"),
        ({"mapper": ["slim"]}, "There is no mapper"),
        ({"preset": 3}, "preset must be a name"),
        ({"widths": 8}, "widths must be a list"),
        ({"widths": [4, -8]}, "widths must be positive"),
        ({"betas": [0.5]}, "betas must be two"),
        ({"betas": [0.5, 1]}, "betas must be two"),
    ],
)
def test_settings_that_make_no_sense_are_told(change: dict, told: str) -> None:
    with pytest.raises(NerpError, match=told):
        TrainingSettings.from_dict({**TINY.to_dict(), **change})


def test_settings_survive_json() -> None:
    assert set(settings_module.MAPPERS) == set(MAPPERS)
    for settings in (TINY, *PRESETS.values()):
        assert TrainingSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


# --- the whole way --------------------------------------------------------------------------------------


def write_films(folder: Path, count: int = 16) -> Path:
    from PIL import Image

    folder.mkdir()
    for number, film in enumerate(films(count)):
        large = Image.fromarray((255 * film).astype(np.uint8)).resize((64, 64))
        large.save(folder / f"film{number}.png")
    return folder


def arguments(out: Path, xrays: Path, **more: object) -> list[str]:
    settings = {k: v for k, v in TINY.to_dict().items() if k not in ("version", "preset", "ranges")} | more
    data = ["--thoraxes", "1", "2", "--xray", str(xrays), "--cache", str(xrays.parent / "cache")]
    return ["train", *data, "--out", str(out), "--settings", json.dumps(settings)]


def stopped(run: Path) -> None:
    """A finished run as one that was stopped before it could say so."""
    record = json.loads((run / "status.json").read_text(encoding="utf-8"))
    (run / "status.json").write_text(json.dumps({**record, "state": "stopped"}), encoding="utf-8")


def test_the_command_trains_and_leaves_a_model(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = tmp_path / "run"
    assert main(arguments(run, write_films(tmp_path / "films"), steps=3)) == 0
    learned = json.loads((run / "events.jsonl").read_text(encoding="utf-8").splitlines()[-2])["kept_step"]
    assert ("tone curve alone" in capsys.readouterr().err) is (not learned)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [event for event in events if "step" in event]
    assert [event["step"] for event in steps] == [1, 2, 3]
    assert {"discriminator_loss", "anatomy_weight", "body_correlation", "distance_tone", "gate"} <= set(
        steps[0]
    )
    assert len(list((run / "samples").glob("step_*.png"))) == 3
    split = json.loads((run / "split.json").read_text(encoding="utf-8"))
    assert len(split["xray"]["train"]) == len(split["xray"]["held_out"]) == 8
    volume, _ = nerp.thorax(seed=3, spacing_mm=8.0)
    fields = nerp.load_model(run / "model")(volume)
    assert fields.shape == volume.shape


def test_what_cannot_be_used_is_left_out_before_the_split(tmp_path: Path) -> None:
    xrays = write_films(tmp_path / "films")
    write_volume(tmp_path / "cts" / "good.nrrd", small_ct())
    write_volume(tmp_path / "cts" / "other.nrrd", small_labels().astype(np.int16))
    for seed in range(3):
        run = tmp_path / f"run{seed}"
        told = ["train", "--ct", str(tmp_path / "cts"), "--xray", str(xrays), "--out", str(run)]
        settings = {
            "ct_mm": 8.0,
            "mapper_mm": 16.0,
            "size": 16,
            "widths": [4, 8],
            "samples": 24,
            "head_start": 0,
        }
        assert main([*told, "--steps", "1", "--seed", str(seed), "--settings", json.dumps(settings)]) == 0
        log = (run / "log.txt").read_text(encoding="utf-8")
        assert "1 left out" in log and log.count("holds no air") == 1
        assert "CTs: There is one patient only" in log
        split = json.loads((run / "split.json").read_text(encoding="utf-8"))
        assert split["ct"]["train"] == ["good"] and split["ct"]["held_out"] == []


def test_a_run_that_is_stopped_while_it_prepares_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nerp.jobs.job import Job

    run, xrays = tmp_path / "run", write_films(tmp_path / "films")
    asked: list[int] = []
    monkeypatch.setattr(Job, "should_stop", lambda self, epoch_over=True: len(asked) > 1 or asked.append(1))
    assert main(arguments(run, xrays, steps=3)) == 130
    assert not (run / "split.json").exists() and not list((run / "checkpoints").glob("*"))
    monkeypatch.undo()
    assert main(["train", "--resume", str(run)]) == 0
    stopped(run)
    asked.clear()
    monkeypatch.setattr(Job, "should_stop", lambda self, epoch_over=True: len(asked) > 1 or asked.append(1))
    assert main(["train", "--resume", str(run)]) == 130
    assert json.loads((run / "status.json").read_text(encoding="utf-8"))["done"] == 3, "still done"


@pytest.mark.slow
def test_two_minutes_bring_pictures_nearer_to_films_with_the_anatomy_kept(tmp_path: Path) -> None:
    xrays = (
        Path(os.environ.get("NERP_DATA", Path(__file__).parents[4] / "shared" / "data")) / "cxr_nih_normal"
    )
    if not xrays.is_dir():
        pytest.skip(f"{xrays} is not there")
    told = ["train", "--preset", "small", "--thoraxes", *"123456", "--xray", str(xrays), "--minutes", "2"]
    run = tmp_path / "run"
    assert main([*told, "--steps", "100000", "--seed", "1", "--out", str(run)]) == 0
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = {event["step"]: event for event in events if "step" in event}
    kept = steps[max(steps)]["kept_step"]
    assert kept > PRESETS["small"].head_start, "some Mapper passed the gate and came nearer"
    assert steps[kept]["distance_training"] < steps[1]["distance_training"]
    assert steps[kept]["distance_vrr"] < steps[kept]["distance_tone"]
    assert steps[kept]["body_correlation"] > 0.9 and steps[kept]["gate"]


def test_a_card_without_memory_or_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    step, failures = Trainer.step, [torch.OutOfMemoryError("CUDA out of memory.")]

    def failing(self: Trainer) -> dict[str, float]:
        if self.done == 1 and failures:
            raise failures.pop()
        return step(self)

    monkeypatch.setattr(Trainer, "step", failing)
    run, xrays = tmp_path / "run", write_films(tmp_path / "films")
    assert main(arguments(run, xrays, steps=2)) == 0
    assert "from step 2 on 1 pictures a step with 24 samples" in (run / "log.txt").read_text(encoding="utf-8")
    failures = [torch.OutOfMemoryError("CUDA out of memory.")]
    assert main(arguments(tmp_path / "one", xrays, steps=2, views=1)) == 2
    assert "does not hold one picture" in capsys.readouterr().err
    failures = [torch.AcceleratorError("CUDA error: unspecified launch failure")]
    assert main(arguments(tmp_path / "lost", xrays, steps=2)) == 2
    told = capsys.readouterr().err
    assert "stopped answering (CUDA error: unspecified launch failure)" in told and "--resume" in told
    assert main(["train", "--resume", str(tmp_path / "lost")]) == 0


def test_a_run_goes_on_with_the_films_it_was_started_with(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run, xrays = tmp_path / "run", write_films(tmp_path / "films")
    assert main(arguments(run, xrays, steps=1)) == 0
    capsys.readouterr()
    status = (run / "status.json").read_bytes()
    assert main(["train", "--resume", str(run)]) == 0
    assert (
        "has ended after 1 steps" in capsys.readouterr().err and (run / "status.json").read_bytes() == status
    )
    stopped(run)
    before = (run / "split.json").read_bytes()
    (xrays / "another.png").write_bytes((xrays / "film0.png").read_bytes())
    assert main(["train", "--resume", str(run)]) == 0
    assert (run / "split.json").read_bytes() == before
    assert "1 more X-rays than this run" in (run / "log.txt").read_text(encoding="utf-8")
    stopped(run)
    content = (xrays / "film1.png").read_bytes()
    (xrays / "film1.png").write_bytes((xrays / "film0.png").read_bytes())
    assert main(["train", "--resume", str(run)]) == 2
    assert "film1 has changed since this run was started" in capsys.readouterr().err
    (xrays / "film1.png").unlink()
    assert main(["train", "--resume", str(run)]) == 2
    assert "no longer there, for example film1" in capsys.readouterr().err
    (xrays / "film1.png").write_bytes(content)
    (run / "split.json").write_text("{}", encoding="utf-8")
    assert main(["train", "--resume", str(run)]) == 2
    assert "split.json is damaged" in capsys.readouterr().err


def test_one_folder_of_labels_serves_several_of_cts(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_volume(tmp_path / name / f"{name}.nrrd", small_ct())
    labels = write_volume(tmp_path / "labels" / "two.nrrd", small_labels())
    configuration = {"ct": [str(tmp_path / "one"), str(tmp_path / "two")], "labels": str(labels.parent)}
    assert {case.name: case.labels for case in found_cts(configuration)} == {"one": None, "two": labels}
    labels.rename(labels.with_name("three.nrrd"))
    with pytest.raises(NerpError, match="has the name of a CT"):
        found_cts(configuration)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--out", "run"], "A run needs"),
        (["--xray", "nowhere", "--thoraxes", "1", "--out", "run"], "nowhere"),
        (["--xray", "films", "--thoraxes", "1", "--out", "run", "--preset", "huge"], "no preset"),
        (["--xray", "films", "--thoraxes", "1", "--out", "run", "--settings", "{"], "JSON"),
        (["--xray", "empty", "--thoraxes", "1", "--out", "run"], "empty"),
        (["--resume", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    given: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_films(tmp_path / "films")
    (tmp_path / "empty").mkdir()
    assert main(["train", *given]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("nerp train:")]
    assert len(lines) == 1 and told in lines[0]


def test_only_a_training_run_is_resumed_and_as_it_was_started(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = create(tmp_path / "job", "export", {})
    before = sorted(folder.iterdir())
    assert main(["train", "--resume", str(folder)]) == 2
    assert "is a job of kind 'export'" in capsys.readouterr().err
    assert main(["train", "--resume", str(folder), "--steps", "99", "--seed", "0"]) == 2
    assert "leave out --steps, --seed" in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


@pytest.mark.slow
def test_killed_at_random_moments_a_run_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    xrays = write_films(tmp_path / "films")
    environment = {**os.environ, "NERP_THREADS": "1", "OMP_NUM_THREADS": "1"}

    def command(*given: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "nerp", *given], env=environment, stderr=subprocess.DEVNULL
        )

    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert command(*arguments(straight, xrays, steps=40)).wait(300) == 0
    process = command(*arguments(killed, xrays, steps=40))
    rng = random.Random(0)
    for _ in range(10):
        time.sleep(rng.uniform(2, 9))
        process.kill()
        process.wait()
        process = command("train", "--resume", str(killed))
    assert process.wait(300) == 0
    for name in ("model/models/model.safetensors", "samples/step_00000040.png"):
        assert (killed / name).read_bytes() == (straight / name).read_bytes()
