"""The structures of a session: label maps that come one by one, and the masks that go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import NerpError
from ..structures import Structure, Structures

MOST_COMBINATIONS = 65535


def structures_of(labels: np.ndarray, record: Mapping[str, Any]) -> Structures:
    """The structures of one label map or combination volume.

    Args:
        labels: ``[K, J, I]``, whole numbers.
        record: "ras_from_ijk", "table" (a list of {"name", "value", "color"}) and, where a voxel's number
            means a combination of structures, "combinations" (for each number the places in the table).

    Raises:
        NerpError: something in the record is missing or makes no sense.
    """
    try:
        frame = np.array(record["ras_from_ijk"], float)
        items = [_structure(row) for row in record["table"]]
        combinations = [tuple(map(int, members)) for members in record.get("combinations") or ()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NerpError(f"Structures need a table of names and values and a frame ({error!r}).") from error
    if any(item.value < 1 for item in items) or len({item.value for item in items}) != len(items):
        raise NerpError("Each structure has a value of its own above 0; 0 is the background.")
    if not combinations:
        return Structures.from_labels(labels, frame, items)
    places = range(len(items))
    if labels.dtype.kind != "u" or labels.ndim != 3 or labels.max() >= len(combinations):
        raise NerpError("A combination volume holds unsigned places in its list of combinations, in 3-D.")
    if combinations[0] or any(place not in places for members in combinations for place in members):
        raise NerpError("The first combination is empty, and each names places in the table.")
    return Structures(labels, combinations, items, frame)


def _structure(row: Mapping[str, Any]) -> Structure:
    red, green, blue = (int(channel) for channel in row.get("color", (255, 176, 0)))
    return Structure(str(row["name"]), int(row["value"]), (red, green, blue))


def combined(first: Structures, second: Structures) -> Structures:
    """Both sets in one; their voxels may overlap.

    Raises:
        NerpError: they lie on different grids, a name occurs twice, or too many structures overlap.
    """
    if first.shape != second.shape or not np.allclose(first.ras_from_ijk, second.ras_from_ijk, atol=1e-4):
        raise NerpError("Structures that are added must lie on the grid of those that are there.")
    shift, width = len(first.items), len(second.combinations)
    # A pair of combinations is one number; slice by slice, since all at once would take four bytes a voxel.
    present = np.zeros(len(first.combinations) * width, np.int64)
    for a, b in zip(first.combination, second.combination, strict=True):
        present += np.bincount(_pairs(a, b, width), minlength=present.size)
    present[0] = 1
    pairs = np.flatnonzero(present)
    if pairs.size > MOST_COMBINATIONS:
        raise NerpError("Too many structures overlap in different ways; send fewer.")
    lookup = np.zeros(present.size, np.uint8 if pairs.size <= 256 else np.uint16)
    lookup[pairs] = np.arange(pairs.size)
    combination = np.empty(first.shape, lookup.dtype)
    for out, a, b in zip(combination, first.combination, second.combination, strict=True):
        out[...] = lookup[_pairs(a, b, width)].reshape(out.shape)
    members = [
        (*first.combinations[pair // width], *(shift + m for m in second.combinations[pair % width]))
        for pair in pairs
    ]
    return Structures(combination, members, (*first.items, *second.items), first.ras_from_ijk)


def _pairs(a: np.ndarray, b: np.ndarray, width: int) -> np.ndarray:
    return a.ravel().astype(np.int64) * width + b.ravel()


def label_map(masks: np.ndarray, voxels: Sequence[int]) -> np.ndarray:
    """One label a pixel: 1 + the place of the structure with the fewest voxels there, so that small ones are
    not hidden by large ones and nothing flickers as the camera moves.

    Args:
        masks: boolean ``[structures, rows, columns]``.
        voxels: size of each structure.

    Returns:
        ``[rows, columns]`` uint8, or uint16 where there are more than 255 structures.
    """
    labels = np.zeros(masks.shape[1:], np.uint8 if len(masks) < 256 else np.uint16)
    for place in sorted(range(len(masks)), key=lambda place: -voxels[place]):
        labels[masks[place]] = place + 1
    return labels
