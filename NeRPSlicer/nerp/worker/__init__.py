"""The render worker: a process that keeps a CT and draws what it is asked for (see docs/worker.md)."""
