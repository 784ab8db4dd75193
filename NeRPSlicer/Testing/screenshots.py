"""Save the README's pictures off-screen: the real panel and views, on the example.

    python Testing/screenshots.py [FOLDER]

The folder is ``docs/images`` beside the extension unless another is named.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

TESTING = Path(__file__).resolve().parent
for path in (TESTING, TESTING.parent):
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
FOLDER = TESTING.parents[1] / "docs" / "images"
SIZE = (1500, 900)


def main() -> int:
    """Walk through the first minute and save a picture at each stop."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    from host.preview import MODULE, open_preview

    host = open_preview(MODULE)
    host.window.resize(*SIZE)
    host.window.show()
    import slicer
    from PySide6 import QtWidgets
    from scene.panels import PanelDriver

    driver = PanelDriver(host, slicer.util.getModuleWidget("NeRPSlicer").panel, [])
    compare = driver.panel.sections[3].ui.comparisonBox

    def save(name: str) -> None:
        driver.rest()
        end = time.monotonic() + 0.5
        driver.wait(lambda: time.monotonic() > end)
        for splitter in QtWidgets.QMainWindow.findChildren(host.window, QtWidgets.QSplitter):
            QtWidgets.QSplitter.setSizes(splitter, [1000] * QtWidgets.QSplitter.count(splitter))
        host.wait(50)
        driver.radiograph.ui.fitButton.click()
        end = time.monotonic() + 0.5
        driver.wait(lambda: time.monotonic() > end)
        host.window.grab().save(str(folder / f"{name}.png"))

    driver.loadExample()
    save("example")
    for _ in range(4):
        driver.camera.ui.randomButton.click()
        driver.rest()
    save("random")
    driver.camera.ui.presetPA.click()
    compare.currentIndex = 1
    save("compare")
    compare.currentIndex = 4
    save("contact-sheet")
    host.unload_module("NeRPSlicer")
    return 0


if __name__ == "__main__":
    sys.exit(main())
