"""A real X-ray from every kind of file that people have, beside the radiograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SIDE_BY_SIDE = 1
CR, DX = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"


def grey() -> np.ndarray:
    """Dark but for the upper left quarter, and of another size than the radiograph."""
    pixels = np.full((60, 90), 40, np.uint8)
    pixels[:30, :45] = 220
    return pixels


def write_dicom(path: Path, kind: str, photometric: str) -> None:
    stored = (
        grey().astype(np.uint16) if photometric == "MONOCHROME2" else 255 - grey().astype(np.uint16)
    ) * 16
    record = pydicom.Dataset()
    record.SOPClassUID, record.SOPInstanceUID = kind, generate_uid()
    record.StudyInstanceUID, record.SeriesInstanceUID = generate_uid(), generate_uid()
    record.Modality = "CR" if kind == CR else "DX"
    record.Rows, record.Columns = stored.shape
    record.SamplesPerPixel, record.PixelRepresentation = 1, 0
    record.PhotometricInterpretation = photometric
    record.BitsAllocated, record.BitsStored, record.HighBit = 16, 12, 11
    record.PixelSpacing = [4.0, 4.0]
    record.PixelData = stored.tobytes()
    record.file_meta = pydicom.dataset.FileMetaDataset()
    record.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    record.save_as(path, enforce_file_format=True)


def write_all(folder: Path) -> list[Path]:
    """The same picture in every kind of file."""
    pixels = grey()
    rgb = np.stack([pixels] * 3, axis=-1)
    Image.fromarray(pixels).save(folder / "grey.png")
    Image.fromarray(pixels.astype(np.uint16) * 257).save(folder / "deep.png")
    Image.fromarray(rgb).save(folder / "colour.png")
    Image.fromarray(np.dstack([rgb, np.full_like(pixels, 255)])).save(folder / "clear.png")
    Image.fromarray(pixels).save(folder / "grey.jpg", quality=95)
    Image.fromarray(rgb).save(folder / "colour.jpg", quality=95)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels), folder / "flat.nrrd")
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels[np.newaxis]), folder / "slice.nrrd")
    write_dicom(folder / "cr.dcm", CR, "MONOCHROME2")
    write_dicom(folder / "cr1.dcm", CR, "MONOCHROME1")
    write_dicom(folder / "dx1.dcm", DX, "MONOCHROME1")
    return sorted(folder.iterdir())


def quarters(app) -> np.ndarray:
    """Grey levels in the middle of the film view's picture, ``[2, 2]``."""
    import slicer
    from NeRPSlicerLib.scene.layouts import FILM_VIEW

    shown = app.picture(slicer.app.layoutManager().sliceWidget(FILM_VIEW).sliceView())[..., 0].astype(int)
    rows, columns = (np.array(shown.shape) * [[0.42], [0.58]]).T.astype(int)
    return shown[np.ix_(rows, columns)]


def test_every_kind_of_file_shows_the_same_picture(app, driver, tmp_path):
    import slicer
    from NeRPSlicerLib.scene.layouts import RADIOGRAPH_VIEW
    from NeRPSlicerLib.scene.radiograph import radiographNode

    driver.loadPatient()
    section = driver.panel.sections[3]
    section.ui.comparisonBox.currentIndex = SIDE_BY_SIDE
    driver.rest()
    assert "X-ray picture" in driver.message
    files = write_all(tmp_path)
    assert len(files) == 11
    for path in files:
        node = slicer.util.loadVolume(str(path), {"singleFile": True})
        driver.patient.ui.filmSelector.setCurrentNode(node)
        driver.rest()
        assert driver.parameters.film is node, path.name
        seen = quarters(app)
        assert seen[0, 0] > 200 and seen.ravel()[1:].max() < 60, (path.name, seen)
    slicer.util.loadVolume(str(files[0]), {"singleFile": True})
    composite = slicer.app.layoutManager().sliceWidget(RADIOGRAPH_VIEW).mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == radiographNode().GetID(), "pushed out by what was loaded"
    section.ui.invertedBox.click()
    driver.rest()
    seen = quarters(app)
    assert seen[0, 0] < 60 and seen.ravel()[1:].min() > 200


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colour_becomes_its_luminance(app, channels):
    import slicer
    from NeRPSlicerLib.scene.film import filmPixels

    pixels = np.repeat(grey()[np.newaxis, ..., np.newaxis], channels, axis=-1)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "picture")
    slicer.util.updateVolumeFromArray(node, pixels)
    np.testing.assert_allclose(filmPixels(node), grey(), atol=1e-3)
