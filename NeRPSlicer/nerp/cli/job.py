"""Run a job of a run folder, or start, look at, list or stop jobs; a stopped or killed job goes on."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from ..errors import NerpError
from ..jobs import JobStatus, find, look, start, stop
from ..jobs.job import run_job
from .choices import named_path
from .console import say

KINDS = {"export": "nerp.export.job", "train": "nerp.training.job"}
"""Kind of job to the module whose ``run(job)`` does it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=named_path, metavar="RUN", help="run folder; with --list, a folder of such"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--start", action="store_true", help="start or resume it in the background and return")
    what.add_argument("--status", action="store_true", help="say how far it is")
    what.add_argument("--list", action="store_true", help="say it of every job in the folder and below")
    what.add_argument("--stop", action="store_true", help="ask it to stop, wait, and end it if it does not")
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="S", help="how long --stop waits, default 30 s"
    )
    parser.add_argument("--json", action="store_true", help="status as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    if not folder.is_dir():
        raise NerpError(f"There is no folder {folder}; check the path.")
    if options.list:
        jobs = find(folder)
        if not jobs:
            say(f"No jobs in {folder}.")
        return _tell(jobs, options.json)
    if options.status:
        return _tell([look(folder)], options.json)
    if options.start:
        start(folder)
        say(f"Started: nerp job {folder} --status")
        return 0
    if options.stop:
        status = stop(folder, options.patience)
        if status.state == "damaged":
            raise NerpError(status.error)
        return _tell([status], options.json)
    # Interrupted or asked to stop: the same exit status as any command that Ctrl-C ends.
    return {"done": 0, "stopped": 130}[run_job(folder.absolute(), KINDS)]


def _tell(jobs: list[JobStatus], as_json: bool) -> int:
    if as_json:
        records = [{**asdict(job), "folder": str(job.folder), "active": job.active} for job in jobs]
        print(json.dumps(records, indent=2))
    else:
        for job in jobs:
            print(f"{job.folder}: {' '.join(filter(None, (job.kind, job.line)))}")
    return 0
