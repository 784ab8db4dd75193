"""What the Slicer side may import: no heavy library, no thread, and of the engine only its light modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "NeRPSlicerLib"
FILES = sorted(LIBRARY.rglob("*.py"))
FORBIDDEN = {"torch", "monai", "numba", "threading", "_thread", "concurrent", "multiprocessing", "PySide6"}
ENGINE = {"nerp", "nerp.geometry", "nerp.poses", "nerp.settings", "nerp.errors", "nerp.jobs", "nerp.models"}


@pytest.fixture(autouse=True)
def app():
    """These tests read files only: they run without the stand-in."""


def imported(path: Path) -> list[str]:
    """Dotted names of absolute imports, wherever in the file they stand."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_imports_stay_within_the_walls(path):
    for name in imported(path):
        parts = name.split(".")
        assert parts[0] not in FORBIDDEN, f"{path.name} imports {name}"
        if parts[0] == "nerp":
            assert ".".join(parts[:2]) in ENGINE, f"{path.name} imports {name}"
        if path.is_relative_to(LIBRARY / "scene"):
            assert parts[0] in {
                "__future__",
                "collections",
                "json",
                "math",
                "typing",
                "nerp",
                "numpy",
                "slicer",
                "vtk",
            }


def test_the_wall_sees_imports():
    assert FILES and "slicer" in imported(LIBRARY / "scene" / "roles.py")
    assert "nerp.geometry.Camera" in imported(LIBRARY / "scene" / "camera.py")
