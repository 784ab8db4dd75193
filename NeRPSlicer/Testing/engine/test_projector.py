"""Every backend against closed forms and against the float64 reference."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys

import numpy as np
import pytest
from nerp import Camera, Fields, NerpError, Structures, Volume, project
from nerp.geometry import PositionerAngles, VolumeGeometry, box_corners, transform_points
from nerp.projector import METHODS, backend_name, portable, reference
from nerp.projector.bricks import occupied_bricks
from nerp.projector.prepared import Grid
from nerp.projector.rays import camera_rays
from nerp.structures import Structure

try:
    from nerp.projector import cpu
except ModuleNotFoundError:
    cpu = None  # type: ignore[assignment]

NEEDS_NUMBA = pytest.mark.skipif(cpu is None, reason="numba is not installed")
BACKENDS = pytest.mark.parametrize(
    "backend",
    [pytest.param(cpu, id="cpu", marks=NEEDS_NUMBA), pytest.param(portable, id="portable")],
)


def oblique_frame(rng: np.random.Generator, shape: tuple[int, int, int], left_handed: bool) -> np.ndarray:
    """A random rotation, anisotropic spacing and, if asked, a mirrored axis; the grid's centre near the
    origin."""
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if (np.linalg.det(rotation) < 0) != left_handed:
        rotation[:, 0] *= -1
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = rotation * rng.uniform(0.8, 3.0, 3)
    ras_from_ijk[:3, 3] = -ras_from_ijk[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2) + rng.normal(size=3)
    return ras_from_ijk


def camera_over(
    shape: tuple[int, int, int], ras_from_ijk: np.ndarray, angles: tuple, field_mm: float
) -> Camera:
    corners = transform_points(ras_from_ijk, box_corners(np.array([[-0.5] * 3, np.array(shape[::-1]) - 0.5])))
    box = np.array([corners.min(axis=0), corners.max(axis=0)])
    geometry = VolumeGeometry(shape, ras_from_ijk, box)
    return Camera.from_angles(
        geometry,
        PositionerAngles(*angles),
        rows=18,
        columns=21,
        source_to_image_mm=600,
        field=(field_mm, field_mm),
    )


CASES = [
    (seed, left_handed, angles)
    for seed, (left_handed, angles) in enumerate(
        [
            (False, (0.0, 0.0, 0.0)),
            (True, (33.0, -20.0, 15.0)),
            (False, (-120.0, 50.0, -80.0)),
            (True, (90.0, 0.0, 3.0)),
            (False, (10.0, 88.0, 0.0)),
        ]
    )
]


@BACKENDS
@pytest.mark.parametrize(("seed", "left_handed", "angles"), CASES)
def test_pictures_equal_the_reference(backend, seed, left_handed, angles) -> None:
    """Rays enter, leave, graze and miss: the field is wider than the grid."""
    rng = np.random.default_rng(seed)
    shape = (17, 22, 25)
    ras_from_ijk = oblique_frame(rng, shape, left_handed)
    matter = rng.random(shape, np.float32)
    opacity = 0.03 * rng.random(shape, np.float32)
    opacity[:, :9] = 0
    camera = camera_over(shape, ras_from_ijk, angles, 130.0)
    rays = camera_rays(camera, ras_from_ijk)
    samples = 75

    def same(picture: np.ndarray, expected: np.ndarray) -> None:
        assert picture.dtype == np.float32
        assert np.abs(picture - expected).max() <= 2e-6 * np.abs(expected).max()

    image, accumulated = backend.emission_absorption(Fields(matter, opacity, ras_from_ijk), camera, samples)
    expected_image, expected_accumulated = reference.emission_absorption(matter, opacity, rays, samples)
    assert (expected_image == 0).any(), "some rays should miss"
    same(image, expected_image)
    same(accumulated, expected_accumulated)
    grid = Grid(np.where(opacity > 0, matter, 0).astype(np.float32), ras_from_ijk)
    same(
        backend.sampled_integral(grid, camera, samples),
        reference.sampled_integral(grid.values, rays, samples),
    )
    same(backend.sampled_mean(grid, camera, samples), reference.sampled_mean(grid.values, rays, samples))
    same(
        backend.sampled_maximum(grid, camera, samples), reference.sampled_maximum(grid.values, rays, samples)
    )
    same(backend.mida(grid, 0.02, camera, samples), reference.mida(grid.values, 0.02, rays, samples))
    same(backend.exact_integral(grid, camera), reference.exact_integral(grid.values, rays))
    labels = rng.integers(0, 5, shape).astype(np.uint8) * (opacity > 0)
    structures = Structures.from_labels(labels.astype(np.uint8), ras_from_ijk)
    same(backend.exact_lengths(structures, camera), reference.exact_lengths(labels, 5, rays)[1:])


@BACKENDS
def test_a_box_has_the_path_length_of_a_box(backend) -> None:
    values = np.zeros((30, 40, 50), np.float32)
    values[5:25, 10:30, 12:40] = 1
    ras_from_ijk = np.diag([1.5, 2.0, 2.5, 1.0])
    camera = camera_over(values.shape, ras_from_ijk, (25.0, 10.0, 0.0), 100.0)
    picture = backend.exact_integral(Grid(values, ras_from_ijk), camera)
    lower, upper = (
        np.array([11.5, 9.5, 4.5]) * (1.5, 2.0, 2.5),
        np.array([39.5, 29.5, 24.5]) * (1.5, 2.0, 2.5),
    )
    direction = camera_rays(camera, np.eye(4)).direction_ijk
    with np.errstate(divide="ignore"):
        t = np.stack(
            [(lower - camera.focal_spot_ras) / direction, (upper - camera.focal_spot_ras) / direction]
        )
    expected = np.maximum(0, t.max(axis=0).min(axis=-1) - t.min(axis=0).max(axis=-1))
    assert expected.max() > 40
    assert np.allclose(picture, expected, atol=2e-4)


@NEEDS_NUMBA
def test_a_slab_of_opacity_absorbs_by_beer_and_lambert() -> None:
    """I = m (1 - exp(-s L)) where opacity is a slab inside the grid and matter is constant."""
    shape = (20, 60, 20)
    opacity = np.zeros(shape, np.float32)
    opacity[:, 20:40] = 0.01
    matter = np.full(shape, 0.7, np.float32)
    geometry = VolumeGeometry(shape, np.diag([2.0, 2.0, 2.0, 1.0]), np.array([[0, 0, 0], [38, 118, 38.0]]))
    camera = Camera.from_angles(
        geometry, (0, 0, 0), rows=1, columns=1, source_to_image_mm=5000, field=(1e-3, 1e-3)
    )
    image, _ = cpu.emission_absorption(Fields(matter, opacity, geometry.ras_from_ijk), camera, 4000)
    # Trilinear flanks: 19 full voxels between the outermost centres and two ramps of mean 1/2 make 20 voxels.
    assert image[0, 0] == pytest.approx(0.7 * (1 - math.exp(-0.01 * 20 * 2)), rel=1e-4)


def test_around_a_brick_marked_empty_is_nothing() -> None:
    rng = np.random.default_rng(3)
    values = (rng.random((21, 18, 33)) < 0.002).astype(np.float32)
    bricks = occupied_bricks(values)
    padded = np.pad(values, 8)
    assert 0 < bricks.mean() < 1
    for k, j, i in np.ndindex(bricks.shape):
        # Padded cell c reads original voxels c - 1 and c: cells 4b - 2 .. 4b + 5 read 4b - 3 .. 4b + 5.
        part = padded[4 * k + 5 : 4 * k + 14, 4 * j + 5 : 4 * j + 14, 4 * i + 5 : 4 * i + 14]
        assert bricks[k, j, i] == part.any()


@NEEDS_NUMBA
def test_threads_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    fields = Fields(rng.random((20, 20, 20)), 0.01 * rng.random((20, 20, 20)), np.diag([2.0, 2, 2, 1]))
    camera = camera_over((20, 20, 20), fields.ras_from_ijk, (12.0, 7.0, 0.0), 60.0)
    pictures = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("NERP_THREADS", threads)
        pictures.append(cpu.emission_absorption(fields, camera, 100)[0].tobytes())
    assert len(set(pictures)) == 1


def chest() -> Volume:
    """A block of soft tissue with a bright bar on the patient's right and a dark hole in front on the
    left."""
    hu = np.full((30, 40, 50), -1000, np.int16)
    hu[4:26, 6:34, 8:42] = 40
    hu[8:22, 12:28, 10:14] = 900
    hu[8:22, 8:16, 30:38] = -850
    return Volume(hu, np.array([[-4.0, 0, 0, 100], [0, -4, 0, 80], [0, 0, 5, -70], [0, 0, 0, 1]]))


def reoriented(volume: Volume, order: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """The same patient with other voxel axes: array axes permuted, then flipped."""
    hu = np.transpose(volume.hu, order)
    old_from_new = np.zeros((4, 4))
    old_from_new[3, 3] = 1
    for new_axis, old_axis in enumerate(order):
        old_from_new[2 - old_axis, 2 - new_axis] = -1 if flips[new_axis] else 1
        if flips[new_axis]:
            hu = np.flip(hu, new_axis)
            old_from_new[2 - old_axis, 3] = hu.shape[new_axis] - 1
    return Volume(np.ascontiguousarray(hu), volume.ras_from_ijk @ old_from_new)


def test_48_orientations_make_one_picture() -> None:
    import itertools

    volume = chest()
    expected = project(volume, Camera.preset("PA", volume, 40, 40), "drr").image
    for order in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            other = reoriented(volume, order, flips)
            picture = project(other, Camera.preset("PA", other, 40, 40), "drr").image
            assert np.abs(picture - expected).max() < 1e-4 * expected.max()


@pytest.mark.parametrize("view", ["PA", "AP"])
def test_right_is_on_the_viewers_left(view: str) -> None:
    volume = chest()
    camera = Camera.preset(view, volume, 64, 64)
    image = project(volume, camera, "drr").image
    assert camera.right_is_on_viewers_left() is True
    column = np.unravel_index(image.argmax(), image.shape)[1]
    assert column < 32, "the bar in the patient's right should be bright on the left"


@pytest.mark.parametrize("view", ["LL", "RL"])
def test_front_is_on_the_left_in_laterals(view: str) -> None:
    volume = chest()
    camera = Camera.preset(view, volume, 64, 64)
    front, back = camera.pixels(camera.isocenter_ras + np.array([[0, 50, 0], [0, -50, 0]]))
    assert front[0] < back[0]


def test_methods_and_refusals() -> None:
    volume = chest()
    camera = Camera.preset("PA", volume, 32, 32)
    for method in METHODS:
        picture = project(volume, camera, method, samples=64)
        assert (
            picture.image.shape == (32, 32) and np.isfinite(picture.image).all() and np.ptp(picture.image) > 0
        )
    with pytest.raises(NerpError, match="no method"):
        project(volume, camera, "xray")
    with pytest.raises(NerpError, match="at least one sample"):
        project(volume, camera, "fixed", samples=0)
    inside = np.array(camera.ras_from_camera)
    inside[:3, 3] = camera.isocenter_ras
    with pytest.raises(NerpError, match="inside the body"):
        project(volume, camera.moved(inside))


@pytest.mark.parametrize("method", METHODS)
def test_a_preview_is_the_picture_at_half_size(method: str) -> None:
    volume = chest()
    camera = Camera.preset("PA", volume, 48, 40)
    whole = project(volume, camera, method, samples=128).image
    preview = project(volume, camera, method, samples=128, preview=True)
    assert preview.image.shape == (24, 20) == (preview.camera.rows, preview.camera.columns)
    smaller = whole.reshape(24, 2, 20, 2).mean(axis=(1, 3))
    assert np.corrcoef(preview.image.ravel(), smaller.ravel())[0, 1] > 0.99


def test_a_window_is_clipped_to_and_may_change() -> None:
    volume = chest()
    camera = Camera.preset("PA", volume, 16, 16)
    narrow = project(volume, camera, "mip", samples=64, window_hu=(-200, 300)).image
    wide = project(volume, camera, "mip", samples=64, window_hu=(-1000, 3000)).image
    again = project(volume, camera, "mip", samples=64, window_hu=(-200, 300)).image
    assert narrow.max() == pytest.approx(300) and wide.max() == pytest.approx(900)
    assert np.array_equal(narrow, again)
    with pytest.raises(NerpError, match="lower and an upper"):
        project(volume, camera, "mip", window_hu=(300, -200))


def test_the_backend_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert backend_name() == ("CPU, Numba" if cpu else portable.NAME)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "install numba" in backend_name()


@BACKENDS
def test_overlapping_structures_keep_their_own_lengths(backend) -> None:
    rng = np.random.default_rng(11)
    masks = {Structure(name, n + 1): rng.random((9, 11, 10)) < 0.3 for n, name in enumerate("abc")}
    ras_from_ijk = np.diag([2.0, 3.0, 4.0, 1.0])
    structures = Structures.from_masks(masks, ras_from_ijk)
    assert len(structures.combinations) > 4, "the masks should overlap"
    camera = camera_over((9, 11, 10), ras_from_ijk, (20.0, 10.0, 5.0), 60.0)
    lengths = backend.exact_lengths(structures, camera)
    for mask, length in zip(masks.values(), lengths, strict=True):
        expected = reference.exact_integral(mask.astype(np.float32), camera_rays(camera, ras_from_ijk))
        assert np.abs(length - expected).max() <= 2e-6 * expected.max()


@NEEDS_NUMBA
def test_kernels_are_compiled_where_no_folder_can_keep_them() -> None:
    code = (
        "from numba.core.dispatcher import Dispatcher\n"
        "def nowhere(self): raise RuntimeError('cannot cache function: no locator available')\n"
        "Dispatcher.enable_caching = nowhere\n"
        "from nerp.projector.cpu.rays import compiled\n"
        "assert compiled(lambda x: x + 1)(2) == 3\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
