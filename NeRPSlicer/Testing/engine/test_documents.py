"""Documents keep their word: links lead somewhere, pictures are there and small, commands are understood."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "NeRPSlicer/Testing/host/*.md")
    for path in REPOSITORY.glob(pattern)
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MOST_BYTES = {"demo.png": 300_000}
"""Of pictures; 400 000 of any other."""


def texts() -> list[tuple[Path, str]]:
    return [(path, path.read_text(encoding="utf-8")) for path in DOCUMENTS]


def anchors(text: str) -> set[str]:
    """What a heading is linked by."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for path, text in texts():
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
                broken.append(f"{path.relative_to(REPOSITORY)}: {target}")
    assert not broken


def test_pictures_are_shown_small_and_whole() -> None:
    shown = {(path.parent / target).resolve() for path, text in texts() for target in LINK.findall(text)}
    pictures = sorted((REPOSITORY / "docs" / "images").iterdir())
    assert pictures
    for picture in pictures:
        assert picture in shown, f"no document shows {picture.name}"
        assert picture.stat().st_size < MOST_BYTES.get(picture.name, 400_000), picture.name
        with Image.open(picture) as image:
            image.load()
            assert min(image.size) > 500, picture.name


def test_every_decision_is_listed_once_by_its_number() -> None:
    folder = REPOSITORY / "docs" / "adr"
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    decisions = sorted(path for path in folder.glob("[0-9]*.md"))
    assert listed == [path.name for path in decisions]
    for number, path in enumerate(decisions, 1):
        assert path.name.startswith(f"{number:04d}-")
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. ")


def commands() -> list[list[str]]:
    """Every `nerp` line of a block, indented or fenced, without its remark."""
    lines = [
        line.partition("  #")[0]
        for path, text in texts()
        if path.name in ("README.md", "tutorial.md", "projection-set.md")
        for line in re.findall(r"^(?:    )?(nerp .+)$", text, re.MULTILINE)
    ]
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_command_line_understands_what_documents_tell_to_type(command: list[str]) -> None:
    from nerp.cli import _parser

    assert _parser().parse_args(command).command == command[0]


def test_make_and_its_stand_in_know_the_same_tasks() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    tasks = set(re.findall(r'^    "(\w+)": \("', (REPOSITORY / "make.py").read_text(encoding="utf-8"), re.M))
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony and set(phony[1].split()) == tasks
    told = {task for _, text in texts() for task in re.findall(r"make(?:\.py)? (\w+)(?=[`\s])", text)}
    assert told & tasks >= {"demo", "test", "lint", "preview"}


def test_a_preview_without_its_packages_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = REPOSITORY / "NeRPSlicer/Testing/host/preview.py"
    spec = importlib.util.spec_from_file_location("preview_alone", file)
    assert spec and spec.loader
    preview = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(preview)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert preview.main([]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "slicer_core and PySide6" in said and "make.py" in said
