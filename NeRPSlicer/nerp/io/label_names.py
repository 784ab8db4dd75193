"""What label values are called: tables beside a label map, tables inside it, tables that come with nerp."""

from __future__ import annotations

import colorsys
import csv
import gzip
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ..errors import NerpError
from ..resources import resource
from ..structures import Code, Structure

NamesLike = Mapping[Any, Any] | str | Path
TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".ctbl", ".txt", ".label")
SHARED_TABLES = ("structures", "labels", "dataset")
"""Names of tables that serve every label map of their folder."""
VALUE_COLUMNS = ("labelvalue", "value", "id", "labelid", "index", "idx", "label")
NAME_COLUMNS = ("name", "structure", "structurename", "labelname", "segment", "region", "label")
COLOR_COLUMNS = (
    ("Red", "Green", "Blue"),
    ("red", "green", "blue"),
    ("colorr", "colorg", "colorb"),
    ("r", "g", "b"),
)
RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
"""File names that Windows keeps for itself."""


class Label(NamedTuple):
    """What a file tells of one label value."""

    name: str
    color: tuple[int, int, int] | None = None
    code: Code | None = None


LabelTable = dict[int, Label]


def identifier(name: str) -> str:
    """A name that can stand in file names on every system: "Lung-Left" becomes "lung_left"; may be ""."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:64].rstrip("_")
    return f"structure_{plain}" if RESERVED.fullmatch(plain) else plain


def named_structures(labels: Iterable[tuple[int, Label]]) -> list[Structure]:
    """Structures with unique identifiers for names, in the order given; without a name ``label_<value>``."""
    used: set[str] = set()
    items = []
    for value, label in labels:
        base = identifier(label.name) or f"label_{value}"
        name = base
        number = 2
        while name in used:
            name = f"{base}_{number}"
            number += 1
        used.add(name)
        original = label.name if label.name != name else ""
        items.append(Structure(name, value, label.color or distinct_color(value), label.code, original))
    return items


def distinct_color(value: int) -> tuple[int, int, int]:
    """A colour of its own for each value: hues in steps of the golden ratio lie far from each other."""
    red, green, blue = colorsys.hsv_to_rgb((0.11 + value * 0.618034) % 1, 0.65, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def label_table(names: NamesLike) -> LabelTable:
    """The table that a caller names.

    Args:
        names: ``{1: "lung"}``, ``{"lung": 1}``, a table file, or a table that comes with nerp
            ("totalsegmentator": task total of version 2; "totalsegmentator_v1").

    Raises:
        NerpError: no such file or table, or it cannot be read.
    """
    if isinstance(names, Mapping):
        return _from_mapping(names, "names")
    if str(names) in _tables():
        return {value: Label(name) for value, name in enumerate(_tables()[str(names)], start=1)}
    path = Path(names)
    if not path.is_file():
        raise NerpError(
            f"There is no table of label names {names}; give a file or one of {', '.join(_tables())}."
        )
    return read_table(path)


def tables_that_may_name(path: Path, stem: str) -> list[Path]:
    """Files beside a label map that `table_beside` may read, of those that are there."""
    return _own_tables(path, stem) + _shared_tables(path)


def _own_tables(path: Path, stem: str) -> list[Path]:
    return [own for suffix in TABLE_SUFFIXES if (own := path.with_name(stem + suffix)).is_file()]


def _shared_tables(path: Path) -> list[Path]:
    places = (path.with_name(name + suffix) for name in SHARED_TABLES for suffix in TABLE_SUFFIXES)
    return [place for place in places if place.is_file()]


def table_beside(path: Path, stem: str, values: list[int]) -> tuple[LabelTable, Path] | None:
    """A table of the label map's own name that names a value of it, or one for its folder that names each of
    its several values.

    Converters (dcm2niix, BIDS) lay a JSON file of the map's own name beside it that tells of the scan: one
    that is no table is passed over.
    """
    for own in _own_tables(path, stem):
        try:
            table = read_table(own)
        except NerpError:
            if own.suffix != ".json":
                raise
            continue
        if not table.keys().isdisjoint(values):
            return table, own
    if len(values) < 2:
        return None
    for shared in _shared_tables(path):
        try:
            table = read_table(shared)
        except NerpError:
            continue
        if table.keys() >= set(values):
            return table, shared
    return None


def table_inside_nifti(path: Path) -> LabelTable:
    """The label table of a NIfTI header extension (Caret's XML, as TotalSegmentator writes); may be empty."""
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            header = file.read(1 << 16)
    except (OSError, EOFError):
        return {}
    start, end = header.find(b"<LabelTable"), header.find(b"</LabelTable>")
    if start < 0 or end < 0:
        return {}
    try:
        labels = ElementTree.fromstring(header[start : end + len(b"</LabelTable>")]).iter("Label")
        return {
            int(label.attrib["Key"]): Label((label.text or "").strip(), _color(label.attrib))
            for label in labels
            if int(label.attrib["Key"]) > 0
        }
    except (ElementTree.ParseError, KeyError, ValueError):
        return {}


def read_table(path: Path) -> LabelTable:
    """A table file: CSV or TSV, JSON, Slicer's colour table, ITK-SNAP's label descriptions.

    Raises:
        NerpError: unreadable, or no label value with a name in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            table = _from_mapping(json.loads(text), str(path))
        elif path.suffix.lower() in (".csv", ".tsv"):
            table = _from_columns(text, "\t" if path.suffix.lower() == ".tsv" else None)
        else:
            table = _from_lines(text)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise NerpError(f"{path} is no table of label names ({error}).") from error
    if not table:
        raise NerpError(f"{path} holds no label value with a name.")
    return table


@cache
def _tables() -> dict[str, list[str]]:
    return json.loads(resource("Presets", "label_names.json").read_text(encoding="utf-8"))["tables"]


def _from_mapping(record: Any, what: str) -> LabelTable:
    if isinstance(record, Mapping) and isinstance(record.get("labels"), (Mapping, list)):
        record = record["labels"]
    table = {}
    try:
        if isinstance(record, Mapping):
            pairs = list(record.items())
        else:
            pairs = [(entry.get("value", entry.get("id")), entry["name"]) for entry in record]
        for key, other in pairs:
            if isinstance(other, list):  # a region of several labels, as nnU-Net has them
                continue
            value, name = (key, other) if str(key).lstrip("-").isdigit() else (other, key)
            if isinstance(value, bool) or not float(value).is_integer() or int(value) in table:
                raise ValueError
            if int(value) > 0:
                table[int(value)] = Label(str(name))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise NerpError(
            f'{what} must map label values to names, like {{"1": "lung_left"}} or {{"lung_left": 1}}.'
        ) from None
    return table


def _from_columns(text: str, delimiter: str | None) -> LabelTable:
    first = text.partition("\n")[0]
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter or max(",;\t", key=first.count)))
    rows = [row for row in rows if len(row) > 1]
    if not rows:
        return {}
    header = [re.sub(r"[^a-z]", "", cell.lower()) for cell in rows[0]]

    def column(names: tuple[str, ...], numbers: bool) -> int | None:
        for name in names:
            for index in (n for n, cell in enumerate(header) if cell == name):
                if numbers == all(row[index].strip().isdigit() for row in rows[1:] if len(row) > index):
                    return index
        return None

    value_column, name_column = column(VALUE_COLUMNS, True), column(NAME_COLUMNS, False)
    if value_column is None or name_column is None:
        value_column, name_column = 0, 1
    table = {}
    for row in rows:
        if len(row) > max(value_column, name_column) and row[value_column].strip().isdigit():
            if int(row[value_column]) > 0:
                cells = dict(zip(header, row, strict=False))
                table[int(row[value_column])] = Label(row[name_column].strip(), _color(cells))
    return table


def _from_lines(text: str) -> LabelTable:
    snap = re.compile(r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[\d.]+\s+\d\s+\d\s+"(.*)"\s*$')
    slicer = re.compile(r"\s*(\d+)\s+(\S+)(?:\s+(\d+)\s+(\d+)\s+(\d+)(?:\s+\d+)?)?\s*$")
    table = {}
    for line in text.splitlines():
        if match := snap.match(line):
            value, *rgb, name = match.groups()
        elif match := slicer.match(line):
            value, name, *rgb = match.groups()
        else:
            continue
        color = None if rgb[0] is None else (int(rgb[0]), int(rgb[1]), int(rgb[2]))
        if int(value) > 0:
            table[int(value)] = Label(name, color)
    return table


def _color(cells: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Red, green and blue from 0 to 1 or to 255, whichever way a table spells their columns."""
    for keys in COLOR_COLUMNS:
        try:
            numbers = [cells[key] for key in keys]
            scale = 255 if any("." in number for number in numbers) else 1
            red, green, blue = (min(255, max(0, round(scale * float(number)))) for number in numbers)
            return red, green, blue
        except (KeyError, ValueError):
            continue
    return None
