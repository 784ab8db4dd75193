"""A page that shows labelled sets in a browser, opened from the disk: pictures, outlines, cameras."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..resources import resource, structure_group, structure_presets
from .index import read_dataset, read_records
from .outlines import outlined

MOST = 200
"""Projections shown of a set: a page is for looking, not for reading a large set through."""


def write_page(path: Path, title: str, sets: Mapping[str, Path]) -> None:
    """Write the page.

    Args:
        path: the HTML file; pictures are linked relative to it.
        title: its heading.
        sets: what to call each set, and its folder.

    Raises:
        NerpError: a folder holds no labelled set.
        CannotWrite: the page cannot be written.
    """
    labels: dict[str, dict[str, Any]] = {}
    shown = []
    for name, folder in sets.items():
        labels.update({label["name"]: label for label in read_dataset(folder)["labels"]})
        prefix = Path(os.path.relpath(folder, path.parent)).as_posix() + "/"
        projections = [_shot(record) for record in list(read_records(folder).values())[:MOST]]
        shown.append({"title": name, "folder": prefix, "projections": projections})
    groups = [*structure_presets()["groups"], "Other"]
    table = [
        {
            "name": name,
            "group": structure_group(name),
            "color": "#{:02x}{:02x}{:02x}".format(*label["color"]),
        }
        for name, label in labels.items()
    ]
    table.sort(key=lambda label: (groups.index(label["group"]), _natural(label["name"])))
    data = {
        "title": title,
        "sets": shown,
        "labels": table,
        "outlined": list(outlined(label["name"] for label in table)),
    }
    page = resource("Pages", "projections.html").read_text(encoding="utf-8")
    # A "<" in a name could end the script element that carries the data, or hide what follows.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    write_text(path, page.replace("/*DATA*/", text))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts rib_2 before rib_10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _shot(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": f"{record['case']} · {record['description']}",
        "image": record["image"],
        "masks": record["masks"],
        "pixels": record["mask_pixels"],
        "right_on_left": record["patient_right_on_viewers_left"],
    }
