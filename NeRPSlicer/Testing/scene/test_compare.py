"""Blink, swipe and histogram match of radiograph and film."""

from __future__ import annotations

import numpy as np
import pytest
from nerp.errors import NerpError
from nerp.geometry import Camera, VolumeGeometry

BODY = VolumeGeometry(
    (120, 256, 256),
    np.array([[-1.5, 0, 0, 192], [0, -1.5, 0, 190], [0, 0, 2.5, -150], [0, 0, 0, 1.0]]),
    np.array([[-160.0, -110, -140], [160, 120, 140]]),
)


@pytest.fixture
def camera(app) -> Camera:
    from NeRPSlicerLib.scene.camera import setCamera

    chosen = Camera.preset("PA", BODY, 64, 64)
    setCamera(chosen)
    return chosen


def add_pair(camera: Camera, picture: np.ndarray, film: np.ndarray):
    """A radiograph, and a film on the same detector, in equal windows."""
    import slicer
    from NeRPSlicerLib.scene.film import showFilm
    from NeRPSlicerLib.scene.radiograph import showRadiograph

    radiograph = showRadiograph(picture, camera, level=(0.0, 255.0))
    loaded = slicer.util.addVolumeFromArray(film[np.newaxis].astype(np.float32), np.eye(4), "CXR")
    shown = showFilm(loaded, camera)
    shown.GetDisplayNode().SetWindowLevelMinMax(0.0, 255.0)
    return radiograph, shown


def ramp() -> np.ndarray:
    """A picture whose every pixel differs from its neighbours: rows and columns tell apart."""
    row, column = np.mgrid[:64, :64]
    return (row * 2 + column).astype(np.float32)


def test_an_unmoved_film_of_equal_size_falls_pixel_on_pixel(camera):
    from NeRPSlicerLib.scene.compare import filmOnRadiograph

    add_pair(camera, np.zeros((64, 64)), ramp())
    np.testing.assert_array_equal(filmOnRadiograph(), ramp().astype(np.uint8))


def test_a_shifted_film_lands_as_far_as_it_was_shifted(camera):
    from NeRPSlicerLib.scene.compare import filmOnRadiograph
    from NeRPSlicerLib.scene.film import Alignment, setAlignment

    add_pair(camera, np.zeros((64, 64)), ramp())
    pixel = camera.pixel_spacing_mm[0]
    setAlignment(Alignment(right=5 * pixel, down=-3 * pixel), camera)
    seen = filmOnRadiograph()
    np.testing.assert_array_equal(seen[:-3, 5:], ramp()[3:, :-5].astype(np.uint8))
    assert not seen[-3:].any() and not seen[:, :4].any()


def test_swipe_is_the_radiograph_left_and_the_film_right_of_the_line(camera):
    import slicer
    from NeRPSlicerLib.scene.compare import showSwipe

    add_pair(camera, np.full((64, 64), 200.0), np.full((64, 64), 50.0))
    for fraction, line in ((0.25, 16), (0.0, 0), (1.0, 64), (7.0, 64)):
        seen = slicer.util.arrayFromVolume(showSwipe(camera, fraction))[0]
        assert (seen[:, :line] == 200).all() and (seen[:, line:] == 50).all()


def test_blink_shows_film_and_radiograph_in_turn(app, camera):
    import slicer
    from NeRPSlicerLib.scene.compare import blink
    from NeRPSlicerLib.scene.radiograph import fitView, showInView

    radiograph, _film = add_pair(camera, np.full((64, 64), 200.0), np.full((64, 64), 50.0))
    widget = slicer.app.layoutManager().sliceWidget("Red")
    showInView(widget.sliceLogic(), radiograph)
    fitView(widget.mrmlSliceNode(), camera)
    for shown, level in ((True, 50), (False, 200), (True, 50)):
        blink(widget.sliceLogic(), shown)
        picture = app.picture(widget.sliceView())
        assert abs(int(picture[picture.shape[0] // 2, picture.shape[1] // 2, 0]) - level) <= 1


def test_histogram_match_gives_the_references_distribution_and_keeps_the_order():
    from NeRPSlicerLib.scene.compare import histogramMatched

    rng = np.random.default_rng(3)
    picture, reference = rng.gamma(2.0, 30.0, (80, 90)), rng.normal(1000, 200, (70, 60))
    matched = histogramMatched(picture, reference)
    for quantile in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.quantile(matched, quantile) == pytest.approx(np.quantile(reference, quantile), abs=3)
    order = np.argsort(picture, axis=None)
    assert (np.diff(matched.ravel()[order]) >= -1e-3).all()
    flat = histogramMatched(np.full((5, 5), 7.0), reference)
    assert np.isfinite(flat).all() and np.ptp(flat) == 0


def test_what_is_missing_is_said_in_one_line(app, camera):
    import slicer
    from NeRPSlicerLib.scene.compare import blink, showSwipe
    from NeRPSlicerLib.scene.radiograph import showRadiograph

    logic = slicer.app.layoutManager().sliceWidget("Red").sliceLogic()
    with pytest.raises(NerpError, match="no X-ray"):
        blink(logic, True)
    with pytest.raises(NerpError, match="no radiograph"):
        showSwipe(camera, 0.5)
    showRadiograph(np.zeros((64, 64)), camera)
    with pytest.raises(NerpError, match="no X-ray"):
        showSwipe(camera, 0.5)
