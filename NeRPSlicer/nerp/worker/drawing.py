"""What a draw asks for, checked before anything is drawn."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ..errors import NerpError
from ..geometry import Camera
from ..resources import structure_threshold_mm
from ..settings import LEARNED

SMALL_SIDE, SLOW_SIDE = 128, 96
"""Pixels on the longer side of a small picture, and of one by a slow method without Numba."""
SLOW_METHODS = (LEARNED, "fixed", "mida")
"""Those that walk along a ray; the others only add up."""

EXAMPLE_SPACING_MM = 1.75

Request = Mapping[str, Any]


@dataclass(frozen=True)
class Drawing:
    """One picture to draw."""

    camera: Camera
    """At the size of the full picture."""
    method: str
    model: str | None
    """Folder of the model that draws it."""
    samples: int
    """Samples a ray of the full picture."""
    small: tuple[int, int, int] | None
    """Rows, columns and samples of a quick picture in place of the full one."""
    picture: bool
    """Whether the picture is wanted, or masks and path lengths alone."""
    difference: bool
    """Whether what the model changed is wanted too."""
    window_hu: tuple[float, float] | None
    names: tuple[str, ...]
    """The structures to project, in the session's order."""
    masks: str | None
    """"labels", "bits" or None."""
    lengths: tuple[str, ...]
    """The structures whose path lengths to hand back."""
    minimum_mm: Mapping[str, float]
    """Name or pattern to least path length; others have that of ``structures.json``."""

    @classmethod
    def of(cls, request: Request, known: Collection[str]) -> Drawing:
        """The drawing that a request asks for, of a session that knows these structures.

        Raises:
            NerpError: something is missing or makes no sense.
        """
        camera = _camera(request)
        quality = _one_of(request, "quality", "full", ("small", "full"))
        asked = request.get("structures", True)
        if not isinstance(asked, (bool, list)):
            raise NerpError(f"structures is true, false or a list of names, not {asked!r}.")
        names = tuple(known) if asked is True else tuple(name for name in known if name in (asked or ()))
        lengths = tuple(request.get("lengths") or ())
        for name in lengths:
            if name not in names:
                raise NerpError(f"Path lengths are those of drawn structures, and {name!r} is none of them.")
        picture = request.get("picture", True) is not False
        if not picture and not names:
            raise NerpError("Without a picture and without structures there is nothing to draw.")
        method, model = method_of(request)
        return cls(
            camera,
            method,
            model,
            whole_number(request, "samples", 512),
            _small(request, camera) if quality == "small" else None,
            picture,
            picture and method == LEARNED and request.get("difference") is True,
            _window(request),
            names,
            _one_of(request, "masks", "labels", ("labels", "bits", None)),
            lengths,
            _thresholds(request),
        )

    def threshold_mm(self, name: str) -> float:
        """The path length in mm from which a pixel is in the mask of structure ``name``."""
        chosen = (mm for pattern, mm in self.minimum_mm.items() if fnmatchcase(name, pattern))
        return float(next(chosen, structure_threshold_mm(name)))


def has_numba() -> bool:
    """Whether pictures are drawn fast."""
    return importlib.util.find_spec("numba") is not None


def method_of(request: Request) -> tuple[str, str | None]:
    """The method, and the folder of the model that it is drawn by."""
    method, model = str(request.get("method", "drr")), request.get("model")
    if model is not None and not (isinstance(model, str) and model):
        raise NerpError(f"A model is named by its folder, not by {model!r}.")
    if method == LEARNED and model is None:
        raise NerpError("The method vrr needs a trained model: send its folder as model.")
    return method, model if method in (LEARNED, "fixed") else None


def whole_number(request: Request, name: str, default: int) -> int:
    """A size or count of a request.

    Raises:
        NerpError: it is not a whole number from 1 to 16384.
    """
    value = request.get(name, default)
    if type(value) is not int or not 1 <= value <= 16384:
        raise NerpError(f"{name} must be a whole number from 1 to 16384, not {value!r}.")
    return value


def frame_of(request: Request) -> np.ndarray:
    """``ras_from_ijk`` of the CT, ``[4, 4]``."""
    try:
        return np.array(request["ras_from_ijk"], float)
    except (KeyError, TypeError, ValueError) as error:
        raise NerpError(f"The CT needs ras_from_ijk, 4 x 4 numbers ({error!r}).") from error


def seed_of(request: Request) -> int:
    """Of the digital thorax."""
    value = request.get("seed", 1)
    if type(value) is not int or value < 0:
        raise NerpError(f"A seed is a whole number from 0, not {value!r}.")
    return value


def spacing_of(request: Request) -> float:
    """Voxel size of the digital thorax, mm."""
    value = request.get("spacing_mm", EXAMPLE_SPACING_MM)
    if type(value) not in (int, float):
        raise NerpError(f"spacing_mm is a number of mm, not {value!r}.")
    return float(value)


def _one_of(request: Request, name: str, default: str, choices: tuple[Any, ...]) -> Any:
    value = request.get(name, default)
    if value not in choices:
        raise NerpError(f"{name} is one of {', '.join(map(str, choices))}, not {value!r}.")
    return value


def _camera(request: Request) -> Camera:
    record = request.get("camera")
    if not isinstance(record, Mapping):
        raise NerpError("A draw needs a camera: send the record of Camera.to_dict.")
    camera = Camera.from_dict(record)
    rows, columns = (whole_number(request, name, getattr(camera, name)) for name in ("rows", "columns"))
    return camera if (rows, columns) == (camera.rows, camera.columns) else camera.resized(rows, columns)


def _small(request: Request, camera: Camera) -> tuple[int, int, int]:
    """As asked for, or in the picture's proportions with two samples for each pixel of the longer side."""
    asked = request.get("small")
    if asked is None:
        slow = request.get("method") in SLOW_METHODS and not has_numba()
        side = SLOW_SIDE if slow else SMALL_SIDE
        scale = side / max(camera.rows, camera.columns)
        return max(1, round(scale * camera.rows)), max(1, round(scale * camera.columns)), 2 * side
    if not isinstance(asked, list) or len(asked) != 3:
        raise NerpError(f"small is a list of rows, columns and samples, not {asked!r}.")
    rows, columns, samples = (whole_number({"small": n}, "small", 0) for n in asked)
    return rows, columns, samples


def _window(request: Request) -> tuple[float, float] | None:
    window = request.get("window_hu")
    if window is None:
        return None
    try:
        low, high = map(float, window)
    except (TypeError, ValueError):
        raise NerpError(f"A window is a lower and an upper HU, not {window!r}.") from None
    return low, high


def _thresholds(request: Request) -> dict[str, float]:
    asked = request.get("minimum_mm") or {}
    try:
        found = {str(name): float(mm) for name, mm in asked.items()}
    except (AttributeError, TypeError, ValueError):
        found = {"": -1.0}
    if not all(mm > 0 for mm in found.values()):
        raise NerpError(f"minimum_mm names structures and their least path length above 0, not {asked!r}.")
    return found
