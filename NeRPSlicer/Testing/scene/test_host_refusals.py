"""The stand-in is never looser than Slicer: one refusal of each kind, and what it does accept."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

FORM = """<ui version="4.0"><class>Form</class>
<widget class="qMRMLWidget" name="Form">
 <layout class="QFormLayout" name="formLayout">
  <item row="0" column="0"><widget class="{cls}" name="slider">{prop}</widget></item>
  <item row="1" column="0"><widget class="qMRMLNodeComboBox" name="ct">
   <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
   <property name="SlicerParameterName" stdset="0"><string>ct</string></property></widget></item>
 </layout></widget>
<connections><connection><sender>Form</sender><signal>{signal}</signal>
 <receiver>ct</receiver><slot>{slot}</slot></connection></connections></ui>"""
GOOD = {
    "cls": "ctkSliderWidget",
    "prop": '<property name="maximum"><double>7.5</double></property>',
    "signal": "mrmlSceneChanged(vtkMRMLScene*)",
    "slot": "setMRMLScene(vtkMRMLScene*)",
}


def load(tmp_path: Path, **changes: str):
    import slicer

    path = tmp_path / "form.ui"
    path.write_text(FORM.format(**{**GOOD, **changes}), encoding="utf-8")
    return slicer.util.loadUI(str(path))


def test_a_form_loads_with_properties_and_only_its_own_connections(tmp_path):
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    form = load(tmp_path)
    ui = slicer.util.childWidgetVariables(form)
    assert type(ui.slider).__name__ == "ctkSliderWidget" and ui.slider.maximum == 7.5
    assert ui.ct.property("SlicerParameterName") == "ct"
    assert ui.ct.currentNode() is None
    form.setMRMLScene(slicer.mrmlScene)
    assert ui.ct.currentNode() is volume
    unconnected = load(tmp_path, signal="windowTitleChanged(QString)", slot="setCurrentNodeID(QString)")
    unconnected.setMRMLScene(slicer.mrmlScene)
    assert slicer.util.childWidgetVariables(unconnected).ct.currentNode() is None


def test_a_form_lives_until_qt_deletes_it(app, tmp_path):
    """Not until Python's collector runs, which may be while the scene tells one of its widgets something."""
    import slicer
    from PySide6 import QtCore

    form = load(tmp_path)
    form.setMRMLScene(slicer.mrmlScene)
    box = slicer.util.childWidgetVariables(form).ct
    del form
    gc.collect()
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert box.currentNode() is volume and box._watch._tags
    box.parent().deleteLater()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete.value)
    assert not box._watch._tags
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "another")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cls": "ctkMagicSlider"}, "no widget class ctkMagicSlider"),
        ({"cls": "QDial", "prop": ""}, "no widget class QDial"),
        (
            {"prop": '<property name="maximumAngle"><double>1</double></property>'},
            "no property 'maximumAngle'",
        ),
        ({"signal": "sceneChanged(vtkMRMLScene*)"}, "no signal sceneChanged"),
        ({"slot": "setScene(vtkMRMLScene*)"}, "no slot setScene"),
    ],
)
def test_a_form_with_what_slicer_lacks_is_refused(tmp_path, change, words):
    with pytest.raises(AttributeError, match=words):
        load(tmp_path, **change)


@pytest.mark.parametrize(
    "use",
    [
        lambda qt, ctk, slicer: qt.QDial,
        lambda qt, ctk, slicer: ctk.ctkMagicSlider,
        lambda qt, ctk, slicer: slicer.qMRMLMagicWidget,
        lambda qt, ctk, slicer: slicer.loadVolume,
        lambda qt, ctk, slicer: slicer.app.magic,
        lambda qt, ctk, slicer: slicer.util.progressDisplay,
    ],
)
def test_a_class_or_name_that_slicer_lacks_is_refused(use):
    import ctk
    import qt
    import slicer

    with pytest.raises(AttributeError):
        use(qt, ctk, slicer)


def test_a_property_that_the_class_lacks_is_refused_and_read_only_ones_stay():
    import ctk
    import qt

    slider = ctk.ctkSliderWidget()
    with pytest.raises(AttributeError, match="magic"):
        slider.magic = 1
    with pytest.raises(AttributeError, match="magic"):
        _ = slider.magic
    with pytest.raises(AttributeError, match="read-only"):
        qt.QLabel("text").modal = True


def test_a_signal_that_the_class_lacks_is_refused():
    import qt

    button = qt.QPushButton("Go")
    for signal in ("pushed()", "clicked(int)", "valueChanged(double)"):
        with pytest.raises(AttributeError, match="no signal"):
            button.connect(signal, print)
    with pytest.raises(AttributeError):
        _ = button.pushed
    with pytest.raises(TypeError, match="callable"):
        button.connect("clicked()", "not a function")


def test_a_slot_that_the_class_lacks_is_refused():
    import qt

    box, label = qt.QCheckBox("On"), qt.QLabel("text")
    box.connect("toggled(bool)", label, "setEnabled(bool)")
    box.checked = True
    assert label.enabled
    with pytest.raises(AttributeError, match="no slot"):
        box.connect("toggled(bool)", label, "setBlue(bool)")


def test_qt_6_and_pyside_spellings_are_refused():
    import qt

    slider = qt.QSlider(qt.Qt.Horizontal)
    slider.value = 3
    assert slider.value == 3 and slider.orientation == qt.Qt.Horizontal == 1
    with pytest.raises(TypeError):
        slider.value()
    with pytest.raises(AttributeError, match="Qt 6"):
        _ = qt.Qt.Orientation.Horizontal
    with pytest.raises(AttributeError, match="Qt 6"):
        _ = qt.QMessageBox.StandardButton.Yes
    for gone in ("QtWidgets", "Slot2", "QOpenGLVersionFunctionsFactory"):
        with pytest.raises(AttributeError):
            getattr(qt, gone)
    with pytest.raises(TypeError, match="keyword"):
        qt.QPushButton(text="Go")
    with pytest.raises(AttributeError, match="not allowed"):
        slider.note = "mine"
    with pytest.raises(AttributeError):
        _ = slider.valueChanged.emit


def test_a_python_thread_below_the_modules_code_is_refused():
    code = compile(
        "import threading\nthreading.Thread(target=print).start()", "/x/NeRPSlicerLib/ui/a.py", "exec"
    )
    with pytest.raises(RuntimeError, match="starve"):
        exec(code, {})
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def test_slots_get_as_many_arguments_as_they_take_and_can_be_disconnected():
    import qt

    button, heard = qt.QPushButton("Go"), []

    def none():
        heard.append("none")

    def one(on):
        heard.append(on)

    button.clicked.connect(none)
    button.connect("clicked(bool)", one)
    button.click()
    button.clicked.disconnect(none)
    button.disconnect("clicked(bool)", one)
    button.click()
    assert heard == ["none", False]


def test_an_error_in_a_slot_reaches_the_test():
    import qt
    from host import errors

    button = qt.QPushButton("Go")
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert [type(error) for error in errors.take()] == [ZeroDivisionError]


def test_every_public_name_of_a_stand_in_is_one_of_the_real_class():
    from host import facts
    from host.application import Application
    from host.widgets import all_stand_ins

    inherited = set(dir(__import__("PySide6.QtWidgets").QtWidgets.QWidget))
    for name, cls in all_stand_ins().items():
        assert facts.ancestry(name), name
        own = {key for key in vars(cls) if not key.startswith("_")} - inherited - {"staticMetaObject"}
        assert own <= facts.attributes(name), (name, own - facts.attributes(name))
    own = {key for key in vars(Application) if not key.startswith("_")}
    assert own <= facts.names("slicer.app"), own - facts.names("slicer.app")
