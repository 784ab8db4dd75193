"""The previews of a set for people: a contact sheet and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..atomic import written_aside
from .contact_sheet import outlines, read_grey, sheet, tile
from .index import read_records
from .page import write_page

MOST_TILES = 24
"""Projections on a contact sheet."""


def write_previews(folder: Path, title: str) -> None:
    """``previews/contact_sheet.png`` and ``previews/index.html`` of the set in ``folder``."""
    tiles: list[Any] = []
    groups: set[str] = set()
    for record in list(read_records(folder).values())[:MOST_TILES]:
        grey = read_grey(folder / record["image"])
        caption = f"{record['case']} · {record['description']}"
        right_on_left = record["patient_right_on_viewers_left"]
        lines = outlines(folder, record)
        groups |= {group for group, _ in lines}
        tiles += [tile(grey, caption, right_on_left), tile(grey, caption, right_on_left, lines)]
    image = sheet(f"SYNTHETIC {title}", tiles, 6, groups)
    write_sheet(folder / "previews" / "contact_sheet.png", image)
    write_page(folder / "previews" / "index.html", title, {title: folder})


def write_sheet(path: Path, image: Any) -> None:
    """A picture as PNG, whole or not at all."""
    with written_aside(path) as aside:
        image.save(aside, "PNG")
