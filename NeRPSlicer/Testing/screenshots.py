"""Draw the README's pictures off-screen: the demo's tiles, and the real panel and views on the example.

    python NeRPSlicer/Testing/screenshots.py [FOLDER]

The folder is ``docs/images`` beside the extension unless another is named.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

TESTING = Path(__file__).resolve().parent
for path in (TESTING, TESTING.parent):
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
FOLDER = TESTING.parents[1] / "docs" / "images"
THUMBNAIL, THUMBNAIL_SIDE = "NeRPExample.png", 260
"""Of the example in Sample Data, which shows pictures of 260 x 280 pixels."""
SIZE = (1360, 880)
TRAINING_FILMS, TRAINING_REPORTS = 24, 100
PATIENCE_MS = 300_000
"""A first picture may have to wait for kernels to be compiled."""


def main() -> int:
    """Draw every picture."""
    from host.preview import lacking

    if lacking():
        print(lacking(), file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    icons = TESTING.parent / "Resources" / "Icons" if folder == FOLDER else folder
    drawDemo(folder / "demo.png", icons / THUMBNAIL)
    drawPanel(folder)
    drawTrainer(folder)
    return 0


def drawDemo(file: Path, thumbnail: Path) -> None:
    """A standard and a random view of `nerp demo`: both methods, and outlines of the labels.

    The first with its labels is the example's thumbnail too.
    """
    from nerp.cli import main as nerp
    from nerp.export.contact_sheet import outlines, read_grey, sheet, tile
    from nerp.export.index import read_records

    with tempfile.TemporaryDirectory() as temporary:
        demo = Path(temporary)
        if nerp(["demo", "--out", str(demo), "--views", "5"]):
            raise SystemExit("nerp demo failed: see above.")
        sets = {"DRR": demo / "drr", "fixed radiance": demo / "fixed"}
        records = {method: list(read_records(folder).values()) for method, folder in sets.items()}
        tiles, groups = [], set()
        for place in (0, -1):
            record = records["DRR"][place]
            onLeft = record["patient_right_on_viewers_left"]
            for method, folder in sets.items():
                grey = read_grey(folder / records[method][place]["image"])
                tiles.append(tile(grey, f"{record['description']} \u00b7 {method}", onLeft))
            lines = outlines(sets["DRR"], record)
            groups |= {group for group, _ in lines}
            grey = read_grey(sets["DRR"] / record["image"])
            tiles.append(tile(grey, f"{record['description']} \u00b7 labels", onLeft, lines))
            if place == 0:
                _save(tile(grey, "SYNTHETIC", onLeft, lines, THUMBNAIL_SIDE), thumbnail)
        _save(sheet("SYNTHETIC Digital thorax", tiles, 3, groups), file)


def drawPanel(folder: Path) -> None:
    """Walk through the first minute and save a picture at each stop."""
    from host.preview import MODULE, open_preview

    host = open_preview(MODULE)
    host.window.resize(*SIZE)
    host.window.show()
    import slicer
    from PySide6 import QtWidgets
    from scene.panels import PanelDriver

    PanelDriver.wait.__defaults__ = (PATIENCE_MS,)
    driver = PanelDriver(host, slicer.util.getModuleWidget("NeRPSlicer").panel, [])
    scroll = host.panel_dock.widget()
    compareForm, exportForm = (section.ui for section in driver.panel.sections[3:5])

    def pause() -> None:
        driver.rest()
        end = time.monotonic() + 0.5
        driver.wait(lambda: time.monotonic() > end)

    def save(name: str, bottom: bool = False) -> None:
        pause()
        for splitter in QtWidgets.QMainWindow.findChildren(host.window, QtWidgets.QSplitter):
            QtWidgets.QSplitter.setSizes(splitter, [1000] * QtWidgets.QSplitter.count(splitter))
        host.wait(50)
        driver.radiograph.ui.fitButton.click()
        pause()
        bar = scroll.verticalScrollBar()
        bar.setValue(bar.maximum if bottom else 0)
        _save(_titled(host.window), folder / f"{name}.png")

    driver.loadExample()
    save("example")
    for _ in range(4):
        driver.camera.ui.randomButton.click()
        driver.rest()
    save("random")
    driver.camera.ui.presetPA.click()
    compareForm.compareButton.collapsed = False
    compareForm.comparisonBox.currentIndex = 1
    save("compare", bottom=True)
    compareForm.comparisonBox.currentIndex = 4
    compareForm.compareButton.collapsed = True
    exportForm.exportCollapsible.collapsed = False
    # Named, not made: nothing is exported here.
    exportForm.folderEdit.currentPath = "/data/thorax-radiographs"
    save("contact-sheet", bottom=True)
    host.unload_module("NeRPSlicer")


def drawTrainer(folder: Path) -> None:
    """A short real run in the trainer, on phantoms and films of other phantoms."""
    import shutil

    from host import start
    from host.preview import MODULE, open_preview
    from nerp.io.pictures import write_png
    from nerp.worker.example import example_film
    from scene.trainer_panels import python_with_torch

    python = python_with_torch()
    if not python:
        print("training.png is left as it is: a run needs torch, MONAI and safetensors", file=sys.stderr)
        return
    data = Path(tempfile.mkdtemp(prefix="training-"))
    for number in range(TRAINING_FILMS):
        film, _ = example_film(100 + number, 256, 256, 3.0)
        write_png(data / "films" / f"film{number}.png", (film >> 8).astype("uint8"))
    before = start()
    if hasattr(before, "panel_dock"):
        before.window.removeDockWidget(before.panel_dock)
        before.panel_dock.deleteLater()
    host = open_preview(MODULE.with_name("NeRPTrainer.py"))
    host.window.resize(*SIZE)
    host.window.show()
    import slicer
    from nerp import jobs

    panel = slicer.util.getModuleWidget("NeRPTrainer").panel
    panel.setUp.lacking = list  # the run has its own Python
    parameters = panel.parameters
    parameters.filmsFolder, parameters.runsFolder = data / "films", data / "runs"
    parameters.thoraxes, parameters.minutes = 4, 15
    assert host.wait(PATIENCE_MS, lambda: panel.data.plan is not None), panel.data.refusal
    configuration = dict(panel.data.plan["configuration"])
    configuration["settings"] = {**configuration["settings"], "report_every": TRAINING_REPORTS}
    run = jobs.create(data / "runs" / "first", "train", configuration)
    jobs.start(run, python)
    panel.runs.begin()
    host.wait(20 * 60_000, lambda: not panel.runs.status.active or len(panel.runs.reader.events) > 6)
    assert len(panel.runs.reader.events) > 2, panel.runs.status
    host.wait(500)
    for edit, shown in ((panel.data.ui.filmsEdit, "/data/films"), (panel.data.ui.runsEdit, "/data/runs")):
        wasBlocked = edit.blockSignals(True)
        edit.currentPath = shown
        edit.blockSignals(wasBlocked)
    _save(_titled(host.window), folder / "training.png")
    jobs.stop(run, 10)
    host.unload_module("NeRPTrainer")
    shutil.rmtree(data, ignore_errors=True)


def _titled(window):
    """The window under its title: a grabbed window has no frame, and nobody may take it for Slicer."""
    from PIL import Image, ImageDraw, ImageFont
    from PySide6 import QtGui

    grabbed = window.grab().toImage().convertToFormat(QtGui.QImage.Format_RGB888)
    width, height, stride = grabbed.width(), grabbed.height(), grabbed.bytesPerLine()
    inside = Image.frombuffer("RGB", (width, height), bytes(grabbed.bits()), "raw", "RGB", stride, 1)
    bar = 30
    out = Image.new("RGB", (width, height + bar), (58, 63, 71))
    out.paste(inside, (0, bar))
    title, font = window.windowTitle, ImageFont.load_default(17)
    ImageDraw.Draw(out).text((width // 2, bar // 2), title, "white", font, anchor="mm")
    return out


def _save(picture, file: Path) -> None:
    """As PNG; without the last bit of each colour, which no eye sees, it is a third smaller."""
    picture.point(lambda value: value & 0xFE).save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
