"""Plot views: real plot nodes, drawn off-screen by VTK's charts as qMRMLPlotView draws them."""

from __future__ import annotations

import numpy as np
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from . import errors
from .widgets.mrml import qMRMLWidget
from .widgets.properties import stored

_LEAST = 32
"""Pixels: a chart in a smaller window cannot place its axes."""


class qMRMLPlotView(QtWidgets.QWidget):
    """A chart of the plot chart node that its view node names."""

    title = stored(str, "title", "")

    def __init__(self, node, size: tuple[int, int]) -> None:
        super().__init__()
        self._node, self._observed = node, []
        self._context = vtk.vtkContextView()
        self._context.GetRenderer().SetBackground(1.0, 1.0, 1.0)
        window = self._context.GetRenderWindow()
        window.SetOffScreenRendering(1)
        window.SetMultiSamples(0)
        window.SetSize(*size)
        self._chart = vtk.vtkChartXY()
        self._context.GetScene().AddItem(self._chart)
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow())
        node.AddObserver(node.PlotChartNodeChangedEvent, lambda *_: self._follow())
        self._follow()

    def chart(self):
        return self._chart

    def scene(self):
        return self._context.GetScene()

    def renderWindow(self):
        return self._context.GetRenderWindow()

    def fitToContent(self) -> None:
        self._chart.RecalculateBounds()
        QtWidgets.QWidget.update(self)

    def _follow(self) -> None:
        """Draw what the nodes say now. As in Slicer the chart node alone is listened to: it passes on what
        its series and their tables tell."""
        try:
            for node, tag in self._observed:
                node.RemoveObserver(tag)
            chart = self._node.GetPlotChartNode()
            events = (vtk.vtkCommand.ModifiedEvent, chart.PlotModifiedEvent) if chart else ()
            self._observed = [
                (chart, chart.AddObserver(event, lambda *_: self._rebuild())) for event in events
            ]
            self._rebuild()
        except Exception as error:
            errors.report(error)

    def _rebuild(self) -> None:
        chart = self._node.GetPlotChartNode()
        self._chart.ClearPlots()
        self._chart.SetVisible(chart is not None)
        QtWidgets.QWidget.update(self)
        if chart is None:
            return
        for number in range(chart.GetNumberOfPlotSeriesNodes()):
            one = chart.GetNthPlotSeriesNode(number)
            if one is not None:
                self._add(one)
        self._chart.SetShowLegend(chart.GetLegendVisibility())
        self._chart.SetTitle(chart.GetTitle() if chart.GetTitleVisibility() and chart.GetTitle() else "")
        for axis, text in (
            (vtk.vtkAxis.BOTTOM, chart.GetXAxisTitle()),
            (vtk.vtkAxis.LEFT, chart.GetYAxisTitle()),
        ):
            self._chart.GetAxis(axis).SetTitle(text or "")
        self._chart.GetAxis(vtk.vtkAxis.LEFT).SetLogScale(chart.GetYAxisLogScale())
        self._chart.RecalculateBounds()

    def _add(self, one) -> None:
        node = one.GetTableNode()
        names = one.GetXColumnName(), one.GetYColumnName()
        if node is None or any(node.GetColumnIndex(name) < 0 for name in names):
            return  # not drawn, without a word, as in Slicer
        if not node.GetNumberOfRows():
            return
        is_bar = one.GetPlotType() in (one.PlotTypeBar, one.PlotTypeScatterBar)
        plot = self._chart.AddPlot(vtk.vtkChart.BAR if is_bar else vtk.vtkChart.LINE)
        plot.SetInputData(node.GetTable(), *names)
        plot.SetLabel(one.GetName())
        plot.SetWidth(one.GetLineWidth())
        plot.SetColorF(*one.GetColor())
        if not is_bar:
            plot.GetPen().SetLineType(one.GetLineStyle())
            plot.SetMarkerStyle(one.GetMarkerStyle())

    def _picture(self) -> np.ndarray:
        """uint8 ``[rows, columns, 3]``, first row on top."""
        window = self.renderWindow()
        window.Render()
        width, height = window.GetSize()
        pixels = vtk.vtkUnsignedCharArray()
        window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        return vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()

    def _resize(self, width: int, height: int) -> None:
        self.renderWindow().SetSize(width, height)

    def _close(self) -> None:
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed = []
        self._node.RemoveAllObservers()
        self.renderWindow().Finalize()

    def paintEvent(self, _event) -> None:
        shown = QtWidgets.QWidget.size(self).toTuple()
        if min(shown) < _LEAST:
            return
        if shown != self.renderWindow().GetSize():
            self._resize(*shown)
        pixels = np.ascontiguousarray(self._picture())
        height, width = pixels.shape[:2]
        painter = QtGui.QPainter(self)
        painter.drawImage(
            0, 0, QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format_RGB888)
        )
        painter.end()


class qMRMLPlotWidget(qMRMLWidget):
    viewLabel = QtCore.Property(str, lambda self: self._view._node.GetLayoutLabel() or "")

    def __init__(self, node, _application_logic, size=(400, 300)) -> None:
        super().__init__()
        self._view = qMRMLPlotView(node, size)
        row = QtWidgets.QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._view)

    def viewWidget(self):
        return self._view

    def plotView(self):
        return self._view

    def mrmlPlotViewNode(self):
        return self._view._node

    def mrmlAbstractViewNode(self):
        return self._view._node

    def setRenderPaused(self, _paused: bool) -> None:
        pass
