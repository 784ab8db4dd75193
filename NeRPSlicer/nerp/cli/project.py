"""Draw one radiograph of a CT, with masks of its structures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..atomic import exclusive, explained, remove_unfinished, write_json
from ..errors import NerpError
from ..export.cameras import read_cameras
from ..export.cases import read_case
from ..export.drawing import BLANK, drawn
from ..export.record import write_projection
from ..export.views import variational
from ..geometry import PRESETS, Camera
from ..projector import Radiograph
from ..settings import LEARNED, ExportSettings
from ..volume import Volume
from .choices import (
    add_camera_ranges,
    add_picture_arguments,
    add_reading_arguments,
    model_of,
    named_path,
    reading_of,
    settings_of,
)
from .console import say

RECORD = "projection.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ct", type=named_path, help="CT file (NIfTI, NRRD, MetaImage) or DICOM folder")
    parser.add_argument("--labels", type=named_path, help="label map, folder of masks, DICOM SEG or RTSTRUCT")
    parser.add_argument("--out", type=named_path, required=True, metavar="DIR", help="folder for the files")
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
    which.add_argument("--camera", type=named_path, help="the camera of a projection.json instead")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random cameras, default 0")
    add_picture_arguments(parser, method="fixed")
    add_reading_arguments(parser)


def run(options: argparse.Namespace) -> None:
    recorded = None if options.camera is None else _recorded(options.camera)
    if recorded is not None and options.size is None:
        options.size = f"{recorded.rows}x{recorded.columns}"
    if options.labels is None and options.structures != ["*"]:
        raise NerpError("--structures chooses among labels; give --labels too.")
    if options.ranges is not None and options.index is None:
        raise NerpError("--ranges says what random cameras vary; name one by --index too, or leave it out.")
    model = model_of(options)
    settings = settings_of(options, model, views=0, presets=(options.preset,), seed=options.seed, raw=True)
    volume, structures = read_case(options.ct, options.labels, *reading_of(options))
    if structures is not None:
        structures = settings.select(structures)
    for notice in (*volume.notices, *(structures.notices if structures else ())):
        say(notice)
    draw = None
    if recorded is not None:
        camera = recorded.resized(settings.rows, settings.columns)
    elif options.index is not None:
        camera, draw = variational(volume, structures, settings, options.index)
    else:
        camera = _turned(options, settings, volume)
    picture = drawn(volume, camera, settings, structures, model)
    with exclusive(options.out):
        _remove_earlier(options.out)
        record = write_projection(options.out, _path_of, picture, volume, structures, settings, draw)
        write_json(options.out / RECORD, record)
    if picture.is_blank:
        say(f"{camera.description}: {BLANK}")
    if record["empty_masks"]:
        say(f"Structures without a pixel: {', '.join(record['empty_masks'])}.")
    say(f"{camera.description}, {_called(picture)}, {len(record['masks'])} masks: {options.out}")


def _called(picture: Radiograph) -> str:
    """What a picture is, for people; what a network has changed is part of it."""
    if picture.model is None:
        return picture.method
    if picture.method != LEARNED:
        return f"fixed radiance, tone curve of {picture.model.name}"
    near = picture.model.correlation_with_fixed
    told = "no contrast" if near is None else f"correlation with the fixed radiance {near:.3f}"
    return f"VRR by {picture.model.name}, {told}"


def _path_of(kind: str, structure: str) -> str:
    return {
        "image": "radiograph.png",
        "raw": "radiograph.nrrd",
        "mask": f"masks/{structure}.png",
        "thickness": f"thickness/{structure}.nrrd",
    }[kind]


def _remove_earlier(folder: Path) -> None:
    """The files of an earlier picture here, and what a killed one left: never any other file."""
    remove_unfinished(folder, folder / "masks", folder / "thickness")
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        masks = [str(name) for name in record["masks"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    named = [_path_of(kind, name) for kind in ("mask", "thickness") for name in masks]
    for path in (RECORD, _path_of("image", ""), _path_of("raw", ""), *named):
        with explained(folder / path):
            (folder / path).unlink(missing_ok=True)


def _turned(options: argparse.Namespace, settings: ExportSettings, volume: Volume) -> Camera:
    """The standard projection, turned by ``--angles``."""
    if options.angles is None:
        return Camera.preset(settings.preset, volume, settings.rows, settings.columns)
    chosen = PRESETS[settings.preset]
    primary, secondary = options.angles
    return Camera.from_angles(
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


def _recorded(path: Path) -> Camera:
    cameras = read_cameras(path)
    if len(cameras) > 1:
        raise NerpError(f"{path} holds {len(cameras)} cameras; draw them with `nerp export --cameras`.")
    return cameras[0]
