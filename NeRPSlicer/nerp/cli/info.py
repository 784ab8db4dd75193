"""Say what this installation can do."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..installation import PACKAGES, describe
from .choices import named_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument(
        "--models",
        nargs="+",
        type=named_path,
        default=[],
        metavar="FOLDER",
        help="look for models in these folders too: models, training runs, or what holds such",
    )


def run(options: argparse.Namespace) -> None:
    facts = describe(options.models)
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
        lines.append(f"  {name:<11} {version or 'missing':<14} {PACKAGES[name]}")
    missing = [name for name in ("numba", "rich") if facts["packages"][name] is None]
    if missing:
        names = " ".join(missing)
        lines += ["", f"Works without {names}; faster and with progress bars: pip install {names}"]
    if not facts["training"]:
        lines += [
            "",
            "Training and learned radiances need torch, MONAI and safetensors: "
            'pip install "nerpslicer[train]"',
        ]
    return [*lines, "", *_models(facts)]


def _models(facts: dict[str, Any]) -> list[str]:
    """The models with their cards, metrics and settings left to --json."""
    lines = [] if facts["models"] else ["Models: none; nerp train makes one (docs/training.md)"]
    for model in facts["models"]:
        lines.append(f"Model {model['name']}: {model['label']}, {model['folder']}")
        for title, value in model["card"].items():
            if title != "name" and isinstance(value, str):
                lines.append(f"  {title.replace('_', ' ')}: {' '.join(value.split())}")
    return [*lines, *facts["refused_models"]]
