"""What the commands print: notices, a progress bar, one line at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

EVERY_SECONDS = 5.0
"""Without a terminal or without rich, a line this often."""


def say(line: str) -> None:
    """A line for a person; standard output stays for what programs read."""
    print(line, file=sys.stderr)


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """A function of (done, total, text) that shows how far the work is, with the time left."""
    console = _terminal()
    if console is None:
        yield _lines(unit)
        return
    from rich import progress

    columns = (
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn(unit),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.description}", markup=False),
    )
    with progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, start=False)

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)
            if done and not bar.tasks[task].started:
                bar.start_task(task)  # the first one takes longer than all others: kernels are compiled

        yield show


def _terminal() -> Any:
    """rich's console on standard error; None without rich, or where no person is watching."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(stderr=True)
    return console if console.is_terminal else None


def _lines(unit: str) -> Callable[[int, int, str], None]:
    last = time.monotonic()
    first: tuple[float, int] | None = None

    def show(done: int, total: int, text: str) -> None:
        nonlocal first, last
        now = time.monotonic()
        if done and first is None:  # it takes longer than all others: kernels are compiled
            first = now, done
        if now - last >= EVERY_SECONDS and 0 < done < total:
            last = now
            begin, before = first or (now, done)
            left = (now - begin) / (done - before) * (total - done) if done > before else None
            say(f"{done} of {total} {unit}{'' if left is None else f', about {left:.0f} s left'}: {text}")

    return show
