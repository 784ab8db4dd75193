"""Text computed from the camera: an actor of our own in a slice view, the corner in the 3-D view.

A slice view's corner annotation is erased at each update, so it is not used there.
"""

from __future__ import annotations

import vtk
from nerp.geometry import Camera


def cameraText(camera: Camera, method: str) -> str:
    """What a radiographer reads: that it is synthetic, projection, angles, distances.

    The markers say "SYNTHETIC" too, in the saved scene; zoom and pan can move them out of sight, not this.
    """
    return (
        f"SYNTHETIC \u00b7 {method}\n{camera.description}\nSID {camera.source_to_image_mm:.0f} mm"
        f"   SOD {camera.source_to_isocenter_mm:.0f} mm"
    )


class ViewText:
    """One text in one view; keep the object as long as the text is to stay.

    :param view: ``sliceView()`` or ``threeDView()`` of a view widget.
    """

    def __init__(self, view) -> None:
        self._view = view
        self._actor = None
        if view.inherits("qMRMLSliceView"):
            self._actor = vtk.vtkTextActor()
            properties = self._actor.GetTextProperty()
            properties.SetFontSize(14)
            properties.SetColor(1.0, 0.9, 0.55)
            properties.SetShadow(True)
            properties.SetJustificationToRight()
            properties.SetVerticalJustificationToBottom()
            self._actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
            self._actor.SetPosition(0.98, 0.02)
            view.renderWindow().GetRenderers().GetFirstRenderer().AddViewProp(self._actor)

    def setText(self, text: str) -> None:
        """Show a text; it may have several lines."""
        if self._actor is not None:
            self._actor.SetInput(text)
        else:
            self._view.cornerAnnotation().SetText(vtk.vtkCornerAnnotation.UpperLeft, text)
        self._view.scheduleRender()

    def remove(self) -> None:
        """Take the text away."""
        self.setText("")
        if self._actor is not None:
            self._view.renderWindow().GetRenderers().GetFirstRenderer().RemoveViewProp(self._actor)
            self._actor = None
