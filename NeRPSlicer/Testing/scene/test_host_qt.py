"""Qt as a panel uses it, in PythonQt's manner: processes, timers, keys, lists, settings, dialogs."""

from __future__ import annotations

import sys


def test_a_process_talks_by_signals(app):
    import qt

    process, heard, ends = qt.QProcess(), [], []
    process.connect(
        "readyReadStandardOutput()", lambda: heard.append(process.readAllStandardOutput().data().decode())
    )
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: ends.append((code, status)))
    process.start(sys.executable, ["-c", "print(input()[::-1])"])
    process.write(b"abc\n")
    assert app.wait(10_000, until=lambda: ends)
    assert "".join(heard).strip() == "cba"
    assert ends == [(0, qt.QProcess.NormalExit)] and process.state() == qt.QProcess.NotRunning
    missing, errors = qt.QProcess(), []
    missing.connect("errorOccurred(QProcess::ProcessError)", errors.append)
    missing.start("no-such-program-anywhere", [])
    assert app.wait(5_000, until=lambda: errors)
    assert errors[0] == qt.QProcess.FailedToStart == 0


def test_timers_fire_and_stop(app):
    import qt

    timer, ticks, once = qt.QTimer(), [], []
    timer.setInterval(5)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    qt.QTimer.singleShot(1, lambda: once.append(1))
    assert app.wait(5_000, until=lambda: len(ticks) > 3 and once)
    timer.stop()
    assert timer.active is False and timer.interval == 5
    count = len(ticks)
    app.wait(30)
    assert len(ticks) == count and once == [1]


def test_keys_reach_shortcuts_while_they_are_enabled(app):
    import qt

    button = qt.QPushButton("&Randomize")
    shortcut, presses = qt.QShortcut(qt.QKeySequence("R"), button), []
    shortcut.connect("activated()", lambda: presses.append(1))
    shortcut.enabled = False
    assert shortcut.enabled is False and shortcut.key.toString() == "R"
    shortcut.activated.connect(lambda: presses.append(2))
    shortcut.setEnabled(True)
    assert shortcut.enabled and presses == []


def test_lists_combos_and_layouts_have_qt_5_properties():
    import ctk
    import qt

    combo, chosen = ctk.ctkComboBox(), []
    combo.connect("currentIndexChanged(QString)", chosen.append)
    combo.addItem("DRR", 1)
    combo.addItems(["MIP", "AIP"])
    combo.currentIndex = 2
    assert chosen[-1] == "AIP" and combo.count == 3 and combo.currentText == "AIP" and combo.itemData(0) == 1
    rows = qt.QListWidget()
    rows.addItem("one")
    rows.addItem("two")
    rows.setCurrentRow(1)
    assert rows.count == 2 and rows.currentRow == 1 and rows.currentItem().text() == "two"
    box = qt.QGroupBox("Camera")
    form = qt.QFormLayout(box)
    form.addRow("SID", qt.QLabel("1800"))
    assert box.layout() is form and form.rowCount() == 1
    bar = qt.QProgressBar()
    bar.maximum, bar.value = 10, 4
    assert (bar.minimum, bar.maximum, bar.value) == (0, 10, 4)
    box.enabled, box.toolTip = False, "why"
    assert box.enabled is False and box.toolTip == "why"
    section, folded = ctk.ctkCollapsibleButton(), []
    section.connect("contentsCollapsed(bool)", folded.append)
    inside = qt.QLabel("inside", section)
    section.text = "1 Patient"
    section.collapsed = True
    assert folded == [True] and section.collapsed and inside.visible is False


def test_settings_message_boxes_and_colours():
    import qt
    import slicer

    slicer.app.settings().setValue("NeRP/key", "kept")
    assert slicer.util.settingsValue("NeRP/key", "", converter=str) == "kept"
    assert slicer.util.confirmYesNoDisplay("really?") is False
    slicer.util.infoDisplay("told")
    assert qt.QColor(255, 0, 0).name() == "#ff0000"
    icon = qt.QIcon()
    assert icon.isNull() and qt.QSize(3, 4).width() == 3
    with slicer.util.tryWithErrorDisplay("failed", show=False):
        assert slicer.app.majorVersion == 5


def test_find_children_and_names_follow_pythonqt():
    import qt

    parent = qt.QWidget()
    child = qt.QLabel("text", parent)
    child.name = "label"
    assert child.objectName == "label" and parent.findChild(qt.QLabel, "label") is child
    assert parent.findChild("QLabel", "label") is child and child.className() == "QLabel"
    assert parent.findChildren(qt.QPushButton) == [] and child.parent() is parent
