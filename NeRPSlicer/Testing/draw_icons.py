"""Draw the modules' icons: a chest in the beam of an X-ray source; the same with a curve that falls as it is
learnt. ``python Testing/draw_icons.py``"""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIDE, SCALE = 128, 8
ICONS = Path(__file__).resolve().parents[1] / "Resources" / "Icons"
NIGHT, LUNG, BONE, BEAM = (16, 24, 38), (8, 12, 20), (226, 234, 242), (245, 190, 70)
CURVE = (90, 200, 250)


def icon(curve: bool = False) -> Image.Image:
    """128 x 128 RGBA, drawn large and made small.

    :param curve: with a learning curve over it.
    """
    n = SIDE * SCALE
    picture = Image.new("RGBA", (n, n))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, n - 1, n - 1), radius=n // 6, fill=NIGHT)
    unit = n / 128
    glow = Image.new("RGBA", (n, n))
    ImageDraw.Draw(glow).polygon(
        [(64 * unit, 10 * unit), (112 * unit, 118 * unit), (16 * unit, 118 * unit)], fill=(*BEAM, 105)
    )
    picture.alpha_composite(glow.filter(ImageFilter.GaussianBlur(3 * unit)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse([x * unit for x in (26, 34, 102, 122)], fill=(112, 124, 140))
    for left, right in ((32, 59), (69, 96)):
        draw.ellipse([x * unit for x in (left, 42, right, 110)], fill=LUNG)
    for number in range(5):
        top = (44 + 12 * number) * unit
        spread = (22 + 4 * min(number, 3)) * unit
        for begin, end, side in ((190, 275, -1), (265, 350, 1)):
            middle = 64 * unit + side * 3 * unit
            draw.arc(
                (middle - spread, top, middle + spread, top + 26 * unit),
                begin,
                end,
                fill=BONE,
                width=round(3.2 * unit),
            )
    draw.rounded_rectangle([x * unit for x in (60, 36, 68, 118)], radius=round(3 * unit), fill=BONE)
    draw.line([x * unit for x in (64, 12, 14, 121)], fill=BEAM, width=round(2 * unit))
    draw.line([x * unit for x in (64, 12, 114, 121)], fill=BEAM, width=round(2 * unit))
    draw.line([x * unit for x in (10, 121, 118, 121)], fill=BEAM, width=round(4 * unit))
    draw.ellipse([x * unit for x in (57, 5, 71, 19)], fill=BEAM)
    if curve:
        points = [(x, 50 + 62 * (1 - math.exp(-(x - 18) / 30))) for x in range(18, 111)]
        line = [(x * unit, y * unit) for x, y in points]
        draw.line(line, fill=NIGHT, width=round(14 * unit), joint="curve")
        draw.line(line, fill=CURVE, width=round(7 * unit), joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse([n * unit for n in (x - 6, y - 6, x + 6, y + 6)], fill=CURVE)
    return picture.resize((SIDE, SIDE), Image.LANCZOS)


if __name__ == "__main__":
    ICONS.mkdir(parents=True, exist_ok=True)
    icon().save(ICONS / "NeRPSlicer.png", optimize=True)
    icon(curve=True).save(ICONS / "NeRPTrainer.png", optimize=True)
