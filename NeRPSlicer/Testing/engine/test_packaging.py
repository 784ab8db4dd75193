"""What is packaged is what is there: the extension's lists, its description, the wheel's resources."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[3]
EXTENSION = REPOSITORY / "NeRPSlicer"


def cmake_list(name: str) -> list[str]:
    text = (EXTENSION / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(rf"set\({name}\n(.*?)\n\s*\)", text, re.DOTALL)
    assert found, name
    return found[1].split()


def test_cmake_lists_every_packaged_file_of_both_modules() -> None:
    for kind, patterns in (
        ("SCRIPTS", ("NeRP*.py", "NeRPSlicerLib/**/*.py", "nerp/**/*.py")),
        ("RESOURCES", ("Resources/**/*.*",)),
    ):
        tree = {path.relative_to(EXTENSION).as_posix() for p in patterns for path in EXTENSION.glob(p)}
        of_trainer = cmake_list(f"TRAINER_PYTHON_{kind}")
        listed = [*cmake_list(f"MODULE_PYTHON_{kind}"), *of_trainer]
        assert len(listed) == len(set(listed))
        assert set(listed) == tree, f"{kind} in NeRPSlicer/CMakeLists.txt and the tree differ"
        assert all("Trainer" in name for name in of_trainer)


def test_cmake_builds_both_modules() -> None:
    text = (EXTENSION / "CMakeLists.txt").read_text(encoding="utf-8")
    assert text.count("slicerMacroBuildScriptedModule(") == 2
    assert "NAME NeRPTrainer\n  SCRIPTS ${TRAINER_PYTHON_SCRIPTS}" in text
    assert "slicer_add_python_unittest(SCRIPT NeRPTrainer.py)" in text


def extension_files() -> ModuleType:
    spec = importlib.util.spec_from_file_location("extension_files", EXTENSION / "Testing/extension_files.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_extensions_descriptions_and_the_tutorials_page_follow_from_their_sources() -> None:
    files = extension_files()
    said = files.described(files.CMAKE.read_text(encoding="utf-8"))
    assert files.S4EXT.read_text(encoding="utf-8") == files.s4ext(said)
    assert files.CATALOG.read_text(encoding="utf-8") == files.catalog(said)
    assert files.PAGE.read_text(encoding="utf-8") == files.page(files.TUTORIAL.read_text(encoding="utf-8"))


def test_what_slicer_asks_of_an_extension_is_there() -> None:
    files = extension_files()
    said = files.described(files.CMAKE.read_text(encoding="utf-8"))
    assert set(said) == {
        *("homepage", "contributors", "description", "category", "iconurl", "screenshoturls", "depends")
    }
    assert "esearch use only" in said["description"]
    entry = json.loads(files.CATALOG.read_text(encoding="utf-8"))
    known = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies"}
    assert (
        {"$schema", "category", "scm_url"} <= set(entry) <= known | {"build_subdirectory", "enabled", "tier"}
    )
    module = (EXTENSION / "NeRPSlicer.py").read_text(encoding="utf-8")
    assert f'"{said["category"]}")]' in module and f'["{said["contributors"]}"]' in module
    for file in (REPOSITORY / files.ICON, EXTENSION / "Resources/Icons/NeRPTrainer.png"):
        with Image.open(file) as icon:
            assert icon.size == (128, 128) and icon.format == "PNG"
    with Image.open(EXTENSION / "Resources/Icons/NeRPExample.png") as thumbnail:
        assert thumbnail.size == (260, 280)
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    cited = re.search(r"^repository-code: (.+)$", citation, re.MULTILINE)
    assert said["homepage"] == (cited[1] if cited else files.UNKNOWN)


def test_an_address_reaches_every_place() -> None:
    files = extension_files()
    cmake = files.addressed(files.CMAKE.read_text(encoding="utf-8"), "https://example.org/SlicerNeRP")
    said = files.described(cmake)
    assert said["homepage"] == "https://example.org/SlicerNeRP"
    places = [said["iconurl"], *said["screenshoturls"].split()]
    for place in places:
        path = place.removeprefix("https://example.org/SlicerNeRP/raw/main/")
        assert (REPOSITORY / path).is_file()
    assert len(places) >= 2 and files.UNKNOWN not in (said["iconurl"], said["screenshoturls"])
    assert json.loads(files.catalog(said))["scm_url"] == said["homepage"]
    assert f"scmurl {said['homepage']}\n" in files.s4ext(said)
    assert files.addressed(cmake, files.UNKNOWN) == files.addressed(
        files.CMAKE.read_text(encoding="utf-8"), files.UNKNOWN
    )


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
        for folder in ("Models", "Pages", "Presets")
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
    assert Path(file).is_relative_to(tmp_path) and float(threshold) == 60
