"""Our layouts, and the user's own layout given back.

View groups, labels and slice planes are not restored from a scene: :meth:`Layouts.restoreViews` sets them
again after every load and layout change. While a layout of ours is active the layout node is not saved: a
saved unknown layout id opens Slicer with no views at all.
"""

from __future__ import annotations

import slicer

NERP, COMPARE, CONTACT_SHEET, TRAINER = 50101, 50102, 50103, 50104
VIEW_GROUP = 50101
TRAINER_GROUP = 50104
"""Linking reaches hidden views too: who zooms the radiograph must not move the trainer's samples."""
RADIOGRAPH_VIEW, FILM_VIEW, SHEET_VIEW = "NeRPRadiograph", "NeRPFilm", "NeRPSheet"
SAMPLES_VIEW, CURVES_VIEW = "NeRPSamples", "NeRPCurves"
_LABELS = {RADIOGRAPH_VIEW: "Radiograph", FILM_VIEW: "X-ray", SHEET_VIEW: "Sheet", SAMPLES_VIEW: "Samples"}
_COLOR = "#8FB7D9"
_THREE_D = (
    '<item splitSize="500"><view class="vtkMRMLViewNode" singletontag="1">'
    '<property name="viewlabel" action="default">1</property></view></item>'
)


def viewGroup(name: str) -> int:
    """Of the views that are linked with a view of ours."""
    return TRAINER_GROUP if name == SAMPLES_VIEW else VIEW_GROUP


def _sliceItem(name: str) -> str:
    return (
        f'<item splitSize="500"><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Coronal</property>'
        f'<property name="viewlabel" action="default">{_LABELS[name]}</property>'
        f'<property name="viewcolor" action="default">{_COLOR}</property>'
        f'<property name="viewgroup" action="default">{viewGroup(name)}</property></view></item>'
    )


def _horizontal(*items: str) -> str:
    return f'<layout type="horizontal" split="true">{"".join(items)}</layout>'


_CURVES = (
    f'<item splitSize="500"><view class="vtkMRMLPlotViewNode" singletontag="{CURVES_VIEW}">'
    '<property name="viewlabel" action="default">Curves</property></view></item>'
)
DESCRIPTIONS = {
    NERP: _horizontal(_THREE_D, _sliceItem(RADIOGRAPH_VIEW)),
    COMPARE: _horizontal(_sliceItem(RADIOGRAPH_VIEW), _sliceItem(FILM_VIEW)),
    CONTACT_SHEET: _horizontal(_THREE_D, _sliceItem(SHEET_VIEW)),
    TRAINER: f'<layout type="vertical" split="true">{_sliceItem(SAMPLES_VIEW)}{_CURVES}</layout>',
}
NAMES = {NERP: "NeRP", COMPARE: "NeRP compare", CONTACT_SHEET: "NeRP contact sheet", TRAINER: "NeRP Trainer"}


def registerLayouts() -> None:
    """Tell Slicer our layouts; call it at ``startupCompleted`` and before use, any number of times."""
    node = _layoutNode()
    for identifier, description in DESCRIPTIONS.items():
        if not node.IsLayoutDescription(identifier):
            node.AddLayoutDescription(identifier, description)
        elif node.GetLayoutDescription(identifier) != description:
            node.SetLayoutDescription(identifier, description)


class Layouts:
    """A panel's layouts between ``enter`` and ``exit``."""

    def __init__(self) -> None:
        self._before: int | None = None
        self._shown: int | None = None

    @property
    def isActive(self) -> bool:
        """Whether the layout that this panel chose is shown; the other module's is not its own."""
        return self._shown is not None and _layoutNode().GetViewArrangement() == self._shown

    def show(self, identifier: int = NERP) -> None:
        """Show a layout of ours; the first time, remember the user's.

        :param identifier: one of `DESCRIPTIONS`.
        """
        registerLayouts()
        node = _layoutNode()
        if node.GetViewArrangement() not in DESCRIPTIONS:
            self._before = node.GetViewArrangement()
        self._shown = identifier
        node.SetSaveWithScene(False)
        node.SetViewArrangement(identifier)
        self.restoreViews()

    def restore(self) -> None:
        """Give the user's layout back, if ours is still shown: a layout chosen meanwhile stays."""
        node = _layoutNode()
        if self.isActive:
            chosen = self._before
            node.SetViewArrangement(
                chosen if chosen is not None else slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
            )
        node.SetSaveWithScene(True)
        self._before = self._shown = None

    def restoreViews(self) -> None:
        """Group, label, linking and contents of our own of our slice views, as far as they exist."""
        for name, label in _LABELS.items():
            node = sliceNode(name)
            if node is None:
                continue
            node.SetViewGroup(viewGroup(name))
            node.SetLayoutLabel(label)
            logic = slicer.app.applicationLogic().GetSliceLogic(node)
            if logic is not None:
                composite = logic.GetSliceCompositeNode()
                composite.SetLinkedControl(True)
                composite.SetHotLinkedControl(True)
                # A volume that somebody loads is shown in every other slice view.
                composite.SetDoPropagateVolumeSelection(False)


def sliceNode(name: str):
    """The slice view node of a view of ours, or None before its layout was shown."""
    return slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")


def _layoutNode():
    return slicer.app.layoutManager().layoutLogic().GetLayoutNode()
