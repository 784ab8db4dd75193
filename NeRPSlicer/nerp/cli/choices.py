"""Arguments that several commands share, and the settings made of them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NerpError
from ..geometry import PRESETS
from ..models import named_model
from ..poses import CameraRanges
from ..settings import LEARNED, METHODS, ExportSettings

if TYPE_CHECKING:
    from ..networks.model import RadianceModel


def named_path(text: str) -> Path:
    """A path that an argument names: nothing, as an unset variable leaves it, is not the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; name a file or folder, or leave the option out")
    return Path(text)


def add_picture_arguments(parser: argparse.ArgumentParser, method: str) -> None:
    """Method, size, samples, structures and what is written of them."""
    parser.add_argument(
        "--method",
        choices=(LEARNED, *METHODS),
        type=str.lower,
        help=f"default {method}, with --model what that is for",
    )
    parser.set_defaults(usual_method=method)
    parser.add_argument(
        "--model", help="trained model: its folder, that of its run, or the name of one that nerp comes with"
    )
    parser.add_argument("--size", help="pixels: 256 (default), or rows x columns such as 320x256")
    parser.add_argument("--samples", type=int, default=512, help="samples a ray, default 512; drr is exact")
    parser.add_argument(
        "--structures", nargs="+", default=["*"], metavar="NAME", help='names or patterns such as "lung*"'
    )
    parser.add_argument(
        "--minimum-mm",
        nargs="+",
        default=[],
        metavar="NAME=MM",
        help="path length from which a pixel is in a mask, instead of the table's: lung*=30",
    )
    parser.add_argument("--thickness", action="store_true", help="write path lengths in mm too (NRRD)")
    parser.add_argument("--display", choices=("default", "paper"), default="default", help="grey levels")


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """How CT and labels are read."""
    parser.add_argument(
        "--names",
        metavar="TABLE",
        help='names of label values: CSV, TSV, JSON or .ctbl, or "totalsegmentator"; else a table beside',
    )
    parser.add_argument("--series", help="DICOM: SeriesInstanceUID or series number, where there are several")
    parser.add_argument("--keep-couch", action="store_true", help="do not separate the body from the couch")


def reading_of(options: argparse.Namespace) -> tuple[bool, str | None, str | None]:
    """The reading arguments as `nerp.export.cases.read_case` takes them."""
    return not options.keep_couch, options.series, options.names


def add_camera_ranges(parser: argparse.ArgumentParser) -> None:
    """Which standard projection is varied, and how much."""
    parser.add_argument(
        "--preset",
        default="PA",
        choices=PRESETS,
        type=str.upper,
        help="standard projection that random cameras vary, default PA",
    )
    parser.add_argument(
        "--ranges",
        metavar="JSON",
        help="what random cameras vary, as JSON or a JSON file: "
        '{"primary": [-20, 20], "roll": {"normal": [0, 3]}}',
    )


def model_of(options: argparse.Namespace) -> RadianceModel | None:
    """The model that ``--model`` names or the method vrr needs.

    Raises:
        NerpError: there is none, it is damaged, it is made for another method, or packages are missing.
    """
    if options.model is None and options.method != LEARNED:
        return None
    found = named_model(options.model)
    if options.method not in (None, found.method):
        raise NerpError(
            f"Pictures of {found.name} are of the method {found.method} ({found.label}), "
            f"not {options.method}; leave out one of them."
        )
    from ..networks.model import load_model

    return load_model(found.folder)


def settings_of(
    options: argparse.Namespace, model: RadianceModel | None = None, **chosen: Any
) -> ExportSettings:
    """The settings that the shared arguments make.

    Raises:
        NerpError: a value that makes no sense.
    """
    rows, columns = _size(options.size or "256")
    return ExportSettings(
        preset=options.preset,
        ranges=_ranges(options.ranges),
        method=options.method or (options.usual_method if model is None else model.method),
        model=None if model is None else model.hash,
        rows=rows,
        columns=columns,
        samples=options.samples,
        display=options.display,
        structures=tuple(options.structures),
        minimum_mm=dict(_threshold(text) for text in options.minimum_mm),
        separate_body=not options.keep_couch,
        thickness=options.thickness,
        **chosen,
    )


def _size(text: str) -> tuple[int, int]:
    try:
        numbers = [int(part) for part in text.lower().split("x")]
        rows, columns = numbers * 2 if len(numbers) == 1 else numbers
    except ValueError:
        raise NerpError(f"A size is 256 or rows x columns such as 320x256, not {text!r}.") from None
    return rows, columns


def _threshold(text: str) -> tuple[str, float]:
    pattern, equals, number = text.partition("=")
    try:
        if not equals:
            raise ValueError
        return pattern, float(number)
    except ValueError:
        raise NerpError(f"A least path length is written as lung*=30, not {text!r}.") from None


def _ranges(text: str | None) -> CameraRanges:
    if text is None:
        return CameraRanges()
    try:
        content = text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        return CameraRanges.from_dict(json.loads(content))
    except (OSError, ValueError) as error:
        raise NerpError(f"--ranges takes JSON or a JSON file, not {text!r} ({error}).") from None
