"""Say what this installation can do."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..installation import PACKAGES, describe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(options: argparse.Namespace) -> None:
    facts = describe()
    print(json.dumps(facts, indent=2) if options.json else "\n".join(_lines(facts)))


def _lines(facts: dict[str, Any]) -> list[str]:
    lines = [
        f"nerp {facts['nerp']} in {facts['folder']}",
        f"Python {facts['python']}, {facts['system']}",
        f"Processor: {facts['processor']}, {facts['cores']} cores",
        f"Draws on: {facts['backend']}",
        f"Methods: {', '.join(facts['methods'])}",
        f"GPU: {', '.join(facts['gpus']) or 'none that torch can use'}",
        "",
    ]
    for name, version in facts["packages"].items():
        lines.append(f"  {name:<10} {version or 'missing':<14} {PACKAGES[name]}")
    missing = [name for name in ("numba", "rich") if facts["packages"][name] is None]
    if missing:
        names = " ".join(missing)
        lines += ["", f"Works without {names}; faster and with progress bars: pip install {names}"]
    if not facts["training"]:
        lines += ["", "Gradients need torch, training torch and MONAI: pip install torch monai"]
    return lines
