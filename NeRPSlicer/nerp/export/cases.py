"""The CTs of a set."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..io import read_ct, read_structures
from ..structures import Structures
from ..volume import Volume


def file_name(name: str) -> str:
    """A name as it may stand in file names on every system."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .") or "_"


@dataclass(frozen=True)
class Case:
    """One CT of a set, read when its turn comes."""

    name: str
    """Begins the names of its files."""
    load: Callable[[], tuple[Volume, Structures | None]]


def read_case(
    ct: Path,
    labels: Path | None,
    separate_body: bool = True,
    series: str | None = None,
    names: str | None = None,
) -> tuple[Volume, Structures | None]:
    """A CT and its structures from files; the arguments are those of `read_ct` and `read_structures`."""
    volume = read_ct(ct, separate_body=separate_body, series=series)
    return volume, None if labels is None else read_structures(labels, like=volume, names=names)
