"""A page that shows labelled sets in a browser, opened from the disk: pictures, outlines, cameras."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..resources import resource, structure_group, structure_presets
from .index import read_dataset, read_records

MOST = 200
"""Projections shown of a set: a page is for looking, not for reading a large set through."""
OUTLINED_GROUPS = ("Findings", "Lungs", "Other")
OUTLINED_NAMES = ("heart",)


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
    table.sort(key=lambda label: (groups.index(label["group"]), label["name"]))
    data = {
        "title": title,
        "sets": shown,
        "labels": table,
        "outlined": _outlined(table),
    }
    page = resource("Pages", "projections.html").read_text(encoding="utf-8")
    # A "<" in a name could end the script element that carries the data, or hide what follows.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    write_text(path, page.replace("/*DATA*/", text))


def _outlined(table: list[dict[str, Any]]) -> list[str]:
    """The structures outlined at first; lobes only where the lungs are not there as a whole."""
    names = [
        label["name"]
        for label in table
        if label["group"] in OUTLINED_GROUPS or label["name"] in OUTLINED_NAMES
    ]
    whole = any(structure_group(name) == "Lungs" and "lobe" not in name for name in names)
    return [name for name in names if not (whole and "lobe" in name)]


def _shot(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": f"{record['case']} · {record['description']}",
        "image": record["image"],
        "masks": record["masks"],
        "pixels": record["mask_pixels"],
        "right_on_left": record["patient_right_on_viewers_left"],
    }
