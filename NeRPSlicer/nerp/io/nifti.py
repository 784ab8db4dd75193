"""What SimpleITK does not tell of a NIfTI file: whether all its voxels are there."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

HEADER_BYTES = 348


def is_whole(path: Path) -> bool:
    """Whether the file holds as many bytes as its NIfTI-1 header promises; ITK fills what lacks with chance.

    A whole gzip file ends in its length (RFC 1952), so nearly every file is judged without unpacking it.
    """
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            needed = _promised_bytes(file.read(HEADER_BYTES))
            if needed is None:
                return True
            if not is_packed:
                return path.stat().st_size >= needed
            with path.open("rb") as packed:
                packed.seek(-4, 2)
                if struct.unpack("<I", packed.read(4))[0] == needed % 2**32:
                    return True
            length = HEADER_BYTES
            while chunk := file.read(1 << 20):
                length += len(chunk)
            return length >= needed
    except (EOFError, OSError, zlib.error):
        return False


def _promised_bytes(header: bytes) -> int | None:
    """Where the voxels end; None for what is no NIfTI-1 header."""
    if len(header) < HEADER_BYTES:
        return None
    order = "<" if header[:4] == struct.pack("<i", HEADER_BYTES) else ">"
    if struct.unpack(order + "i", header[:4])[0] != HEADER_BYTES or header[344:347] != b"n+1":
        return None
    count, *sizes = struct.unpack(order + "8h", header[40:56])
    (bits,) = struct.unpack(order + "h", header[72:74])
    (start,) = struct.unpack(order + "f", header[108:112])
    return int(start) + math.prod(sizes[: max(0, count)]) * bits // 8
