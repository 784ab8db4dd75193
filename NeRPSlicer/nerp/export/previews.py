"""The previews of a set for people: a contact sheet and a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..atomic import written_aside
from .contact_sheet import group_masks, read_grey, sheet, tile
from .index import read_records
from .page import write_page

MOST_TILES = 24
"""Projections on a contact sheet."""


def write_previews(folder: Path, title: str) -> None:
    """``previews/contact_sheet.png`` and ``previews/index.html`` of the set in ``folder``."""
    tiles = []
    for record in list(read_records(folder).values())[:MOST_TILES]:
        tiles += pair(folder, record, f"{record['case']} · {record['description']}")
    write_sheet(folder / "previews" / "contact_sheet.png", sheet(f"SYNTHETIC · {title}", tiles, 6))
    write_page(folder / "previews" / "index.html", title, {title: folder})


def pair(folder: Path, record: Mapping[str, Any], caption: str) -> list[Any]:
    """Two tiles of a projection: as it is, and with the outlines of its structures."""
    grey = read_grey(folder / record["image"])
    right_on_left = record["patient_right_on_viewers_left"]
    return [
        tile(grey, caption, right_on_left),
        tile(grey, record["method"], right_on_left, group_masks(folder, record)),
    ]


def write_sheet(path: Path, image: Any) -> None:
    """A picture as PNG, whole or not at all."""
    with written_aside(path) as aside:
        image.save(aside, "PNG")
