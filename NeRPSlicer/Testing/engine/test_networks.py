"""Mapper, Discriminator, learned radiance, tone curve and models on disk."""

from __future__ import annotations

import json
import pickle
from itertools import permutations, product
from pathlib import Path

import nerp
import numpy as np
import pytest
from nerp import NerpError, Volume, fixed_radiance

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from nerp.networks.discriminator import Discriminator  # noqa: E402
from nerp.networks.learned import Orientation, coarse_shape, learned_fields  # noqa: E402
from nerp.networks.mapper import MAPPERS, Mapper  # noqa: E402
from nerp.networks.model import METADATA, WEIGHTS, RadianceModel  # noqa: E402
from nerp.networks.tone import ToneCurve  # noqa: E402


def ct(seed: int = 0) -> Volume:
    """A little patient of 12 x 14 x 16 voxels, not the same from any two sides."""
    rng = np.random.default_rng(seed)
    hu = np.full((12, 14, 16), -1000, np.int16)
    hu[2:10, 3:12, 2:14] = rng.integers(-900, 900, (8, 9, 12))
    body = np.zeros(hu.shape, bool)
    body[2:10, 3:12, 2:14] = True
    return Volume(hu, np.diag([-9.0, -8.0, 7.0, 1.0]), body)


def moved(name: str = "slim") -> Mapper:
    """A Mapper that has left its zeros."""
    torch.manual_seed(3)
    mapper = Mapper(name)
    for parameter in mapper.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return mapper.eval()


@pytest.mark.parametrize("name", ["slim", "unet", pytest.param("vnet", marks=pytest.mark.slow)])
def test_an_untrained_radiance_is_the_fixed_one(name: str) -> None:
    volume = ct()
    found, expected = learned_fields(Mapper(name).eval(), volume, 8.0, 50.0), fixed_radiance(volume, 50.0)
    assert np.abs(found.matter - expected.matter).max() <= 1e-6
    assert np.abs(found.opacity - expected.opacity).max() <= 1e-6
    assert np.array_equal(found.ras_from_ijk, expected.ras_from_ijk)


@pytest.mark.parametrize("name", sorted(MAPPERS))
def test_a_mapper_has_no_batch_statistics_and_answers_alike_in_training_and_use(name: str) -> None:
    mapper = moved(name)
    matter = torch.rand(2, 1, 16, 16, 32)
    assert not any("running_mean" in key for key in mapper.state_dict())
    alone = mapper(matter[:1])
    assert torch.allclose(mapper.train()(matter)[:1], alone, atol=1e-5)
    assert alone.shape == (1, 2, 16, 16, 32)


def test_bounds_hold_and_air_stays_empty_whatever_the_mapper_says() -> None:
    mapper = moved()
    with torch.no_grad():
        mapper.head.weight.mul_(1e3)
    volume = ct()
    fields = learned_fields(mapper, volume, 8.0, 100.0)
    assert 0 <= fields.matter.min() and fields.matter.max() <= 1
    assert 0 <= fields.opacity.min() and fields.opacity.max() <= 0.0134 + 1e-4
    assert not fields.opacity[~volume.body].any()


def test_fields_do_not_depend_on_how_the_array_lies() -> None:
    """All 48 orders and directions of axes: the same patient, the same fields at the same places."""
    volume, mapper = ct(), moved()
    expected = learned_fields(mapper, volume, 8.0, 100.0)
    for order in permutations(range(3)):
        for flips in product((False, True), repeat=3):
            turn = [axis for axis in range(3) if flips[axis]]
            hu = np.flip(volume.hu.transpose(order), turn)
            old_from_new = np.zeros((4, 4))
            old_from_new[3, 3] = 1
            for new, old in enumerate(order):
                sign = -1 if flips[new] else 1
                old_from_new[2 - old, 2 - new] = sign
                old_from_new[2 - old, 3] = hu.shape[new] - 1 if flips[new] else 0
            other = Volume(
                hu, volume.ras_from_ijk @ old_from_new, np.flip(volume.body.transpose(order), turn)
            )
            found = learned_fields(mapper, other, 8.0, 100.0)
            for field, same in ((found.matter, expected.matter), (found.opacity, expected.opacity)):
                assert np.abs(field - np.flip(same.transpose(order), turn)).max() <= 1e-6
            seen = Orientation(other.ras_from_ijk)
            assert np.array_equal(seen.turned_back(seen.turned(hu)), hu)
            frame = other.ras_from_ijk @ seen.ijk_from_seen(hu.shape)
            assert np.allclose(frame[:3, :3], np.diag([9.0, 8.0, 7.0]))


def test_the_mappers_grid_covers_the_ct_in_multiples() -> None:
    assert coarse_shape((104, 90, 80), (4.0, 4.0, 4.0), 8.0, 4) == (52, 44, 40)
    assert coarse_shape((3, 3, 3), (1.0, 1.0, 1.0), 8.0, 16) == (16, 16, 16)


def test_an_unknown_mapper_is_named() -> None:
    with pytest.raises(NerpError, match="no mapper 'resnet'"):
        Mapper("resnet")


def test_the_discriminator_judges_pictures_and_pixels() -> None:
    judge = Discriminator((4, 8, 8))
    pictures = torch.rand(3, 1, 16, 20, requires_grad=True)
    whole, each = judge(pictures)
    assert whole.shape == (3,) and each.shape == (3, 1, 16, 20)
    (whole.sum() + each.sum()).backward()
    assert pictures.grad is not None and (pictures.grad != 0).all()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in judge.parameters())


def test_a_tone_curve_gives_pictures_the_films_grey_levels() -> None:
    rng = np.random.default_rng(0)
    pictures, films = rng.random((5, 40, 40)), rng.random((7, 30, 30)) ** 2
    curve = ToneCurve.fitted(pictures, films)
    levels = np.linspace(0.05, 0.95, 10)
    found = np.quantile(curve(pictures), levels)
    assert np.abs(found - np.quantile(films, levels)).max() < 0.03
    assert (np.diff(curve.grey) >= 0).all()
    with pytest.raises(NerpError, match="rises"):
        ToneCurve((0.0, 0.7, 0.4))


def test_a_model_survives_its_folder(tmp_path: Path) -> None:
    model = RadianceModel(
        moved(), "slim", 8.0, 100.0, ToneCurve((0.0, 0.2, 1.0)), {"name": "little", "data": "none"}
    )
    model.save(tmp_path / "model")
    found = nerp.load_model(tmp_path / "model")
    assert (found.architecture, found.mapper_mm, found.opacity_ratio) == ("slim", 8.0, 100.0)
    assert found.tone == model.tone and found.card == model.card and len(found.hash) == 64
    volume = ct()
    assert np.abs(found(volume).matter - model(volume).matter).max() < 2e-3, "weights are kept in halves"
    assert found(volume) is found(volume), "a CT's fields are computed once"
    assert "little" in (tmp_path / "model/docs/README.md").read_text(encoding="utf-8")


class Bomb:
    """What a pickle does when it is opened."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("damage", ["pickle", "cut", "other network", "not finite", "foreign", "no metadata"])
def test_a_damaged_or_foreign_model_is_refused_by_name(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    from safetensors.torch import save

    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    RadianceModel(Mapper("slim"), "slim", 8.0, 100.0).save(folder)
    weights = folder / WEIGHTS
    content = {
        "pickle": pickle.dumps(Bomb()),
        "cut": weights.read_bytes()[:-7],
        "other network": save(Mapper("unet").state_dict()),
        "not finite": save({k: v * float("nan") for k, v in Mapper("slim").state_dict().items()}),
    }.get(damage)
    record = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    if content is not None:
        weights.write_bytes(content)
        with pytest.raises(NerpError, match=r"model\.safetensors is not the file"):
            nerp.load_model(folder)
        record["sha256"] = hashlib.sha256(content).hexdigest()
    elif damage == "foreign":
        record["format"] = "other"
    (folder / METADATA).write_text(json.dumps(record), encoding="utf-8")
    if damage == "no metadata":
        (folder / METADATA).unlink()
    with pytest.raises(NerpError, match="model") as told:
        nerp.load_model(folder)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("mapper_mm", "NaN"), ("mapper_mm", "0"), ("opacity_ratio", "Infinity"), ("opacity_ratio", "1")],
)
def test_sizes_out_of_range_are_refused(name: str, value: str, tmp_path: Path) -> None:
    RadianceModel(Mapper("slim"), "slim", 8.0, 100.0).save(tmp_path)
    record = json.loads((tmp_path / METADATA).read_text(encoding="utf-8"))
    (tmp_path / METADATA).write_text(json.dumps({**record, name: float(value)}), encoding="utf-8")
    with pytest.raises(NerpError, match=f"{name} is"):
        nerp.load_model(tmp_path)


def test_json_without_an_end_of_brackets_is_damage(tmp_path: Path) -> None:
    RadianceModel(Mapper("slim"), "slim", 8.0, 100.0).save(tmp_path)
    (tmp_path / METADATA).write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(NerpError, match="is damaged"):
        nerp.load_model(tmp_path)


def test_a_kill_while_a_model_is_replaced_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RadianceModel(Mapper("slim"), "slim", 8.0, 100.0).save(tmp_path)

    def killed(path: Path, record: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nerp.networks.model.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        RadianceModel(moved(), "slim", 8.0, 100.0).save(tmp_path)
    with pytest.raises(NerpError, match="is no model's folder"):
        nerp.load_model(tmp_path)
