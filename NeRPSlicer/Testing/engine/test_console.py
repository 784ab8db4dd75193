"""What the commands tell while they work."""

from __future__ import annotations

import pytest
from nerp.cli import console


def test_the_time_left_is_told_without_the_first_ones_compiling(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(console, "_terminal", lambda: None)
    with console.progress_bar("views") as show:
        for done, seconds in ((0, 60), (1, 6), (2, 6), (3, 6), (10, 0)):
            show(done, 10, "drawing")
            clock[0] += seconds
    assert capsys.readouterr().err.splitlines() == [
        "1 of 10 views: drawing",
        "2 of 10 views, about 48 s left: drawing",
        "3 of 10 views, about 42 s left: drawing",
    ]
