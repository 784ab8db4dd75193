"""The table of segments."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from .mrml import qMRMLWidget
from .properties import emit, stored


class qMRMLSegmentsTableView(qMRMLWidget):
    selectionChanged = QtCore.Signal(object, object)
    segmentAboutToBeModified = QtCore.Signal(str)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._node, self._ids = None, []
        self._table = QtWidgets.QTableWidget()
        self._table.setColumnCount(1)
        self._table.horizontalHeader().setStretchLastSection(True)
        for header in (self._table.horizontalHeader(), self._table.verticalHeader()):
            header.hide()
        self._table.selectionMode = QtWidgets.QAbstractItemView.ExtendedSelection
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._table)
        self._table.connect("itemSelectionChanged()", lambda: emit(self, "selectionChanged", None, None))

    selectionMode = stored(int, "selectionMode", 3)
    headerVisible = stored(bool, "headerVisible", True)
    visibilityColumnVisible = stored(bool, "visibilityColumnVisible", True)
    colorColumnVisible = stored(bool, "colorColumnVisible", True)
    opacityColumnVisible = stored(bool, "opacityColumnVisible", True)
    statusColumnVisible = stored(bool, "statusColumnVisible", False)
    readOnly = stored(bool, "readOnly", False)
    filterBarVisible = stored(bool, "filterBarVisible", False)
    segmentCount = QtCore.Property(int, lambda self: len(self._ids))

    def setSegmentationNode(self, node) -> None:
        self._node = node
        segmentation = node.GetSegmentation() if node else None
        count = segmentation.GetNumberOfSegments() if segmentation else 0
        self._ids = [segmentation.GetNthSegmentID(n) for n in range(count)]
        self._table.setRowCount(count)
        for row, segment_id in enumerate(self._ids):
            name = segmentation.GetSegment(segment_id).GetName()
            self._table.setItem(row, 0, QtWidgets.QTableWidgetItem(name))

    def segmentationNode(self):
        return self._node

    def selectedSegmentIDs(self) -> list[str]:
        rows = sorted({index.row() for index in self._table.selectedIndexes()})
        return [self._ids[row] for row in rows]

    def setSelectedSegmentIDs(self, ids) -> None:
        self._table.clearSelection()
        chosen = QtCore.QItemSelectionModel.Select
        for row, segment_id in enumerate(self._ids):
            if segment_id in ids:
                self._table.selectionModel().select(self._table.model().index(row, 0), chosen)

    def clearSelection(self) -> None:
        self._table.clearSelection()

    def rowForSegmentID(self, segment_id: str) -> int:
        return self._ids.index(segment_id) if segment_id in self._ids else -1

    def segmentIDForRow(self, row: int) -> str:
        return self._ids[row] if 0 <= row < len(self._ids) else ""
