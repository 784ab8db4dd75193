"""The walls of the house: what may import what, and what an import may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import nerp
import pytest

ENGINE = Path(nerp.__file__).parent
FILES = sorted(ENGINE.rglob("*.py"))
ROOMS = [
    {"errors", "atomic"},
    {"geometry", "collimation", "resources", "jobs", "models"},
    {"body", "structures", "poses"},
    {"volume", "content", "lungs"},
    {"radiance", "phantom", "io", "settings", "ct_augmentation"},
    {"projector", "display"},
    {"installation", "autograd"},
    {"datasets", "networks", "evaluation"},
    {"export", "training"},
    {"cli", "worker"},
]
"""From the ground up: a room may import those of its own row and below."""


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, with relative ones made absolute."""
    package = ["nerp", *path.relative_to(ENGINE).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")]
            found.add(".".join(filter(None, module)))
            if not node.module:
                found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_the_engine_knows_nothing_of_slicer(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & {"slicer", "vtk", "qt", "ctk", "mrml", "PySide6", "torchvision"}


def room(name: str) -> int | None:
    return next((level for level, rooms in enumerate(ROOMS) if name in rooms), None)


def test_imports_point_one_way() -> None:
    wrong = []
    for path in FILES:
        own = path.relative_to(ENGINE).parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        level = room(own)
        assert level is not None, f"{own} has no place in ROOMS"
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "nerp" and len(parts) > 1:
                other = room(parts[1])
                if other is not None and other > level:
                    wrong.append(f"{own} imports {parts[1]}")
    assert not wrong


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_import_nerp_loads_nothing_else() -> None:
    assert not modules_after("import nerp") & {"numpy", "scipy", "SimpleITK", "numba", "torch", "PIL"}


def test_what_slicers_process_may_use_needs_numpy_alone() -> None:
    """`NeRPSlicerLib` uses these inside the application, where torch must never load and time is short."""
    loaded = modules_after(
        "import nerp.geometry, nerp.poses, nerp.settings, nerp.errors, nerp.jobs, nerp.models"
    )
    assert not loaded & {"scipy", "SimpleITK", "numba", "torch", "PIL", "pydicom"}
    assert "numpy" not in modules_after("import nerp.jobs, nerp.jobs.job, nerp.models")


def test_a_model_is_read_without_torch_until_it_has_weights() -> None:
    assert not modules_after("import nerp.networks.model") & {"torch", "monai", "safetensors"}
    assert "torch" not in modules_after("import nerp.worker.session, nerp.cli.project, nerp.cli.export")


def test_every_public_name_is_there() -> None:
    for name in nerp.__all__:
        if name != "autograd":
            assert getattr(nerp, name) is not None
    with pytest.raises(AttributeError):
        _ = nerp.nothing
