"""A field about the lungs: a margin on every side, the picture's proportions, every ray through the CT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import Camera, NerpError, Structures, Volume
from nerp.collimation import LUNG_MARGIN, collimated_to
from nerp.geometry import VolumeGeometry, box_corners, transform_points
from nerp.lungs import lung_points, with_lungs
from nerp.poses import CameraDraw, CameraRanges, draw_camera
from nerp.structures import Structure

CHEST = VolumeGeometry(
    (100, 100, 140),
    np.diag([-3.0, -3.0, 4.0, 1.0]),
    np.array([[-390.0, -280, 20], [-30, -20, 380]]),
    "a" * 64,
    box_corners(np.array([[-330.0, -230, 120], [-90, -80, 340]])),
)
LUNGS = CameraRanges(collimation="lungs", field=(0.9, 1.1))  # type: ignore[arg-type]


def corner_rays_cross(camera: Camera) -> bool:
    """Whether a finely sampled ray through each corner of the field meets the CT's voxels."""
    rows, columns = camera.rows, camera.columns
    corners = np.array([(u, v, 0) for u in (-0.5, columns - 0.5) for v in (-0.5, rows - 0.5)])
    on_detector = transform_points(camera.ras_from_pixel, corners)
    along = np.linspace(0, 1, 4001)[:, None, None]
    points = camera.focal_spot_ras + along * (on_detector - camera.focal_spot_ras)
    ijk = transform_points(np.linalg.inv(CHEST.ras_from_ijk), points)
    upper = np.array(CHEST.shape[::-1]) - 0.5
    return bool(((ijk >= -0.5 - 0.05) & (ijk <= upper + 0.05)).all(axis=2).any(axis=0).all())


def test_a_straight_view_has_its_margin_on_the_longer_side_and_the_lungs_in_the_middle() -> None:
    camera = collimated_to(Camera.preset("PA", CHEST, 200, 200), CHEST, CHEST.lungs)
    pixels = camera.pixels(CHEST.lungs)
    lower, upper = pixels.min(axis=0) + 0.5, pixels.max(axis=0) + 0.5
    assert np.allclose(lower + upper, (200, 200)), "as much left as right, as much above as below"
    longer = (upper - lower).max()
    assert np.isclose(longer * (1 + 2 * LUNG_MARGIN), 200)
    assert camera.pixel_spacing_mm[0] == camera.pixel_spacing_mm[1]


@pytest.mark.parametrize("preset", ["PA", "AP", "LL"])
def test_lungs_stay_inside_the_field_in_every_standard_projection(preset: str) -> None:
    camera = collimated_to(Camera.preset(preset, CHEST, 160, 200), CHEST, CHEST.lungs)
    pixels = camera.pixels(CHEST.lungs)
    assert (pixels > 0).all() and (pixels < (199, 159)).all()
    assert np.isclose(camera.field_mm[0] / camera.field_mm[1], 160 / 200)


@given(st.integers(0, 10_000), st.sampled_from(["PA", "AP"]))
def test_every_ray_of_a_random_camera_crosses_the_ct(seed: int, preset: str) -> None:
    camera = draw_camera(CHEST, seed, 0, LUNGS, preset).camera(CHEST, 64, 64)
    assert corner_rays_cross(camera)


def test_a_field_that_the_ct_does_not_cover_is_moved_and_only_then_reduced() -> None:
    straight = Camera.preset("PA", CHEST, 100, 100)
    whole = collimated_to(straight, CHEST, CHEST.lungs)
    high = CHEST.lungs + np.array([0, 0, 55])
    moved = collimated_to(straight, CHEST, high)
    assert np.isclose(moved.field_mm[0], whole.field_mm[0], rtol=0.05)
    top = moved.pixels(high)[:, 1].min()
    assert 0 < top < whole.pixels(CHEST.lungs)[:, 1].min() - 1 and corner_rays_cross(moved)
    wide = collimated_to(straight, CHEST, CHEST.lungs, factor=1.6, film_mm=(900, 900))
    assert whole.field_mm[0] < wide.field_mm[0] < 1.6 * whole.field_mm[0] and corner_rays_cross(wide)


def test_a_film_is_no_larger_than_it_is() -> None:
    camera = collimated_to(Camera.preset("PA", CHEST, 64, 64), CHEST, CHEST.lungs, film_mm=(200, 250))
    assert np.allclose(camera.field_mm, (200, 200))


def test_lungs_beyond_the_ct_are_refused() -> None:
    straight = Camera.preset("PA", CHEST, 64, 64)
    with pytest.raises(NerpError, match="covers less than 50%"):
        collimated_to(straight, CHEST, CHEST.lungs, film_mm=(1200, 1200), factor=4)
    with pytest.raises(NerpError, match="outside the CT"):
        collimated_to(straight, CHEST, CHEST.lungs + np.array([0, 0, 900]))
    with pytest.raises(NerpError, match="source stands beside"):
        collimated_to(straight, CHEST, CHEST.lungs - np.array([0, 5000, 0]))


def test_the_collimation_changes_the_field_and_not_the_pose() -> None:
    covered, about_lungs = CameraRanges(), CameraRanges(collimation="lungs")
    one, other = (draw_camera(CHEST, 3, 1, ranges) for ranges in (covered, about_lungs))
    assert replace(other, collimation="covered") == one
    cameras = one.camera(CHEST), other.camera(CHEST)
    assert np.array_equal(cameras[0].ras_from_camera, cameras[1].ras_from_camera)
    assert cameras[0].field_mm != cameras[1].field_mm
    assert other.camera(CHEST, field="covered").to_dict() == cameras[0].to_dict()


def test_records_come_back_and_older_ones_mean_what_they_meant() -> None:
    assert CameraRanges.from_dict(LUNGS.to_dict()) == LUNGS
    draw = draw_camera(CHEST, 3, 1, LUNGS)
    assert CameraDraw(**draw.to_dict()) == draw and draw.collimation == "lungs"
    older = {name: value for name, value in LUNGS.to_dict().items() if name != "collimation"}
    assert CameraRanges.from_dict(older).collimation == "covered"
    older_draw = {name: value for name, value in draw.to_dict().items() if name != "collimation"}
    assert CameraDraw(**older_draw).collimation == "covered"
    with pytest.raises(NerpError, match="covered"):
        CameraRanges.from_dict({"collimation": "heart"})


def test_without_lungs_the_field_about_them_is_refused() -> None:
    with pytest.raises(NerpError, match="needs a record with lungs"):
        draw_camera(replace(CHEST, lungs=None), 1, 0, LUNGS)


def chest(bowel: bool = False, lungs: bool = True) -> tuple[Volume, np.ndarray]:
    """A body with two lungs, a trachea and gas in the bowel, 4 mm voxels, turned axes; and the lungs."""
    z, y, x = np.mgrid[0:80, 0:60, 0:90] * 4.0
    hu = np.full(z.shape, -1000, np.int16)
    hu[((x - 180) / 165) ** 2 + ((y - 118) / 100) ** 2 < 1] = 40
    both = (
        sum(((x - at) / 55) ** 2 + ((y - 118) / 65) ** 2 + ((z - 190) / 90) ** 2 < 1 for at in (100, 260)) > 0
    )
    if lungs:
        hu[both] = -850
    hu[((x - 180) ** 2 + (y - 118) ** 2 < 64) & (z > 150)] = -1000
    if bowel:
        hu[((x - 180) / 70) ** 2 + ((y - 118) / 50) ** 2 + ((z - 45) / 35) ** 2 < 1] = -1000
    ras_from_ijk = np.array([[-4.0, 0, 0, 180], [0, -4, 0, 118], [0, 0, 4, 0], [0, 0, 0, 1]])
    return Volume(hu, ras_from_ijk), both


@pytest.mark.parametrize("bowel", [False, True])
def test_lungs_are_found_by_their_air_without_trachea_and_bowel(bowel: bool) -> None:
    volume, _ = chest(bowel)
    points = lung_points(volume)
    assert points is not None
    assert np.allclose(points.min(axis=0), (-135, -65, 100), atol=9)
    assert np.allclose(points.max(axis=0), (135, 65, 280), atol=9)


def test_labelled_lungs_go_before_air() -> None:
    volume, both = chest()
    half = both & (np.arange(both.shape[0])[:, None, None] < 48)
    labels = Structures.from_masks({Structure("lung_left", 1): half}, volume.ras_from_ijk)
    points = lung_points(volume, labels)
    assert points is not None and points[:, 2].max() <= 188 + 1e-6
    other = Structures.from_masks({Structure("heart", 1): half}, volume.ras_from_ijk)
    found, by_air = lung_points(volume, other), lung_points(volume)
    assert found is not None and by_air is not None and np.array_equal(found, by_air)


def test_the_thin_recess_behind_the_diaphragm_does_not_count() -> None:
    volume, both = chest()
    recess = np.zeros_like(both)
    recess[5:24, 40:44, 15:75] = True
    ras_from_ijk = volume.ras_from_ijk
    lungs = Structures.from_masks({Structure("lung_left", 1): both | recess}, ras_from_ijk)
    only = Structures.from_masks({Structure("lung_left", 1): both}, ras_from_ijk)
    found, expected = lung_points(volume, lungs), lung_points(volume, only)
    assert found is not None and expected is not None
    assert found[:, 2].min() == expected[:, 2].min() > 100


def test_where_there_are_no_lungs_the_body_stands_in() -> None:
    volume, _ = chest(bowel=True, lungs=False)
    assert lung_points(volume) is None
    placed = with_lungs(volume)
    assert placed.lungs is not None and np.array_equal(placed.lungs, box_corners(volume.body_box))
    assert placed.hash == volume.hash and with_lungs(volume) is placed
