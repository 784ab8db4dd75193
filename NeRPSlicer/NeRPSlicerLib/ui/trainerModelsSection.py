"""Section 3 of the trainer: models with their size and card; deleting one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import qt
import slicer
from nerp.models import CARD, METADATA, WEIGHTS, ModelDescription, find_models
from slicer.i18n import tr as _

from ..modelFolders import modelFolders
from .section import Section, folderOf

_WIDTHS = (170, 70)
"""Of name and size; the gate takes the rest."""
_FILES = (METADATA, WEIGHTS, CARD)
"""The description goes first: without it the rest is no model."""


class TrainerModelsSection(Section):
    form = "TrainerModelsSection"

    def __init__(self, panel) -> None:
        super().__init__(panel)
        self.models: list[ModelDescription] = []
        self._refused: list[str] = []

    def connect(self) -> None:
        table = self.ui.modelsTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Model"), _("Size"), _("Anatomy gate")])
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        for column, width in enumerate(_WIDTHS):
            table.setColumnWidth(column, width)
        table.connect("itemSelectionChanged()", self._onSelected)
        self.ui.deleteButton.connect("clicked()", self._onDelete)

    def begin(self) -> None:
        self.find()

    def onParameter(self, name: str) -> None:
        if name == "runsFolder":
            self.find()

    def find(self) -> None:
        """Look for models anew; the chosen one stays chosen."""
        own = folderOf(self.panel.parameters.runsFolder)
        chosen = self.chosen
        known = self._refused
        self.models, self._refused = find_models([*([own] if own is not None else []), *modelFolders()])
        table = self.ui.modelsTable
        wasBlocked = table.blockSignals(True)
        table.setRowCount(len(self.models))
        for row, model in enumerate(self.models):
            gate = str(model.card.get("anatomy_gate", ""))
            for column, text in enumerate((model.name, sizeText(modelBytes(model.folder)), gate)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(str(model.folder))
                table.setItem(row, column, item)
        rows = [row for row, model in enumerate(self.models) if chosen and model.folder == chosen.folder]
        table.clearSelection()
        if rows:
            table.selectRow(rows[0])
        table.blockSignals(wasBlocked)
        self._onSelected()
        for line in self._refused:
            if line not in known:
                self.panel.tell(line)

    @property
    def chosen(self) -> ModelDescription | None:
        """The model whose row is selected."""
        row = self.ui.modelsTable.currentRow()
        selected = bool(self.ui.modelsTable.selectedItems())
        return self.models[row] if selected and 0 <= row < len(self.models) else None

    def refresh(self) -> None:
        self.enable(self.ui.deleteButton, self._reasonAgainstDelete())

    def _reasonAgainstDelete(self) -> str:
        model = self.chosen
        if model is None:
            return _("Choose a model first.")
        if _isShipped(model.folder, self.panel.resourcePath("Models")):
            return _("This model comes with the extension.")
        status = self.panel.runs.status
        if status is not None and status.active and model.folder.is_relative_to(status.folder):
            return _("Its run is under way: stop it first.")
        return ""

    def _onSelected(self) -> None:
        model = self.chosen
        text = cardText(model) if model is not None else ""
        if self.ui.cardText.plainText != text:  # a reader's place is kept
            self.ui.cardText.plainText = text
        self.panel.refreshSoon()

    def _onDelete(self) -> None:
        model = self.chosen
        question = _("Delete the model {0}? Its folder is {1}.").format(model.name, model.folder)
        if not slicer.util.confirmYesNoDisplay(question, windowTitle=_("Delete model")):
            return
        try:
            deleteModel(model.folder)
            self.panel.tell(_("Deleted the model {0}.").format(model.name))
        except OSError as error:
            self.panel.tell(
                _("{0} cannot be deleted ({1}): close what uses it.").format(model.folder, error.strerror)
            )
        self.find()


def modelBytes(folder: Path) -> int:
    """What a model takes on disk."""
    return sum((folder / name).stat().st_size for name in _FILES if (folder / name).is_file())


def sizeText(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def cardText(model: ModelDescription) -> str:
    """A model's card, as it lies beside it; else what its description says."""
    path = model.folder / CARD
    with suppress(OSError, UnicodeError):
        return path.read_text(encoding="utf-8")
    return "\n".join(f"{name}: {value}" for name, value in model.card.items())


def deleteModel(folder: Path) -> None:
    """Delete a model's own files, and its folders where nothing else is in them.

    :raises OSError: a file cannot be deleted.
    """
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    for parent in (*((folder / name).parent for name in _FILES), folder):
        with suppress(OSError):
            parent.rmdir()


def _isShipped(folder: Path, models: str) -> bool:
    return folder.resolve().is_relative_to(Path(models).resolve())
