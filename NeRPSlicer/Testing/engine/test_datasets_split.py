"""Splits by patient: nobody on both sides, the same everywhere, plain data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nerp import NerpError
from nerp.datasets import Cases, Split, XrayCase, split


def films(patients: list[int]) -> Cases[XrayCase]:
    return Cases(tuple(XrayCase(f"f{n}", f"p{who}", Path(f"f{n}.png")) for n, who in enumerate(patients)))


@given(st.lists(st.integers(0, 9), min_size=2), st.integers(), st.floats(0.01, 0.99))
def test_no_patient_is_on_both_sides(patients: list[int], seed: int, share: float) -> None:
    cases = films(patients)
    train, held_out = split(cases, seed, share).apply(cases)
    assert {case.name for case in train} | {case.name for case in held_out} == {case.name for case in cases}
    assert not set(train.patients) & set(held_out.patients)
    if len(cases.patients) > 1:
        assert len(train) and len(held_out)
        assert abs(len(held_out.patients) - share * len(cases.patients)) <= 1


def test_the_order_of_cases_does_not_matter_and_the_seed_does() -> None:
    cases = films(list(range(20)))
    turned = replace(cases, items=cases.items[::-1])
    assert set(split(cases, 3).held_out) == set(split(turned, 3).held_out)
    assert split(cases, 3) == split(cases, 3)
    assert split(cases, 3).held_out != split(cases, 4).held_out
    assert len(split(cases, 3).held_out) == 4 and len(split(cases, 3, 0.5).held_out) == 10


def test_a_split_is_the_same_on_every_machine() -> None:
    assert split(films(list(range(8))), 1, 0.25).held_out == ("f2", "f6")


def test_one_patient_is_allowed_and_said() -> None:
    alone = split(films([5, 5]), 0)
    assert alone.train == ("f0", "f1") and alone.held_out == ()
    assert "nothing is held out" in alone.notices[0]
    everyone = split(films([1, 2]), 0, 0)
    assert len(everyone.train) == 2 and everyone.notices == ()


def test_a_split_is_plain_data() -> None:
    made = split(films([1, 2, 3, 3]), 7)
    assert Split.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert made.patients == {"f0": "p1", "f1": "p2", "f2": "p3", "f3": "p3"}
    with pytest.raises(NerpError, match="version"):
        Split.from_dict({**made.to_dict(), "version": 0})
    with pytest.raises(NerpError, match="damaged"):
        Split.from_dict({"version": 1, "seed": 0})


def test_shares_out_of_range_are_refused() -> None:
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(NerpError, match="held-out share"):
            split(films([1, 2]), 0, share)
