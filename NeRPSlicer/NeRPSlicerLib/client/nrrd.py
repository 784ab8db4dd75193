"""Voxels and segments into NRRD files, slab by slab: what an export job reads.

Format: teem.sourceforge.net/nrrd/format.html; segments as in Slicer's .seg.nrrd, several layers where they
overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import SLAB_BYTES


def iterateVolumeNrrd(path: Path, voxels: np.ndarray, rasFromIjk: np.ndarray) -> Iterator[float]:
    """Write a volume ``[K, J, I]``; yields the share done between slabs."""
    yield from _iterateNrrd(path, [voxels], rasFromIjk, [])


def iterateSegmentsNrrd(
    path: Path, layers: Sequence[np.ndarray], tables: Sequence[list[dict[str, Any]]], rasFromIjk: np.ndarray
) -> Iterator[float]:
    """Write label maps ``[K, J, I]`` with the segments in each; yields the share done between slabs.

    :param tables: for each layer its segments: "name", "value", "color" (8-bit RGB) and perhaps "code"
        (scheme, value, meaning).
    """
    fields = []
    rows = [(layer, row) for layer, table in enumerate(tables) for row in table]
    for number, (layer, row) in enumerate(rows):
        color = " ".join(f"{channel / 255:.6f}" for channel in row["color"])
        described = {"ID": row["name"], "Name": row["name"], "Color": color, "LabelValue": row["value"]}
        described["Layer"] = layer
        if "code" in row:
            described["Tags"] = f"TerminologyEntry:~^^~{'^'.join(row['code'])}~^^~~^^~^^|"
        fields += [f"Segment{number}_{key}:={value}" for key, value in described.items()]
    yield from _iterateNrrd(path, layers, rasFromIjk, fields)


def _iterateNrrd(
    path: Path, layers: Sequence[np.ndarray], rasFromIjk: np.ndarray, fields: list[str]
) -> Iterator[float]:
    with path.open("wb") as file:
        file.write(_header(layers, rasFromIjk, fields))
        planes = len(layers[0])
        step = max(1, SLAB_BYTES // max(1, layers[0][:1].nbytes * len(layers)))
        for first in range(0, planes, step):
            slabs = [layer[first : first + step] for layer in layers]
            slab = np.ascontiguousarray(slabs[0]) if len(slabs) == 1 else np.stack(slabs, axis=-1)
            file.write(slab.data)
            yield min(1.0, (first + step) / planes)


def _header(layers: Sequence[np.ndarray], rasFromIjk: np.ndarray, fields: list[str]) -> bytes:
    voxels = layers[0]
    several = len(layers) > 1
    vectors = [f"({','.join(repr(float(x)) for x in rasFromIjk[:3, axis])})" for axis in range(3)]
    origin = ",".join(repr(float(x)) for x in rasFromIjk[:3, 3])
    sizes = ([len(layers)] if several else []) + list(voxels.shape[::-1])
    lines = [
        "NRRD0005",
        f"type: {_TYPES[voxels.dtype.name]}",
        f"dimension: {len(sizes)}",
        "space: right-anterior-superior",
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {' '.join((['none'] if several else []) + vectors)}",
        f"kinds: {' '.join((['list'] if several else []) + ['domain'] * 3)}",
        "endian: little" if voxels.dtype.newbyteorder("=").str[0] in "<|" else "endian: big",
        "encoding: raw",
        f"space origin: ({origin})",
        *fields,
    ]
    return ("\n".join(lines) + "\n\n").encode()


_TYPES = {
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "float32": "float",
    "float64": "double",
}
