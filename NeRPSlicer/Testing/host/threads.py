"""No Python threads in ``NeRPSlicerLib``: Slicer's idle event loop keeps the GIL: a thread starves."""

from __future__ import annotations

import sys
import threading

FORBIDDEN_FOLDERS = ("NeRPSlicerLib", "NeRPSlicer.py", "NeRPTrainer.py")


def install() -> None:
    """Refuse a thread that starts below code of the module."""
    start = threading.Thread.start

    def checked(self):
        frame = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename.replace("\\", "/")
            if any(f"/{part}/" in file or file.endswith(f"/{part}") for part in FORBIDDEN_FOLDERS):
                raise RuntimeError(
                    f"A Python thread was started below {file}: under Slicer's event loop it would starve; "
                    "use QProcess signals or a QTimer"
                )
            frame = frame.f_back
        start(self)

    threading.Thread.start = checked
