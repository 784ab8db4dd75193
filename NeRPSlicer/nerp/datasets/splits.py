"""Training and held-out cases, split by patient."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import NerpError
from .cases import C, Cases

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Split:
    """Which cases train and which are held out; plain data that goes into the run."""

    seed: int
    held_out_share: float
    """Of the patients, as asked for."""
    train: tuple[str, ...]
    """Names of cases."""
    held_out: tuple[str, ...]
    """Names of cases; none of their patients is in `train`."""
    patients: Mapping[str, str]
    """The patient of each case, by the case's name."""
    notices: tuple[str, ...] = ()

    def apply(self, cases: Cases[C]) -> tuple[Cases[C], Cases[C]]:
        """The training and the held-out cases.

        Raises:
            NerpError: a case of the split is not among these.
        """
        return cases.named(self.train), cases.named(self.held_out)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into an equal split."""
        return {
            "version": SCHEMA_VERSION,
            "seed": self.seed,
            "held_out_share": self.held_out_share,
            "train": list(self.train),
            "held_out": list(self.held_out),
            "patients": dict(self.patients),
            "notices": list(self.notices),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Split:
        """The split that `to_dict` wrote.

        Raises:
            NerpError: another version, or no split.
        """
        values = dict(record)
        if values.pop("version", None) != SCHEMA_VERSION:
            raise NerpError(f"This split is not of version {SCHEMA_VERSION}; start the run anew.")
        try:
            return cls(
                **{**values, **{name: tuple(values[name]) for name in ("train", "held_out", "notices")}}
            )
        except (KeyError, TypeError) as error:
            raise NerpError("The split is damaged; start the run anew.") from error


def split(cases: Cases[C], seed: int, held_out: float = 0.2) -> Split:
    """Hold out a share of the patients, at least one where there are two.

    A patient's place is decided by the seed and the patient's name alone, so the order of the cases changes
    nothing; the same seed gives the same split on every machine.

    Args:
        cases: of CTs or of X-rays.
        seed: any whole number.
        held_out: share of the patients, from 0 to below 1; 0 holds nobody out.

    Raises:
        NerpError: a share out of range.
    """
    if not 0 <= held_out < 1:
        raise NerpError(f"The held-out share is from 0 to below 1, not {held_out!r}.")
    patients = sorted(cases.patients, key=lambda patient: _place(seed, patient))
    count = 0
    notices: tuple[str, ...] = ()
    if held_out and len(patients) > 1:
        count = min(max(1, round(held_out * len(patients))), len(patients) - 1)
    elif held_out:
        notices = ("There is one patient only: nothing is held out and nothing can be measured on it.",)
    chosen = set(patients[:count])
    return Split(
        seed,
        held_out,
        tuple(case.name for case in cases if case.patient not in chosen),
        tuple(case.name for case in cases if case.patient in chosen),
        {case.name: case.patient for case in cases},
        notices,
    )


def _place(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"nerp split 1|{seed}|{patient}".encode()).digest()
