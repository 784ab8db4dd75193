"""Cameras against DICOM's angles, projective geometry and their own round trips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import Camera, NerpError, Volume
from nerp.geometry import (
    PRESETS,
    PositionerAngles,
    VolumeGeometry,
    angles_from_rotation,
    ras_from_camera_rotation,
)

CHEST = VolumeGeometry(
    (60, 100, 100), np.diag([-3.5, -3.5, 5.0, 1.0]), np.array([[-330, -250, 10], [-20, -60, 290.0]])
)


@given(st.floats(-179.9, 179.9), st.floats(-89.9, 89.9), st.floats(-179.9, 179.9))
def test_angles_round_trip(primary: float, secondary: float, roll: float) -> None:
    rotation = ras_from_camera_rotation(PositionerAngles(primary, secondary, roll))
    assert np.allclose(rotation.T @ rotation, np.eye(3)) and np.linalg.det(rotation) > 0
    again = ras_from_camera_rotation(angles_from_rotation(rotation))
    assert np.allclose(again, rotation, atol=1e-7)


def test_detector_stands_where_dicom_says() -> None:
    """LAO: to the patient's left of the front; cranial: toward the head."""
    left = Camera.from_angles(CHEST, (30, 0, 0)).beam_direction_ras
    assert left[0] < 0 < left[1]
    assert Camera.from_angles(CHEST, (0, 20, 0)).beam_direction_ras[2] > 0
    assert np.allclose(Camera.preset("LL", CHEST).beam_direction_ras, (-1, 0, 0))


@pytest.mark.parametrize("view", PRESETS)
def test_presets(view: str) -> None:
    camera = Camera.preset(view, CHEST)
    assert camera.source_to_image_mm == PRESETS[view].source_to_image_mm
    assert np.allclose(camera.isocenter_ras, CHEST.body_box.mean(axis=0))
    assert np.allclose(camera.pixels(camera.isocenter_ras), (127.5, 127.5))
    clearance = (camera.source_to_image_mm - camera.source_to_isocenter_mm) - PRESETS[view].gap_mm
    half = (CHEST.body_box[1] - CHEST.body_box[0]) / 2
    assert clearance == pytest.approx(np.abs(camera.beam_direction_ras) @ half)
    again = Camera.from_dict(camera.to_dict())
    assert again.to_dict() == camera.to_dict()


def test_a_landmark_lands_where_similar_triangles_put_it() -> None:
    camera = Camera.preset("PA", CHEST)
    point = camera.isocenter_ras + np.array([-40.0, 25.0, 60.0])
    scale = camera.source_to_image_mm / (camera.source_to_isocenter_mm + 25.0) / camera.pixel_spacing_mm[0]
    assert np.allclose(camera.pixels(point), (127.5 + 40 * scale, 127.5 - 60 * scale))


def test_resizing_keeps_the_field() -> None:
    camera = Camera.preset("PA", CHEST)
    small = camera.resized(64, 64)
    assert small.field_mm == pytest.approx(camera.field_mm)
    point = camera.isocenter_ras + np.array([30.0, 10.0, -20.0])
    assert np.allclose((small.pixels(point) + 0.5) * 4 - 0.5, camera.pixels(point))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Camera.preset("XX", CHEST), "choose one of"),
        (lambda: Camera.preset("PA", CHEST, rows=0), "rows"),
        (lambda: Camera.from_angles(CHEST, (0, 95, 0)), "secondary"),
        (lambda: Camera.from_angles(CHEST, (0, 0, 0), isocenter_ras=np.array([5000.0, 0, 0])), "misses"),
        (lambda: Camera.preset("PA", CHEST).moved(np.diag([1, 1, -1, 1.0])), "right-handed"),
        (lambda: Camera.from_dict({}), "camera record"),
        (lambda: Volume(np.zeros((1, 5, 5)), np.eye(4)), "two slices"),
        (lambda: Volume(np.full((3, 5, 5), np.nan), np.eye(4)), "NaN"),
        (lambda: Volume(np.zeros((3, 5, 5)), np.diag([1, 1, 0, 1])), "singular"),
        (lambda: Volume(np.full((3, 5, 5), -1000), np.eye(4)).body_box, "no body"),
    ],
)
def test_bad_input_gets_one_line(call, message: str) -> None:
    with pytest.raises(NerpError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
