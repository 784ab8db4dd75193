"""Other projectors of line integrals, each on the same rays through the same voxels; used when installed.

plastimatch ignores direction cosines, so that all get one volume whose axes run along +L, +P, +S. Where a
peer's samples can be chosen they are ours: 512 midpoints between the entries to the zero-padded grid.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nerp
import numpy as np
from nerp.projector import reference
from nerp.projector.prepared import Grid
from nerp.projector.rays import camera_rays

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Scene:
    """A field, a camera and how finely to look."""

    grid: Grid
    camera: nerp.Camera
    samples: int
    threads: int


@dataclass(frozen=True)
class Peer:
    """One projector."""

    name: str
    picture: Callable[[], np.ndarray]
    seconds: Callable[[], float]
    """Time of one forward pass."""
    exact: bool = True
    forward_backward: Callable[[], object] | None = None
    """To the volume and the pose."""


def is_oblique(grid: Grid) -> bool:
    """Whether an axis lies across the patient's: plastimatch could not be shown such a volume."""
    return np.count_nonzero(np.abs(grid.ras_from_ijk[:3, :3]) > 1e-6) > 3


def upright(grid: Grid) -> Grid:
    """The same field with axes along +L, +P, +S; not for oblique ones."""
    lps_from_ijk = LPS_FROM_RAS @ grid.ras_from_ijk
    main = np.abs(lps_from_ijk[:3, :3]).argmax(axis=1)
    values = np.transpose(grid.values, [2 - main[2 - axis] for axis in range(3)])
    old_from_new = np.zeros((4, 4))
    old_from_new[3, 3] = 1
    for new, old in enumerate(main):
        backward = lps_from_ijk[new, old] < 0
        old_from_new[old, new] = -1 if backward else 1
        if backward:
            values = np.flip(values, 2 - new)
            old_from_new[old, 3] = values.shape[2 - new] - 1
    return Grid(np.ascontiguousarray(values), grid.ras_from_ijk @ old_from_new)


def peers(scene: Scene) -> Iterator[Peer]:
    """Those that are installed."""
    if shutil.which("plastimatch"):
        yield plastimatch(scene)
    for module, make in (("itk.RTK", rtk_joseph), ("diffdrr", diffdrr), ("nanodrr", nanodrr)):
        if importlib.util.find_spec(module.split(".")[0]):
            try:
                yield make(scene)
            except ImportError as error:
                print(f"{module} is left out: {error}")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Seconds that one call takes."""

    def seconds() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return seconds


def plastimatch(scene: Scene) -> Peer:
    """`plastimatch drr`, exact; the time is what it reports for the projection without its files."""
    import SimpleITK

    folder = Path(tempfile.mkdtemp(prefix="nerp-bench-"))
    lps_from_ijk = LPS_FROM_RAS @ scene.grid.ras_from_ijk
    image = SimpleITK.GetImageFromArray(scene.grid.values)
    image.SetSpacing(np.diag(lps_from_ijk)[:3])
    image.SetOrigin(lps_from_ijk[:3, 3])
    SimpleITK.WriteImage(image, str(folder / "mu.mha"))
    camera = scene.camera

    def words(numbers: np.ndarray) -> str:
        return " ".join(f"{number:.9g}" for number in numbers)

    command = ["plastimatch", "drr", "-A", "cpu", "-i", "exact", "-P", "none", "-t", "pfm"]
    command += ["--sad", words([camera.source_to_isocenter_mm]), "--sid", words([camera.source_to_image_mm])]
    command += ["-r", f"{camera.rows} {camera.columns}", "-z", words(camera.field_mm)]
    command += ["-o", words(LPS_FROM_RAS[:3, :3] @ camera.isocenter_ras)]
    command += ["-n", words(-LPS_FROM_RAS[:3, :3] @ camera.beam_direction_ras)]
    command += ["--vup", words(-LPS_FROM_RAS[:3, :3] @ camera.ras_from_camera[:3, 1])]
    command += ["-O", str(folder / "drr"), str(folder / "mu.mha")]

    def seconds() -> float:
        environment = {**os.environ, "OMP_NUM_THREADS": str(scene.threads)}
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        total, files = (float(re.search(rf"{what} time: ([\d.]+)", told)[1]) for what in ("Total", "I/O"))
        return total - files

    def picture() -> np.ndarray:
        seconds()
        pixels = (folder / "drr0000.pfm").read_bytes().split(b"\n", 3)[3]
        image = 10 * np.frombuffer(pixels, "<f4").reshape(camera.rows, camera.columns)  # lengths in cm
        return image[:, ::-1] if camera.mirrored else image

    return Peer("plastimatch exact", picture, seconds)


def rtk_joseph(scene: Scene) -> Peer:
    """RTK's Joseph projector: bilinear in slices of the main axis."""
    import itk
    from itk import RTK

    kind = itk.Image[itk.F, 3]
    camera, lps_from_ijk = scene.camera, LPS_FROM_RAS @ scene.grid.ras_from_ijk
    volume = itk.image_from_array(scene.grid.values)
    volume.SetSpacing(np.diag(lps_from_ijk)[:3].tolist())
    volume.SetOrigin(lps_from_ijk[:3, 3].tolist())
    lps_from_camera = LPS_FROM_RAS @ camera.ras_from_camera
    detector = (lps_from_camera @ (0, 0, camera.source_to_image_mm, 1))[:3]
    sides = (-1 if camera.mirrored else 1) * lps_from_camera[:3, 0], lps_from_camera[:3, 1]
    geometry = RTK.ThreeDCircularProjectionGeometry.New()
    source = itk.Point[itk.D, 3](lps_from_camera[:3, 3].tolist())
    vectors = [itk.Vector[itk.D, 3](side.tolist()) for side in sides]
    geometry.AddProjection(source, itk.Point[itk.D, 3](detector.tolist()), *vectors)
    row_mm, column_mm = camera.pixel_spacing_mm
    blank = itk.image_from_array(np.zeros((1, camera.rows, camera.columns), np.float32))
    blank.SetSpacing([column_mm, row_mm, 1.0])
    u0, v0 = camera.principal_point
    blank.SetOrigin([-u0 * column_mm, -v0 * row_mm, 0.0])
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(scene.threads)
    projector = RTK.JosephForwardProjectionImageFilter[kind, kind].New()
    projector.SetGeometry(geometry)
    projector.SetInput(0, blank)
    projector.SetInput(1, volume)
    projector.InPlaceOff()

    def forward() -> None:
        projector.Modified()
        projector.Update()

    def picture() -> np.ndarray:
        forward()
        return itk.array_from_image(projector.GetOutput())[0]

    return Peer("RTK Joseph", picture, timed(forward))


def _torch_scene(scene: Scene):  # type: ignore[no-untyped-def]
    import torch

    volume = torch.from_numpy(scene.grid.values)[None, None].clone().requires_grad_()
    pose = torch.tensor(scene.camera.ras_from_camera, dtype=torch.float32).requires_grad_()
    return volume, pose


def _torch_peer(name: str, draw, volume, pose) -> Peer:  # type: ignore[no-untyped-def]
    import torch

    def forward():  # type: ignore[no-untyped-def]
        with torch.no_grad():
            return draw()

    def forward_backward() -> None:
        volume.grad = pose.grad = None
        draw().sum().backward()

    return Peer(name, lambda: forward().numpy(), timed(forward), False, forward_backward)


def diffdrr(scene: Scene) -> Peer:
    """DiffDRR's trilinear renderer, given our entries and exits (its own are one pair for all rays)."""
    import torch
    from diffdrr.renderers import Trilinear

    volume, pose = _torch_scene(scene)
    camera = scene.camera
    v, u = torch.meshgrid(torch.arange(camera.rows), torch.arange(camera.columns), indexing="ij")
    pixels = torch.stack([u, v, torch.ones_like(u)], -1).reshape(-1, 3).float()
    camera_from_pixel = torch.tensor(np.linalg.inv(camera.pixel_from_camera), dtype=torch.float32)
    targets = camera.source_to_image_mm * pixels @ camera_from_pixel.T
    length = targets.norm(dim=-1)
    t_in, t_out = reference.clip_to_support(
        scene.grid.values.shape, camera_rays(camera, scene.grid.ras_from_ijk)
    )
    t_in, t_out = (torch.tensor(t.ravel(), dtype=torch.float32) for t in (t_in, t_out))
    half = (t_out - t_in) / (2 * scene.samples)
    first, last = ((t / length)[None, :, None] for t in (t_in + half, t_out - half))
    ijk_from_ras = torch.tensor(np.linalg.inv(scene.grid.ras_from_ijk), dtype=torch.float32)
    renderer = Trilinear()

    def draw() -> torch.Tensor:
        ijk_from_camera = ijk_from_ras @ pose
        source = ijk_from_camera[None, None, :3, 3]
        target = (targets @ ijk_from_camera[:3, :3].T)[None] + source
        image = renderer(
            volume[0, 0].permute(2, 1, 0),
            source,
            target,
            length[None, None],
            n_points=scene.samples,
            alphamin=first,
            alphamax=last,
        )
        return image.reshape(camera.rows, camera.columns)

    return _torch_peer("DiffDRR trilinear", draw, volume, pose)


def nanodrr(scene: Scene) -> Peer:
    """nanodrr's plain torch renderer; it clips rays and places samples as we do."""
    import torch
    from nanodrr.data import Subject
    from nanodrr.drr import render

    volume, pose = _torch_scene(scene)
    camera = scene.camera
    size = np.array(scene.grid.values.shape[::-1], float)
    grid_from_ijk = np.diag([*(2 / size), 1.0])
    grid_from_ijk[:3, 3] = 1 / size - 1
    half_pixel = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # its pixel centres lie at + 0.5
    frames = [
        torch.tensor(matrix, dtype=torch.float32)
        for matrix in (
            scene.grid.ras_from_ijk,
            np.linalg.inv(scene.grid.ras_from_ijk),
            grid_from_ijk,
            np.linalg.inv(camera.pixel_from_camera) @ half_pixel,
        )
    ]
    subject = Subject(
        volume, torch.zeros_like(volume), *frames[:3], torch.zeros(3), max_label=0, convert_to_mu=False
    )
    distance = torch.tensor([camera.source_to_image_mm])

    def draw() -> torch.Tensor:
        size = camera.rows, camera.columns
        return render(
            subject, frames[3][None], pose[None], distance, *size, n_samples=scene.samples, backend="torch"
        )[0, 0]

    return _torch_peer("nanodrr torch", draw, volume, pose)
