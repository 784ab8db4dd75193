"""What a folder of training data holds: cases, what was left out, and what there is to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar, overload

from ..errors import NerpError
from ..io.images import stem
from ..io.label_names import tables_that_may_name

MAX_NAMED = 5
"""How many skipped files an error names."""


@dataclass(frozen=True)
class CtCase:
    """One CT of a training set, not read yet."""

    name: str
    """Unique within a set."""
    patient: str
    """Cases of one patient go to the same side of a split."""
    path: Path | None
    """What `nerp.read_ct` reads; None for a digital thorax."""
    labels: Path | None = None
    """What `nerp.read_structures` reads, where there is one."""
    thorax: int | None = None
    """Seed of `nerp.thorax` where the case is a digital thorax."""

    @property
    def files(self) -> list[Path]:
        """All that is read of it, tables of label names included; nothing of a digital thorax."""
        if self.path is None or self.labels is None:
            return [self.path] if self.path else []
        named = self.labels.is_file()
        tables = tables_that_may_name(self.labels, stem(self.labels)) if named else []
        return [self.path, self.labels, *tables]


@dataclass(frozen=True)
class XrayCase:
    """One chest X-ray of a training set, not read yet."""

    name: str
    """Unique within a set."""
    patient: str
    """Cases of one patient go to the same side of a split."""
    path: Path
    """What `nerp.io.xray.read_xray` reads."""
    masks: tuple[Path, ...] = ()
    """Mask pictures whose union is the lungs; none where the set has none."""

    @property
    def files(self) -> list[Path]:
        """All that is read of it."""
        return [self.path, *self.masks]


C = TypeVar("C", CtCase, XrayCase)


@dataclass(frozen=True)
class Cases(Sequence[C], Generic[C]):
    """Cases in a fixed order, and what was met beside them."""

    items: tuple[C, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    """Files and folders that cannot be used, each with the reason."""
    notices: tuple[str, ...] = ()
    """Which set it is, its licence, and what else a person should know, one line each."""

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[C, ...]: ...
    def __getitem__(self, index: int | slice) -> C | tuple[C, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[C]:
        return iter(self.items)

    def __add__(self, other: Cases[C]) -> Cases[C]:
        """Both together; a name that is there already gets a number."""
        items = list(self.items)
        items.extend(other.items)
        return Cases(
            with_unique_names(items),
            (*self.skipped, *other.skipped),
            tuple(dict.fromkeys((*self.notices, *other.notices))),
        )

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient once, in order of appearance."""
        return tuple(dict.fromkeys(case.patient for case in self.items))

    def named(self, names: Iterable[str]) -> Cases[C]:
        """The cases of these names, in the order given.

        Raises:
            NerpError: a name that is not there.
        """
        by_name = {case.name: case for case in self.items}
        names = tuple(names)
        missing = [name for name in names if name not in by_name]
        if missing:
            raise NerpError(
                f"{len(missing)} cases are no longer there, for example {missing[0]}; "
                "give the folder as it was."
            )
        return replace(self, items=tuple(by_name[name] for name in names))

    def skipped_lines(self) -> list[str]:
        """What was left out, counted first, then one line for each."""
        if not self.skipped:
            return []
        return [f"{len(self.skipped)} left out:", *(f"{path}: {reason}" for path, reason in self.skipped)]


def with_unique_names(cases: Iterable[C]) -> tuple[C, ...]:
    """The cases, a name's second and later bearers with a number behind it."""
    taken: Counter[str] = Counter()
    unique: list[C] = []
    names: set[str] = set()
    for case in cases:
        name = case.name
        while name in names:
            taken[case.name] += 1
            name = f"{case.name}-{taken[case.name] + 1}"
        names.add(name)
        unique.append(case if name == case.name else replace(case, name=name))
    return tuple(unique)


def names_of(paths: Iterable[Path], root: Path) -> dict[Path, str]:
    """A name for each file: its stem, after the folders below ``root`` where several share it."""
    paths = list(paths)
    stems = Counter(stem(path) for path in paths)
    return {
        path: stem(path)
        if stems[stem(path)] == 1
        else "_".join((*path.relative_to(root).parts[:-1], stem(path)))
        for path in paths
    }


def reason(error: NerpError, path: Path) -> str:
    """An error's line without the path it begins with."""
    return str(error).removeprefix(f"{path} ")


def checked_folder(folder: Path) -> None:
    """Raises NerpError unless there is such a folder or file."""
    if not folder.exists():
        raise NerpError(f"There is no folder {folder}; check the path.")


def checked_cases(cases: Cases[C], folder: Path, what: str) -> Cases[C]:
    """The cases, unless there are none.

    Raises:
        NerpError: no case; the line names what was left out.
    """
    if cases.items:
        return cases
    told = "; ".join(f"{path.name}: {reason}" for path, reason in cases.skipped[:MAX_NAMED])
    more = f"; and {len(cases.skipped) - MAX_NAMED} more" if len(cases.skipped) > MAX_NAMED else ""
    left_out = f" {told}{more}." if told else ""
    raise NerpError(f"{folder} holds no {what} that can be used; choose another folder.{left_out}")


def files_below(folder: Path) -> list[Path]:
    """Every file of a folder and its subfolders in order, hidden ones left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
