"""Slice and 3-D views: real MRML logics and displayable managers, drawn off-screen through VTK."""

from __future__ import annotations

import numpy as np
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from .widgets.mrml import qMRMLWidget
from .widgets.properties import stored

_SLICE_MANAGERS = """
vtkMRMLVolumeGlyphSliceDisplayableManager vtkMRMLModelSliceDisplayableManager
vtkMRMLCrosshairDisplayableManager
vtkMRMLOrientationMarkerDisplayableManager vtkMRMLRulerDisplayableManager vtkMRMLScalarBarDisplayableManager
vtkMRMLSegmentationsDisplayableManager2D vtkMRMLMarkupsDisplayableManager
vtkMRMLTransformsDisplayableManager2D
vtkMRMLLinearTransformsDisplayableManager vtkMRMLColorLegendDisplayableManager
""".split()
_THREE_D_MANAGERS = """
vtkMRMLCameraDisplayableManager vtkMRMLViewDisplayableManager vtkMRMLModelDisplayableManager
vtkMRMLThreeDReformatDisplayableManager vtkMRMLCrosshairDisplayableManager3D
vtkMRMLOrientationMarkerDisplayableManager vtkMRMLRulerDisplayableManager
vtkMRMLSegmentationsDisplayableManager3D vtkMRMLMarkupsDisplayableManager
vtkMRMLTransformsDisplayableManager3D
vtkMRMLLinearTransformsDisplayableManager vtkMRMLVolumeRenderingDisplayableManager
vtkMRMLColorLegendDisplayableManager
""".split()

FIRST_SIZE = (400, 400)
_BUTTONS = {
    QtCore.Qt.LeftButton: "LeftButton",
    QtCore.Qt.RightButton: "RightButton",
    QtCore.Qt.MiddleButton: "MiddleButton",
}


class _View(QtWidgets.QWidget):
    """A render window off-screen, shown as a picture where the widget is on a screen."""

    def __init__(self, factory, managers: list[str], application_logic, size: tuple[int, int]) -> None:
        super().__init__()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        # Multisampling with depth peeling leaves a 3-D view empty in software rendering.
        self._window.SetMultiSamples(0)
        self._window.SetSize(*size)
        self._renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self._renderer)
        self._turner = vtk.vtkRenderWindowInteractor()
        self._turner.SetRenderWindow(self._window)
        self._annotation = vtk.vtkCornerAnnotation()
        self._renderer.AddViewProp(self._annotation)
        self._dirty, self._paused = True, 0
        QtWidgets.QWidget.setMouseTracking(self, True)
        instance = factory.GetInstance()
        instance.SetMRMLApplicationLogic(application_logic)
        for name in managers:
            if not instance.IsDisplayableManagerRegistered(name):
                instance.RegisterDisplayableManager(name)
        self._managers = instance.InstantiateDisplayableManagers(self._renderer)
        self._managers.AddObserver(vtk.vtkCommand.UpdateEvent, lambda *_: self._schedule())

    cornerAnnotationText = stored(str, "cornerAnnotationText", "")

    def _listen(self, style) -> None:
        """Let mouse and keys reach the displayable managers, as Slicer's interactor styles do."""
        self._style = style
        style.SetDisplayableManagers(self._managers)
        style.SetInteractor(self._turner)
        self._turner.Initialize()

    def _tell(self, name: str, event) -> None:
        place = event.position()
        height = self._window.GetSize()[1]
        modifiers = event.modifiers()
        self._turner.SetEventInformation(
            round(place.x()),
            height - 1 - round(place.y()),
            bool(modifiers & QtCore.Qt.ControlModifier),
            bool(modifiers & QtCore.Qt.ShiftModifier),
        )
        self._turner.InvokeEvent(name)

    def mousePressEvent(self, event) -> None:
        self._tell(f"{_BUTTONS.get(event.button(), 'LeftButton')}PressEvent", event)

    def mouseReleaseEvent(self, event) -> None:
        self._tell(f"{_BUTTONS.get(event.button(), 'LeftButton')}ReleaseEvent", event)

    def mouseMoveEvent(self, event) -> None:
        self._tell("MouseMoveEvent", event)

    def wheelEvent(self, event) -> None:
        up = event.angleDelta().y() > 0
        self._tell("MouseWheelForwardEvent" if up else "MouseWheelBackwardEvent", event)

    def _schedule(self) -> None:
        if not self._dirty:
            self._dirty = True
            QtWidgets.QWidget.update(self)

    def _resize(self, width: int, height: int) -> None:
        self._window.SetSize(width, height)
        self._turner.SetSize(width, height)
        self._schedule()

    def _close(self) -> None:
        """Draw no more, and give the graphics library its memory back."""
        self._paused += 1
        self._managers.RemoveAllObservers()
        self._style.SetInteractor(None)
        self._window.Finalize()

    def renderWindow(self):
        return self._window

    def interactor(self):
        return self._turner

    def interactorStyle(self):
        return self._turner.GetInteractorStyle()

    def cornerAnnotation(self):
        return self._annotation

    def scheduleRender(self) -> None:
        self._schedule()

    def forceRender(self) -> None:
        self._window.Render()
        self._dirty = False

    def setRenderPaused(self, paused: bool) -> None:
        self._paused += 1 if paused else -1
        if self._dirty and not self._paused:
            QtWidgets.QWidget.update(self)

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def displayableManagerByClassName(self, name: str):
        return self._managers.GetDisplayableManagerByClassName(name)

    def paintEvent(self, _event) -> None:
        shown = QtWidgets.QWidget.size(self).toTuple()
        if shown != self._window.GetSize() and min(shown) > 8:
            self._resize(*shown)
        if self._dirty and not self._paused:
            self.forceRender()
        pixels = np.ascontiguousarray(picture(self, fresh=False))
        height, width = pixels.shape[:2]
        image = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format_RGB888)
        painter = QtGui.QPainter(self)
        painter.drawImage(0, 0, image)
        painter.end()


class qMRMLSliceView(_View):
    def __init__(self, node, logic, application_logic, size) -> None:
        from slicer_core import vtkMRMLSliceViewDisplayableManagerFactory

        super().__init__(vtkMRMLSliceViewDisplayableManagerFactory, _SLICE_MANAGERS, application_logic, size)
        self._node, self._logic = node, logic
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._actor.GetProperty().SetDisplayLocationToBackground()
        self._renderer.AddViewProp(self._actor)
        self._actor.VisibilityOff()
        self._managers.SetMRMLDisplayableNode(node)
        from slicer_core import vtkMRMLSliceViewInteractorStyle

        style = vtkMRMLSliceViewInteractorStyle()
        style.SetSliceLogic(logic)
        self._listen(style)
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show())
        logic.ResizeSliceNode(*size)
        self._show()

    def _show(self) -> None:
        connection = self._logic.GetImageDataConnection()
        self._mapper.SetInputConnection(connection)
        self._actor.SetVisibility(connection is not None)
        # The data probe erases a slice view's corners at each update.
        for corner in range(8):
            self._annotation.SetText(corner, "")
        self._schedule()

    def _resize(self, width: int, height: int) -> None:
        super()._resize(width, height)
        self._logic.ResizeSliceNode(width, height)

    def mrmlSliceNode(self):
        return self._node

    def convertRASToXYZ(self, ras):
        xyz_from_ras = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), xyz_from_ras)
        return list(xyz_from_ras.MultiplyPoint([*ras, 1.0])[:3])

    def convertXYZToRAS(self, xyz):
        return list(self._node.GetXYToRAS().MultiplyPoint([*xyz, 1.0])[:3])


class qMRMLThreeDView(_View):
    def __init__(self, node, application_logic, size) -> None:
        from slicer_core import vtkMRMLThreeDViewDisplayableManagerFactory

        super().__init__(
            vtkMRMLThreeDViewDisplayableManagerFactory, _THREE_D_MANAGERS, application_logic, size
        )
        self._node = node
        self._renderer.SetUseDepthPeeling(True)
        self._managers.SetMRMLDisplayableNode(node)
        from slicer_core import vtkMRMLThreeDViewInteractorStyle

        self._listen(vtkMRMLThreeDViewInteractorStyle())

    def mrmlViewNode(self):
        return self._node

    def cameraNode(self):
        return self._managers.GetDisplayableManagerByClassName(
            "vtkMRMLCameraDisplayableManager"
        ).GetCameraNode()

    def resetFocalPoint(self) -> None:
        bounds = [0.0] * 6
        shown = self._node.GetBoxVisible(), self._node.GetAxisLabelsVisible()
        self._node.SetBoxVisible(0)
        self._node.SetAxisLabelsVisible(0)
        self._renderer.ComputeVisiblePropBounds(bounds)
        self._node.SetBoxVisible(shown[0])
        self._node.SetAxisLabelsVisible(shown[1])
        if bounds[0] <= bounds[1]:
            camera = self._renderer.GetActiveCamera()
            camera.SetFocalPoint(*((bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)))
            self._renderer.ResetCameraClippingRange()
        self._node.InvokeEvent(self._node.ResetFocalPointRequestedEvent)

    def resetCamera(self) -> None:
        self._renderer.ResetCamera()


class _ViewWidget(qMRMLWidget):
    def _hold(self, view) -> None:
        self._view = view
        row = QtWidgets.QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(view)

    def viewWidget(self):
        return self._view


class qMRMLSliceWidget(_ViewWidget):
    nodeAboutToBeEdited = QtCore.Signal(object)

    def __init__(self, node, application_logic, size=FIRST_SIZE) -> None:
        from slicer import vtkMRMLSliceLogic

        super().__init__()
        logic = vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetSliceLogics().AddItem(logic)
        logic.SetMRMLScene(node.GetScene())
        logic.SetSliceNode(node)
        self._logic = logic
        self._hold(qMRMLSliceView(node, logic, application_logic, size))

    sliceViewName = QtCore.Property(str, lambda self: self._logic.GetSliceNode().GetLayoutName())
    sliceOrientation = QtCore.Property(
        str,
        lambda self: self._logic.GetSliceNode().GetOrientation(),
        lambda self, value: self._logic.GetSliceNode().SetOrientation(value),
    )

    def sliceLogic(self):
        return self._logic

    def logic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlAbstractViewNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def sliceView(self):
        return self._view

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()


class qMRMLThreeDWidget(_ViewWidget):
    def __init__(self, node, application_logic, size=FIRST_SIZE) -> None:
        from slicer import vtkMRMLViewLogic

        super().__init__()
        logic = vtkMRMLViewLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetViewLogics().AddItem(logic)
        logic.SetName(node.GetLayoutName())
        logic.SetMRMLScene(node.GetScene())
        self._logic = logic
        self._hold(qMRMLThreeDView(node, application_logic, size))

    def viewLogic(self):
        return self._logic

    def logic(self):
        return self._logic

    def mrmlViewNode(self):
        return self._view._node

    def mrmlAbstractViewNode(self):
        return self._view._node

    def threeDView(self):
        return self._view


def picture(view, fresh: bool = True) -> np.ndarray:
    """What a view shows: uint8 ``[rows, columns, 3]``, first row on top."""
    if fresh:
        view.forceRender()
    window = view.renderWindow()
    width, height = window.GetSize()
    pixels = vtk.vtkUnsignedCharArray()
    window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
    return vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()
