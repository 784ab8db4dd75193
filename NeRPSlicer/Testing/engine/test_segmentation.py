"""U-Nets that learn lungs from drawn pictures alone, and the numbers that say how well."""

from __future__ import annotations

import numpy as np
import pytest
from nerp import NerpError

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from nerp.evaluation.segmentation import (  # noqa: E402
    UnetSettings,
    dice,
    film_dice,
    mean_difference,
    train_unet,
)
from nerp.evaluation.variation import CROPPED, FILM, varied  # noqa: E402

TINY = UnetSettings(steps=60, batch=4, size=32, widths=(8, 16), rate=1e-2)


def discs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Dark discs on a grainy bright ground ``[n, 40, 40]`` and where they are."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:40, 0:40]
    at = rng.uniform(12, 28, (2, count, 1, 1))
    inside = (x - at[0]) ** 2 + (y - at[1]) ** 2 < rng.uniform(6, 10, (count, 1, 1)) ** 2
    return np.clip(0.8 - 0.6 * inside + rng.normal(0, 0.05, inside.shape), 0, 1), inside


def test_a_unet_learns_what_it_is_shown_and_the_seed_decides_all() -> None:
    pictures, masks = discs(24)
    films, truths = (array[:, 4:36, 4:36] for array in discs(6, seed=1))
    losses: list[float] = []
    unet = train_unet(pictures, masks, TINY, lambda step, loss: losses.append(loss))
    assert film_dice(unet, films, truths).mean() > 0.9
    assert len(losses) == TINY.steps and np.mean(losses[-5:]) < 0.65 * np.mean(losses[:5])
    before = torch.random.get_rng_state()
    again = train_unet(pictures, masks, UnetSettings(**{**vars(TINY), "steps": 3}))
    twin = train_unet(pictures, masks, UnetSettings(**{**vars(TINY), "steps": 3}))
    other = train_unet(pictures, masks, UnetSettings(**{**vars(TINY), "steps": 3, "seed": 1}))
    weights = [torch.cat([p.flatten() for p in net.parameters()]) for net in (again, twin, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert torch.equal(before, torch.random.get_rng_state()), "nobody else's random numbers are used up"


def test_pictures_without_masks_are_refused() -> None:
    pictures, masks = discs(3)
    for some in (masks[:2], masks[:, :8]):
        with pytest.raises(NerpError, match="as many masks"):
            train_unet(pictures, some, TINY)
    with pytest.raises(NerpError, match="as many masks"):
        train_unet(pictures[:0], masks[:0], TINY)


@pytest.mark.parametrize("variation", [CROPPED, FILM], ids=["cropped", "film"])
def test_a_mask_moves_with_its_picture(variation) -> None:  # type: ignore[no-untyped-def]
    """A picture that is its own mask stays so as far as grey levels can tell."""
    _, masks = discs(16)
    same = torch.from_numpy(masks.astype(np.float32))[:, None]
    generator = torch.Generator().manual_seed(5)
    pictures, moved = varied(same, same, 64, variation, generator)
    assert pictures.shape == moved.shape == (16, 1, 64, 64)
    assert 0 <= pictures.min() and pictures.max() <= 1 and set(moved.unique().tolist()) == {0, 1}
    inside, outside = pictures[moved > 0].median(), pictures[moved == 0].median()
    assert inside > outside + 0.3
    assert not torch.equal(moved[0], moved[1])
    again = varied(same, same, 64, variation, torch.Generator().manual_seed(5))
    assert torch.equal(again[0], pictures) and torch.equal(again[1], moved)


def test_dice_by_hand() -> None:
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert dice(one, other) == 1
    one[0], other[:, 0] = True, True
    assert dice(one, other) == 2 * 1 / 8
    assert dice(one, one) == 1


def test_a_difference_comes_with_its_interval() -> None:
    rng = np.random.default_rng(2)
    films = rng.uniform(0.6, 0.9, 40)
    runs = [films + rng.normal(0, 0.01, 40) for _ in range(6)]
    mean, low, high = mean_difference([run + 0.05 for run in runs[:3]], runs[3:], draws=500)
    assert low < mean < high and low > 0.03 and high < 0.07, "films are paired: their own spread cancels"
    assert np.isclose(mean, np.mean(runs[:3]) + 0.05 - np.mean(runs[3:]))
    mean, low, high = mean_difference(runs[:3], runs[3:], draws=500)
    assert low < 0 < high
    assert mean_difference(runs[:3], runs[3:], draws=50) == mean_difference(runs[:3], runs[3:], draws=50)
