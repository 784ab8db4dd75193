"""Picture files: PNG for eyes and trainers, NRRD for numbers on their place in the room."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from ..atomic import write_bytes, written_aside
from ..errors import CannotWrite
from ..geometry import Camera
from .images import RAS_FROM_LPS
from .itk_paths import itk_path


def write_png(path: Path, grey: np.ndarray) -> None:
    """Grey PNG of a uint8 or uint16 picture ``[rows, columns]``, 8 or 16 bit; the same bytes for the same
    picture."""
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(grey).save(stream, "PNG")
    write_bytes(path, stream.getvalue())


def write_mask(path: Path, mask: np.ndarray) -> None:
    """8-bit PNG of a boolean mask ``[rows, columns]``: 0 and 255."""
    write_png(path, np.where(mask, np.uint8(255), np.uint8(0)))


def write_numbers(path: Path, image: np.ndarray, camera: Camera) -> None:
    """NRRD of float32 numbers ``[rows, columns]`` as one slice lying on the detector.

    Raises:
        CannotWrite: the file cannot be written.
    """
    import SimpleITK

    lps_from_pixel = np.linalg.inv(RAS_FROM_LPS) @ camera.ras_from_pixel
    spacing = np.linalg.norm(lps_from_pixel[:3, :3], axis=0)
    slice_image = SimpleITK.GetImageFromArray(np.asarray(image, np.float32)[None])
    slice_image.SetSpacing(spacing.tolist())
    slice_image.SetDirection((lps_from_pixel[:3, :3] / spacing).ravel().tolist())
    slice_image.SetOrigin(lps_from_pixel[:3, 3].tolist())
    with written_aside(path) as aside:
        try:
            SimpleITK.WriteImage(slice_image, itk_path(aside))
        except RuntimeError as error:
            raise CannotWrite(
                f"{path} could not be written; free some space or choose another folder."
            ) from error
