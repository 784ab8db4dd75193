"""What is packaged is what is there: the extension's lists, its description, the wheel's resources."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
EXTENSION = REPOSITORY / "NeRPSlicer"


def cmake_list(name: str) -> list[str]:
    text = (EXTENSION / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(rf"set\({name}\n(.*?)\n\s*\)", text, re.DOTALL)
    assert found, name
    return found[1].split()


def test_cmake_lists_every_packaged_file() -> None:
    for name, patterns in (
        ("MODULE_PYTHON_SCRIPTS", ("NeRPSlicer.py", "NeRPSlicerLib/**/*.py", "nerp/**/*.py")),
        ("MODULE_PYTHON_RESOURCES", ("Resources/**/*.*",)),
    ):
        tree = {path.relative_to(EXTENSION).as_posix() for p in patterns for path in EXTENSION.glob(p)}
        listed = cmake_list(name)
        assert len(listed) == len(set(listed))
        assert set(listed) == tree, f"{name} in NeRPSlicer/CMakeLists.txt and the tree differ"


def test_the_two_descriptions_of_the_extension_agree() -> None:
    cmake = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    lines = (REPOSITORY / "NeRPSlicer.s4ext").read_text(encoding="utf-8").splitlines()
    described = dict(line.split(" ", 1) for line in lines if not line.startswith("#"))
    for field in (
        "homepage",
        "contributors",
        "description",
        "category",
        "iconurl",
        "screenshoturls",
        "depends",
    ):
        found = re.search(rf'set\(EXTENSION_{field.upper()} "(.*?)"\)', cmake)
        assert found and found[1] == described[field], field


def test_the_wheel_carries_its_resources(tmp_path: Path) -> None:
    """Built without a network: the build back end must be installed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(REPOSITORY)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    resources = {
        path.relative_to(EXTENSION)
        for folder in ("Pages", "Presets")
        for path in (EXTENSION / "Resources" / folder).rglob("*.*")
    }
    packed = {
        path.relative_to(tmp_path / "site" / "nerp")
        for path in (tmp_path / "site/nerp/Resources").rglob("*.*")
    }
    assert packed == resources
    program = "import nerp, nerp.resources as r; print(nerp.__file__, r.structure_threshold_mm('lung_left'))"
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {program}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    file, threshold = done.stdout.split()
    assert Path(file).is_relative_to(tmp_path) and float(threshold) == 25
