"""Reduce complete facts of a Slicer to those that the stand-in answers for.

    python -m host.facts.reduce FOLDER

FOLDER holds ``classes.json`` and ``names.json`` as read out of a running Slicer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

CLASSES = """
QObject QWidget QAbstractButton QAbstractItemModel QAbstractItemView QAbstractScrollArea QAbstractSlider
QAbstractSpinBox QAction QBoxLayout QButtonGroup QCheckBox QComboBox QCompleter QDialog QDialogButtonBox
QDockWidget QDoubleSpinBox QFileDialog QFileSystemWatcher QFormLayout QFrame QGridLayout QGroupBox QHBoxLayout
QIODevice QInputDialog QLabel QLayout QLineEdit QListView QListWidget QMainWindow QMenu QMessageBox
QPlainTextEdit QProcess QProgressBar QProgressDialog QPushButton QRadioButton QScrollArea QSettings QSlider
QSpinBox QSplitter QStackedWidget QStatusBar QTabWidget QTableView QTableWidget QTextBrowser QTextEdit QTimer
QToolBar QToolButton QTreeView QTreeWidget QVBoxLayout
ctkCheckBox ctkCheckablePushButton ctkCollapsibleButton ctkCollapsibleGroupBox ctkColorPickerButton
ctkComboBox ctkDirectoryButton ctkDoubleRangeSlider ctkDoubleSlider ctkDoubleSpinBox
ctkLayoutFactory ctkLayoutManager
ctkMenuButton ctkMessageBox ctkPathLineEdit ctkPushButton ctkRangeWidget ctkSearchBox ctkSliderWidget
ctkVTKAbstractView ctkVTKChartView ctkVTKOpenGLNativeWidget ctkVTKRenderView ctkVTKSliceView
qMRMLAbstractViewWidget qMRMLLayoutManager qMRMLNodeComboBox qMRMLPlotView qMRMLPlotViewControllerWidget
qMRMLPlotWidget qMRMLRangeWidget qMRMLSegmentsTableView
qMRMLSliceControllerWidget qMRMLSliceView qMRMLSliceWidget qMRMLSliderWidget qMRMLSpinBox qMRMLThreeDView
qMRMLThreeDViewControllerWidget qMRMLThreeDWidget qMRMLViewControllerBar qMRMLWidget qSlicerAbstractCoreModule
qSlicerAbstractModule qSlicerAbstractModuleWidget qSlicerCoreIOManager qSlicerIOManager qSlicerLayoutManager
qSlicerLoadableModule qSlicerMainWindow qSlicerModuleManager qSlicerScriptedLoadableModule
qSlicerScriptedLoadableModuleWidget qSlicerWidget
""".split()
_CALLABLE = "invokable"  # codespell:ignore invokable
PLACES = {
    "qt": "qt",
    "qt.Qt": "qt.Qt",
    "ctk": "ctk",
    "slicer": "slicer",
    "slicer.util": "slicer.util",
    "slicer.app": "slicer.app",
    "slicer.app.layoutManager()": "slicer.app.layoutManager()",
    "slicer.app.ioManager()": "slicer.app.ioManager()",
    "slicer.ScriptedLoadableModule": "slicer.ScriptedLoadableModule",
    "slicer.parameterNodeWrapper": "slicer.parameterNodeWrapper",
    "slicer.i18n": "slicer.i18n",
}


def reduce(source: Path, target: Path) -> None:
    """Write the reduced ``classes.json`` and ``names.json`` of ``source`` to ``target``."""
    complete = json.loads((source / "classes.json").read_text(encoding="utf-8"))["classes"]
    wanted = set(CLASSES)
    for name in CLASSES:
        while name := complete.get(name, {}).get("super"):
            wanted.add(name)
    classes = {
        name: {
            "super": record.get("super"),
            "module": record.get("module", ""),
            "properties": record.get("properties", {}),
            "signals": record.get("signals", []),
            "methods": record.get("slots", []) + record.get(_CALLABLE, []),
            "names": record.get("python_names", []),
        }
        for name, record in sorted(complete.items())
        if name in wanted
    }
    names = json.loads((source / "names.json").read_text(encoding="utf-8"))
    _write(target / "classes.json", classes)
    _write(target / "names.json", {key: sorted(names[place]) for key, place in PLACES.items()})


def _write(path: Path, records: dict) -> None:
    """One record a line: a change of one class is a change of one line."""
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in records.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    reduce(Path(sys.argv[1]), Path(__file__).parent)
