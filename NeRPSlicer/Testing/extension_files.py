"""Write what follows from other files: the extension's description for Slicer's tools, the tutorial's page.

    python NeRPSlicer/Testing/extension_files.py [ADDRESS]

``CMakeLists.txt`` says it first; ``NeRPSlicer.s4ext`` and ``NeRPSlicer.json`` (the Extensions Index's entry)
repeat it. Its ``EXTENSION_HOMEPAGE`` is the one place for the repository's public address, NA while there is
none; ``ADDRESS`` sets it, and with it the addresses of icon and screenshots. ``docs/tutorial.md`` becomes the
page that the module's help opens.
"""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CMAKE = REPOSITORY / "CMakeLists.txt"
S4EXT, CATALOG = REPOSITORY / "NeRPSlicer.s4ext", REPOSITORY / "NeRPSlicer.json"
TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
PAGE = REPOSITORY / "NeRPSlicer" / "Resources" / "Pages" / "tutorial.html"
SCHEMA = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/"
    "slicer-extension-catalog-entry-schema-v1.0.1.json#"
)
ICON = "NeRPSlicer/Resources/Icons/NeRPSlicer.png"
SCREENSHOTS = ("docs/images/example.png", "docs/images/compare.png")
UNKNOWN, BRANCH = "NA", "main"
TIER = 1
"""1: what every extension in the index fulfils; the index's reviewers decide on more."""


def described(cmake: str) -> dict[str, str]:
    """``EXTENSION_*`` of a CMakeLists.txt, by name in lower case without the prefix."""
    return {name.lower(): value for name, value in re.findall(r'set\(EXTENSION_(\w+) "(.*)"\)', cmake)}


def addressed(cmake: str, address: str) -> str:
    """A CMakeLists.txt with the repository's address, and those of icon and screenshots below it."""
    known = address != UNKNOWN
    raw = f"{address}/raw/{BRANCH}"
    for name, value in (
        ("HOMEPAGE", address),
        ("ICONURL", f"{raw}/{ICON}" if known else UNKNOWN),
        ("SCREENSHOTURLS", " ".join(f"{raw}/{name}" for name in SCREENSHOTS) if known else UNKNOWN),
    ):
        cmake = re.sub(rf'set\(EXTENSION_{name} ".*"\)', f'set(EXTENSION_{name} "{value}")', cmake)
    return cmake


def s4ext(said: dict[str, str]) -> str:
    """The extension's description as Slicer's extension tools read it."""
    rows = {
        "scm": "git",
        "scmurl": said["homepage"],
        "scmrevision": BRANCH,
        "depends": said["depends"],
        "build_subdirectory": ".",
        **{name: said[name] for name in ("homepage", "contributors", "category", "iconurl")},
        "status": "Development",
        **{name: said[name] for name in ("description", "screenshoturls")},
        "enabled": "1",
    }
    head = "# Written by Testing/extension_files.py from CMakeLists.txt.\n"
    return head + "".join(f"{name} {value}\n" for name, value in rows.items())


def catalog(said: dict[str, str]) -> str:
    """The extension's entry in the Extensions Index."""
    depends = [] if said["depends"] == UNKNOWN else said["depends"].split()
    entry = {
        "$schema": SCHEMA,
        "build_dependencies": depends,
        "build_subdirectory": ".",
        "category": said["category"],
        "scm_revision": BRANCH,
        "scm_type": "git",
        "scm_url": said["homepage"],
        "tier": TIER,
    }
    return json.dumps(entry, indent=2) + "\n"


def page(markdown: str) -> str:
    """The tutorial as a page to read beside the panel: its words, without pictures and links.

    It knows headings, paragraphs, numbered lists, bold and code.
    """
    body: list[str] = []
    for block in re.split(r"\n{2,}", markdown.strip()):
        if block.startswith("!["):
            continue
        text = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", html.escape(block, quote=False))
        text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text, flags=re.DOTALL)
        text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
        if heading := re.match(r"(#+) (.+)", text):
            level = len(heading[1])
            body.append(f"<h{level}>{heading[2]}</h{level}>")
        elif re.match(r"\d+\. ", text):
            steps = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
            items = "\n".join(f"<li>{' '.join(step.split())}</li>" for step in steps)
            body.append(f"<ol>\n{items}\n</ol>")
        else:
            body.append(f"<p>{' '.join(text.split())}</p>")
    style = "body{max-width:42em;margin:2em auto;padding:0 1em;font:16px/1.5 sans-serif}li{margin:.4em 0}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        "<title>Neural Radiance Projection: tutorial</title>\n"
        f"<style>{style}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def main() -> int:
    """Write them all."""
    cmake = CMAKE.read_text(encoding="utf-8")
    cmake = addressed(cmake, sys.argv[1].rstrip("/") if len(sys.argv) > 1 else described(cmake)["homepage"])
    said = described(cmake)
    for file, text in (
        (CMAKE, cmake),
        (S4EXT, s4ext(said)),
        (CATALOG, catalog(said)),
        (PAGE, page(TUTORIAL.read_text(encoding="utf-8"))),
    ):
        file.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
