"""Prepared cases in memory, as many as fit, the others read from the cache when their turn comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, overload

from ..errors import CannotWrite, NerpError
from .cases import C, Cases, checked_cases, reason

MEMORY_BYTES = 2 << 30
"""Prepared cases kept in memory unless told otherwise."""


class Record(Protocol):
    """A prepared case."""

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        ...


R = TypeVar("R", bound=Record)


class Records(Sequence[R], Generic[R]):
    """Prepared cases by their position among ``cases``.

    Args:
        cases: cases that could be prepared; ``skipped`` holds the others too.
        kept: records in memory, by position.
        again: prepares a case anew, quickly where there is a cache.
    """

    def __init__(self, cases: Cases[Any], kept: dict[int, R], again: Callable[[Any], R]) -> None:
        self.cases = cases
        self._kept = kept
        self._again = again

    def __len__(self) -> int:
        return len(self.cases)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        return self._kept[position] if position in self._kept else self._again(self.cases[position])

    def named(self, names: Iterable[str]) -> Records[R]:
        """Those of these names, in the order given; what is in memory stays there.

        Raises:
            NerpError: a name that is not there.
        """
        at = {case.name: position for position, case in enumerate(self.cases)}
        chosen = self.cases.named(names)
        kept = {n: self._kept[at[case.name]] for n, case in enumerate(chosen) if at[case.name] in self._kept}
        return Records(chosen, kept, self._again)

    @property
    def in_memory(self) -> int:
        """How many are kept in memory."""
        return len(self._kept)


def prepared(
    cases: Cases[C],
    prepare: Callable[[C], R],
    what: str,
    memory_bytes: float = MEMORY_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Records[R]:
    """Every case prepared once; those that cannot be are left out and listed.

    Args:
        cases: what to prepare.
        prepare: makes a record of a case.
        what: "CT" or "X-ray", for the error.
        memory_bytes: kept in memory at most; what is beyond is prepared again at each use.
        progress: called with how many are done and how many there are.

    Raises:
        NerpError: none can be used.
        CannotWrite: the cache cannot be written.
    """
    usable: list[C] = []
    skipped = list(cases.skipped)
    kept: dict[int, R] = {}
    used = 0
    for done, case in enumerate(cases, start=1):
        try:
            record = prepare(case)
        except CannotWrite:
            raise
        except NerpError as error:
            path = case.path or Path(case.name)
            skipped.append((path, reason(error, path)))
        else:
            if used + record.nbytes <= memory_bytes:
                kept[len(usable)] = record
                used += record.nbytes
            usable.append(case)
        if progress is not None:
            progress(done, len(cases))
    left = replace(cases, items=tuple(usable), skipped=tuple(skipped))
    return Records(checked_cases(left, Path("The folder"), what), kept, prepare)
