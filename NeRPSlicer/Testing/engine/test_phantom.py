"""The digital thorax: deterministic, complete, in place, and realistic in HU and size."""

from __future__ import annotations

import numpy as np
import pytest
from nerp import NerpError, Structures, Volume
from nerp.phantom import draw_anatomy, thorax

SPACING_MM = 4.0


@pytest.fixture(scope="module")
def person() -> tuple[Volume, Structures]:
    return thorax(seed=1, spacing_mm=SPACING_MM)


def litres(structures: Structures, name: str) -> float:
    return structures.counts()[name] * SPACING_MM**3 / 1e6


def test_a_seed_is_one_person_bit_for_bit(person: tuple[Volume, Structures]) -> None:
    again, labels = thorax(seed=1, spacing_mm=SPACING_MM)
    assert again.hash == person[0].hash
    assert np.array_equal(labels.combination, person[1].combination)
    assert labels.combinations == person[1].combinations


def test_another_seed_is_another_person(person: tuple[Volume, Structures]) -> None:
    _, other = thorax(seed=2, spacing_mm=SPACING_MM)
    for name in ("lung_left", "heart", "body"):
        assert abs(litres(other, name) / litres(person[1], name) - 1) > 0.01, name
    assert draw_anatomy(1) != draw_anatomy(2)


def test_lungs_and_heart_have_human_size_and_density(person: tuple[Volume, Structures]) -> None:
    volume, structures = person
    assert 3.0 < litres(structures, "lung_left") + litres(structures, "lung_right") < 7.0
    assert 0.4 < litres(structures, "heart") < 1.0
    for name in ("lung_left", "lung_right"):
        assert -900 < volume.hu[structures.mask(name)].mean() < -700


@pytest.mark.parametrize("bad", [{"seed": 1.5}, {"seed": True}, {"spacing_mm": 0.0}, {"spacing_mm": np.nan}])
def test_bad_arguments_are_refused_in_one_line(bad: dict[str, float]) -> None:
    with pytest.raises(NerpError) as error:
        thorax(**bad)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
