"""Draw a labelled set of radiographs from CT volumes; run it again to go on where it stopped."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..errors import NerpError
from ..export import Case, Outcome, export_set
from ..export.cameras import read_cameras
from ..export.cases import file_name, read_case
from ..export.drawing import Model
from ..geometry import PRESETS
from ..io.images import stem
from ..settings import ExportSettings
from .choices import (
    add_camera_ranges,
    add_picture_arguments,
    add_reading_arguments,
    model_of,
    named_path,
    reading_of,
    settings_of,
)
from .console import progress_bar, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ct",
        nargs="*",
        type=named_path,
        metavar="CT",
        help="CT file (NIfTI, NRRD, MetaImage) or DICOM folder",
    )
    parser.add_argument(
        "--labels", nargs="+", type=named_path, default=[], help="labels for each CT, in the same order"
    )
    parser.add_argument("--out", type=named_path, required=True, metavar="SET", help="folder of the set")
    parser.add_argument("--views", type=int, help="random cameras per CT, default 10, with --cameras 0")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random cameras, default 0")
    parser.add_argument(
        "--presets",
        nargs="+",
        default=[],
        choices=PRESETS,
        type=str.upper,
        help="standard ones to draw too",
    )
    parser.add_argument(
        "--cameras",
        nargs="+",
        type=named_path,
        default=[],
        metavar="FILE",
        help="cameras to draw too: projection.json or projections.jsonl of pictures that are there",
    )
    parser.add_argument(
        "--case-names", nargs="+", metavar="NAME", help="one for each CT, where file names tell too much"
    )
    add_camera_ranges(parser)
    add_picture_arguments(parser, method="drr")
    parser.add_argument("--raw", action="store_true", help="write the float32 numbers too (NRRD)")
    add_reading_arguments(parser)


def run(options: argparse.Namespace) -> int:
    if not options.ct:
        raise NerpError(
            "There is no CT: name the CTs first, for options take all that follows them: "
            "nerp export ct.nii.gz --labels labels.nii.gz --out SET."
        )
    if options.labels and len(options.labels) != len(options.ct):
        raise NerpError(
            f"There are {len(options.labels)} label maps for {len(options.ct)} CTs; give one for "
            "each, in the same order."
        )
    cameras = [camera for path in options.cameras for camera in read_cameras(path)]
    if cameras and options.size is None:
        options.size = f"{cameras[0].rows}x{cameras[0].columns}"
    model = model_of(options)
    settings = settings_of(
        options,
        model,
        views=options.views if options.views is not None else 0 if cameras else 10,
        seed=options.seed,
        presets=tuple(options.presets),
        cameras=tuple(camera.to_dict() for camera in cameras),
        raw=options.raw,
    )
    names = options.case_names or case_names(options.ct)
    if len(names) != len(options.ct):
        raise NerpError(f"There are {len(names)} case names for {len(options.ct)} CTs; give one for each.")
    labels = options.labels or [None] * len(options.ct)
    cases = [
        Case(name, partial(read_case, ct, label, *reading_of(options)))
        for name, ct, label in zip(names, options.ct, labels, strict=True)
    ]
    return draw(cases, settings, options.out, model)


def draw(cases: Sequence[Case], settings: ExportSettings, folder: Path, model: Model | None = None) -> int:
    """Export with a progress bar and say how it went; 2 when a case failed."""
    with progress_bar("projections") as progress:
        outcome = export_set(cases, settings, folder, progress, previews=True, model=model)
    report(outcome, folder)
    return 2 if outcome.failed else 0


def report(outcome: Outcome, folder: Path) -> None:
    """Notices, empty masks, failures and the result, a line each."""
    for notice in outcome.notices:
        say(notice)
    counts = Counter(name for names in outcome.empty.values() for name in names)
    if counts:
        listed = ", ".join(f"{name} ({count})" for name, count in counts.most_common(8))
        more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
        say(f"Structures without a pixel in some projections: {listed}{more}.")
    for case, reason in outcome.failed.items():
        say(f"{case} was left out: {reason}")
    kept = f", {outcome.kept} were there already" if outcome.kept else ""
    say(f"{outcome.drawn} projections drawn{kept}: {folder}")


def case_names(paths: Sequence[Path]) -> list[str]:
    """A name for each CT: its file's or folder's; where two would be alike, the folder above goes before."""
    paths = [path.resolve() for path in paths]
    names = [file_name(stem(path)) for path in paths]
    for depth in range(min(len(path.parents) for path in paths)):
        # In any case: some file systems know no other.
        counts = Counter(name.casefold() for name in names)
        if max(counts.values()) == 1:
            break
        names = [
            file_name(f"{path.parents[depth].name}_{name}") if counts[name.casefold()] > 1 else name
            for path, name in zip(paths, names, strict=True)
        ]
    if len({name.casefold() for name in names}) != len(names):
        raise NerpError("A CT is given twice, or two differ in nothing but the suffix; name each one once.")
    return names
