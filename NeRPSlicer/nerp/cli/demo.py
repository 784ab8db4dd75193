"""Make labelled radiographs of a digital thorax, from nothing: no data, no network."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from ..export import Case, export_set, read_records
from ..export.contact_sheet import outlines, read_grey, sheet, tile
from ..export.page import write_page
from ..export.previews import write_sheet
from ..phantom import thorax
from ..settings import ExportSettings
from .console import progress_bar, say
from .export import report

METHODS = ("drr", "fixed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("nerp-demo"), metavar="DIR", help="default nerp-demo"
    )
    parser.add_argument("--seed", type=int, default=1, help="which thorax, and its cameras; default 1")
    parser.add_argument("--views", type=int, default=10, help="random cameras, default 10")
    parser.add_argument("--size", type=int, default=512, help="pixels, default 512")


def run(options: argparse.Namespace) -> int:
    start = time.monotonic()
    name = f"thorax{options.seed}"
    say(f"Building a digital thorax (seed {options.seed}) ...")
    case = thorax(seed=options.seed)
    sets = {method: options.out / method for method in METHODS}
    for method, folder in sets.items():
        settings = ExportSettings(
            views=options.views,
            seed=options.seed,
            presets=("PA", "LL"),
            method=method,
            rows=options.size,
            columns=options.size,
        )
        say(f"Drawing {method} ...")
        with progress_bar("projections") as progress:
            outcome = export_set([Case(name, lambda: case)], settings, folder, progress)
        report(outcome, folder)
        if outcome.failed:
            return 2
    write_sheet(options.out / "contact_sheet.png", _sheet(sets, f"Digital thorax, seed {options.seed}"))
    write_page(options.out / "index.html", f"Digital thorax, seed {options.seed}", sets)
    say(f"Done in {time.monotonic() - start:.0f} s. Open these two, the first in a browser:")
    print(options.out / "index.html", options.out / "contact_sheet.png", sep="\n")
    return 0


def _sheet(sets: dict[str, Path], title: str):  # type: ignore[no-untyped-def]
    """Three tiles a camera: each method, and the first with outlines."""
    tiles: list[Any] = []
    groups: set[str] = set()
    records = {method: read_records(folder) for method, folder in sets.items()}
    for name, record in records[METHODS[0]].items():
        right_on_left = record["patient_right_on_viewers_left"]
        greys = {
            method: read_grey(folder / records[method][name]["image"]) for method, folder in sets.items()
        }
        tiles += [
            tile(grey, f"{record['description']} · {method}", right_on_left) for method, grey in greys.items()
        ]
        lines = outlines(sets[METHODS[0]], record)
        groups |= {group for group, _ in lines}
        tiles.append(tile(greys[METHODS[0]], f"{record['description']} · labels", right_on_left, lines))
    return sheet(f"SYNTHETIC {title}", tiles, 6, groups)
