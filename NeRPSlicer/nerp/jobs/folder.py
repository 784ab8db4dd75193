"""The run folder: what lies in it, made and read whole whatever ended its writer."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .. import __version__
from ..atomic import explained, write_json
from ..errors import NerpError

JOB, STATUS, EVENTS, LOG, STOP = "job.json", "status.json", "events.jsonl", "log.txt", "STOP"
CHECKPOINTS = "checkpoints"
AT_EPOCH = "at the end of the epoch"
"""What STOP holds where the work may go on to its next good place; else it is empty."""
SCHEMA, SCHEMA_VERSION = "nerp-job", 1


def create(folder: Path, kind: str, configuration: Mapping[str, Any]) -> Path:
    """Make the run folder of a job that waits to be started.

    Args:
        folder: made when missing; must be empty but for hidden files.
        kind: what job, for example "export".
        configuration: plain data, frozen from here on; relative paths in it are relative to ``folder``.

    Returns:
        ``folder``, absolute.

    Raises:
        NerpError: the folder holds a job or other files.
        CannotWrite: it cannot be made or written.
    """
    folder = folder.absolute()
    if (folder / JOB).exists():
        raise NerpError(f"{folder} holds a job already; resume that one or choose another folder.")
    with explained(folder):
        if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise NerpError(f"{folder} is not empty; choose another folder for the job.")
    write_json(
        folder / JOB,
        {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "kind": kind,
            "created": now(),
            "made_with": {"nerp": __version__, "python": platform.python_version()},
            "configuration": dict(configuration),
            "inputs": {},
        },
    )
    return folder


def read_job(folder: Path) -> dict[str, Any]:
    """``job.json``: its "kind", "configuration", "created", "made_with" and "inputs" (path to SHA-256).

    Raises:
        NerpError: it is missing, damaged or of another version.
    """
    path = folder / JOB
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        version = record["schema"], record["schema_version"]
        good = isinstance(record["configuration"], dict) and isinstance(record["inputs"], dict)
    except FileNotFoundError:
        raise NerpError(f"{folder} holds no job; choose a run folder, which holds a {JOB}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NerpError(f"{path} is damaged; start the job anew in another folder.") from error
    if version != (SCHEMA, SCHEMA_VERSION):
        raise NerpError(f"{path} is of version {version}, this nerp reads {(SCHEMA, SCHEMA_VERSION)}.")
    if not good:
        raise NerpError(f"{path} is damaged; start the job anew in another folder.")
    return record


def read_status(folder: Path) -> dict[str, Any] | None:
    """``status.json`` as it stands; None where there is none; empty where it is damaged."""
    for _ in range(5):
        try:
            record = json.loads((folder / STATUS).read_text(encoding="utf-8"))
            return record if isinstance(record, dict) else {}
        except FileNotFoundError:
            return None
        except PermissionError:  # Windows, while the file is being replaced
            time.sleep(0.01)
        except (OSError, ValueError):
            break
    return {}


def stop_asked(folder: Path, epoch_over: bool = True) -> bool:
    """Whether STOP asks to end now; at the end of an epoch (`AT_EPOCH`) counts only where one is over."""
    path = folder / STOP
    if epoch_over or not path.exists():
        return path.exists()
    try:
        return path.read_text(encoding="utf-8") != AT_EPOCH
    except (OSError, ValueError):  # just being replaced: the next step looks again
        return False


def read_events(folder: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The events from a place in ``events.jsonl`` on, and the place to read on from next time.

    A line that is still being written, or was torn by a kill, is left out.
    """
    try:
        with (folder / EVENTS).open("rb") as file:
            file.seek(offset)
            content = file.read()
    except OSError:
        return [], offset
    whole = content[: content.rfind(b"\n") + 1]
    return list(_objects(whole)), offset + len(whole)


def _objects(lines: bytes) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def last_log_lines(folder: Path, count: int = 5) -> tuple[str, ...]:
    """The end of ``log.txt``, empty lines left out."""
    try:
        with (folder / LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 10_000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple([line for line in text.splitlines() if line.strip()][-count:])


def now() -> str:
    """The time in UTC, to the second (ISO 8601)."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
