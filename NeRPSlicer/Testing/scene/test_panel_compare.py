"""Comparing with a real X-ray at the panel: side by side, swipe, blink, histogram, alignment."""

from __future__ import annotations

import numpy as np
import pytest
from scene.panels import add_ct

OFF, SIDE_BY_SIDE, SWIPE, BLINK, SHEET = range(5)


@pytest.fixture
def compare(driver):
    """The section with a radiograph, and a film of uniform grey with a bright left half."""
    from NeRPSlicerLib.example import addVolume

    driver.patient.ui.ctSelector.setCurrentNode(add_ct())
    grey = np.full((1, 90, 90), 100, np.uint16)
    grey[:, :, :45] = 200
    film = addVolume("film", grey, np.diag([-1.0, -1, 1, 1]))
    driver.patient.ui.filmSelector.setCurrentNode(film)
    driver.rest()
    section = driver.panel.sections[3]
    driver.wait(lambda: section.ui.matchBox.enabled, 2000)  # widgets are refreshed a few times a second
    return section


def view(app, name):
    import slicer

    return app.picture(slicer.app.layoutManager().sliceWidget(name).sliceView())[..., 0].astype(int)


def centre(picture, across: float) -> int:
    return int(picture[picture.shape[0] // 2, round(picture.shape[1] * across)])


def test_side_by_side_shows_the_film_in_a_view_that_is_linked(app, driver, compare):
    import slicer
    from NeRPSlicerLib.scene.layouts import COMPARE, FILM_VIEW, NERP, RADIOGRAPH_VIEW, sliceNode

    compare.ui.comparisonBox.currentIndex = SIDE_BY_SIDE
    driver.rest()
    manager = slicer.app.layoutManager()
    assert manager.layout == COMPARE
    shown = view(app, FILM_VIEW)
    assert centre(shown, 0.3) > 200 and centre(shown, 0.7) < 50
    assert sliceNode(FILM_VIEW).GetViewGroup() == sliceNode(RADIOGRAPH_VIEW).GetViewGroup()
    compare.ui.invertedBox.click()
    driver.rest()
    shown = view(app, FILM_VIEW)
    assert centre(shown, 0.3) < 50 and centre(shown, 0.7) > 200
    compare.ui.comparisonBox.currentIndex = OFF
    driver.rest()
    assert manager.layout == NERP


def texts(name) -> list[str]:
    """What text actors of a slice view say."""
    import slicer

    window = slicer.app.layoutManager().sliceWidget(name).sliceView().renderWindow()
    props = window.GetRenderers().GetFirstRenderer().GetViewProps()
    actors = (props.GetItemAsObject(n) for n in range(props.GetNumberOfItems()))
    return [actor.GetInput() for actor in actors if actor.IsA("vtkTextActor")]


def test_every_view_says_what_it_shows(app, driver, compare):
    from NeRPSlicerLib.scene.layouts import FILM_VIEW, RADIOGRAPH_VIEW, SHEET_VIEW

    driver.camera.ui.randomButton.click()
    driver.rest()
    compare.ui.comparisonBox.currentIndex = SIDE_BY_SIDE
    driver.rest()
    assert texts(FILM_VIEW) == ["film"] and "SYNTHETIC" in texts(RADIOGRAPH_VIEW)[0]
    driver.parameters.filmInverted = True
    driver.rest()
    assert texts(FILM_VIEW) == ["film"]
    compare.ui.comparisonBox.currentIndex = SHEET
    driver.rest()
    assert texts(SHEET_VIEW) == ["SYNTHETIC \u00b7 DRR"] and not any(texts(FILM_VIEW))


def test_swipe_and_alignment(app, driver, compare):
    from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW

    compare.ui.comparisonBox.currentIndex = SWIPE
    compare.ui.swipeSlider.value = 0
    driver.rest()
    all_film = view(app, RADIOGRAPH_VIEW)
    assert centre(all_film, 0.3) > 200 and centre(all_film, 0.7) < 50
    compare.ui.filmRightSlider.value = 60
    driver.rest()
    moved = view(app, RADIOGRAPH_VIEW)
    assert (moved > 200).sum() != (all_film > 200).sum()
    compare.ui.resetAlignmentButton.click()
    driver.rest()
    assert compare.ui.filmRightSlider.value == 0
    np.testing.assert_array_equal(view(app, RADIOGRAPH_VIEW), all_film)
    compare.ui.swipeSlider.value = 100
    driver.rest()
    all_radiograph = view(app, RADIOGRAPH_VIEW)
    driver.camera.ui.primarySlider.value = 40
    driver.rest()
    assert np.abs(view(app, RADIOGRAPH_VIEW) - all_radiograph).mean() > 2, "the picture follows"
    compare.ui.comparisonBox.currentIndex = OFF
    driver.camera.ui.presetPA.click()
    driver.rest()
    assert np.abs(view(app, RADIOGRAPH_VIEW) - all_radiograph).mean() < 2


def test_blink_shows_one_then_the_other(app, driver, compare):
    from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW

    compare.ui.comparisonBox.currentIndex = BLINK
    driver.rest()
    first = view(app, RADIOGRAPH_VIEW)
    driver.wait(lambda: np.abs(view(app, RADIOGRAPH_VIEW) - first).mean() > 5, 3000)
    app.select_module("Volumes")
    assert not driver.session.comparison._blinking.isActive()


def test_histogram_match_is_for_the_eye_only(app, driver, compare):
    numbers = driver.picture()
    compare.ui.matchBox.click()
    driver.rest()
    matched = driver.picture()
    assert matched.min() >= 100 and matched.max() <= 200
    assert (np.sort(matched.ravel())[[100, -100]] == (100, 200)).all()
    np.testing.assert_array_equal(driver.session.numbers, numbers)
    compare.ui.matchBox.click()
    driver.rest()
    np.testing.assert_array_equal(driver.picture(), numbers)


def test_the_random_pictures_so_far(app, driver, compare):
    from NeRPSlicerLib.scene.layouts import SHEET_VIEW

    compare.ui.comparisonBox.currentIndex = SHEET
    driver.rest()
    assert "Randomize" in driver.message
    for _ in range(3):
        driver.camera.ui.randomButton.click()
        driver.rest()
    compare.ui.comparisonBox.currentIndex = OFF
    driver.rest()
    compare.ui.comparisonBox.currentIndex = SHEET
    driver.rest()
    assert view(app, SHEET_VIEW).std() > 20 and len(driver.session.comparison.pictures) == 3


def test_a_volume_is_no_film(driver, compare):
    driver.patient.ui.filmSelector.setCurrentNode(driver.parameters.ct)
    driver.rest()
    assert "single X-ray" in driver.message
