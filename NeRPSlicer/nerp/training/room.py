"""How much memory and disk is free, as far as the system tells."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path


def free_memory_bytes() -> float | None:
    """Memory that a new program can have without another being put out of it; None where unknown."""
    if sys.platform == "win32":
        return _windows_free()
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="ascii", errors="replace"))
        return 1024.0 * int(found[1]) if found else None
    return _mac_free()


def _mac_free() -> float | None:
    """From ``vm_stat``: free, inactive, speculative and purgeable pages."""
    try:
        told = subprocess.run(["vm_stat"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    size = re.search(r"page size of (\d+) bytes", told)
    pages = re.findall(r"Pages (?:free|inactive|speculative|purgeable):\s+(\d+)\.", told)
    return float(int(size[1]) * sum(map(int, pages))) if size and pages else None


def _windows_free() -> float | None:
    """From GlobalMemoryStatusEx."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((name, ctypes.c_uint64) for name in ("total", "free", "page", "page_free", "own", "own_free")),
            ("extended", ctypes.c_uint64),
        )

    status = Status(length=ctypes.sizeof(Status))
    told = ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return float(status.free) if told else None


def free_disk_bytes(folder: Path) -> float | None:
    """Free space of the disk that a folder lies on, or will; None where unknown."""
    folder = folder.absolute()
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    try:
        return None if existing is None else float(shutil.disk_usage(existing).free)
    except OSError:
        return None
