"""A training run as a job: the kind "train".

Its configuration: ``settings`` (`TrainingSettings.to_dict`), ``ct`` and ``xray`` (lists of folders or files),
``labels`` (a folder of labels matched by file stem, or null), ``thoraxes`` (seeds of digital thoraxes mixed
in), ``cache`` (a folder to share between runs, or null). In the run folder lie ``split.json``, ``cache/``,
``checkpoints/``, ``samples/`` (one of each report, and ``films.png``: real films to look at beside) and
``model/``, from the first report on. An epoch is the steps between two reports.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from .. import __version__
from ..errors import NerpError
from ..io.pictures import write_png
from ..jobs.job import Job, Stopped
from ..networks.model import RadianceModel
from .checkpoint import load_checkpoint, save_checkpoint
from .data import TrainingData
from .film_sheet import film_sheet
from .plan import checked_settings
from .report import report
from .run_folder import FILMS, MODEL, SAMPLE, SAMPLES
from .settings import WATCHED
from .trainer import NotFinite, Trainer
from .watched import Watched

NAMED = 20
"""CTs that a card names."""
INTENDED_USE = "Research and teaching. Pictures are synthetic; no clinical decision may rest on them."


def run(job: Job) -> None:
    """Train, or go on training, and leave a model.

    Raises:
        NerpError: the configuration or the data make no sense, or a loss was not finite.
        Stopped: asked to; the model is that of the last report.
    """
    settings = checked_settings(job.configuration)
    job.progress(job.done, settings.steps, "reading CTs and X-rays")
    data = TrainingData(job, settings)
    trainer = Trainer(settings, data.patients, data.films, data.pairs)
    facts, notices = load_checkpoint(job.checkpoints, trainer)
    for notice in notices:
        job.log(notice)
    try:
        _train(job, trainer, data, facts)
    except torch.AcceleratorError as error:
        raise NerpError(
            f"The graphics card stopped answering ({str(error).splitlines()[0]}); the last checkpoint is "
            f"kept: nerp train --resume {job.folder}"
        ) from error


def _train(job: Job, trainer: Trainer, data: TrainingData, facts: dict[str, Any]) -> None:
    settings = trainer.settings
    watched, learnt_from = _watched(trainer, data)
    before, begin = facts.get("seconds", 0.0), time.monotonic()
    shown = data.held_films if len(data.held_films) else data.films
    write_png(job.folder / SAMPLES / FILMS, film_sheet(shown, min(WATCHED, len(data.watched))))

    def finished() -> bool:
        facts["seconds"] = before + time.monotonic() - begin
        out_of_time = settings.minutes and facts["seconds"] >= 60 * settings.minutes
        return trainer.done >= settings.steps or bool(out_of_time)

    while not finished():
        if job.should_stop(epoch_over=trainer.done > 0 and trainer.done % settings.report_every == 0):
            save_checkpoint(job.checkpoints, trainer, facts)
            raise Stopped
        try:
            told = trainer.step()
        except NotFinite as error:
            raise NerpError(
                f"Step {trainer.done + 1} gave no finite {error}; start a new run with lower learning rates."
            ) from error
        except torch.OutOfMemoryError as error:
            _need_less(job, trainer, error)
            watched, learnt_from = _watched(trainer, data)
            continue
        job.progress(
            trainer.done, _expected_steps(trainer, facts["seconds"]), f"correlation {trainer.correlation:.3f}"
        )
        if trainer.done == 1 or trainer.done % settings.report_every == 0 or finished():
            metrics, gate, samples = report(trainer.averaged, watched)
            # What is kept must not be chosen by what it is measured on.
            seen, seen_gate, _ = report(trainer.averaged, learnt_from)
            nearness = seen.get("distance_vrr")
            # Few films have no distance: then the latest is kept.
            order = -float(trainer.done) if nearness is None else nearness
            if seen_gate.passes(settings) and trainer.keep(order):
                facts |= {"metrics": metrics, "kept_step": trainer.done}
            metrics |= {"distance_training": nearness, "kept_step": facts.get("kept_step")}
            if not gate.passes(settings):
                trainer.protect_anatomy()
            for notice in (*gate.notices, *watched.notices) if trainer.done == 1 else ():
                job.log(notice)
            job.event(step=trainer.done, seconds=facts["seconds"], **told, **metrics)
            write_png(job.folder / SAMPLES / f"{SAMPLE}{trainer.done:08d}.png", samples)
            save_checkpoint(job.checkpoints, trainer, facts)
            _leave_model(job, trainer, data, facts)


def _watched(trainer: Trainer, data: TrainingData) -> tuple[Watched, Watched]:
    """What is measured on, and what the Mapper that is kept is chosen by."""
    return Watched(trainer, data.watched, data.held_films), Watched(trainer, data.patients, data.films)


def _need_less(job: Job, trainer: Trainer, error: torch.OutOfMemoryError) -> None:
    """Halve what a step draws and say so.

    Raises:
        NerpError: nothing is left to halve.
    """
    if not trainer.need_less():
        raise NerpError(
            "The graphics card's memory does not hold one picture; close what else uses the card, or start "
            "a new run with larger voxels (ct_mm, mapper_mm) or gradient_checkpointing."
        ) from error
    # The failed step's tensors go with its traceback alone.
    error.__traceback__ = None
    torch.cuda.empty_cache()
    job.log(
        f"The graphics card's memory is full: from step {trainer.done + 1} on {trainer.views} pictures a "
        f"step with {trainer.samples} samples a ray."
    )


def _expected_steps(trainer: Trainer, seconds: float) -> int:
    """Steps in all, where a time limit comes first: by the pace so far."""
    settings = trainer.settings
    if not settings.minutes or seconds <= 0:
        return settings.steps
    return min(settings.steps, max(trainer.done + 1, round(trainer.done * 60 * settings.minutes / seconds)))


def _told(names: list[str]) -> str:
    return f"{len(names)} CTs" + (
        f" ({', '.join(names[:NAMED])}{', …' * (len(names) > NAMED)})" if names else ""
    )


def _leave_model(job: Job, trainer: Trainer, data: TrainingData, facts: dict[str, Any]) -> None:
    settings = trainer.settings
    metrics = facts.get("metrics", {})
    card = {
        "name": job.folder.name,
        "intended_use": INTENDED_USE,
        "made_with": f"nerp {__version__}, {trainer.done} steps of the preset {settings.preset}",
        "kept": f"step {facts.get('kept_step', 0)}: of those with the anatomy kept, the one whose pictures "
        f"of training CTs are nearest to training films; up to step {settings.head_start} a tone curve alone",
        "data": f"Trained on {_told(data.patients.names)} and {len(data.films)} chest X-rays; held out: "
        f"{_told(data.held_cts)} and {len(data.held_films)} chest X-rays.",
        "sources": " ".join(data.sources),
        "anatomy_gate": "passed" if metrics.get("gate") else "not passed",
        "metrics": metrics,
        "settings": settings.to_dict(),
    }
    # Up to the head start's end the Mapper's residuals are zero: nothing but the curve was learned.
    learned = facts.get("kept_step", 0) > settings.head_start
    mapper, architecture = (trainer.kept, settings.mapper) if learned else (None, None)
    sizes = settings.mapper_mm, settings.opacity_ratio
    model = RadianceModel(mapper, architecture, *sizes, trainer.tone, card)
    model.save(job.folder / MODEL)
