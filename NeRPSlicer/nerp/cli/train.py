"""Train a radiance: CTs on one side, chest X-rays on the other; stopped or killed, --resume goes on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import NerpError
from ..jobs import create, look, read_events, read_job
from ..jobs.job import run_job
from ..models import lacking_packages
from ..training.plan import checked_settings, plan
from ..training.settings import PRESETS, TrainingSettings
from .choices import named_path
from .console import progress_bar, say
from .job import KINDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="small", help='"small" (CPU, minutes), "paper" or "authors"')
    parser.add_argument("--ct", nargs="+", type=named_path, default=[], metavar="FOLDER", help="chest CTs")
    parser.add_argument(
        "--labels", type=named_path, metavar="FOLDER", help="their labels, matched by file stem"
    )
    parser.add_argument(
        "--xray", nargs="+", type=named_path, default=[], metavar="FOLDER", help="chest X-rays"
    )
    parser.add_argument(
        "--thoraxes", nargs="+", type=int, default=[], metavar="SEED", help="mix in digital thoraxes"
    )
    parser.add_argument("--out", type=named_path, metavar="RUN", help="run folder, new or empty")
    parser.add_argument("--resume", type=named_path, metavar="RUN", help="go on with this run")
    parser.add_argument("--steps", type=int, help="end after so many")
    parser.add_argument("--minutes", type=float, help="end after so many")
    parser.add_argument("--seed", type=int, help="of weights, cameras, pairs and augmentation")
    parser.add_argument("--settings", metavar="JSON", help='other settings, as {"views": 2}')
    parser.add_argument(
        "--cache", type=named_path, metavar="FOLDER", help="prepared data to share between runs"
    )
    parser.add_argument(
        "--whole-films", action="store_true", help="do not look for the lungs in films without masks"
    )
    parser.add_argument(
        "--estimate", action="store_true", help="only say what the run would need, as JSON on standard output"
    )


def run(options: argparse.Namespace) -> int:
    if options.resume:
        folder = _resumed(options)
        before = look(folder)
        if before.state == "done":
            say(f"{folder} has ended after {before.done} steps; start a new run to train longer.")
            return 0
        _check_packages()
    else:
        asked = plan(_configuration(options), options.out or Path())
        say(asked.line)
        if options.estimate:
            print(json.dumps(asked.to_dict()))
            return 0
        _check_packages()
        if asked.refusal:
            raise NerpError(asked.refusal)
        _check_device(asked.configuration)
        folder = create(options.out, "train", asked.configuration)
    with progress_bar("steps") as show:
        state = run_job(folder.absolute(), KINDS, show)
    done = look(folder).done
    model = folder / "model"
    if state == "done":
        say(f"Done: {done} steps; the model is in {model}.")
        if not _has_learned(folder):
            say(
                "It is a tone curve alone: no report came nearer to the films with the anatomy kept. Train "
                "longer, with more CTs."
            )
    else:
        say(f"Stopped after {done} steps; nerp train --resume {folder} goes on.")
    return {"done": 0, "stopped": 130}[state]


def _check_packages() -> None:
    lacking = lacking_packages()
    if lacking:
        raise NerpError(
            f'Training needs {", ".join(lacking)}, not installed here: pip install "nerpslicer[train]"'
        )


def _check_device(configuration: Mapping[str, Any]) -> None:
    """A card that is not there is told before there is a folder."""
    from ..training.device import chosen_device

    chosen_device(checked_settings(configuration))


def _has_learned(folder: Path) -> bool:
    """Whether the model that a run left is more than a tone curve."""
    reports = [event for event in read_events(folder)[0] if "step" in event]
    kept = (reports[-1].get("kept_step") if reports else None) or 0
    return kept > checked_settings(read_job(folder)["configuration"]).head_start


def _resumed(options: argparse.Namespace) -> Path:
    alone = argparse.ArgumentParser(add_help=False)
    add_arguments(alone)
    unset = vars(alone.parse_args([]))
    given = [
        f"--{name.replace('_', '-')}"
        for name, value in unset.items()
        if name != "resume" and vars(options)[name] != value
    ]
    if given:
        raise NerpError(f"A run goes on as it was started: leave out {', '.join(given)}, or start a new run.")
    kind = read_job(options.resume).get("kind")
    if kind != "train":
        raise NerpError(
            f"{options.resume} is a job of kind {kind!r}; nerp job {options.resume} goes on with it."
        )
    return options.resume


def _configuration(options: argparse.Namespace) -> dict[str, Any]:
    """Of the job that the options describe."""
    if not options.xray or not (options.ct or options.thoraxes) or not (options.out or options.estimate):
        raise NerpError("A run needs --xray, --ct or --thoraxes, and --out; or --resume with a run to go on.")
    if options.preset not in PRESETS:
        raise NerpError(f"There is no preset {options.preset!r}; choose one of {', '.join(PRESETS)}.")
    chosen = PRESETS[options.preset]
    given = {name: getattr(options, name) for name in ("steps", "minutes", "seed")}
    settings = replace(chosen, **{name: value for name, value in given.items() if value is not None})
    if options.settings:
        try:
            settings = TrainingSettings.from_dict({**settings.to_dict(), **json.loads(options.settings)})
        except (ValueError, TypeError) as error:
            raise NerpError(f"--settings is not a JSON object of settings ({error}).") from error

    def absolute(paths: list[Path]) -> list[str]:
        return [str(path.absolute()) for path in paths]

    return {
        "settings": settings.to_dict(),
        "ct": absolute(options.ct),
        "labels": str(options.labels.absolute()) if options.labels else None,
        "xray": absolute(options.xray),
        "find_lungs": not options.whole_films,
        "thoraxes": options.thoraxes,
        "cache": str(options.cache.absolute()) if options.cache else None,
    }
