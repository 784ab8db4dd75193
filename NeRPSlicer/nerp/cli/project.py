"""Draw one radiograph of a CT, with masks of its structures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..atomic import remove_unfinished, write_json
from ..errors import NerpError
from ..export.cases import read_case
from ..export.record import write_projection
from ..geometry import PRESETS, Camera
from ..poses import CameraDraw, draw_camera
from ..projector import project
from ..settings import ExportSettings
from ..volume import Volume
from .choices import (
    add_camera_ranges,
    add_picture_arguments,
    add_reading_arguments,
    reading_of,
    settings_of,
)
from .console import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ct", type=Path, help="CT file (NIfTI, NRRD, MetaImage) or DICOM folder")
    parser.add_argument("--labels", type=Path, help="label map, DICOM SEG or RTSTRUCT")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    add_camera_ranges(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--angles",
        nargs=2,
        type=float,
        metavar=("PRIMARY", "SECONDARY"),
        help="degrees to turn the detector from the standard projection: LAO+/RAO-, CRA+/CAU-",
    )
    which.add_argument("--index", type=int, help="random camera of the seed's sequence instead, from 0")
    which.add_argument("--camera", type=Path, help="the camera of a projection.json instead")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random cameras, default 0")
    add_picture_arguments(parser, method="fixed")
    add_reading_arguments(parser)


def run(options: argparse.Namespace) -> None:
    settings = settings_of(options, views=0, presets=(options.preset,), seed=options.seed, raw=True)
    volume, structures = read_case(options.ct, options.labels, **reading_of(options))
    for notice in (*volume.notices, *(structures.notices if structures else ())):
        say(notice)
    if structures is not None:
        structures = structures.select([name for name in structures.names if settings.wanted(name)])
    camera, draw = _camera(options, settings, volume)
    picture = project(volume, camera, settings.method, settings.samples, structures)
    names = {
        "image": "radiograph.png",
        "raw": "radiograph.nrrd",
        "mask": "masks/{structure}.png",
        "thickness": "thickness/{structure}.nrrd",
    }
    remove_unfinished(options.out)
    record = write_projection(options.out, names, picture, volume, structures, settings, draw)
    write_json(options.out / "projection.json", record)
    if record["empty_masks"]:
        say(f"Structures without a pixel: {', '.join(record['empty_masks'])}.")
    say(f"{camera.description}, {settings.method}, {len(record['masks'])} masks: {options.out}")


def _camera(
    options: argparse.Namespace, settings: ExportSettings, volume: Volume
) -> tuple[Camera, CameraDraw | None]:
    size = settings.rows, settings.columns
    if options.index is not None:
        draw = draw_camera(volume, settings.seed, options.index, settings.ranges, settings.preset, *size)
        return draw.camera(volume, *size), draw
    if options.camera is not None:
        return _recorded(options.camera).resized(*size), None
    if options.angles is None:
        return Camera.preset(settings.preset, volume, *size), None
    chosen = PRESETS[settings.preset]
    primary, secondary = options.angles
    camera = Camera.from_angles(
        volume,
        (chosen.primary + primary, secondary, 0.0),
        rows=settings.rows,
        columns=settings.columns,
        source_to_image_mm=chosen.source_to_image_mm,
        gap_mm=chosen.gap_mm,
        film_mm=chosen.film_mm,
        mirrored=chosen.mirrored,
        view=settings.preset,
    )
    return camera, None


def _recorded(path: Path) -> Camera:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Camera.from_dict(record["camera"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NerpError(f"{path} holds no camera; use a projection.json that nerp wrote.") from error
