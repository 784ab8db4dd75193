"""A run's numbers as Slicer's own plots: one table, a series for each number, a chart for each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from .layouts import CURVES_VIEW
from .roles import findNode, findOrAddNode

TABLE_ROLE = "trainingTable"
STEP = "step"
_LEARNED, _TONE = (0.83, 0.33, 0.16), (0.15, 0.45, 0.70)
CHARTS: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "realism": {"distance_vrr": _LEARNED, "distance_tone": _TONE},
    "anatomy": {
        "body_correlation": (0.1, 0.1, 0.1),
        "lungs_correlation": _TONE,
        "heart_correlation": _LEARNED,
        "spine_correlation": (0.20, 0.55, 0.30),
    },
    "change": {"greatest_change": _LEARNED},
    "losses": {"discriminator_loss": _TONE, "mapper_loss": _LEARNED},
    "gradients": {"realism_gradient": _LEARNED, "anatomy_gradient": _TONE},
}
"""Chart -> numbers of an event and their colours. A number that no event has is left out, and so is the fixed
radiance's distance: it is so much greater that the two others would be one line."""


def chartTitle(name: str) -> str:
    """Of one of `CHARTS`, for people."""
    return {
        "realism": _("Distance to held-out X-rays"),
        "anatomy": _("Anatomy kept (correlation)"),
        "change": _("Greatest change of a patch (share of the grey scale)"),
        "losses": _("Losses"),
        "gradients": _("Gradients at the picture"),
    }[name]


def seriesTitle(name: str) -> str:
    """Of a number of an event, for people."""
    return {
        "distance_vrr": _("learned"),
        "distance_tone": _("tone curve alone"),
        "body_correlation": _("body"),
        "lungs_correlation": _("lungs"),
        "heart_correlation": _("heart"),
        "spine_correlation": _("spine"),
        "greatest_change": _("worst CT"),
        "discriminator_loss": _("Discriminator"),
        "mapper_loss": _("Mapper"),
        "realism_gradient": _("realism"),
        "anatomy_gradient": _("anatomy"),
    }[name]


def showCurves(events: Sequence[Mapping[str, object]], chartName: str):
    """Put a run's events into the table and show one chart of them.

    :param events: with a "step" each, in order; numbers that are missing or null are gaps. Curves begin with
        the second.
    :param chartName: one of `CHARTS`.
    :return: the chart node.
    """
    table = findOrAddNode(TABLE_ROLE, "vtkMRMLTableNode", "Training run")
    chart = findOrAddNode(f"{chartName}Chart", "vtkMRMLPlotChartNode", chartTitle(chartName))
    names = _columns(events)
    # VTK reports an error for each line of a single point that it is to paint.
    drawn = names if len(events) > 1 else []
    wasModified = chart.StartModify()
    for name in CHARTS[chartName]:
        series = findNode(f"{name}Series")
        if series is not None and name not in drawn:
            slicer.mrmlScene.RemoveNode(series)
    _fill(table, names, events)
    chart.SetTitle(chartTitle(chartName))
    chart.SetXAxisTitle(_("step"))
    chart.SetYAxisLogScale(chartName == "gradients")
    for name, color in CHARTS[chartName].items():
        if name in drawn:
            series = _series(name, color, table)
            if not chart.HasPlotSeriesNodeID(series.GetID()):
                chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.EndModify(wasModified)
    view = slicer.mrmlScene.GetSingletonNode(CURVES_VIEW, "vtkMRMLPlotViewNode")
    if view is not None and view.GetPlotChartNodeID() != chart.GetID():
        view.SetPlotChartNodeID(chart.GetID())
    return chart


def _series(name: str, color: tuple[float, float, float], table):
    """The series of a number, made if there is none."""
    role = f"{name}Series"
    series = findNode(role)
    if series is None:
        series = findOrAddNode(role, "vtkMRMLPlotSeriesNode", seriesTitle(name))
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleCircle)
        series.SetLineWidth(2.0)
        series.SetColor(*color)
        series.SetXColumnName(STEP)
        series.SetYColumnName(name)
    if series.GetTableNodeID() != table.GetID():
        series.SetAndObserveTableNodeID(table.GetID())
    return series


def _columns(events: Sequence[Mapping[str, object]]) -> list[str]:
    """The known numbers that some event has."""
    known = [name for numbers in CHARTS.values() for name in numbers]
    return [name for name in known if any(_isNumber(event.get(name)) for event in events)]


def _fill(node, names: Sequence[str], events: Sequence[Mapping[str, object]]) -> None:
    """One column for the step and one for each number."""
    table = vtk.vtkTable()
    for name in (STEP, *names):
        values = [event.get(name) for event in events]
        numbers = np.array([value if _isNumber(value) else np.nan for value in values], np.float64)
        column = numpy_to_vtk(numbers, deep=True)
        column.SetName(name)
        table.AddColumn(column)
    node.SetAndObserveTable(table)


def _isNumber(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
