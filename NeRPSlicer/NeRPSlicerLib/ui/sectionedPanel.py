"""What both modules' panels are: sections over one parameter node."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from .section import Section
from .statusSection import StatusSection

REFRESH_MS = 40


class SectionedPanel(VTKObservationMixin):
    """A panel; its module says what it is made of.

    :param layout: the widget's layout.
    :param resourcePath: gives the path of a file in ``Resources``.
    :param parameterNode: gives the module's parameter node, made when there is none.
    """

    wrapper: type
    """Wraps the parameter node."""
    toldAtBegin: Sequence[str] = ()
    """Parameters that sections are told of when the node is another."""

    def __init__(
        self, layout, resourcePath: Callable[[str], str], parameterNode: Callable[[], object]
    ) -> None:
        VTKObservationMixin.__init__(self)
        self.layout, self.resourcePath = layout, resourcePath
        self._parameterNode = parameterNode
        self.parameters = None
        self.sections: list[Section] = []
        self.entered = False
        self._guiTag: int | None = None
        self._known: dict[str, object] = {}
        self._changes = _timer(0, self._tellChanges)
        # Pictures and reports come many a second: the panel need not be gone over for each.
        self._refreshing = _timer(REFRESH_MS, self.refresh)

    def show(self, sections: Sequence[Section]) -> None:
        """Take sections, the status last, and begin."""
        self.sections = list(sections)
        self.layout.addStretch(1)
        for section in self.sections:
            section.connect()
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneStartClose)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self._onSceneEndClose)
        self._connectParameters()

    @property
    def status(self) -> StatusSection:
        return self.sections[-1]

    # --- life -----------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """The panel is shown."""
        self.entered = True
        self._connectParameters()
        self.restore()
        self.refresh()

    def exit(self) -> None:
        """Another module is shown."""
        self.entered = False

    def restore(self) -> None:
        """Show what the scene holds: the panel was entered, or another scene came."""

    def forget(self) -> None:
        """The scene is being closed: let go of its nodes."""
        for section in self.sections:
            section.forget()

    def close(self) -> None:
        """The module goes."""
        if self.entered:
            self.exit()
        self._disconnectParameters()
        self._refreshing.stop()
        self.removeObservers()
        for section in self.sections:
            section.close()

    # --- parameters -----------------------------------------------------------------------------------------

    def _connectParameters(self) -> None:
        if self.parameters is not None:
            return
        self.parameters = self.wrapper(self._parameterNode())
        self._known = self._values()
        # All forms at once: each connection writes every widget anew, at each change of any parameter.
        widgets = [widget for section in self.sections for widget in vars(section.ui).values()]
        self._guiTag = self.parameters.connectGui(
            types.SimpleNamespace(**{str(number): widget for number, widget in enumerate(widgets)})
        )
        self.addObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)
        for section in self.sections:
            for name in self.toldAtBegin:
                section.onParameter(name)
            section.begin()
        self.refresh()

    def _disconnectParameters(self) -> None:
        if self.parameters is None:
            return
        self._changes.stop()
        self.removeObservers(self._onParameters)
        self.parameters.disconnectGui(self._guiTag)
        self._guiTag = self.parameters = None

    def _values(self) -> dict[str, object]:
        return {name: self.parameters.getValue(name) for name in self.parameters.allParameters}

    def _onParameters(self, caller, event) -> None:
        # A widget may set several parameters, and one wakes others: told together, after that.
        self._changes.start()

    def _tellChanges(self) -> None:
        if self.parameters is None:
            return
        before, self._known = self._known, self._values()
        changed = [name for name, value in self._known.items() if value != before[name]]
        for name in changed:
            for section in self.sections:
                section.onParameter(name)
        if changed:
            self.refresh()

    # --- the scene ------------------------------------------------------------------------------------------

    def _onSceneStartClose(self, caller, event) -> None:
        self._disconnectParameters()
        self.forget()

    def _onSceneEndClose(self, caller, event) -> None:
        self._disconnectParameters()
        self._connectParameters()
        if self.entered:
            self.restore()

    # --- what sections say ----------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        """One line for people above the sections."""
        self.status.tell(line)

    def refreshSoon(self) -> None:
        """Show things as they are within `REFRESH_MS`."""
        if not self._refreshing.isActive():
            self._refreshing.start()

    @property
    def settled(self) -> bool:
        """Whether all that has changed is shown."""
        return not (self._refreshing.isActive() or self._changes.isActive())

    def refresh(self) -> None:
        """Show things as they are now."""
        if self.parameters is not None:
            for section in self.sections:
                section.refresh()


def _timer(milliseconds: int, action: Callable[[], None]):
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.connect("timeout()", action)
    return timer
