"""Structures on one grid: combinations where they overlap, and how many of them there may be."""

from __future__ import annotations

import re

import numpy as np
import pytest
from nerp import NerpError, Structures
from nerp.structures import Structure


def every_combination(count: int) -> Structures:
    """``count`` masks on 2**count voxels: voxel n belongs to the structures whose bits are set in n."""
    numbers = np.arange(1 << count).reshape(2, 2, -1)
    masks = {Structure(f"bit_{bit}", bit + 1): (numbers >> bit & 1).astype(bool) for bit in range(count)}
    return Structures.from_masks(masks, np.eye(4))


def test_a_selection_of_many_combinations_keeps_its_voxels() -> None:
    structures = every_combination(14)
    assert len(structures.combinations) == 1 << 14
    names = [f"bit_{bit}" for bit in (13, *range(12))]
    selected = structures.select(names)
    assert selected.names == tuple(names) and len(selected.combinations) == 1 << 13
    assert len(set(selected.combinations)) == 1 << 13 and selected.combinations[0] == ()
    assert all((selected.mask(name) == structures.mask(name)).all() for name in names[::4])
    assert selected.counts() == dict.fromkeys(names, 1 << 13)


def test_as_many_combinations_as_sixteen_bits_tell_apart() -> None:
    structures = every_combination(16)
    assert structures.combination.dtype == np.uint16 and len(structures.combinations) == 1 << 16
    assert structures.counts() == {f"bit_{bit}": 1 << 15 for bit in range(16)}
    with pytest.raises(NerpError, match="more than 65536 combinations") as caught:
        every_combination(17)
    assert "\n" not in str(caught.value)


def test_as_many_labels_as_sixteen_bits_tell_apart() -> None:
    labels = np.arange(1 << 16).reshape(2, 2, -1)
    structures = Structures.from_labels(labels, np.eye(4))
    assert len(structures) == (1 << 16) - 1 and (structures.combination == labels).all()
    with pytest.raises(NerpError, match="holds 65536 structures, at most 65535"):
        Structures.from_labels(labels + 1, np.eye(4))


def test_labels_that_do_not_fit_are_refused_not_wrapped() -> None:
    labels = np.ones((2, 2, 2), np.uint64)
    labels[0, 0, 0] = 2**32 + 1
    with pytest.raises(NerpError, match=re.escape("holds 4294967297; labels go up to 2147483647")):
        Structures.from_labels(labels, np.eye(4))
