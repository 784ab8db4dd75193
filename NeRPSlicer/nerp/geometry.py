"""Frames, cameras and positioner angles: RAS millimetres throughout.

The camera frame is right-handed and rigid: origin at the focal spot, +z toward the detector, +y along
increasing row, x = y cross z. Pixel (row, column) has its centre at (u, v) = (column, row).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from .errors import NerpError


class PositionerAngles(NamedTuple):
    """Where the detector stands, in degrees (DICOM PS3.3 C.8.7.5.1.2, extended by a roll about the beam)."""

    primary: float
    """LAO is positive, RAO negative; 0 puts the detector in front of the patient, 180 behind."""
    secondary: float
    """CRA is positive, CAU negative; in [-90, 90]."""
    roll: float = 0.0
    """Right-handed turn of the detector about the beam (focal spot to detector)."""


class Preset(NamedTuple):
    """A standard projection."""

    primary: float
    source_to_image_mm: float
    gap_mm: float
    film_mm: tuple[float, float]
    mirrored: bool


_FILM = (430.0, 430.0)
PRESETS: Mapping[str, Preset] = {
    "PA": Preset(0.0, 1800.0, 50.0, _FILM, True),
    "AP": Preset(180.0, 1000.0, 50.0, _FILM, False),
    "LL": Preset(90.0, 1800.0, 50.0, _FILM, True),
    "RL": Preset(-90.0, 1800.0, 50.0, _FILM, False),
    "LAO": Preset(45.0, 1800.0, 50.0, _FILM, True),
    "RAO": Preset(-45.0, 1800.0, 50.0, _FILM, True),
}


class HasGeometry(Protocol):
    """What a camera needs of a volume: see `VolumeGeometry`."""

    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def ras_from_ijk(self) -> np.ndarray: ...
    @property
    def body_box(self) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class VolumeGeometry:
    """The plain record of a volume that cameras are placed by."""

    shape: tuple[int, int, int]
    """Voxels along K, J, I."""
    ras_from_ijk: np.ndarray
    """``[4, 4]``, mm."""
    body_box: np.ndarray
    """``[2, 3]``: lower and upper corner of the body's bounding box, RAS mm."""
    hash: str = ""
    """The CT's SHA-256, which seeded cameras are drawn by."""
    lungs: np.ndarray | None = None
    """Points ``[n, 3]`` that span the lungs, RAS mm (`nerp.lungs.with_lungs`); None where nobody looked."""


def checked_affine(affine: np.ndarray, what: str) -> np.ndarray:
    """A float64, read-only copy of an invertible ``[4, 4]`` affine transform.

    Raises:
        NerpError: wrong shape, not finite, last row not (0, 0, 0, 1), or singular.
    """
    affine = np.array(affine, dtype=np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.allclose(affine[3], (0, 0, 0, 1)):
        raise NerpError(f"{what} must be a finite 4 x 4 affine transform ending in the row 0 0 0 1.")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
        raise NerpError(
            f"{what} is singular: two axes coincide or a voxel has no size; check the file's header."
        )
    affine.flags.writeable = False
    return affine


def transform_points(b_from_a: np.ndarray, points_a: np.ndarray) -> np.ndarray:
    """Apply a ``[4, 4]`` affine transform to points ``[..., 3]``."""
    return points_a @ b_from_a[:3, :3].T + b_from_a[:3, 3]


def detector_direction(angles: PositionerAngles) -> np.ndarray:
    """Unit vector from isocentre to detector in RAS: (-cos b sin a, cos b cos a, sin b)."""
    a, b = math.radians(angles.primary), math.radians(angles.secondary)
    return np.array([-math.cos(b) * math.sin(a), math.cos(b) * math.cos(a), math.sin(b)])


def ras_from_camera_rotation(angles: PositionerAngles) -> np.ndarray:
    """``[3, 3]`` rotation whose columns are the camera's x, y, z axes in RAS.

    Without roll, rows run toward the feet: y = -d(direction)/d(secondary), which is defined at the poles too.
    """
    if not all(map(math.isfinite, angles)):
        raise NerpError("Positioner angles are finite degrees.")
    if not -90 <= angles.secondary <= 90:
        raise NerpError(
            f"The secondary angle must lie between -90 and 90 degrees, not at {angles.secondary:g}."
        )
    a, b, r = (math.radians(angle) for angle in angles)
    z = detector_direction(angles)
    y = -np.array([math.sin(b) * math.sin(a), -math.sin(b) * math.cos(a), math.cos(b)])
    x = np.cross(y, z)
    return np.column_stack([math.cos(r) * x + math.sin(r) * y, math.cos(r) * y - math.sin(r) * x, z])


def angles_from_rotation(ras_from_camera: np.ndarray) -> PositionerAngles:
    """The positioner angles of a rigid ``ras_from_camera``; at secondary = +-90 the primary angle is taken
    as 0."""
    x, _, z = ras_from_camera[:3, :3].T
    secondary = math.degrees(math.asin(max(-1.0, min(1.0, z[2]))))
    primary = math.degrees(math.atan2(-z[0], z[1])) if math.hypot(z[0], z[1]) > 1e-9 else 0.0
    upright = ras_from_camera_rotation(PositionerAngles(primary, secondary))
    roll = math.degrees(math.atan2(x @ upright[:, 1], x @ upright[:, 0]))
    return PositionerAngles(primary, secondary, roll)


def box_corners(box: np.ndarray) -> np.ndarray:
    """The eight corners ``[8, 3]`` of a box ``[2, 3]``."""
    lower, upper = box
    return np.array([[(lower, upper)[c >> axis & 1][axis] for axis in range(3)] for c in range(8)])


@dataclass(frozen=True, eq=False)
class Camera:
    """A point source and a flat detector in RAS: everything that decides where a voxel lands in the
    picture."""

    ras_from_camera: np.ndarray
    """``[4, 4]`` rigid, right-handed: origin at the focal spot, +z to the detector, +y along increasing
    row."""
    source_to_image_mm: float
    """SID, DICOM (0018,1110): focal spot to detector along the central ray."""
    source_to_isocenter_mm: float
    """SOD: focal spot to the isocentre, which lies on the central ray."""
    rows: int
    columns: int
    pixel_spacing_mm: tuple[float, float]
    """Distance between pixel centres on the detector: (between rows, between columns), mm."""
    principal_point: tuple[float, float] | None = None
    """(u0, v0) = (column, row) where the central ray meets the detector; None is the picture's centre."""
    mirrored: bool = False
    """Whether columns increase along -x, that is, the picture hangs as seen from the detector."""
    view: str = ""
    """The id of the standard projection that this camera started from (`PRESETS`); "" for none."""

    def __post_init__(self) -> None:
        matrix = checked_affine(self.ras_from_camera, "ras_from_camera")
        rotation = matrix[:3, :3]
        if not np.allclose(rotation.T @ rotation, np.eye(3), atol=1e-5) or np.linalg.det(rotation) < 0:
            raise NerpError(
                "A camera's transform must be rigid and right-handed: no scaling, shear or mirror."
            )
        object.__setattr__(self, "ras_from_camera", matrix)
        for label, count in (("rows", self.rows), ("columns", self.columns)):
            if int(count) != count or not 1 <= count <= 16384:
                raise NerpError(f"A picture needs between 1 and 16384 {label}, not {count}.")
        row_mm, column_mm = self.pixel_spacing_mm
        sizes = (row_mm, column_mm, self.source_to_image_mm, self.source_to_isocenter_mm)
        if not all(math.isfinite(size) and size > 0 for size in sizes):
            raise NerpError(
                "Pixel spacing, source-to-image and source-to-isocentre distance must be positive mm."
            )
        if self.view and self.view not in PRESETS:
            raise NerpError(f"There is no projection {self.view!r}; choose one of {', '.join(PRESETS)}.")
        if self.principal_point is not None and not all(map(math.isfinite, self.principal_point)):
            raise NerpError("A principal point is two finite pixel coordinates.")
        if self.principal_point is None:
            object.__setattr__(self, "principal_point", ((self.columns - 1) / 2, (self.rows - 1) / 2))

    # --- making cameras -------------------------------------------------------------------------------------

    @classmethod
    def from_angles(
        cls,
        volume: HasGeometry,
        angles: PositionerAngles | tuple[float, float, float],
        *,
        rows: int = 256,
        columns: int = 256,
        source_to_image_mm: float = 1800.0,
        source_to_isocenter_mm: float | None = None,
        gap_mm: float = 50.0,
        isocenter_ras: np.ndarray | None = None,
        field: str | tuple[float, float] = "covered",
        film_mm: tuple[float, float] = _FILM,
        mirrored: bool = False,
        view: str = "",
    ) -> Camera:
        """A camera that looks through a volume.

        Args:
            volume: a Volume or its geometry record.
            angles: primary, secondary and roll, degrees.
            rows, columns: picture size.
            source_to_image_mm: SID.
            source_to_isocenter_mm: None places the detector ``gap_mm`` behind the exit side of the body's
                box.
            gap_mm: detector to the body's box, used when ``source_to_isocenter_mm`` is None.
            isocenter_ras: ``[3]``; None is the centre of the body's box.
            field: "covered" collimates the film to the largest centred rectangle of the picture's
                proportions whose every ray crosses the CT; or the field's (height, width) in mm on the
                detector.
            film_mm: the film's (height, width), the limit of a covered field.

        Raises:
            NerpError: the beam misses the CT, or the source would stand inside the body.
        """
        angles = PositionerAngles(*angles)
        rotation = ras_from_camera_rotation(angles)
        center = volume.body_box.mean(axis=0) if isocenter_ras is None else np.asarray(isocenter_ras, float)
        if source_to_isocenter_mm is None:
            exit_mm = float(((box_corners(volume.body_box) - center) @ rotation[:, 2]).max())
            source_to_isocenter_mm = source_to_image_mm - gap_mm - exit_mm
            if source_to_isocenter_mm <= 0:
                raise NerpError(
                    f"A source-to-image distance of {source_to_image_mm:g} mm has no room for the patient: "
                    "choose a longer one."
                )
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = center - source_to_isocenter_mm * rotation[:, 2]
        height, width = film_mm if isinstance(field, str) else field
        camera = cls(
            matrix,
            source_to_image_mm,
            source_to_isocenter_mm,
            rows,
            columns,
            (height / max(rows, 1), width / max(columns, 1)),
            mirrored=mirrored,
            view=view,
        )
        if isinstance(field, str):
            if field != "covered":
                raise NerpError(f'The field is "covered" or a height and width in mm, not {field!r}.')
            camera = camera.collimated(volume, film_mm)
        return camera

    @classmethod
    def preset(
        cls,
        name: str,
        volume: HasGeometry,
        rows: int = 256,
        columns: int = 256,
        field: str | tuple[float, float] = "covered",
    ) -> Camera:
        """A standard projection: PA, AP, LL, RL, LAO or RAO (`PRESETS`); see `from_angles` for the
        arguments."""
        if name not in PRESETS:
            raise NerpError(f"There is no projection {name!r}; choose one of {', '.join(PRESETS)}.")
        chosen = PRESETS[name]
        return cls.from_angles(
            volume,
            PositionerAngles(chosen.primary, 0.0),
            rows=rows,
            columns=columns,
            source_to_image_mm=chosen.source_to_image_mm,
            gap_mm=chosen.gap_mm,
            field=field,
            film_mm=chosen.film_mm,
            mirrored=chosen.mirrored,
            view=name,
        )

    def collimated(self, volume: HasGeometry, film_mm: tuple[float, float] | None = None) -> Camera:
        """The same camera with its field reduced to the largest centred rectangle whose every ray crosses
        the CT.

        The rectangle keeps the picture's proportions and square pixels and stays within ``film_mm`` (height,
        width).

        Raises:
            NerpError: the central ray misses the CT.
        """
        height, width = film_mm or self.field_mm
        pixel = min(height / self.rows, width / self.columns)
        half = pixel / 2 * np.array([self.columns, self.rows])
        corners = np.array([(sx * half[0], sy * half[1]) for sx in (-1, 1) for sy in (-1, 1)])

        def covered(scale: float) -> bool:
            on_detector = np.column_stack([corners * scale, np.full(4, self.source_to_image_mm)])
            return bool(_cross_box(volume, self.ras_from_camera, on_detector).all())

        low, high = 0.0, 1.0
        if not covered(0.0):
            raise NerpError(
                "The beam misses the CT; move the isocentre into the patient or reset the camera."
            )
        if covered(1.0):
            low = 1.0
        else:
            # The rays that cross a convex box form a convex set, so the largest scale is found by bisection.
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (middle, high) if covered(middle) else (low, middle)
        spacing = pixel * low
        if spacing * min(self.rows, self.columns) < 1.0:
            raise NerpError(
                "The beam only grazes the CT; move the isocentre into the patient or reset the camera."
            )
        return replace(self, pixel_spacing_mm=(spacing, spacing), principal_point=None)

    # --- other cameras from this one ------------------------------------------------------------------------

    def moved(self, ras_from_camera: np.ndarray) -> Camera:
        """The same source and detector in another pose."""
        return replace(self, ras_from_camera=ras_from_camera)

    def resized(self, rows: int, columns: int) -> Camera:
        """The same field sampled by another number of pixels."""
        height, width = self.field_mm
        u0, v0 = self.principal_point  # type: ignore[misc]
        point = ((u0 + 0.5) * columns / self.columns - 0.5, (v0 + 0.5) * rows / self.rows - 0.5)
        return replace(
            self,
            rows=rows,
            columns=columns,
            pixel_spacing_mm=(height / max(rows, 1), width / max(columns, 1)),
            principal_point=point,
        )

    # --- what a camera says ---------------------------------------------------------------------------------

    @property
    def pixel_from_camera(self) -> np.ndarray:
        """The intrinsic matrix K ``[3, 3]``: homogeneous (u, v) = K @ (x, y, z), in pixels."""
        row_mm, column_mm = self.pixel_spacing_mm
        u0, v0 = self.principal_point  # type: ignore[misc]
        f = self.source_to_image_mm
        sign = -1.0 if self.mirrored else 1.0
        return np.array([[sign * f / column_mm, 0, u0], [0, f / row_mm, v0], [0, 0, 1]])

    @property
    def camera_from_ras(self) -> np.ndarray:
        """``[4, 4]``: the extrinsic [R | t] is its first three rows."""
        rotation, origin = self.ras_from_camera[:3, :3], self.ras_from_camera[:3, 3]
        inverse = np.eye(4)
        inverse[:3, :3] = rotation.T
        inverse[:3, 3] = -rotation.T @ origin
        return inverse

    @property
    def ras_from_pixel(self) -> np.ndarray:
        """``[4, 4]``: (column, row, 0) to the pixel's place on the detector; the third axis, 1 mm long, is
        the one that makes the frame right-handed."""
        row_mm, column_mm = self.pixel_spacing_mm
        u0, v0 = self.principal_point  # type: ignore[misc]
        sign = -1.0 if self.mirrored else 1.0
        camera_from_pixel = np.diag([sign * column_mm, row_mm, sign, 1.0])
        camera_from_pixel[:3, 3] = (-sign * column_mm * u0, -row_mm * v0, self.source_to_image_mm)
        return self.ras_from_camera @ camera_from_pixel

    @property
    def focal_spot_ras(self) -> np.ndarray:
        return self.ras_from_camera[:3, 3]

    @property
    def isocenter_ras(self) -> np.ndarray:
        return self.focal_spot_ras + self.source_to_isocenter_mm * self.beam_direction_ras

    @property
    def beam_direction_ras(self) -> np.ndarray:
        """Unit vector from the focal spot to the detector."""
        return self.ras_from_camera[:3, 2]

    @property
    def angles(self) -> PositionerAngles:
        return angles_from_rotation(self.ras_from_camera)

    @property
    def field_mm(self) -> tuple[float, float]:
        """Height and width of the field on the detector."""
        return self.rows * self.pixel_spacing_mm[0], self.columns * self.pixel_spacing_mm[1]

    def pixels(self, points_ras: np.ndarray) -> np.ndarray:
        """Where points ``[..., 3]`` in RAS land: ``[..., 2]`` as (column, row); NaN behind the source."""
        in_camera = transform_points(self.camera_from_ras, np.asarray(points_ras, float))
        homogeneous = in_camera @ self.pixel_from_camera.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(in_camera[..., 2:] > 0, homogeneous[..., :2] / homogeneous[..., 2:], np.nan)

    def right_is_on_viewers_left(self) -> bool | None:
        """On which side of the picture the patient's right lies; None in a lateral view."""
        u_axis_ras = self.ras_from_camera[:3, 0] * (-1 if self.mirrored else 1)
        return None if abs(u_axis_ras[0]) < 0.5 else bool(u_axis_ras[0] < 0)

    @property
    def description(self) -> str:
        """The standard projection and what the camera is turned from it, as a radiographer says it: "PA",
        "PA, LAO 12° CRA 3° roll -2°"."""
        primary, secondary, roll = self.angles
        if self.view:
            primary = (primary - PRESETS[self.view].primary + 180) % 360 - 180
        turns = [
            f"{names[value < 0]} {abs(value):.0f}°"
            for value, names in ((primary, ("LAO", "RAO")), (secondary, ("CRA", "CAU")))
            if abs(value) >= 0.5
        ]
        if abs(roll) >= 0.5:
            turns.append(f"roll {roll:+.0f}°")
        return ", ".join(filter(None, (self.view, " ".join(turns)))) or "LAO 0°"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers that `from_dict` turns back into an equal camera."""
        return {
            "ras_from_camera": self.ras_from_camera.tolist(),
            "source_to_image_mm": self.source_to_image_mm,
            "source_to_isocenter_mm": self.source_to_isocenter_mm,
            "rows": self.rows,
            "columns": self.columns,
            "pixel_spacing_mm": list(self.pixel_spacing_mm),
            "principal_point": list(self.principal_point),  # type: ignore[arg-type]
            "mirrored": self.mirrored,
            "view": self.view,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Camera:
        """The camera that `to_dict` wrote."""
        try:
            return cls(
                np.array(record["ras_from_camera"], float),
                float(record["source_to_image_mm"]),
                float(record["source_to_isocenter_mm"]),
                int(record["rows"]),
                int(record["columns"]),
                tuple(map(float, record["pixel_spacing_mm"])),  # type: ignore[arg-type]
                tuple(map(float, record["principal_point"])),  # type: ignore[arg-type]
                bool(record["mirrored"]),
                str(record["view"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NerpError(
                f"This is not a camera record ({error!r}); use one that `Camera.to_dict` wrote."
            ) from error


def _cross_box(volume: HasGeometry, ras_from_camera: np.ndarray, points_camera: np.ndarray) -> np.ndarray:
    """Whether the rays from the focal spot through points ``[n, 3]`` (camera frame) cross the CT's voxels."""
    ijk_from_camera = np.linalg.inv(volume.ras_from_ijk) @ ras_from_camera
    origin = ijk_from_camera[:3, 3]
    direction = points_camera @ ijk_from_camera[:3, :3].T
    upper = np.array(volume.shape[::-1]) - 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.stack([(-0.5 - origin) / direction, (upper - origin) / direction])
    # A ray parallel to a pair of faces gives 0/0 or x/0: inside the slab it is unbounded, outside it never
    # enters.
    parallel = direction == 0
    inside = (origin >= -0.5) & (origin <= upper)
    near = np.where(parallel, np.where(inside, -np.inf, np.inf), t.min(axis=0)).max(axis=1)
    far = np.where(parallel, np.where(inside, np.inf, -np.inf), t.max(axis=0)).min(axis=1)
    return far > np.maximum(near, 0)
