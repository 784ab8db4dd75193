"""Curves and sample pictures of a run: Slicer's own table, plot and volume nodes, and what views show."""

from __future__ import annotations

import math

import numpy as np
import pytest


def events(count: int, **more: float) -> list[dict]:
    return [
        {"step": 50 * n, "distance_vrr": 10.0 - n, "distance_tone": 8.0, "gate": True, "unknown": "?", **more}
        for n in range(count)
    ]


@pytest.fixture
def layouts(app):
    from NeRPSlicerLib.scene.layouts import TRAINER, Layouts

    shown = Layouts()
    shown.show(TRAINER)
    yield shown
    shown.restore()


def test_the_layout_has_a_samples_view_and_a_plot_view(app, layouts):
    import slicer
    from NeRPSlicerLib.scene.layouts import CURVES_VIEW, SAMPLES_VIEW

    manager = slicer.app.layoutManager()
    assert list(manager.sliceViewNames()) == [SAMPLES_VIEW]
    assert manager.plotViewCount == 1 and manager.threeDViewCount == 0
    assert manager.plotWidget(0).mrmlPlotViewNode().GetLayoutName() == CURVES_VIEW
    layouts.restore()
    assert manager.plotViewCount == 0


def test_the_stand_ins_plot_view_has_what_slicers_has(app, layouts):
    import slicer

    view = slicer.app.layoutManager().plotWidget(0).plotView()
    with pytest.raises(AttributeError, match="forceRender"):
        view.forceRender()
    assert slicer.app.layoutManager().plotWidget(1) is None


def test_numbers_become_columns_series_and_a_chart(app, layouts):
    import slicer
    from NeRPSlicerLib.scene.curves import TABLE_ROLE, showCurves
    from NeRPSlicerLib.scene.roles import findNode

    chart = showCurves(events(3), "realism")
    table = findNode(TABLE_ROLE)
    assert [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())] == [
        "step",
        "distance_vrr",
        "distance_tone",
    ]
    np.testing.assert_array_equal(slicer.util.arrayFromTableColumn(table, "distance_vrr"), [10, 9, 8])
    series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [one.GetName() for one in series] == ["learned", "tone curve alone"]
    view = slicer.app.layoutManager().plotWidget(0)
    assert view.mrmlPlotViewNode().GetPlotChartNodeID() == chart.GetID()
    assert view.plotView().chart().GetNumberOfPlots() == 2


def test_new_numbers_are_drawn_without_new_nodes(app, layouts):
    import slicer
    from NeRPSlicerLib.scene.curves import showCurves

    showCurves(events(2), "realism")
    view = slicer.app.layoutManager().plotWidget(0).plotView()
    before, nodes = view._picture(), slicer.mrmlScene.GetNumberOfNodes()
    assert (before < 128).any() and (before > 250).mean() > 0.5, "dark lines on white"
    showCurves(events(9), "realism")
    assert (view._picture() != before).any() and slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert view.chart().GetPlot(0).GetInput().GetNumberOfRows() == 9


def test_gaps_are_no_numbers_and_what_no_event_has_is_no_series(app, layouts):
    import slicer
    from NeRPSlicerLib.scene.curves import TABLE_ROLE, showCurves
    from NeRPSlicerLib.scene.roles import findNode

    told = events(3)
    told[1]["distance_vrr"] = None
    chart = showCurves(told, "realism")
    column = slicer.util.arrayFromTableColumn(findNode(TABLE_ROLE), "distance_vrr")
    assert [math.isnan(value) for value in column] == [False, True, False]
    slicer.app.layoutManager().plotWidget(0).plotView()._picture()
    for event in told:
        del event["distance_tone"]
    showCurves(told, "realism")
    assert chart.GetNumberOfPlotSeriesNodes() == 1
    showCurves([], "realism")
    assert chart.GetNumberOfPlotSeriesNodes() == 0


def test_one_event_is_in_the_table_and_no_line_yet(app, layouts):
    from NeRPSlicerLib.scene.curves import TABLE_ROLE, showCurves
    from NeRPSlicerLib.scene.roles import findNode

    chart = showCurves(events(1), "realism")
    assert findNode(TABLE_ROLE).GetNumberOfRows() == 1 and chart.GetNumberOfPlotSeriesNodes() == 0
    assert showCurves(events(2), "realism").GetNumberOfPlotSeriesNodes() == 2


def test_another_chart_of_the_same_table(app, layouts):
    import slicer
    from NeRPSlicerLib.scene.curves import CHARTS, TABLE_ROLE, chartTitle, seriesTitle, showCurves
    from NeRPSlicerLib.scene.roles import findNode

    numbers = {name: 0.5 for names in CHARTS.values() for name in names}
    view = slicer.app.layoutManager().plotWidget(0)
    for name in CHARTS:
        chart = showCurves(events(2, **numbers), name)
        assert view.mrmlPlotViewNode().GetPlotChartNodeID() == chart.GetID()
        assert view.plotView().chart().GetTitle() == chartTitle(name)
        assert view.plotView().chart().GetNumberOfPlots() == len(CHARTS[name])
        assert all(seriesTitle(number) for number in CHARTS[name])
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1
    assert findNode(TABLE_ROLE).GetNumberOfColumns() == 1 + len(numbers)


def test_curves_come_back_with_a_scene(app, layouts, tmp_path):
    import slicer
    from NeRPSlicerLib.scene.curves import TABLE_ROLE, showCurves
    from NeRPSlicerLib.scene.roles import findNode

    showCurves(events(4), "realism")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    column = slicer.util.arrayFromTableColumn(findNode(TABLE_ROLE), "distance_vrr")
    np.testing.assert_allclose(column, [10, 9, 8, 7])
    chart = showCurves(events(5), "realism")
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") == 2


def test_samples_stand_beside_films(app, layouts):
    import slicer
    from NeRPSlicerLib.display import sliceLogic
    from NeRPSlicerLib.scene.layouts import SAMPLES_VIEW
    from NeRPSlicerLib.scene.samples import composeSamples, showSamples

    samples = np.full((40, 60), 200, np.uint8)
    films = np.full((20, 30), 90, np.uint8)
    both = composeSamples(samples, films)
    assert both.shape == (40, 98) and both[5, 5] == 200 and both[5, 70] == 90
    assert both[30, 70] == 0 and not both[:, 60:68].any()
    np.testing.assert_array_equal(composeSamples(samples, None), samples)
    node = showSamples(samples, films, sliceLogic(SAMPLES_VIEW))
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node)[0], both)
    app.wait(50)
    seen = app.picture(slicer.app.layoutManager().sliceWidget(SAMPLES_VIEW).sliceView())[..., 0]
    columns = np.flatnonzero((seen > 150).any(axis=0))
    assert len(columns) and columns.max() < 0.75 * seen.shape[1], "samples on the left"
    assert ((seen > 80) & (seen < 100)).any(), "films beside"
    assert showSamples(samples, films, None) is node
