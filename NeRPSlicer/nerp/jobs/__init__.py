"""Jobs: work that outlives the program that started it, each in a run folder (standard library only).

``job.json`` (frozen configuration), ``status.json`` (state, process, progress, heartbeat), ``events.jsonl``
(metrics), ``log.txt``, ``checkpoints/`` and ``STOP`` (a request to end). What is exported here only reads
and signals; the job's own side is `nerp.jobs.job`.
"""

from __future__ import annotations

from .control import JobStatus, end, find, look, request_stop, start, stop
from .folder import create, last_log_lines, read_events, read_job

__all__ = [
    "JobStatus",
    "create",
    "end",
    "find",
    "last_log_lines",
    "look",
    "read_events",
    "read_job",
    "request_stop",
    "start",
    "stop",
]
