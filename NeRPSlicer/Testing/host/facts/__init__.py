"""What a real Slicer 5.12 (Qt 5.15, PythonQt) has: the names the stand-in may accept.

``classes.json`` and ``names.json`` are facts read at run time out of the real application, reduced to what a
scripted module may use (`reduce`). Signatures are written without spaces, as ``clicked(bool)``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
ALIASES = {"name": "objectName", "exec_": "exec", "raise_": "raise", "delete_": "delete"}
"""Spellings that PythonQt takes for another name on every object."""


@cache
def classes() -> dict[str, dict]:
    """Class name -> super, module, properties (name -> type), signals, methods (signatures), names."""
    return json.loads((FOLDER / "classes.json").read_text(encoding="utf-8"))


@cache
def names(place: str) -> frozenset[str]:
    """The names of a place: "qt", "qt.Qt", "ctk", "slicer", "slicer.app", "slicer.util", ..."""
    return frozenset(json.loads((FOLDER / "names.json").read_text(encoding="utf-8"))[place])


@cache
def ancestry(class_name: str) -> tuple[str, ...]:
    """The class and its superclasses, nearest first; empty for an unknown class."""
    chain = []
    name: str | None = class_name
    while name in classes():
        chain.append(name)
        name = classes()[name]["super"]
    return tuple(chain)


@cache
def properties(class_name: str) -> dict[str, str]:
    """Property -> type, own and inherited."""
    found: dict[str, str] = {}
    for name in reversed(ancestry(class_name)):
        found.update(classes()[name]["properties"])
    return found


@cache
def signals(class_name: str) -> frozenset[str]:
    """Signatures of the signals, own and inherited."""
    return frozenset(s for name in ancestry(class_name) for s in classes()[name]["signals"])


@cache
def methods(class_name: str) -> frozenset[str]:
    """Signatures of slots and callable methods, own and inherited."""
    return frozenset(s for name in ancestry(class_name) for s in classes()[name]["methods"])


@cache
def attributes(class_name: str) -> frozenset[str]:
    """Every name that a Python script can reach on an object of the class."""
    found = set(ALIASES) | set(properties(class_name))
    for signature in signals(class_name) | methods(class_name):
        found.add(signature.partition("(")[0])
    for name in ancestry(class_name):
        found.update(classes()[name]["names"])
    return frozenset(found)


def signature(text: str) -> str:
    """A signature in its normal form: ``"clicked( bool )"`` -> ``"clicked(bool)"``."""
    return text.replace("const ", "").replace(" ", "").replace("&", "")
