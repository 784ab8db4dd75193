"""Requests in, replies out, one line of JSON each; what nobody waits for any more is given up."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from ..errors import NerpError

Reply = dict[str, Any]
Item = dict[str, Any] | str | None
"""A request, what is wrong with a line that is none, or None at the end of input."""

NEEDLESS_AFTER = {"draw": ("draw",), "volume": ("volume",), "model": ("model", "volume")}
"""Requests, and those whose later coming makes them needless."""


class Interrupted(Exception):
    """Nobody waits any more for the answer to the request that is being answered."""


class Handler(Protocol):
    """Who does what the requests ask.

    ``handle`` calls ``check`` now and then, and lets what it raises pass.
    """

    def handle(self, request: dict[str, Any], check: Callable[[], None]) -> Reply: ...
    def forget_prepared(self) -> None: ...


class Replies:
    """The way back to the client.

    Args:
        descriptor: where the lines go.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = False

    def send(self, reply: Reply) -> None:
        """Write one line; a client that has gone is no error, its end of input will come."""
        line = memoryview(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
        try:
            while line and not self._lost:
                line = line[os.write(self._descriptor, line) :]
        except OSError:
            self._lost = True


def read_requests(descriptor: int, queue: SimpleQueue[Item]) -> None:
    """Queue the requests that come in on ``descriptor``, then None; runs in a thread of its own.

    Reads without a buffer of Python's, whose lock a thread that waits for input would hold at exit.
    """
    rest = b""
    while True:
        try:
            block = os.read(descriptor, 1 << 16)
        except OSError:
            block = b""
        if not block:
            queue.put(None)
            return
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line.strip():
                queue.put(_parsed(line))


def _parsed(line: bytes) -> Item:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"A request is one line of JSON: {str(error).splitlines()[0]}"
    return request if isinstance(request, dict) else "A request is a JSON object in one line."


def serve(queue: SimpleQueue[Item], session: Handler, send: Callable[[Reply], None], idle_s: float) -> str:
    """Answer requests in their order, each with exactly one answer, until there is a reason to end.

    Returns:
        "quit" (asked to), "end" (of input: the client has gone) or "idle" (no request for ``idle_s``
        seconds).
    """
    waiting: deque[Item] = deque()

    def read() -> None:
        with suppress(Empty):
            while True:
                waiting.append(queue.get_nowait())

    while True:
        if not waiting:
            try:
                waiting.append(queue.get(timeout=idle_s))
            except Empty:
                return "idle"
        read()
        if None in waiting:
            return "end"
        request = waiting.popleft()
        if not isinstance(request, dict):
            send({"request": None, "error": request})
            continue
        if request.get("do") == "quit":
            return "quit"

        def check(request: dict[str, Any] = request) -> None:
            read()
            if _is_needless(request, waiting):
                raise Interrupted

        send({"request": request.get("request"), **_answer(request, session, check)})


def _is_needless(request: dict[str, Any], waiting: deque[Item]) -> bool:
    """Whether the client has gone, has asked for a newer one of the same kind, or has taken it back."""
    number = request.get("request")
    for later in waiting:
        if later is None:
            return True
        if isinstance(later, dict):
            if later.get("do") in NEEDLESS_AFTER.get(str(request.get("do")), ()):
                return True
            if later.get("do") == "cancel" and number is not None and later.get("number") == number:
                return True
    return False


def _answer(request: dict[str, Any], session: Handler, check: Callable[[], None]) -> Reply:
    if request.get("do") == "cancel":
        return {"cancelled": request.get("number")}
    try:
        check()
        return session.handle(request, check)
    except Interrupted:
        return {"skipped": True}
    except NerpError as error:
        return {"error": str(error)}
    except MemoryError:
        session.forget_prepared()
        return {"error": "There is not enough memory; ask for a smaller picture or close other programs."}
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        told = (str(error).splitlines() or [""])[0]
        return {"error": f"{type(error).__name__}: {told} (the worker's log holds more)"}
