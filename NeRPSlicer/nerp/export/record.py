"""One projection on disk: its files and the record that lets it be drawn again, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..display import display_of
from ..geometry import Camera
from ..io.pictures import write_mask, write_numbers, write_png
from ..poses import CameraDraw
from ..projector import Radiograph
from ..settings import ExportSettings
from ..structures import Structures
from ..volume import Volume

RECORD_VERSION = 1
IMAGE_BITS = 16
MASK_RULE = "path length through the structure in mm >= minimum_mm"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def camera_record(camera: Camera) -> dict[str, Any]:
    """What the sidecar says of a camera; ``Camera.from_dict(record["camera"])`` makes it again."""
    angles = camera.angles
    return {
        "camera": camera.to_dict(),
        "pixel_from_camera": camera.pixel_from_camera.tolist(),
        "camera_from_ras": camera.camera_from_ras.tolist(),
        "positioner_angles_degrees": {
            "primary": angles.primary,
            "secondary": angles.secondary,
            "roll": angles.roll,
        },
        "description": camera.description,
        "beam_direction_ras": camera.beam_direction_ras.tolist(),
        "field_mm": list(camera.field_mm),
        "patient_right_on_viewers_left": camera.right_is_on_viewers_left(),
    }


def volume_record(volume: Volume) -> dict[str, Any]:
    """What the sidecar says of a CT; its hash covers voxels and frame."""
    return {
        "name": volume.name,
        "sha256": volume.hash,
        "shape_kji": list(volume.shape),
        "spacing_mm_ijk": list(volume.spacing_mm),
        "ras_from_ijk": volume.ras_from_ijk.tolist(),
    }


def write_projection(
    folder: Path,
    path_of: Callable[[str, str], str],
    picture: Radiograph,
    volume: Volume,
    structures: Structures | None,
    settings: ExportSettings,
    draw: CameraDraw | None = None,
) -> dict[str, Any]:
    """Write the files of one projection and return its record.

    Args:
        folder: what the names are relative to.
        path_of: kind ("image", "raw", "mask" or "thickness") and structure ("" for none) to a relative path
            with "/".
        picture: what to write; its masks follow ``settings``.
        volume: the CT it shows.
        structures: those that were projected.
        settings: display, thresholds, and whether to write float32 numbers and path lengths too.
        draw: the variational camera's parameters; None for another camera.

    Returns:
        plain data: record version, image, masks, camera, CT, method, display, mask rule, and the SHA-256 of
        every file.

    Raises:
        CannotWrite: a file cannot be written.
    """
    display = display_of(picture, settings.display)
    image = path_of("image", "")
    written = [image]
    write_png(folder / image, display.grey(picture.image, IMAGE_BITS))
    if settings.raw:
        written.append(path_of("raw", ""))
        write_numbers(folder / written[-1], picture.image, picture.camera)
    masks: dict[str, str] = {}
    pixels: dict[str, int] = {}
    thresholds: dict[str, float] = {}
    for name, length in picture.path_length.items():
        thresholds[name] = settings.threshold_mm(name)
        mask = picture.mask(name, thresholds[name])
        masks[name], pixels[name] = path_of("mask", name), int(mask.sum())
        write_mask(folder / masks[name], mask)
        written.append(masks[name])
        if settings.thickness:
            written.append(path_of("thickness", name))
            write_numbers(folder / written[-1], length, picture.camera)
    return {
        "version": RECORD_VERSION,
        "image": image,
        "masks": masks,
        "mask_pixels": pixels,
        "empty_masks": [name for name, count in pixels.items() if not count],
        "mask_rule": MASK_RULE,
        "minimum_mm": thresholds,
        "method": picture.method,
        "samples": picture.samples,
        "model_sha256": None if picture.model is None else picture.model.sha256,
        "model": None if picture.model is None else picture.model.name,
        "correlation_with_fixed": _correlation(picture),
        **camera_record(picture.camera),
        "draw": None if draw is None else draw.to_dict(),
        "ct": volume_record(volume),
        "body_separated": settings.separate_body,
        "structures_sha256": None if structures is None else structures.hash,
        "image_bits": IMAGE_BITS,
        "photometric_interpretation": "MONOCHROME2",
        "display": display.to_dict(),
        "synthetic": True,
        "files": {path: sha256_of(folder / path) for path in written},
    }


def _correlation(picture: Radiograph) -> float | None:
    """To six places: the last bits say nothing."""
    near = None if picture.model is None else picture.model.correlation_with_fixed
    return None if near is None else round(near, 6)
