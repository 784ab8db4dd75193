"""The real panel beside real MRML views in one window, titled so that nobody takes it for Slicer.

    python -m host.preview [MODULE.py] [--screenshot PICTURE.png] [--wait MILLISECONDS]

Run it in the folder above ``host``. With ``--screenshot`` the window is drawn off-screen, saved and closed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2] / "NeRPSlicer.py"
TITLE = "preview, not Slicer"
PANEL_WIDTH = 420


def lacking() -> str:
    """What keeps this Python from showing the panel, for people; "" for nothing."""
    missing = [name for name in ("slicer_core", "PySide6") if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    return (
        f"The preview needs {' and '.join(missing)}, which Linux has for Python 3.12 and 3.13: "
        "remove .venv, then run make.py with one of these."
    )


def open_preview(module: Path):
    """The host with the module's panel docked on the left and shown; its window is not shown yet."""
    sys.path.insert(0, str(module.parent))
    import host

    running = host.start()
    from PySide6 import QtCore, QtWidgets

    name = module.stem
    panel = running.load_module(module).widgetRepresentation()
    scroll = QtWidgets.QScrollArea()
    scroll.setWidgetResizable(True)
    # As Slicer's own module panel: as wide as its module needs, scrolled up and down alone.
    scroll.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOff)
    scroll.setVerticalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOn)
    scroll.setWidget(panel)
    dock = QtWidgets.QDockWidget(name)
    dock.setWidget(scroll)
    bar = scroll.verticalScrollBar().sizeHint.width()
    dock.setMinimumWidth(max(PANEL_WIDTH, panel.minimumSizeHint.width() + bar))
    running.window.addDockWidget(QtCore.Qt.LeftDockWidgetArea, dock)
    running.panel_dock = dock
    running.window.setWindowTitle(TITLE)
    running.window.resize(1500, 900)
    running.window.resizeDocks([dock], [PANEL_WIDTH], QtCore.Qt.Horizontal)
    running.select_module(name)
    return running


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", nargs="?", type=Path, default=MODULE)
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--wait", type=int, default=500, help="milliseconds before the screenshot")
    chosen = parser.parse_args(arguments)
    if lacking():
        print(lacking(), file=sys.stderr)
        return 2
    if chosen.screenshot is None and sys.platform == "linux" and os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    running = open_preview(chosen.module.resolve())
    running.window.show()
    if chosen.screenshot is not None:
        running.wait(chosen.wait)
        running.window.grab().save(str(chosen.screenshot))
    else:
        running.application._qt.exec()
    running.unload_module(chosen.module.stem)
    running.window.removeDockWidget(running.panel_dock)
    running.panel_dock.deleteLater()
    return 0


if __name__ == "__main__":
    sys.exit(main())
