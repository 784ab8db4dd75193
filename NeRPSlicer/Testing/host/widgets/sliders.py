"""ctk and qMRML sliders, spin boxes and ranges: numbers with bounds, rounded to ``decimals``."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from .properties import emit, one_line, stored

_STEPS = 10000


class ctkDoubleSpinBox(QtWidgets.QWidget):
    valueChanged = QtCore.Signal(float)
    editingFinished = QtCore.Signal()
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._box = QtWidgets.QDoubleSpinBox()
        row = one_line(self)
        row.addWidget(self._box)
        self._box.connect("valueChanged(double)", lambda value: emit(self, "valueChanged", value))
        self._box.connect("editingFinished()", lambda: emit(self, "editingFinished"))

    value = QtCore.Property(float, lambda s: s._box.value, lambda s, v: s._box.setValue(v))
    minimum = QtCore.Property(float, lambda s: s._box.minimum, lambda s, v: s._box.setMinimum(v))
    maximum = QtCore.Property(float, lambda s: s._box.maximum, lambda s, v: s._box.setMaximum(v))
    singleStep = QtCore.Property(float, lambda s: s._box.singleStep, lambda s, v: s._box.setSingleStep(v))
    decimals = QtCore.Property(int, lambda s: s._box.decimals, lambda s, v: s._box.setDecimals(v))
    prefix = QtCore.Property(str, lambda s: s._box.prefix, lambda s, v: s._box.setPrefix(v))
    suffix = QtCore.Property(str, lambda s: s._box.suffix, lambda s, v: s._box.setSuffix(v))
    readOnly = QtCore.Property(bool, lambda s: s._box.readOnly, lambda s, v: s._box.setReadOnly(v))

    def setValue(self, value: float) -> None:
        self.value = value

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals


class qMRMLSpinBox(ctkDoubleSpinBox):
    quantity = stored(str, "quantity", "")

    def setMRMLScene(self, scene) -> None:
        self._scene = scene

    def mrmlScene(self):
        return self.__dict__.get("_scene")


class ctkDoubleSlider(QtWidgets.QWidget):
    """A number that a slider shows."""

    valueChanged = QtCore.Signal(float)
    sliderMoved = QtCore.Signal(float)
    sliderPressed = QtCore.Signal()
    sliderReleased = QtCore.Signal()
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._number, self._low, self._high = 0.0, 0.0, 99.0
        self._bar = QtWidgets.QSlider(QtCore.Qt.Horizontal)
        self._bar.maximum = _STEPS
        row = one_line(self)
        row.addWidget(self._bar)
        self._bar.connect("sliderMoved(int)", self._moved)
        self._bar.connect("sliderPressed()", lambda: emit(self, "sliderPressed"))
        self._bar.connect("sliderReleased()", lambda: emit(self, "sliderReleased"))

    def _moved(self, position: int) -> None:
        self.value = self._low + (self._high - self._low) * position / _STEPS
        emit(self, "sliderMoved", self._number)

    def _set_value(self, value: float) -> None:
        value = min(max(float(value), self._low), self._high)
        moved, self._number = value != self._number, value
        width = self._high - self._low
        self._bar.value = round(_STEPS * (value - self._low) / width) if width else 0
        if moved:
            emit(self, "valueChanged", value)

    def _set_bounds(self, low: float, high: float) -> None:
        self._low, self._high = float(low), max(float(low), float(high))
        emit(self, "rangeChanged", self._low, self._high)
        self._set_value(self._number)

    value = QtCore.Property(float, lambda s: s._number, _set_value)
    sliderPosition = QtCore.Property(float, lambda s: s._number, _set_value)
    minimum = QtCore.Property(float, lambda s: s._low, lambda s, v: s._set_bounds(v, max(v, s._high)))
    maximum = QtCore.Property(float, lambda s: s._high, lambda s, v: s._set_bounds(min(v, s._low), v))
    singleStep = stored(float, "singleStep", 1.0)
    pageStep = stored(float, "pageStep", 10.0)
    tracking = stored(bool, "tracking", True)

    def setValue(self, value: float) -> None:
        self._set_value(value)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box."""

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._slider, self._box = ctkDoubleSlider(), ctkDoubleSpinBox()
        row = one_line(self)
        row.addWidget(self._slider, 1)
        row.addWidget(self._box)
        self._busy, self._number = False, 0.0
        self._slider.connect("valueChanged(double)", self._set_value)
        self._box.connect("valueChanged(double)", self._set_value)

    def showEvent(self, event) -> None:
        # Sliders of one form are equally long in Slicer.
        together = [w for w in self.parent().children() if isinstance(w, ctkSliderWidget)]
        width = max(w._box.sizeHint.width() for w in together)
        for slider in together:
            slider._box.setMinimumWidth(width)
        super().showEvent(event)

    def _set_value(self, value: float) -> None:
        if self._busy:
            return
        self._busy = True
        value = round(min(max(float(value), self.minimum), self.maximum), self.decimals)
        moved, self._number = value != self._number, value
        self._slider.value = value
        self._box.value = value
        self._busy = False
        if moved:
            emit(self, "valueIsChanging", value)
            emit(self, "valueChanged", value)

    def _set_bounds(self, low: float, high: float) -> None:
        for part in (self._slider, self._box):
            part.minimum, part.maximum = low, high
        self._set_value(self._number)

    value = QtCore.Property(float, lambda s: s._number, _set_value)
    minimum = QtCore.Property(
        float, lambda s: s._slider.minimum, lambda s, v: s._set_bounds(v, max(v, s.maximum))
    )
    maximum = QtCore.Property(
        float, lambda s: s._slider.maximum, lambda s, v: s._set_bounds(min(v, s.minimum), v)
    )
    decimals = QtCore.Property(int, lambda s: s._box.decimals, lambda s, v: setattr(s._box, "decimals", v))
    singleStep = QtCore.Property(
        float, lambda s: s._box.singleStep, lambda s, v: setattr(s._box, "singleStep", v)
    )
    pageStep = stored(float, "pageStep", 10.0)
    prefix = QtCore.Property(str, lambda s: s._box.prefix, lambda s, v: setattr(s._box, "prefix", v))
    suffix = QtCore.Property(str, lambda s: s._box.suffix, lambda s, v: setattr(s._box, "suffix", v))
    tracking = stored(bool, "tracking", True)
    tickInterval = stored(float, "tickInterval", 0.0)
    spinBoxVisible = QtCore.Property(
        bool, lambda s: not s._box.isHidden(), lambda s, v: setattr(s._box, "visible", v)
    )

    def setValue(self, value: float) -> None:
        self._set_value(value)

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals

    def reset(self) -> None:
        self._set_value(0.0)


class qMRMLSliderWidget(ctkSliderWidget):
    quantity = stored(str, "quantity", "")

    def setMRMLScene(self, scene) -> None:
        self._scene = scene

    def mrmlScene(self):
        return self.__dict__.get("_scene")


class _Range(QtWidgets.QWidget):
    """Two numbers, the lower never above the upper."""

    minimumValueChanged = QtCore.Signal(float)
    maximumValueChanged = QtCore.Signal(float)
    valuesChanged = QtCore.Signal(float, float)
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._bounds, self._values = (0.0, 99.0), (0.0, 99.0)
        self._busy = False
        self._boxes = ctkDoubleSpinBox(), ctkDoubleSpinBox()
        row = one_line(self)
        for box in self._boxes:
            row.addWidget(box)
            box.connect("valueChanged(double)", self._typed)
        self._show()

    def _typed(self, _value: float) -> None:
        if not self._busy:
            self._set_values(*(box.value for box in self._boxes))

    def _show(self) -> None:
        self._busy = True
        for box, value in zip(self._boxes, self._values, strict=True):
            box.minimum, box.maximum = self._bounds
            box.value = value
        self._busy = False

    def _set_values(self, low: float, high: float) -> None:
        low, high = (min(max(float(v), self._bounds[0]), self._bounds[1]) for v in sorted((low, high)))
        before, self._values = self._values, (low, high)
        self._show()
        if low != before[0]:
            emit(self, "minimumValueChanged", low)
        if high != before[1]:
            emit(self, "maximumValueChanged", high)
        if (low, high) != before:
            emit(self, "valuesChanged", low, high)

    def _set_bounds(self, low: float, high: float) -> None:
        self._bounds = (float(low), max(float(low), float(high)))
        emit(self, "rangeChanged", *self._bounds)
        self._set_values(*self._values)

    minimum = QtCore.Property(
        float, lambda s: s._bounds[0], lambda s, v: s._set_bounds(v, max(v, s._bounds[1]))
    )
    maximum = QtCore.Property(
        float, lambda s: s._bounds[1], lambda s, v: s._set_bounds(min(v, s._bounds[0]), v)
    )
    minimumValue = QtCore.Property(
        float, lambda s: s._values[0], lambda s, v: s._set_values(v, max(v, s._values[1]))
    )
    maximumValue = QtCore.Property(
        float, lambda s: s._values[1], lambda s, v: s._set_values(min(v, s._values[0]), v)
    )
    singleStep = stored(float, "singleStep", 1.0)
    tracking = stored(bool, "tracking", True)
    symmetricMoves = stored(bool, "symmetricMoves", False)

    def setRange(self, low: float, high: float) -> None:
        self._set_bounds(low, high)

    def setValues(self, low: float, high: float) -> None:
        self._set_values(low, high)

    def setMinimumValue(self, low: float) -> None:
        self.minimumValue = low

    def setMaximumValue(self, high: float) -> None:
        self.maximumValue = high


class ctkRangeWidget(_Range):
    minimumValueIsChanging = QtCore.Signal(float)
    maximumValueIsChanging = QtCore.Signal(float)

    def _set_decimals(self, decimals: int) -> None:
        for box in self._boxes:
            box.decimals = decimals

    decimals = QtCore.Property(int, lambda s: s._boxes[0].decimals, _set_decimals)
    prefix = stored(str, "prefix", "")
    suffix = stored(str, "suffix", "")

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals


class qMRMLRangeWidget(ctkRangeWidget):
    quantity = stored(str, "quantity", "")

    def setMRMLScene(self, scene) -> None:
        self._scene = scene


class ctkDoubleRangeSlider(_Range):
    sliderPressed = QtCore.Signal()
    sliderReleased = QtCore.Signal()
