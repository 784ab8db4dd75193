"""Stand-ins for the ctk, qMRML and qSlicer widgets in use; public names as the real classes have."""

from __future__ import annotations

from functools import cache


@cache
def all_stand_ins() -> dict[str, type]:
    """Class name -> stand-in class."""
    from . import buttons, mrml, paths, segments, sliders

    return {
        name: value
        for module in (buttons, mrml, paths, segments, sliders)
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def stand_in(class_name: str) -> type | None:
    """The stand-in of a class; None for a class of Qt itself.

    Raises:
        AttributeError: a class of Slicer for which there is no stand-in.
    """
    found = all_stand_ins().get(class_name)
    if found is None and class_name.startswith(("ctk", "qMRML", "qSlicer")):
        raise AttributeError(f"The stand-in has no {class_name} yet")
    return found
