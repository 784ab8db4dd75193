"""Stopping at the end of an epoch: training goes on to a good place, all else ends at its next step."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from nerp.jobs import create, end, look, request_stop
from nerp.jobs.job import Job, Stopped, run_job


def test_a_stop_at_the_epochs_end_waits_for_it_and_now_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create(tmp_path / "run", "work", {})
    asked = []

    def work(job: Job) -> None:
        assert not job.should_stop() and not job.should_stop(epoch_over=False)
        request_stop(run, at_epoch=True)
        asked.append((job.should_stop(epoch_over=False), look(run).state))
        asked.append((job.should_stop(epoch_over=True), look(run).state))
        request_stop(run)
        asked.append((job.should_stop(epoch_over=False), look(run).state))
        request_stop(run, at_epoch=True)
        asked.append((job.should_stop(epoch_over=False), look(run).state))
        raise Stopped

    module = ModuleType("kind_of_job")
    module.run = work  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kind_of_job", module)
    assert run_job(run, {"work": "kind_of_job"}) == "stopped"
    assert asked == [(False, "stopping"), *[(True, "stopping")] * 3], "now is not taken back"


def test_what_has_ended_is_not_asked(tmp_path: Path) -> None:
    run = create(tmp_path / "run", "work", {})
    request_stop(run, at_epoch=True)
    end(run)
    assert not (run / "STOP").exists()
