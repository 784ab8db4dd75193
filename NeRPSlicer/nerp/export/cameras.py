"""Cameras out of files: those that a person placed, or those of pictures that are there."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import NerpError
from ..geometry import Camera


def read_cameras(path: Path) -> list[Camera]:
    """The cameras in a file, in its order.

    Args:
        path: JSON or JSON lines of records that have a "camera" (projection.json, projections.jsonl), or of
            cameras themselves (`Camera.to_dict`). A last line that a kill cut off is left out.

    Raises:
        NerpError: it cannot be read, or holds no camera.
    """
    try:
        records = _lines(path.read_bytes()) if path.suffix == ".jsonl" else [json.loads(path.read_bytes())]
        cameras = [_camera(item) for record in records for item in _listed(record)]
    except NerpError as error:
        raise NerpError(f"{path}: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NerpError(f"{path} holds no camera; use a projection.json that nerp wrote.") from error
    if not cameras:
        raise NerpError(f"{path} holds no camera; use a projection.json that nerp wrote.")
    return cameras


def _lines(content: bytes) -> list[Any]:
    *lines, rest = content.split(b"\n")
    records = [json.loads(line) for line in lines if line.strip()]
    with suppress(ValueError):
        records.append(json.loads(rest))
    return records


def _listed(record: Any) -> list[Any]:
    return record if isinstance(record, list) else [record]


def _camera(record: Any) -> Camera:
    return Camera.from_dict(record["camera"] if "camera" in record else record)
