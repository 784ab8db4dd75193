"""A CT in Hounsfield units with its place in the patient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from .body import body_box, separate_body
from .content import content_notices
from .errors import NerpError
from .geometry import VolumeGeometry, checked_affine

HU_MIN, HU_MAX = -1024, 3071
AIR_HU = -1000


class Volume:
    """A CT volume: voxels in HU and the transform that places them in RAS millimetres.

    Args:
        hu: ``[K, J, I]`` (slices, rows, columns) in HU; any real type. Clamped to [-1024, 3071], kept as
            int16 when every value is whole, else as float32.
        ras_from_ijk: ``[4, 4]``, millimetres; oblique, anisotropic and of either handedness.
        body: boolean ``[K, J, I]``; None separates the patient from couch and air when first needed; False
            takes everything in the volume for the patient.
        name: shown to people and used in file names.
        notices: what the reader has to tell.
        frame_of_reference: DICOM (0020,0052) where known: what shares it shares one space.

    Raises:
        NerpError: not 3-D, fewer than two slices, rows or columns, NaN or infinite voxels, singular
            transform.
    """

    def __init__(
        self,
        hu: np.ndarray,
        ras_from_ijk: np.ndarray,
        body: np.ndarray | bool | None = None,
        name: str = "ct",
        notices: Iterable[str] = (),
        frame_of_reference: str = "",
    ) -> None:
        hu = np.asarray(hu)
        if hu.ndim != 3 or min(hu.shape) < 2:
            raise NerpError(
                f"{name}: a CT needs at least two slices, rows and columns, this one has shape {hu.shape}; "
                "load the whole series."
            )
        if hu.dtype.kind == "f" and not np.isfinite(hu).all():
            count = int(hu.size - np.isfinite(hu).sum())
            raise NerpError(f"{name}: {count} voxels are NaN or infinite; replace them (air is -1000 HU).")
        self.name = name
        self.frame_of_reference = frame_of_reference
        self._reader_notices = tuple(notices)
        self.ras_from_ijk = checked_affine(ras_from_ijk, f"{name}: ras_from_ijk")
        self.hu = _compact(hu)
        if isinstance(body, np.ndarray) and body.shape != hu.shape:
            raise NerpError(
                f"{name}: the body mask has shape {body.shape}, the CT {hu.shape}; they must be equal."
            )
        self._body = body

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along K, J, I."""
        return self.hu.shape  # type: ignore[return-value]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel edge lengths along i, j, k, in mm."""
        i, j, k = np.linalg.norm(self.ras_from_ijk[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @cached_property
    def body(self) -> np.ndarray:
        """The patient without couch, sheets and tubes: boolean ``[K, J, I]``."""
        if isinstance(self._body, np.ndarray):
            return self._body.astype(bool, copy=False)
        if self._body is False:
            return np.ones(self.shape, bool)
        return separate_body(self.hu, self.ras_from_ijk)

    @property
    def removed(self) -> np.ndarray:
        """What the body separation took away that is not air (couch, sheets, tubes): boolean ``[K, J,
        I]``."""
        return (self.hu > -400) & ~self.body

    @cached_property
    def body_box(self) -> np.ndarray:
        """The body's bounding box in RAS: ``[2, 3]`` (lower corner, upper corner), mm."""
        return body_box(self.body, self.ras_from_ijk, self.name)

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """What a person should know before trusting pictures of this CT, one line each.

        What the reader left out or mended, then what the voxels tell: not in HU, lungs cut off,
        couch removed.
        """
        return (*self._reader_notices, *content_notices(self))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of voxels and frame: the same CT has the same hash, wherever its file lies."""
        digest = hashlib.sha256()
        digest.update(repr(self.shape).encode())
        # Adding 0 turns -0 into 0: the sign of a rounding error makes no other CT.
        digest.update((np.round(self.ras_from_ijk, 6) + 0.0).astype("<f8").tobytes())
        for section in self.hu:
            digest.update(np.ascontiguousarray(section, "<f4").data)
        return digest.hexdigest()

    @property
    def geometry(self) -> VolumeGeometry:
        """The plain record that a camera needs of this volume."""
        return VolumeGeometry(self.shape, self.ras_from_ijk, self.body_box, self.hash)

    def patient_hu(self) -> np.ndarray:
        """HU with everything outside the body replaced by air: float32 ``[K, J, I]``."""
        hu = self.hu.astype(np.float32)
        np.copyto(hu, AIR_HU, where=~self.body)
        return hu


def _compact(hu: np.ndarray) -> np.ndarray:
    if hu.dtype == np.int16 and hu.min() >= HU_MIN and hu.max() <= HU_MAX:
        return hu
    if hu.dtype == np.bool_:
        hu = hu.astype(np.uint8)
    low, high = HU_MIN, HU_MAX
    if hu.dtype.kind in "iu":  # NumPy refuses bounds beyond the type
        low, high = max(low, np.iinfo(hu.dtype).min), min(high, np.iinfo(hu.dtype).max)
    clamped = np.clip(hu, low, high)
    if hu.dtype.kind in "iu" or not (clamped != np.rint(clamped)).any():
        return clamped.astype(np.int16)
    return clamped.astype(np.float32)
