"""The previews of a set for people: a contact sheet and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..atomic import written_aside
from .contact_sheet import outlines, read_grey, sheet, tile
from .index import Records, read_records
from .page import write_page

SHEET, PAGE = "previews/contact_sheet.png", "previews/index.html"
MOST_TILES = 24
"""Projections on a contact sheet."""


def write_previews(folder: Path) -> None:
    """The contact sheet and the page of the set in ``folder``, which the caller holds."""
    records = read_records(folder)
    tiles: list[Any] = []
    groups: set[str] = set()
    for record in list(records.values())[:MOST_TILES]:
        grey = read_grey(folder / record["image"])
        caption = f"{record['case']} · {record['description']}"
        right_on_left = record["patient_right_on_viewers_left"]
        lines = outlines(folder, record)
        groups |= {group for group, _ in lines}
        tiles += [tile(grey, caption, right_on_left), tile(grey, caption, right_on_left, lines)]
    write_sheet(folder / SHEET, sheet(f"SYNTHETIC {_title(records)}", tiles, 6, groups))
    write_set_page(folder, records)


def write_set_page(folder: Path, records: Records) -> None:
    """The page of the set in ``folder`` alone: it links the pictures, so it takes no time to speak of."""
    method = next(record["method"] for record in records.values())
    write_page(folder / PAGE, _title(records), {method: folder})


def _title(records: Records) -> str:
    """What to call a set: of what it holds, never where it lies, so that equal sets have equal previews."""
    cases = sorted({record["case"] for record in records.values()})
    return cases[0] if len(cases) == 1 else f"{len(cases)} CTs"


def write_sheet(path: Path, image: Any) -> None:
    """A picture as PNG, whole or not at all."""
    with written_aside(path) as aside:
        image.save(aside, "PNG")
