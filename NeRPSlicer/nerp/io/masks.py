"""Masks made when they are asked for: a hundred masks of a whole CT do not fit in memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ..structures import Structure


class LazyMasks(Mapping[Structure, np.ndarray]):
    """A boolean ``[K, J, I]`` mask for each structure, made at each access.

    Args:
        items: the structures.
        make: makes the mask of one.
    """

    def __init__(self, items: Sequence[Structure], make: Callable[[Structure], np.ndarray]) -> None:
        self._items = tuple(items)
        self._make = make

    def __getitem__(self, item: Structure) -> np.ndarray:
        return self._make(item)

    def __iter__(self) -> Iterator[Structure]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
