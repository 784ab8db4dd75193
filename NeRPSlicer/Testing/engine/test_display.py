"""From numbers to grey: monotone, honest at the ends, never NaN."""

from __future__ import annotations

import numpy as np
import pytest
from nerp import NerpError
from nerp.display import Display, display_of
from nerp.projector import Radiograph
from nerp.resources import structure_threshold_mm


def picture(image: np.ndarray, method: str) -> Radiograph:
    return Radiograph(image.astype(np.float32), None, method, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["drr", "fixed", "aip"])
@pytest.mark.parametrize("preset", ["default", "paper"])
def test_brighter_stays_brighter(method: str, preset: str) -> None:
    image = np.linspace(0.0, 7.0, 400).reshape(20, 20)
    grey = display_of(picture(image, method), preset).grey(image).ravel().astype(int)
    assert (np.diff(grey) >= 0).all() and grey[0] == 0 and grey[-1] == 255


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_a_constant_picture_is_a_picture(preset: str) -> None:
    image = np.full((8, 8), 3.0)
    assert display_of(picture(image, "drr"), preset).grey(image).dtype == np.uint8


def test_one_hot_corner_does_not_rescale_the_picture() -> None:
    image = np.linspace(1.0, 5.0, 10_000).reshape(100, 100)
    calm = display_of(picture(image, "fixed")).grey(image)
    image[0, 0] = 1e6
    assert np.abs(calm.astype(int) - display_of(picture(image, "fixed")).grey(image))[1:].max() <= 3


def test_display_round_trips() -> None:
    display = display_of(picture(np.linspace(0, 1, 100).reshape(10, 10), "drr"))
    assert Display(**display.to_dict()) == display


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(NerpError, match="preset"):
        display_of(picture(np.ones((4, 4)), "drr"), "sepia")


def test_thresholds() -> None:
    lungs = ("lung_left", "lung_upper_lobe_left", "Lung_L", "both_lungs", "left_upper_lobe", "lung_right_2")
    assert {structure_threshold_mm(name) for name in lungs} == {60}
    others = (
        "rib_left_1",
        "trachea",
        "lung_vessels",
        "lung_nodule",
        "liver_left_lobe",
        "lung_trachea_bronchia",
    )
    assert {structure_threshold_mm(name) for name in others} == {1}
    assert structure_threshold_mm("pleural_effusion_left") == 10


def test_a_tone_curve_is_a_display_of_its_own() -> None:
    image = np.linspace(2, 6, 9).reshape(3, 3)
    display = Display(2, 6, "tone", tone=(0.0, 0.1, 1.0))
    assert display.grey(image)[1, 1] == round(0.1 * 255) and display.grey(image)[2, 2] == 255
    assert display.grey(image)[0, 2] == round(0.05 * 255), "straight between the knots"
    assert Display(**display.to_dict()) == display and isinstance(display.to_dict()["tone"], list)
    assert "tone" not in Display(2, 6).to_dict()
    for wrong in ({"curve": "tone"}, {"curve": "film", "tone": (0.0, 1.0)}):
        with pytest.raises(NerpError, match="tone curve"):
            Display(0, 1, **wrong)
