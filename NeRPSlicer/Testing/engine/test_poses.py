"""Variational cameras: seeded, replayable by index, independent of their number, inside their ranges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import NerpError, sample_camera, sample_cameras
from nerp.geometry import VolumeGeometry
from nerp.poses import CameraDraw, CameraRanges, Normal, Uniform, draw_camera, parse_range

CHEST = VolumeGeometry(
    (60, 100, 100),
    np.diag([-3.5, -3.5, 5.0, 1.0]),
    np.array([[-330, -250, 10], [-20, -60, 290.0]]),
    "a" * 64,
)


def test_a_camera_depends_on_seed_ct_and_index_alone() -> None:
    many = sample_cameras(CHEST, count=5, seed=42)
    assert many[3].to_dict() == sample_camera(CHEST, 42, 3).to_dict()
    others = (
        sample_camera(CHEST, 43, 3),
        sample_camera(CHEST, 42, 4),
        sample_camera(replace(CHEST, hash="b" * 64), 42, 3),
    )
    assert all(other.to_dict() != many[3].to_dict() for other in others)


def test_drawn_angles_are_the_cameras_angles() -> None:
    for index in range(20):
        draw = draw_camera(CHEST, 7, index)
        assert np.allclose(draw.camera(CHEST).angles, (draw.primary, draw.secondary, draw.roll))
        assert abs(draw.primary) <= 15 and abs(draw.secondary) <= 10 and abs(draw.roll) <= 5


def test_a_shift_to_the_right_moves_the_isocentre_to_the_right() -> None:
    draw = CameraDraw(
        "PA", 1, 0, 0, 0, 0, 0, shift_right=12, shift_anterior=3, shift_superior=-8, distance=1, field=1
    )
    moved = draw.camera(CHEST).isocenter_ras - CHEST.body_box.mean(axis=0)
    assert np.allclose(moved, (12, 3, -8)), "RAS: x grows toward the patient's right"


def test_uniform_draws_fill_their_range() -> None:
    drawn = np.array([draw_camera(CHEST, 5, index).primary for index in range(200)])
    assert drawn.min() < -13 and drawn.max() > 13
    assert abs(drawn.mean()) < 4 * (30 / np.sqrt(12)) / np.sqrt(200)


@given(st.floats(0, 1))
def test_quantiles_stay_in_range(u: float) -> None:
    assert -2 <= Uniform(-2, 5).quantile(u) <= 5
    assert -2 - 1e-9 <= Normal(10, 4).quantile(u) <= 22 + 1e-9


def test_ranges_round_trip() -> None:
    ranges = CameraRanges(primary=parse_range({"normal": [0, 5]}, "primary"), roll=parse_range(2, "roll"))
    assert CameraRanges.from_dict(ranges.to_dict()) == ranges


BAD_RANGES = [{"normal": [0, -1]}, [5, 1], "wide", {"gamma": [0, 1]}, [0, float("nan")], {}]


@pytest.mark.parametrize("value", BAD_RANGES)
def test_bad_ranges_are_named(value) -> None:
    with pytest.raises(NerpError, match="primary"):
        parse_range(value, "primary")


def test_beams_that_miss_are_refused_with_the_reason() -> None:
    with pytest.raises(NerpError, match="narrow the ranges"):
        sample_camera(CHEST, 1, 0, CameraRanges(shift_superior=Uniform(5000, 6000)))


def test_a_record_without_a_hash_cannot_seed() -> None:
    with pytest.raises(NerpError, match="hash"):
        sample_camera(replace(CHEST, hash=""), 1, 0)
