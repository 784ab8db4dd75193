"""Pictures for people: tiles with outlines, markers and captions. Exported pixels stay without them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .outlines import COLORS, outlined

TILE = 320
MARGIN = 6
CAPTION = 20
BACKGROUND = (14, 14, 16)


def read_grey(path: Path) -> np.ndarray:
    """A 16-bit PNG as 8-bit grey ``[rows, columns]``."""
    with _own_picture(path) as image:
        return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)


def read_mask(path: Path) -> np.ndarray:
    """A mask PNG as boolean ``[rows, columns]``."""
    with _own_picture(path) as image:
        return np.asarray(image) > 127


@contextmanager
def _own_picture(path: Path) -> Iterator[Image.Image]:
    """A picture that we wrote: of any size, where Pillow would warn of large ones from strangers."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(path) as image:
            yield image
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def outlines(folder: Path, record: Mapping[str, Any]) -> list[tuple[str, np.ndarray]]:
    """The masks of a projection that are outlined, each with its group."""
    return [
        (group, read_mask(folder / record["masks"][name]))
        for name, group in outlined(record["masks"]).items()
    ]


def tile(
    grey: np.ndarray,
    caption: str,
    right_on_left: bool | None,
    lines: Sequence[tuple[str, np.ndarray]] = (),
    size: int = TILE,
) -> Image.Image:
    """One picture with its caption below.

    Args:
        grey: uint8 ``[rows, columns]``.
        caption: one short line.
        right_on_left: where the R marker goes; None draws none (laterals).
        lines: group and mask ``[rows, columns]`` of what is outlined.
        size: longer edge of the picture in the tile.
    """
    rows, columns = grey.shape
    scale = size / max(rows, columns)
    shape = max(1, round(columns * scale)), max(1, round(rows * scale))
    picture = Image.fromarray(grey).resize(shape, Image.Resampling.LANCZOS).convert("RGB")
    for group, mask in lines:
        if mask.any():
            picture.paste(COLORS[group], (0, 0), _outline(mask, shape))
    out = Image.new("RGB", (size, size + CAPTION), BACKGROUND)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    out.paste(picture, (left, top))
    draw = ImageDraw.Draw(out)
    if right_on_left is not None:
        for letter, on_left in (("R", right_on_left), ("L", not right_on_left)):
            x = left + 8 if on_left else left + shape[0] - 8
            draw.text((x, top + 6), letter, "white", _font(20), anchor="lt" if on_left else "rt")
    draw.text((size // 2, size + CAPTION // 2), caption, (200, 200, 205), _font(13), anchor="mm")
    return out


def _outline(mask: np.ndarray, shape: tuple[int, int]) -> Image.Image:
    """The border of a mask, two pixels wide and smooth, at the picture's size ``(width, height)``."""
    from scipy import ndimage

    double = shape[0] * 2, shape[1] * 2
    large = Image.fromarray(mask.astype(np.uint8) * 255).resize(double, Image.Resampling.BICUBIC)
    inside = np.asarray(large) > 127
    border = inside & ~ndimage.binary_erosion(inside, iterations=3, border_value=1)
    return Image.fromarray(border.astype(np.uint8) * 255).resize(shape, Image.Resampling.BOX)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def sheet(title: str, tiles: Sequence[Image.Image], columns: int, groups: Collection[str]) -> Image.Image:
    """Tiles of one size in rows under a title, with the key of the outlined groups' colours."""
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    head = 44
    out = Image.new(
        "RGB",
        (columns * (width + MARGIN) + MARGIN, head + rows * (height + MARGIN) + MARGIN),
        BACKGROUND,
    )
    draw = ImageDraw.Draw(out)
    draw.text((MARGIN + 4, head // 2), title, "white", _font(19), anchor="lm")
    x = out.width - MARGIN - 4
    for group, color in reversed(COLORS.items()):
        if group not in groups:
            continue
        draw.text((x, head // 2), group, color, _font(14), anchor="rm")
        x -= int(draw.textlength(group, _font(14))) + 18
    for n, picture in enumerate(tiles):
        row, column = divmod(n, columns)
        out.paste(picture, (MARGIN + column * (width + MARGIN), head + row * (height + MARGIN)))
    return out
