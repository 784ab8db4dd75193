"""Finds the lungs of a film that has no mask, by a small U-Net that has seen drawn pictures alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import write_json, written_aside
from ..display import PERCENTILES
from ..errors import NerpError
from ..io.xray import Xray
from ..models import lacking_packages
from ..resources import resource
from .films import inner_window, normalized, resized

if TYPE_CHECKING:
    from torch import nn

FORMAT = "nerp-lungs-1"
NAME = "lung_finder"
RULES = 1
"""Goes up when the same weights give other lungs: older caches are then not read."""
LEAST_PART = 0.15
"""A patch of less than this share of all that was found is no lung."""
AREA = (0.08, 0.6)
"""Of the film without borders."""
LEAST_SIDE = 0.35
"""The smaller lung's area over the greater one's."""
PROPORTION = (0.6, 1.9)
"""Width by height of the box about both."""
DARKER = 0.05
"""Than what else their box shows, as a share of its grey levels."""
OFF_CENTER = 0.22
"""How far the box's middle may lie from the film's, share of the film's side."""


def plausible_lungs(found: np.ndarray, image: np.ndarray) -> np.ndarray | None:
    """Both lungs without specks and holes; None where it cannot be two lungs of a frontal film.

    Args:
        found: boolean ``[rows, columns]``, in a film's proportions.
        image: the film's grey levels, the same shape, bone bright.
    """
    from scipy import ndimage

    labels, count = ndimage.label(found)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    lungs = ndimage.binary_fill_holes((areas >= max(1, LEAST_PART * areas.sum()))[labels])
    if not lungs.any():
        return None
    rows, columns = (np.flatnonzero(lungs.any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    sides = lungs[:, : (left + right) // 2].sum(), lungs[:, (left + right + 1) // 2 :].sum()
    off = (top + bottom) / 2 / lungs.shape[0] - 0.5, (left + right) / 2 / lungs.shape[1] - 0.5
    plausible = (
        AREA[0] <= lungs.mean() <= AREA[1]
        and min(sides) >= LEAST_SIDE * max(sides)
        and PROPORTION[0] <= (right - left) / (bottom - top) <= PROPORTION[1]
        and max(map(abs, off)) <= OFF_CENTER
        and _darker(lungs[top:bottom, left:right], image[top:bottom, left:right]) >= DARKER
    )
    return lungs if plausible else None


def _darker(lungs: np.ndarray, image: np.ndarray) -> float:
    """How much darker the lungs are than what else their box shows, as a share of its range."""
    if lungs.all():
        return 0.0
    low, high = np.percentile(image, PERCENTILES)
    return float(np.median(image[~lungs]) - np.median(image[lungs])) / max(float(high - low), 1e-6)


class UnetLungFinder:
    """A `LungFinder`: the U-Net looks at the film without its borders, the rules above at what it finds.

    Args:
        unet: of `nerp.networks.lung_unet`.
        size: rows and columns that it was trained on.
        widths: channels of its levels.
        key: see `LungFinder`.
    """

    def __init__(self, unet: nn.Module, size: int, widths: tuple[int, ...], key: str = "") -> None:
        self.unet, self.size, self.widths, self.key = unet, size, widths, key

    def __call__(self, xray: Xray) -> np.ndarray | None:
        """Both lungs, boolean ``[rows, columns]`` of the film; None where none are plausible."""
        window = inner_window(xray.image)
        probability = self.probability(window.of(xray.image))
        found = resized(probability, window.height, window.width) >= 0.5
        within = plausible_lungs(found, window.of(xray.image))
        if within is None:
            return None
        lungs = np.zeros(xray.image.shape, bool)
        window.of(lungs)[...] = within
        return lungs

    def probability(self, image: np.ndarray) -> np.ndarray:
        """Of being lung, float32 ``[size, size]``, for a film without borders of any size."""
        from ..networks.lung_unet import lung_probability

        return lung_probability(self.unet, normalized(resized(image, self.size, self.size))[None])[0]

    def save(self, folder: Path, card: Mapping[str, Any]) -> None:
        """Write weights in half precision and the card, which is what a finder is known by, last.

        Raises:
            CannotWrite: the folder cannot be written.
        """
        from safetensors.torch import save

        halves = {name: value.half().contiguous() for name, value in self.unet.state_dict().items()}
        content = save(halves, {"format": FORMAT})
        with written_aside(folder / f"{NAME}.safetensors") as aside:
            aside.write_bytes(content)
        record = {"format": FORMAT, "size": self.size, "widths": list(self.widths)}
        digest = hashlib.sha256(content).hexdigest()
        write_json(folder / f"{NAME}.json", {**record, "sha256": digest, "card": dict(card)})


def load_lung_finder(folder: Path | None = None) -> UnetLungFinder:
    """The finder that nerp comes with, or another one.

    Args:
        folder: of its two files; None is nerp's own.

    Raises:
        NerpError: a file is missing, damaged or of another format.
    """
    lacking = lacking_packages()
    if lacking:
        raise NerpError(
            f'Finding lungs needs {", ".join(lacking)}, not installed here: pip install "nerpslicer[train]"'
        )
    from ..networks.lung_unet import lung_unet
    from ..networks.model import load_weights

    card, weights = (
        resource("Models", name) if folder is None else folder / name
        for name in (f"{NAME}.json", f"{NAME}.safetensors")
    )
    try:
        record = json.loads(card.read_text(encoding="utf-8"))
        content = weights.read_bytes()
        size, widths, digest = int(record["size"]), tuple(map(int, record["widths"])), record["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NerpError(
            f"{card} is no lung finder that can be read ({error!r}); install nerp again."
        ) from error
    if record.get("format") != FORMAT or hashlib.sha256(content).hexdigest() != digest:
        raise NerpError(f"{weights} is not the file that {card.name} names; install nerp again.")
    unet = lung_unet(widths)
    load_weights(unet, content, weights)
    return UnetLungFinder(unet.eval(), size, widths, f"{FORMAT} {RULES} {digest}")
