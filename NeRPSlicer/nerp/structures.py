"""Labelled structures on one voxel grid; they may overlap."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .errors import NerpError
from .geometry import checked_affine

MAX_COMBINATIONS = 1 << 16
"""A ray's work and memory grow with the combinations, whether it meets them or not."""
MAX_LABEL = 2**31 - 1


@dataclass(frozen=True)
class Code:
    """A coded concept as DICOM writes it, for example (SCT, 39607008, Lung)."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Structure:
    """One named structure."""

    name: str
    """Identifier used in file names and in ``picture.path_length[name]``: lower case, underscores."""
    value: int
    """The label value in files; unique within a set and greater than 0."""
    color: tuple[int, int, int] = (255, 176, 0)
    """Display colour, 8-bit RGB."""
    code: Code | None = None
    """Terminology code, where one was given."""
    original_name: str = ""
    """The name as the file gives it, where it differs from ``name``."""


class Structures:
    """Structures on one grid.

    A voxel can belong to several structures, so each voxel holds the index of a *combination* of structures;
    index 0 is the empty combination. Where nothing overlaps, combination n is structure n alone.

    Args:
        combination: unsigned integer ``[K, J, I]``, index into ``combinations``.
        combinations: for each index the positions in ``items`` of the structures present; the first is
            ``()``.
        items: the structures.
        ras_from_ijk: ``[4, 4]``, mm.
        notices: what a person should know of how they were read, one line each.
    """

    def __init__(
        self,
        combination: np.ndarray,
        combinations: Sequence[tuple[int, ...]],
        items: Sequence[Structure],
        ras_from_ijk: np.ndarray,
        notices: Iterable[str] = (),
    ) -> None:
        if len({item.name for item in items}) != len(items):
            raise NerpError("Two structures have the same name; rename one of them.")
        self.combination = combination
        self.combinations = tuple(combinations)
        self.items = tuple(items)
        self.ras_from_ijk = checked_affine(ras_from_ijk, "structures: ras_from_ijk")
        self.notices = tuple(notices)

    @classmethod
    def from_labels(
        cls, labels: np.ndarray, ras_from_ijk: np.ndarray, items: Iterable[Structure] | None = None
    ) -> Structures:
        """Structures of a label map.

        Args:
            labels: integer ``[K, J, I]``; 0 is background.
            ras_from_ijk: ``[4, 4]``, mm.
            items: the structures, matched by ``value``; None names each value that occurs ``label_<value>``.
                A value without an item is left out; an item whose value does not occur stays, empty.

        Raises:
            NerpError: no whole numbers in 3-D, a value below 0 or above 2147483647, or 65536 structures.
        """
        labels = np.asarray(labels)
        if labels.ndim != 3 or labels.dtype.kind not in "iub":
            raise NerpError(
                f"A label map holds whole numbers in 3-D, not {labels.dtype} of shape {labels.shape}."
            )
        if labels.dtype != np.bool_ and labels.min() < 0:
            raise NerpError(f"The label map holds {labels.min()}; labels start at 1, background is 0.")
        if labels.max() > MAX_LABEL:
            raise NerpError(f"The label map holds {labels.max()}; labels go up to {MAX_LABEL}.")
        labels = labels.astype(np.uint8 if labels.max() < 256 else np.uint32, copy=False)
        if items is None:
            present = (
                np.flatnonzero(np.bincount(labels.ravel())) if labels.max() < 1 << 20 else np.unique(labels)
            )
            items = [Structure(f"label_{value}", int(value)) for value in present if value]
        items = list(items)
        if len(items) >= MAX_COMBINATIONS:
            raise NerpError(
                f"The label map holds {len(items)} structures, at most {MAX_COMBINATIONS - 1} can be used; "
                "merge or leave out some."
            )
        lookup_size = max([int(labels.max())] + [item.value for item in items]) + 1
        lookup = np.zeros(lookup_size, np.uint8 if len(items) < 256 else np.uint16)
        for position, item in enumerate(items):
            lookup[item.value] = position + 1
        return cls(_looked_up(lookup, labels), [(), *((n,) for n in range(len(items)))], items, ras_from_ijk)

    @classmethod
    def from_masks(cls, masks: Mapping[Structure, np.ndarray], ras_from_ijk: np.ndarray) -> Structures:
        """Structures from one boolean ``[K, J, I]`` mask each; masks may overlap.

        Raises:
            NerpError: no mask, masks of several shapes, or overlaps in more than 65536 combinations.
        """
        if not masks:
            raise NerpError("There are no structures: give at least one mask.")
        shape = next(iter(masks.values())).shape
        combination = np.zeros(shape, np.uint16)
        combinations: list[tuple[int, ...]] = [()]
        for position, (item, mask) in enumerate(masks.items()):
            if mask.shape != shape:
                raise NerpError(
                    f"Structure {item.name} has shape {mask.shape}, the others {shape}; use one grid."
                )
            mask = mask.astype(bool, copy=False)
            if not mask.any():
                continue
            inside = combination[mask]
            lookup = np.zeros(len(combinations), np.uint16)
            for old in np.flatnonzero(np.bincount(inside, minlength=len(combinations))):
                if len(combinations) == MAX_COMBINATIONS:
                    raise NerpError(
                        f"The structures overlap in more than {MAX_COMBINATIONS} combinations; "
                        "give fewer structures at once."
                    )
                lookup[old] = len(combinations)
                combinations.append((*combinations[old], position))
            combination[mask] = lookup[inside]
        if len(combinations) <= 256:
            combination = combination.astype(np.uint8)
        return cls(combination, combinations, list(masks), ras_from_ijk)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.combination.shape  # type: ignore[return-value]

    @property
    def membership(self) -> np.ndarray:
        """Boolean ``[combinations, items]``: which structures each combination holds."""
        table = np.zeros((len(self.combinations), len(self.items)), bool)
        for index, members in enumerate(self.combinations):
            table[index, list(members)] = True
        return table

    @cached_property
    def hash(self) -> str:
        """SHA-256 of names, voxels and frame."""
        digest = hashlib.sha256(repr((self.names, self.combinations, self.shape)).encode())
        # Adding 0 turns -0 into 0: the sign of a rounding error makes no other structures.
        digest.update((np.round(self.ras_from_ijk, 6) + 0.0).astype("<f8").tobytes())
        for section in self.combination:
            digest.update(np.ascontiguousarray(section, "<u2").data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Structure]:
        return iter(self.items)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def mask(self, name: str) -> np.ndarray:
        """The voxels of one structure: boolean ``[K, J, I]``."""
        return _looked_up(self.membership[:, self._position(name)], self.combination)

    def counts(self) -> dict[str, int]:
        """Voxels of each structure, by name."""
        # NumPy counts in 64 bits: slice by slice it needs no eight copies of the volume.
        count = len(self.combinations)
        voxels = sum(np.bincount(section.ravel(), minlength=count) for section in self.combination)
        return {item.name: int(n) for item, n in zip(self.items, voxels @ self.membership, strict=True)}

    def select(self, names: Iterable[str]) -> Structures:
        """The named structures only, in the order given."""
        positions = [self._position(name) for name in names]
        new_position = {old: new for new, old in enumerate(positions)}
        new_index: dict[tuple[int, ...], int] = {(): 0}
        lookup = np.zeros(len(self.combinations), self.combination.dtype)
        for index, members in enumerate(self.combinations):
            kept = tuple(sorted(new_position[m] for m in members if m in new_position))
            lookup[index] = new_index.setdefault(kept, len(new_index))
        return Structures(
            _looked_up(lookup, self.combination),
            list(new_index),
            [self.items[p] for p in positions],
            self.ras_from_ijk,
            self.notices,
        )

    def _position(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise NerpError(
                f"There is no structure named {name!r}; there are: {', '.join(self.names)}."
            ) from None


def _looked_up(lookup: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """``lookup[numbers]`` slice by slice: NumPy makes eight bytes of every index first."""
    found = np.empty(numbers.shape, lookup.dtype)
    for section, places in zip(found, numbers, strict=True):
        section[...] = lookup[places]
    return found
