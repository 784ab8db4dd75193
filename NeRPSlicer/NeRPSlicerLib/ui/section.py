"""What the sections of the panel share."""

from __future__ import annotations

from pathlib import Path

import slicer


class Section:
    """One form of the panel, loaded from ``Resources/UI``.

    :param panel: the panel it belongs to; its ``resourcePath``, ``layout``, ``parameters`` and ``session``
        are used.
    """

    form = ""

    def __init__(self, panel) -> None:
        self.panel = panel
        self.widget = slicer.util.loadUI(panel.resourcePath(f"UI/{self.form}.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        panel.layout.addWidget(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self._tips: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._busy = False

    def connect(self) -> None:
        """Connect the widgets that no parameter is bound to."""

    def refresh(self) -> None:
        """Show things as they are now."""

    def onParameter(self, name: str) -> None:
        """A parameter has another value."""

    def begin(self) -> None:
        """Another parameter node is there."""

    def forget(self) -> None:
        """The scene is being closed: let go of its nodes."""

    def close(self) -> None:
        """The panel goes."""

    def enable(self, widget, reason: str) -> None:
        """Enable a widget where there is no reason against it; else its tooltip says the reason."""
        name = widget.objectName
        if self._reasons.get(name) == reason:  # asked many times a second
            return
        tip = self._tips.setdefault(name, widget.toolTip)
        self._reasons[name] = reason
        widget.enabled = not reason
        widget.toolTip = reason or tip

    def setValue(self, widget, value: float) -> None:
        """Show a number without taking it for a person's."""
        wasBlocked = widget.blockSignals(True)
        widget.value = value
        widget.blockSignals(wasBlocked)


def folderOf(path: Path) -> Path | None:
    """A folder that was chosen; None for an empty field."""
    return None if str(path) in ("", ".") else Path(path)
