"""Chest X-rays made alike: without borders, square, of one size and one grey scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..collimation import LUNG_MARGIN
from ..display import PERCENTILES
from ..errors import NerpError
from ..io.xray import Xray

BLACK, WHITE = 0.04, 0.005
"""What differs from black, or from the brightest pixel, by less than this share of the range may be border. A
scan's black is grainy; anatomy under the diaphragm comes close to white."""
BORDER_SHARE = 0.95
"""So many pixels of a line are black, or white, when it is border: letters may stand in it."""
GREATEST_BORDER = 0.3
"""Of height or width, on each side: what is wider is no border."""
SHAPE_TOLERANCE = 0.02
"""A mask of another size fits a film when their proportions differ by less than this."""


class Window(NamedTuple):
    """A part of a picture, in whole pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, image: np.ndarray) -> np.ndarray:
        """The part of ``[rows, columns]``."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


def prepare_xray(
    xray: Xray,
    lungs: np.ndarray | None = None,
    rows: int = 256,
    columns: int = 256,
    margin: float = LUNG_MARGIN,
) -> np.ndarray:
    """A film as training sees it.

    Args:
        xray: bone bright, of any size.
        lungs: boolean ``[rows, columns]`` mask of both lungs, of the film's size or in proportion to it; None
            or an empty one leaves the film whole.
        rows, columns: of the result.
        margin: kept around the lungs, as a share of their box's longer side.

    Returns:
        float32 ``[rows, columns]`` in [0, 1], bone bright: the window of `film_window`, resized with an
        antialiasing filter, from the 0.5th to the 99.5th percentile of its grey levels.

    Raises:
        NerpError: a mask that is not of this film, or no size.
    """
    window = film_window(xray.image, lungs, columns / rows, margin)
    return normalized(resized(window.of(xray.image), rows, columns))


def normalized(image: np.ndarray) -> np.ndarray:
    """A picture from its 0.5 to its 99.5 percentile as [0, 1], float32; 0 where it has no contrast."""
    low, high = np.percentile(image, PERCENTILES)
    return np.clip((image - low) / max(float(high - low), 1e-6), 0, 1, dtype=np.float32)


def prepare_lungs(lungs: np.ndarray, window: Window, film: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The mask that belongs to a prepared film: boolean ``[rows, columns]``.

    Args:
        lungs: boolean, of the film's size or in proportion to it.
        window: that the film was cut to.
        film: ``[rows, columns]`` before it was cut.
        rows, columns: of the result.
    """
    mask = lungs.astype(np.float32)
    if lungs.shape != film.shape:
        mask = resized(mask, *film.shape)
    return resized(window.of(mask), rows, columns) >= 0.5


def film_window(
    image: np.ndarray, lungs: np.ndarray | None = None, aspect: float = 1.0, margin: float = LUNG_MARGIN
) -> Window:
    """The part of a film that is kept.

    Borders go first (collimator, scanner: lines nearly all black or nearly all white). With a mask, the box
    of the lungs and a margin; then the smallest window of the asked proportion about it, moved into the film,
    or, where the film is too narrow, the greatest that fits. Without one, the greatest window in the middle.

    Args:
        image: ``[rows, columns]``.
        lungs: see `prepare_xray`.
        aspect: width by height.
        margin: see `prepare_xray`.
    """
    inner = _without_borders(image)
    if lungs is None or not lungs.any():
        return _proportioned(inner, inner, aspect, grow=False)
    top, left, height, width = _lung_box(lungs, image.shape)
    extra = margin * max(height, width)
    box = (top - extra, left - extra, height + 2 * extra, width + 2 * extra)
    return _proportioned(box, inner, aspect, grow=True)


def inner_window(image: np.ndarray) -> Window:
    """A film ``[rows, columns]`` without the borders that collimator and scanner leave."""
    top, left, height, width = _without_borders(image)
    return Window(round(top), round(left), round(height), round(width))


def resized(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A picture at another size, antialiased (triangle filter as wide as a new pixel and its neighbours):
    float32."""
    from PIL import Image

    if rows < 1 or columns < 1:
        raise NerpError(f"A picture has at least one row and one column, not {rows} x {columns}.")
    source = Image.fromarray(np.ascontiguousarray(image, np.float32))
    return np.asarray(source.resize((columns, rows), Image.Resampling.BILINEAR), np.float32)


def _without_borders(image: np.ndarray) -> tuple[float, float, float, float]:
    low, high = np.percentile(image, PERCENTILES)
    dark = image <= low + BLACK * (high - low)
    bright = image >= image.max() - WHITE * (high - low)
    lines = []
    for axis in (1, 0):
        border = np.zeros(image.shape[1 - axis], bool)
        for flat in (dark, bright):
            border |= flat.mean(axis=axis) >= BORDER_SHARE
        most = int(GREATEST_BORDER * border.size)
        lines.append((_run(border, most), border.size - _run(border[::-1], most)))
    (top, bottom), (left, right) = lines
    return top, left, bottom - top, right - left


def _run(border: np.ndarray, most: int) -> int:
    """How many lines from the first one on are border; none where it does not end within ``most``."""
    inside = np.flatnonzero(~border)
    length = int(inside[0]) if inside.size else 0
    return length if length <= most else 0


def _lung_box(lungs: np.ndarray, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Top, left, height and width of a mask's box in the film's pixels."""
    scale = [full / own for full, own in zip(shape, lungs.shape, strict=True)]
    if abs(scale[0] / scale[1] - 1) > SHAPE_TOLERANCE:
        raise NerpError(
            f"The lung mask has shape {lungs.shape}, the X-ray {shape}; choose the mask of this X-ray."
        )
    first, last = [], []
    for axis in (0, 1):
        present = np.flatnonzero(lungs.any(axis=1 - axis))
        first.append(present[0] * scale[axis])
        last.append((present[-1] + 1) * scale[axis])
    return first[0], first[1], last[0] - first[0], last[1] - first[1]


def _proportioned(
    box: tuple[float, float, float, float],
    inner: tuple[float, float, float, float],
    aspect: float,
    grow: bool,
) -> Window:
    """A window of the proportion ``aspect`` about a box's middle, inside ``inner``."""
    top, left, height, width = box
    fit = max if grow else min
    tall = fit(height, width / aspect)
    tall = min(tall, inner[2], inner[3] / aspect)
    wide = tall * aspect
    top = min(max(top + (height - tall) / 2, inner[0]), inner[0] + inner[2] - tall)
    left = min(max(left + (width - wide) / 2, inner[1]), inner[1] + inner[3] - wide)
    return Window(round(top), round(left), max(1, round(tall)), max(1, round(wide)))
