"""Slicer's segmentation file, .seg.nrrd: segments in one or several layers, described in the NRRD header.

The fields are those of Slicer's developer guide, "Segmentation labelmap file format".
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import NerpError
from ..structures import Code, Structures
from ..volume import Volume
from .grids import onto_ct
from .images import read_image
from .label_names import Label, named_structures
from .masks import LazyMasks

FIELD = re.compile(r"Segment(\d{1,9})_(\w+):=(.*)")


def segment_fields(path: Path) -> dict[int, dict[str, str]]:
    """The ``SegmentN_...`` fields of a NRRD header by segment; {} for any other file."""
    segments: dict[int, dict[str, str]] = {}
    try:
        with path.open("rb") as file:
            if not file.read(4) == b"NRRD":
                return {}
            for raw in file:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if not line:
                    break
                if match := FIELD.match(line):
                    number, key, value = match.groups()
                    segments.setdefault(int(number), {})[key] = value
    except OSError as error:
        raise NerpError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    return dict(sorted(segments.items()))


def read_slicer_segmentation(path: Path, like: Volume | None) -> Structures:
    """The segments of a .seg.nrrd file; see `read_structures`.

    Raises:
        NerpError: damaged, or a segment's label value or layer is none.
    """
    layers, ras_from_ijk = read_image(path, channels=True)
    layers = layers.reshape(*layers.shape[:3], -1)
    segments = list(segment_fields(path).values())
    values, layer_of = [], []
    for number, fields in enumerate(segments):
        # Files before Slicer 4.11 had one layer for each segment and neither of these fields.
        values.append(_number(path, fields, "LabelValue", default=1, least=1))
        layer_of.append(_number(path, fields, "Layer", number if layers.shape[3] > 1 else 0, least=0))
        if layer_of[-1] >= layers.shape[3]:
            raise NerpError(f"{path} lacks layer {layer_of[-1]} of its segments; save it again.")
    items = named_structures((number, _label(fields)) for number, fields in enumerate(segments, start=1))
    placed = [
        onto_ct(layers[..., layer], ras_from_ijk, like, path.name) if like else (layers[..., layer], "")
        for layer in range(layers.shape[3])
    ]
    masks = LazyMasks(items, lambda item: placed[layer_of[item.value - 1]][0] == values[item.value - 1])
    structures = Structures.from_masks(masks, like.ras_from_ijk if like else ras_from_ijk)
    structures.notices = tuple({notice: None for _, notice in placed if notice})
    return structures


def _number(path: Path, fields: dict[str, str], key: str, default: int, least: int) -> int:
    text = fields.get(key, str(default)).strip()
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise NerpError(f"{path} gives {text[:20]!r} as {key} of a segment; save it again.")
    return int(text)


def _label(fields: dict[str, str]) -> Label:
    color = None
    try:
        red, green, blue = (round(255 * min(1.0, max(0.0, float(part)))) for part in fields["Color"].split())
        color = (red, green, blue)
    except (KeyError, ValueError):
        pass
    return Label(fields.get("Name", ""), color, _code(fields.get("Tags", "")))


def _code(tags: str) -> Code | None:
    """The type of ``TerminologyEntry:context~category~type~modifier~...``, each code scheme^value^meaning."""
    for tag in tags.split("|"):
        if tag.startswith("TerminologyEntry:"):
            parts = tag.removeprefix("TerminologyEntry:").split("~")
            code = parts[2].split("^") if len(parts) > 2 else []
            if len(code) >= 3 and all(code[:3]):
                return Code(*code[:3])
    return None
