"""Paths as SimpleITK can open them."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import NerpError


def itk_path(path: Path) -> str:
    """The path for SimpleITK, its folder by its short (8.3) name where Windows needs that.

    ITK on Windows opens NRRD and MetaImage by the ANSI code page (SimpleITK #795, ITK #4388). The file keeps
    its own name: ITK knows formats by the whole suffix, which a short name cuts.

    Raises:
        NerpError: the name holds bytes that are no UTF-8; SimpleITK would end the process.
    """
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise NerpError(f"{shown} has bytes in its name that are no UTF-8; rename it.") from None
    if sys.platform == "win32" and not text.isascii():
        return str(Path(_short_name(str(path.parent))) / path.name)
    return text


def is_out_of_reach(path: Path) -> bool:
    """Whether Windows gives this path no name that ITK is sure to open (8.3 names can be switched off)."""
    return sys.platform == "win32" and not itk_path(path).isascii()


def _short_name(folder: str) -> str:
    """The 8.3 name of an existing folder; the folder itself where there is none."""
    import ctypes

    short = ctypes.create_unicode_buffer(32768)
    length = ctypes.windll.kernel32.GetShortPathNameW(folder, short, len(short))  # type: ignore[attr-defined,unused-ignore]
    return short.value if 0 < length < len(short) else folder
