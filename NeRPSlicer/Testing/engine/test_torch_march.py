"""The plain torch march: against the reference, by finite differences, in tiles."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from nerp import Camera, VolumeGeometry, autograd  # noqa: E402
from nerp.projector import reference, torch_march  # noqa: E402
from nerp.projector.rays import camera_rays  # noqa: E402

SHAPE = (5, 7, 6)
ROWS, COLUMNS, SAMPLES = 6, 5, 17


def frames() -> tuple:
    """An oblique grid seen from two sides; some rays miss."""
    rng = np.random.default_rng(8)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = rotation * (4.0, 3.0, 5.0)
    ras_from_ijk[:3, 3] = -ras_from_ijk[:3, :3] @ ((np.array(SHAPE[::-1]) - 1) / 2)
    geometry = VolumeGeometry(SHAPE, ras_from_ijk, np.array([[-8.0] * 3, [8.0] * 3]))
    cameras = [
        Camera.from_angles(
            geometry, angles, rows=ROWS, columns=COLUMNS, source_to_image_mm=300, field=(55.0, 60.0)
        )
        for angles in ((15.0, 10.0, 5.0), (100.0, -20.0, 0.0))
    ]
    stacked = (
        torch.tensor(ras_from_ijk)[None],
        torch.tensor(np.stack([camera.ras_from_camera for camera in cameras]))[None],
        torch.tensor(np.stack([camera.pixel_from_camera for camera in cameras]))[None],
    )
    return cameras, ras_from_ijk, stacked


def fields(dtype: torch.dtype = torch.float64) -> tuple:
    """Matter, and opacity with empty voxels."""
    generator = torch.Generator().manual_seed(1)
    matter, opacity = torch.rand(2, 1, 1, *SHAPE, generator=generator, dtype=torch.float64)
    opacity[..., :3] = 0
    return matter.to(dtype), (0.05 * opacity).to(dtype)


def test_float64_equals_the_reference() -> None:
    cameras, ras_from_ijk, stacked = frames()
    matter, opacity = fields()
    image, accumulated = autograd.project(matter, opacity, *stacked, ROWS, COLUMNS, SAMPLES)
    integral = autograd.line_integral(matter, *stacked, ROWS, COLUMNS, SAMPLES)
    for view, camera in enumerate(cameras):
        rays = camera_rays(camera, ras_from_ijk)
        m, s = matter[0, 0].numpy(), opacity[0, 0].numpy()
        expected = reference.emission_absorption(m, s, rays, SAMPLES)
        assert (expected[0] == 0).any() and (expected[0] > 0).any()
        assert np.allclose(image[0, view], expected[0], atol=1e-12)
        assert np.allclose(accumulated[0, view], expected[1], atol=1e-12)
        assert np.allclose(integral[0, view], reference.sampled_integral(m, rays, SAMPLES), atol=1e-11)


def test_gradients_equal_finite_differences() -> None:
    """Matter, opacity (in empty bricks too), frame, pose and intrinsics."""
    _, _, stacked = frames()
    leaves = [tensor.clone().requires_grad_() for tensor in (*fields(), *stacked)]

    def pictures(*inputs: torch.Tensor) -> tuple:
        return autograd.project(*inputs, ROWS, COLUMNS, SAMPLES)

    def integral(*inputs: torch.Tensor) -> torch.Tensor:
        return autograd.line_integral(*inputs, ROWS, COLUMNS, SAMPLES)

    assert torch.autograd.gradcheck(pictures, leaves, eps=1e-7, atol=1e-4, nondet_tol=1e-10)
    assert torch.autograd.gradcheck(integral, leaves[1:], eps=1e-7, atol=1e-4, nondet_tol=1e-10)


def test_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, stacked = frames()
    found = []
    for tile in (1 << 20, 7 * SAMPLES, 1):
        monkeypatch.setattr(torch_march, "TILE_SAMPLES", tile)
        leaves = [tensor.clone().requires_grad_() for tensor in (*fields(), *stacked)]
        image, accumulated = autograd.project(*leaves, ROWS, COLUMNS, SAMPLES)
        (image.square().sum() + accumulated.sum()).backward()
        found.append([image.detach(), accumulated.detach(), *(leaf.grad for leaf in leaves)])
    for other in found[1:]:
        assert all(torch.allclose(a, b, rtol=1e-10, atol=1e-12) for a, b in zip(found[0], other, strict=True))


def test_without_numba_float32_tensors_are_marched_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, stacked = frames()
    expected = autograd.project(*fields(), *stacked, ROWS, COLUMNS, SAMPLES)
    found_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "numba" else found_spec(name, *rest)
    )
    for picture, exact in zip(
        autograd.project(*fields(torch.float32), *stacked, ROWS, COLUMNS, SAMPLES), expected, strict=True
    ):
        assert picture.dtype == torch.float32
        assert (picture - exact).abs().max() <= 1e-5 * exact.max()
