"""Line integrals and path lengths with answers known beforehand, with and without Numba."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nerp import Camera, Structures, Volume, VolumeGeometry, fixed_radiance, project
from nerp.projector import METHODS, portable, reference
from nerp.projector.prepared import Grid
from nerp.projector.rays import camera_rays

try:
    from nerp.projector import cpu
except ModuleNotFoundError:
    cpu = None  # type: ignore[assignment]

NEEDS_NUMBA = pytest.mark.skipif(cpu is None, reason="numba is not installed")
BACKENDS = pytest.mark.parametrize(
    "backend",
    [pytest.param(cpu, id="cpu", marks=NEEDS_NUMBA), pytest.param(portable, id="portable")],
)


def camera_over(grid: Grid, angles: tuple, pixels: int, field_mm: float, distance_mm: float = 600) -> Camera:
    """A camera on the grid's centre."""
    corners = np.array([[0, 0, 0], np.array(grid.values.shape[::-1]) - 1.0])
    box = np.sort(corners @ grid.ras_from_ijk[:3, :3].T + grid.ras_from_ijk[:3, 3], axis=0)
    return Camera.from_angles(
        VolumeGeometry(grid.values.shape, grid.ras_from_ijk, box),
        angles,
        rows=pixels,
        columns=pixels,
        source_to_image_mm=distance_mm,
        field=(field_mm, field_mm),
    )


@BACKENDS
def test_a_sphere_has_the_chords_of_a_sphere(backend) -> None:
    k, j, i = np.mgrid[:60, :60, :60]
    ball = ((k - 29.5) ** 2 + (j - 29.5) ** 2 + (i - 29.5) ** 2 <= 20**2).astype(np.uint8)
    structures = Structures.from_labels(ball, np.diag([1.0, 1.0, 1.0, 1.0]))
    grid = Grid(ball.astype(np.float32), structures.ras_from_ijk)
    camera = camera_over(grid, (30.0, 20.0, 10.0), 48, 60.0)
    lengths = backend.exact_lengths(structures, camera)[0]
    rays = camera_rays(camera, grid.ras_from_ijk)
    to_center = np.array([29.5] * 3) - rays.origin_ijk
    distance = np.linalg.norm(np.cross(rays.direction_ijk, to_center), axis=-1)
    chords = 2 * np.sqrt(np.maximum(0, 20.0**2 - distance**2))
    inside = distance < 18  # further out a voxel's edge is a large part of the chord
    assert np.abs(lengths - chords)[inside].max() < 2.5
    assert lengths[inside].mean() == pytest.approx(chords[inside].mean(), rel=2e-3)
    assert not lengths[distance > 21].any()
    assert np.allclose(backend.exact_integral(grid, camera), lengths, atol=1e-4)


@BACKENDS
@pytest.mark.parametrize("method", ["exact_integral", "sampled_integral"])
def test_an_impulse_integrates_to_its_volume(backend, method: str) -> None:
    """The line integrals of a voxel of value 1, summed over the plane through it, make the voxel's volume."""
    values = np.zeros((9, 9, 9), np.float32)
    values[4, 4, 4] = 1
    grid = Grid(values, np.diag([2.0, 3.0, 4.0, 1.0]))
    camera = camera_over(grid, (20.0, 35.0, 0.0), 120, 24.0, 5000.0)
    picture = getattr(backend, method)(grid, camera, *([600] if method == "sampled_integral" else []))
    pixel_mm = camera.pixel_spacing_mm[0] * camera.source_to_isocenter_mm / camera.source_to_image_mm
    assert picture.sum() * pixel_mm**2 == pytest.approx(2 * 3 * 4, rel=5e-3)


@BACKENDS
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rays_that_graze_faces_and_edges_count_each_voxel_once(backend, axis: int) -> None:
    """A parallel-like ray along the grid's faces and along its outer edge."""
    grid = Grid(np.ones((8, 8, 8), np.float32), np.eye(4))
    along = np.eye(3)[axis]
    rotation = np.roll(np.eye(3), axis - 2, axis=0)
    assert np.allclose(rotation[:, 2], along)
    for place, low, high in ((3.5, 8, 8), (3.0, 8, 8), (7.5, 0, 8), (7.5 + 1e-9, 0, 0), (-0.5, 0, 8)):
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = np.where(along > 0, -50.0, place)
        camera = Camera(matrix, 100.0, 50.0, 1, 1, (1.0, 1.0))
        length = backend.exact_integral(grid, camera)[0, 0]
        assert low - 1e-5 <= length <= high + 1e-5, place


@BACKENDS
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(-180, 180), st.floats(-90, 90))
def test_parts_of_a_grid_add_up_to_its_whole(backend, seed: int, primary: float, secondary: float) -> None:
    """Path lengths of a partition sum to the path through the box; the integral is linear in the field."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 5, (7, 9, 8)).astype(np.uint8)
    structures = Structures.from_labels(labels, np.diag([2.0, 1.5, 3.0, 1.0]))
    ones = Grid(np.ones(labels.shape, np.float32), structures.ras_from_ijk)
    camera = camera_over(ones, (primary, secondary, 0.0), 9, 50.0)
    lengths = backend.exact_lengths(structures, camera)
    assert np.allclose(lengths.sum(axis=0), backend.exact_integral(ones, camera), atol=2e-5)
    weights = np.array([-2.0, 0.5, 3.0, -1.0])
    weighted = Grid(weights[labels - 1].astype(np.float32), structures.ras_from_ijk)
    assert np.allclose(np.tensordot(weights, lengths, 1), backend.exact_integral(weighted, camera), atol=5e-5)


@BACKENDS
@pytest.mark.parametrize("angle", [1e-5, 0.001, -0.0078125, 0.3])
def test_rays_almost_parallel_to_planes_change_voxels_where_they_should(backend, angle: float) -> None:
    """The crossing moves by far more than what a place on the ray is rounded by."""
    labels = np.random.default_rng(0).integers(1, 5, (7, 9, 8)).astype(np.uint8)
    structures = Structures.from_labels(labels, np.diag([2.0, 1.5, 3.0, 1.0]))
    grid = Grid(labels.astype(np.float32), structures.ras_from_ijk)
    camera = camera_over(grid, (angle, 0.0, 0.0), 9, 50.0)
    rays = camera_rays(camera, grid.ras_from_ijk)
    expected = reference.exact_lengths(labels, 5, rays)[1:]
    assert np.abs(backend.exact_lengths(structures, camera) - expected).max() <= 2e-6 * expected.max()
    expected = reference.exact_integral(labels, rays)
    assert np.abs(backend.exact_integral(grid, camera) - expected).max() <= 2e-6 * expected.max()


def test_every_method_works_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    hu = np.full((14, 16, 18), -1000, np.int16)
    hu[3:11, 3:13, 3:15] = 40
    hu[5:9, 5:9, 5:9] = 700
    volume = Volume(hu, np.diag([6.0, 6.0, 6.0, 1.0]))
    structures = Structures.from_labels((hu > 500).astype(np.uint8), volume.ras_from_ijk)
    camera = Camera.preset("LL", volume, 20, 24)

    def pictures() -> list:
        drawn = [project(volume, camera, method, 40, structures) for method in METHODS]
        return [*drawn, project(fixed_radiance(volume), camera, samples=40, structures=structures)]

    expected = pictures()
    monkeypatch.setattr(importlib.util, "find_spec", lambda *name: None)
    for found, other in zip(pictures(), expected, strict=True):
        assert np.abs(found.image - other.image).max() <= 4e-6 * np.abs(other.image).max()
        assert found.path_length.keys() == {"label_1"}
        assert np.allclose(found.path_length["label_1"], other.path_length["label_1"], atol=1e-4)


@BACKENDS
def test_runs_may_be_longer_than_sixteen_bits(backend) -> None:
    """A tube of 70000 voxels along the ray, 0.01 mm each, and nothing else."""
    labels = np.zeros((2, 2, 70_002), np.uint8)
    labels[..., 1:-1] = 1
    structures = Structures.from_labels(labels, np.diag([0.01, 40.0, 40.0, 1.0]))
    grid = Grid(labels.astype(np.float32), structures.ras_from_ijk)
    camera = camera_over(grid, (90.0, 0.0, 0.0), 3, 10.0, 2000)
    assert backend.exact_lengths(structures, camera)[0] == pytest.approx(np.full((3, 3), 700), rel=1e-4)
