"""A plain client of the render worker, for tests and benchmarks: a process and a thread that reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import nerp
import numpy as np

ENGINE = Path(nerp.__file__).parents[1]

BARE = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ("numba", "llvmlite", "torch", "monai", "rich", "rich_argparse"):
            return self.finder.find_spec(name, path, target)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
import runpy
runpy.run_module("nerp.worker", run_name="__main__")
"""
"""A worker on what a bare Slicer has."""


class Worker:
    """One worker process; a context manager that lets it end.

    Args:
        folder: the session folder.
        arguments: more of the command line.
        bare: hide Numba and torch from it.
    """

    def __init__(self, folder: Path, *arguments: str, bare: bool = False) -> None:
        self.folder = folder
        program = ["-c", BARE] if bare else ["-m", "nerp.worker"]
        self.process = subprocess.Popen(
            [sys.executable, *program, str(folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ENGINE)},
        )
        self.replies: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self.progress: list[dict[str, Any]] = []
        self.log = b""
        self._number = 0
        self._threads = [Thread(target=self._read), Thread(target=self._read_log)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Worker:
        first = self.reply()
        assert first == {"ready": True, "pid": first["pid"]}
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> int:
        """Close its input and wait; its exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        status = self.process.wait(60)
        for thread in self._threads:
            thread.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        return status

    def send(self, do: str, **request: Any) -> int:
        """Send a request; its number."""
        self._number += 1
        self.send_line(json.dumps({"do": do, "request": self._number, **request}).encode())
        return self._number

    def send_line(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def reply(self, seconds: float = 120) -> dict[str, Any]:
        """The next answer; progress goes to `progress`."""
        while True:
            reply = self.replies.get(timeout=seconds)
            assert reply is not None, f"the worker ended: {self.log.decode()}"
            if "progress" not in reply:
                return reply
            self.progress.append(reply)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        number = self.send(do, **request)
        reply = self.reply()
        assert reply["request"] == number
        return reply

    def array(self, record: dict[str, Any]) -> np.ndarray:
        """A copy of an array that a reply names."""
        mapped = np.memmap(self.folder / record["file"], record["dtype"], "r", shape=tuple(record["shape"]))
        return np.array(mapped)

    def _read(self) -> None:
        for line in _lines(self.process.stdout):
            self.replies.put(json.loads(line))
        self.replies.put(None)

    def _read_log(self) -> None:
        for line in _lines(self.process.stderr):
            self.log += line


def _lines(stream: Iterable[bytes] | None) -> Iterable[bytes]:
    assert stream is not None
    return stream


def volume_request(folder: Path, volume: nerp.Volume, **more: Any) -> dict[str, Any]:
    """Writes a volume where a worker finds it; the request that loads it."""
    folder.mkdir(exist_ok=True)
    (folder / "ct").write_bytes(np.ascontiguousarray(volume.hu).tobytes())
    return {
        "file": str(folder / "ct"),
        "dtype": volume.hu.dtype.name,
        "shape": list(volume.shape),
        "ras_from_ijk": volume.ras_from_ijk.tolist(),
        "name": volume.name,
        **more,
    }


def structures_request(folder: Path, structures: nerp.Structures, **more: Any) -> dict[str, Any]:
    """The same for structures, as a combination volume."""
    folder.mkdir(exist_ok=True)
    name = f"labels-{structures.hash[:8]}"
    (folder / name).write_bytes(np.ascontiguousarray(structures.combination).tobytes())
    return {
        "file": str(folder / name),
        "dtype": structures.combination.dtype.name,
        "shape": list(structures.shape),
        "ras_from_ijk": structures.ras_from_ijk.tolist(),
        "table": [{"name": s.name, "value": s.value, "color": list(s.color)} for s in structures],
        "combinations": [list(members) for members in structures.combinations],
        **more,
    }
