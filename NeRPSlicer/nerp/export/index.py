"""The two files that say what a labelled set holds: dataset.json and projections.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..atomic import explained, write_json, write_text
from ..errors import NerpError
from ..settings import ExportSettings
from ..structures import Structures
from .record import sha256_of
from .views import place_of

SCHEMA = "nerp-projection-set"
SCHEMA_VERSION = 1
DATASET, PROJECTIONS = "dataset.json", "projections.jsonl"
LICENCE_NOTE = (
    "Pictures and masks are derived from the CT volumes named in projections.jsonl: the licence, consent and "
    "terms of use of those volumes apply. Synthetic pictures, for research only."
)

DATASET_KEYS = {"settings": dict, "labels": list, "cases": list, "made_with": list}
RECORD_KEYS = {
    "id": str,
    "case": str,
    "view": str,
    "image": str,
    "masks": dict,
    "mask_pixels": dict,
    "empty_masks": list,
    "method": str,
    "description": str,
    "ct": dict,
    "files": dict,
}
"""What this tool reads back of its own files."""

Records = dict[str, dict[str, Any]]
"""Projection id to its record."""


def read_dataset(folder: Path) -> dict[str, Any]:
    """``dataset.json`` of a set.

    Raises:
        NerpError: it is missing, damaged or of another version.
    """
    path = folder / DATASET
    try:
        dataset = json.loads(path.read_text(encoding="utf-8"))
        version = dataset["schema"], dataset["schema_version"]
        _check(dataset, DATASET_KEYS)
        for label in dataset["labels"]:
            _check(label, {"name": str, "color": list})
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NerpError(f"{path} is missing or damaged; this is not a labelled projection set.") from error
    if version != (SCHEMA, SCHEMA_VERSION):
        raise NerpError(f"{path} has schema {version}, this version reads {(SCHEMA, SCHEMA_VERSION)}.")
    return dataset


def read_records(folder: Path) -> Records:
    """The records of a set, in file order; a last line that was cut off by a kill is left out.

    Raises:
        NerpError: a line before the last is damaged.
    """
    path = folder / PROJECTIONS
    if not path.is_file():
        return {}
    records: Records = {}
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            _check(record, RECORD_KEYS)
            _check(record["ct"], {"sha256": str})
            records[record["id"]] = record
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            # A whole file ends in a line end, so what follows the last one is a torn line or nothing.
            if number < len(lines):
                raise NerpError(
                    f"Line {number} of {path} is damaged; remove that line and export again."
                ) from error
    return records


def _check(record: Any, kinds: Mapping[str, type]) -> None:
    for key, kind in kinds.items():
        if not isinstance(record[key], kind):
            raise TypeError(f"{key} is no {kind.__name__}")


def is_whole(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether every file of a record is there with the content it was written with."""
    return all(
        (folder / name).is_file() and sha256_of(folder / name) == digest
        for name, digest in record["files"].items()
    )


def append_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Add one line to ``projections.jsonl``."""
    path = folder / PROJECTIONS
    with explained(path), path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(_line(record))


def write_records(folder: Path, records: Records) -> None:
    """Replace ``projections.jsonl``: by case, and within one as `place_of` says."""
    ordered = sorted(records.values(), key=lambda record: (record["case"], place_of(record["view"])))
    write_text(folder / PROJECTIONS, "".join(map(_line, ordered)))


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def label_table(structures: Structures) -> dict[str, dict[str, Any]]:
    """Structure name to what the dataset's label table says of it."""
    return {
        item.name: {
            "name": item.name,
            "color": list(item.color),
            "code": None
            if item.code is None
            else {"scheme": item.code.scheme, "value": item.code.value, "meaning": item.code.meaning},
        }
        for item in structures
    }


def write_dataset(
    folder: Path,
    settings: ExportSettings,
    cases: Iterable[str],
    labels: Mapping[str, dict[str, Any]],
    records: Records,
    makers: list[dict[str, Any]],
    complete: bool,
) -> None:
    """Replace ``dataset.json``; label values count the names in alphabetical order from 1."""
    dataset = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "NeRPSlicer", "version": __version__},
        "synthetic": True,
        "intended_use": "research",
        "licence_note": LICENCE_NOTE,
        "seed": settings.seed,
        "settings": settings.to_dict(),
        "model_sha256": settings.model,
        "model": next((record["model"] for record in records.values() if record.get("model")), None),
        "correlation_with_fixed": _correlations(records),
        "cases": sorted(cases),
        "labels": [{"value": n, **labels[name]} for n, name in enumerate(sorted(labels), 1)],
        "counts": {
            "cases": len({record["case"] for record in records.values()}),
            "projections": len(records),
            "masks": sum(len(record["masks"]) for record in records.values()),
            "empty_masks": sum(len(record["empty_masks"]) for record in records.values()),
        },
        "complete": complete,
        "made_with": makers,
    }
    write_json(folder / DATASET, dataset)


def _correlations(records: Records) -> dict[str, float] | None:
    """What a model changed in the pictures of a set, on the whole and at the most."""
    near = [record.get("correlation_with_fixed") for record in records.values()]
    found = [value for value in near if value is not None]
    return {"mean": round(sum(found) / len(found), 6), "least": min(found)} if found else None
