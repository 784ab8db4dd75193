"""Pictures and gradients for float32 tensors against torch's own in float64, another road to the same."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from nerp import NerpError, autograd  # noqa: E402
from nerp.projector.torch_rays import clipped_rays  # noqa: E402

SHAPE = (9, 11, 10)
ROWS, COLUMNS, SAMPLES = 13, 12, 40
NAMES = ("matter", "opacity", "ras_from_ijk", "ras_from_camera", "pixel_from_camera")


def scene(seed: int, air: bool = True) -> dict:
    """Random fields in an oblique, anisotropic, left-handed frame; rays enter, leave, graze and miss."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation[:, 0] *= -np.sign(np.linalg.det(rotation))
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = rotation * (2.0, 3.0, 4.0)
    ras_from_ijk[:3, 3] = -ras_from_ijk[:3, :3] @ ((np.array(SHAPE[::-1]) - 1) / 2)
    ras_from_camera = np.stack([np.eye(4), np.eye(4)])
    ras_from_camera[:, 2, 3] = -200
    ras_from_camera[1, :3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    ras_from_camera[1, :3, 3] = (-180, 2, 3)
    pixel_from_camera = np.array([[60.0, 0, 5.4], [0, 60.0, 6.1], [0, 0, 1]])
    matter, opacity = rng.random(SHAPE), 0.03 * rng.random(SHAPE)
    if air:
        opacity[:, :, :5] = 0
    return {
        "matter": torch.tensor(matter, dtype=torch.float32)[None, None],
        "opacity": torch.tensor(opacity, dtype=torch.float32)[None, None],
        "ras_from_ijk": torch.tensor(ras_from_ijk)[None],
        "ras_from_camera": torch.tensor(ras_from_camera)[None],
        "pixel_from_camera": torch.tensor(pixel_from_camera).expand(1, 2, 3, 3),
    }


def ours(**inputs) -> tuple:
    return autograd.project(**inputs, rows=ROWS, columns=COLUMNS, samples=SAMPLES)


def oracle(matter, opacity, **frames) -> tuple:
    """The same picture by torch's own grid_sample and autograd, in float64."""
    entry, step, step_mm = clipped_rays(list(frames.values()), SHAPE, ROWS, COLUMNS, SAMPLES)
    n = torch.arange(SAMPLES, dtype=torch.float64)[:, None] + 0.5
    points = entry[..., None, :] + n * step[..., None, :]
    padded = torch.nn.functional.pad(torch.cat([matter, opacity], dim=1).double(), (1,) * 6)
    size = torch.tensor(padded.shape[:1:-1], dtype=torch.float64)
    grid = (2 * points / (size - 1) - 1).flatten(1, 2)
    m, s = torch.nn.functional.grid_sample(padded, grid, align_corners=True)[0]
    m, s = (x.reshape(points.shape[:-1]) for x in (m, s))
    depth = torch.cumsum(s * step_mm[..., None], -1)
    remaining = torch.exp(-torch.nn.functional.pad(depth, (1, 0)))
    return (-torch.diff(remaining, dim=-1) * m).sum(-1), 1 - remaining[..., -1]


@pytest.mark.parametrize(("seed", "air"), [(0, True), (1, False)])
def test_gradients_equal_torchs_own_in_float64(seed: int, air: bool) -> None:
    inputs = scene(seed, air)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(2, 1, 2, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    results = []
    for function in (ours, oracle):
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in inputs.items()}
        image, accumulated = function(**leaves)
        (weights[0] * image + weights[1] * accumulated).sum().backward()
        results.append((image.detach(), accumulated.detach(), *(leaves[name].grad for name in NAMES)))
    expected_image = results[1][0]
    assert (expected_image == 0).any() and (expected_image > 0).any()
    for n, (found, expected) in enumerate(zip(*results, strict=True)):
        bar = 2e-6 if n < 2 else 1e-5
        assert (found - expected).abs().max() <= bar * expected.abs().max(), ("image", "alpha", *NAMES)[n]


@pytest.mark.parametrize("seed", [3, 4])
def test_the_line_integrals_gradients_equal_torchs_own_in_float64(seed: int) -> None:
    inputs = scene(seed)
    del inputs["matter"]
    weights = torch.randn(1, 2, ROWS, COLUMNS, generator=torch.Generator().manual_seed(seed))
    results = []
    for dtype in (torch.float32, torch.float64):
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in inputs.items()}
        values = leaves.pop("opacity")
        sizes = {"rows": ROWS, "columns": COLUMNS, "samples": SAMPLES}
        image = autograd.line_integral(values.to(dtype), **leaves, **sizes)
        (weights * image).sum().backward()
        results.append((image.detach(), values.grad, *(leaf.grad for leaf in leaves.values())))
    for n, (found, expected) in enumerate(zip(*results, strict=True)):
        bar = 1e-5 if n else 2e-6
        assert (found - expected).abs().max() <= bar * expected.abs().max(), ("image", *NAMES[1:])[n]


@pytest.mark.parametrize("method", ["project", "line_integral"])
def test_a_pose_has_the_same_gradient_alone(method: str) -> None:
    """For rays alone what is empty is skipped."""
    found = []
    for alone in (True, False):
        inputs = scene(6)
        inputs["opacity"][:, :, :, 2:] = 0
        inputs["opacity"].requires_grad_(not alone)
        pose = inputs["ras_from_camera"].requires_grad_()
        if method == "line_integral":
            inputs = {"values": inputs.pop("opacity"), **inputs}
            del inputs["matter"]
        picture = getattr(autograd, method)(**inputs, rows=ROWS, columns=COLUMNS, samples=200)
        (picture if method == "line_integral" else picture[0] + picture[1]).square().sum().backward()
        found.append(pose.grad)
    assert found[0].abs().max() > 0
    assert torch.allclose(*found, rtol=0, atol=1e-6 * float(found[1].abs().max()))


def test_opacity_in_air_has_a_gradient() -> None:
    inputs = scene(0)
    inputs["opacity"].requires_grad_()
    ours(**inputs)[0].sum().backward()
    assert inputs["opacity"].grad[..., 1:4].abs().max() > 0


@pytest.mark.parametrize("method", ["project", "line_integral"])
def test_threads_do_not_change_a_bit_of_the_gradient(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    found = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("NERP_THREADS", threads)
        inputs = scene(2)
        leaves = [inputs[name].requires_grad_() for name in ("matter", "opacity", "ras_from_camera")]
        sizes = {"rows": 64, "columns": 48, "samples": SAMPLES}
        if method == "project":
            image, _ = autograd.project(**inputs, **sizes)
        else:
            image = autograd.line_integral(leaves.pop(0), *list(inputs.values())[2:], **sizes)
        image.square().sum().backward()
        found.append(b"".join(leaf.grad.numpy().tobytes() for leaf in leaves if leaf.grad is not None))
    assert len(set(found)) == 1


def test_shapes_are_checked() -> None:
    inputs = scene(0)
    inputs["ras_from_camera"] = inputs["ras_from_camera"][0]
    with pytest.raises(NerpError, match="ras_from_camera"):
        ours(**inputs)


def test_devices_are_checked() -> None:
    inputs = scene(0)
    inputs["matter"] = inputs["matter"].to("meta")
    with pytest.raises(NerpError, match="one device"):
        ours(**inputs)
