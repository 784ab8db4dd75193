"""One step of the GAN, and all that a step changes.

What is drawn at random follows from the seed and the step's number alone, so a run that goes on after a kill
equals one that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data import Dataset

from ..datasets.draws import step_seed
from ..geometry import Camera
from ..networks.discriminator import Discriminator
from ..networks.learned import learned_matter, learned_opacity, residuals
from ..networks.mapper import Mapper
from ..networks.tone import ToneCurve
from .augment import augmented
from .device import chosen_device, convolutions
from .losses import (
    Logits,
    anatomy_loss,
    correlation,
    discriminator_loss,
    greatest_change,
    mapper_loss,
    penalty,
)
from .patients import Patient
from .settings import TrainingSettings
from .tone import knots, shown, windows

FIRST_ANATOMY, ANATOMY_LIMITS = 0.01, (1e-4, 100.0)
"""Of the steered weight: the length of anatomy's gradient at the pictures over that of realism's. Losses have
scales of their own, so that a weight of losses means nothing before both gradients are known. It begins low:
an absolute difference holds a Mapper that has not moved yet with the full length of its gradient."""
STEERED_POWER = 4
"""Of the steered anatomy loss: an absolute difference lets patches turn white if the rest pays."""
SLOW_PACE, SWIFT_PACE = 0.2, 30.0
"""How the weight follows the correlation: for good with each step, and at once."""
LEAST_SAMPLES = 64
TONE_CTS = 16
"""CTs that a tone curve is fitted on, at the most."""
MEMORY = 0.5
"""Of correlation and change: one step's pictures are few."""
CHANGE_PACE = 0.5
"""How much a greatest change above its target counts as a correlation below its."""


class FixedPictures(NamedTuple):
    """The fixed radiance's pictures, ``[V, rows, columns]``."""

    image: torch.Tensor
    inside: torch.Tensor
    """Where the body is."""
    window: torch.Tensor
    """Black and white of each, ``[V, 2]``."""

    def greatest_change(self, learned: torch.Tensor) -> torch.Tensor:
        """`losses.greatest_change` of pictures by the same cameras, share of the scale from black to white,
        before the curve: ``[V]``."""
        seen = shown(learned, self.window), shown(self.image, self.window)
        return greatest_change(*seen, self.inside)


class NotFinite(Exception):
    """A loss is NaN or infinite."""


class Trainer:
    """Networks, optimizers and the weight of anatomy.

    Args:
        settings: how to train.
        patients: CTs on the training grid.
        films: real pictures in [0, 1], float32 ``[n, size, size]``: the tone curve is fitted on them.
        pairs: by a step's number, the index of its patient, the CT as the Mapper sees it and X-rays
            (`datasets.training_pairs`).
    """

    def __init__(
        self,
        settings: TrainingSettings,
        patients: Sequence[Patient],
        films: np.ndarray,
        pairs: Sequence[Mapping[str, Any]] | Dataset,
    ) -> None:
        self.settings, self.patients, self.pairs = settings, patients, pairs
        self.device = chosen_device(settings)
        self.views, self.samples = settings.views, settings.samples
        with torch.random.fork_rng([]):
            torch.manual_seed(settings.seed)
            self.mapper = Mapper(settings.mapper, settings.gradient_checkpointing).to(self.device)
            self.discriminator = Discriminator(settings.widths).to(self.device)
        self.averaged = deepcopy(self.mapper).requires_grad_(False)
        self.kept = deepcopy(self.averaged)
        self.kept_distance = math.inf
        self.optimizers = {
            "mapper": torch.optim.Adam(self.mapper.parameters(), settings.mapper_rate, settings.betas),
            "discriminator": torch.optim.Adam(
                self.discriminator.parameters(), settings.discriminator_rate, settings.betas
            ),
        }
        for optimizer in self.optimizers.values():
            _begin(optimizer)
        self.done = 0
        self.anatomy_weight = settings.anatomy or FIRST_ANATOMY
        self.correlation, self.change = 1.0, 0.0
        self._films = films
        self._tone: ToneCurve | None = None if settings.tone_curve else ToneCurve()

    @property
    def tone(self) -> ToneCurve:
        """The run's tone curve: that of a checkpoint, else fitted when it is first asked for."""
        if self._tone is None:
            self._tone = self._fitted_tone(self._films)
        return self._tone

    @tone.setter
    def tone(self, tone: ToneCurve) -> None:
        self._tone = tone

    def _fitted_tone(self, films: np.ndarray) -> ToneCurve:
        pictures = []
        with torch.no_grad():
            for patient in self.patients[:TONE_CTS]:
                cameras = patient.cameras(
                    self.settings.seed + 1, 0, 8, self.settings.ranges, self.settings.size
                )
                fixed = self.fixed_pictures(patient, cameras)
                pictures += list(shown(fixed.image, fixed.window).cpu().numpy())
        return ToneCurve.fitted(pictures, films)

    def fixed_pictures(self, patient: Patient, cameras: list[Camera]) -> FixedPictures:
        """The fixed radiance's pictures of a patient."""
        patient = patient.on(self.device)
        with torch.no_grad():
            opacity = patient.fixed_opacity(self.settings.opacity_ratio)
            picture, accumulated = patient.pictures(patient.matter, opacity, cameras, self.samples)
        return FixedPictures(picture, accumulated > 0, windows(picture, accumulated))

    def fields(
        self, mapper: Mapper, patient: Patient, hu: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Matter and opacity ``[1, 1, D, H, W]`` by a Mapper.

        Args:
            hu: what the Mapper sees of the patient, ``[1, D, H, W]`` as the volume lies; None is the CT.
        """
        patient = patient.on(self.device)
        seen = patient.matter if hu is None else patient.matter_of(hu).to(self.device)
        with convolutions(self.settings, self.device):
            found = residuals(mapper, seen, patient.spacing_mm, self.settings.mapper_mm).float()
        matter = learned_matter(patient.matter, found[:, :1])
        return matter, learned_opacity(patient.body, found[:, 1:], self.settings.opacity_ratio)

    def step(self) -> dict[str, float]:
        """Teach the Discriminator, then the Mapper, once.

        Returns:
            metrics by name.

        Raises:
            NotFinite: a picture or loss is not; the Mapper, its average and its optimizer are as they were,
                while the Discriminator may have learnt from the step.
        """
        settings, number = self.settings, self.done
        pair = self.pairs[number]
        generator = torch.Generator().manual_seed(step_seed(settings.seed, number))
        patient = self.patients[pair["ct"]].on(self.device)
        cameras = patient.cameras(
            settings.seed, number * settings.views, self.views, settings.ranges, settings.size
        )
        real = pair["images"].to(self.device)
        tone = knots(self.tone, self.device) if settings.tone_curve else None

        fixed = self.fixed_pictures(patient, cameras)
        picture = fixed.image
        if number >= settings.head_start:
            picture, _ = patient.pictures(
                *self.fields(self.mapper, patient, pair["hu"]), cameras, self.samples
            )
        if not picture.isfinite().all():
            raise NotFinite("picture")
        met = picture.detach().requires_grad_()
        drawn = shown(met, fixed.window, tone)[:, None]

        def changed(pictures: torch.Tensor) -> torch.Tensor:
            return augmented(pictures, generator) if settings.augment else pictures

        told = self._teach_discriminator(changed(real), changed(drawn.detach()), number)
        _finite(told)
        if number >= settings.head_start:
            told |= self._teach_mapper(picture, met, changed(drawn), fixed)
        self.done += 1
        return told

    def _teach_mapper(
        self,
        picture: torch.Tensor,
        met: torch.Tensor,
        judged: torch.Tensor,
        fixed: FixedPictures,
    ) -> dict[str, float]:
        """One step of the Mapper.

        Args:
            picture: ``[V, rows, columns]``, from which gradients go to the Mapper.
            met: the same values, a leaf.
            judged: what the Discriminator is to see, made of ``met``, ``[V, 1, rows, columns]``.
            fixed: of the same cameras.
        """
        self.discriminator.requires_grad_(False)
        try:
            realism = mapper_loss(self._judged(judged))
            (to_realism,) = torch.autograd.grad(realism, met)
        finally:  # a step that fails for want of memory is tried again
            self.discriminator.requires_grad_(True)
        anatomy = anatomy_loss(met, fixed.image, 1 if self.settings.anatomy else STEERED_POWER)
        (to_anatomy,) = torch.autograd.grad(anatomy, met)
        lengths = to_realism.norm().item(), to_anatomy.norm().item()
        weight = self._lambda(*lengths)
        told = {
            "mapper_loss": realism.item(),
            "anatomy_loss": anatomy.item(),
            "correlation": correlation(met.detach(), fixed.image, fixed.inside).nanmean().item(),
            "change": fixed.greatest_change(met.detach()).mean().item(),
            "anatomy_weight": self.anatomy_weight,
            "anatomy_lambda": weight,
            "realism_gradient": lengths[0],
            "anatomy_gradient": weight * lengths[1],
        }
        _finite(told)
        self.optimizers["mapper"].zero_grad(set_to_none=True)
        picture.backward(to_realism + weight * to_anatomy)
        self.optimizers["mapper"].step()
        self._average()
        self._steer(told["correlation"], told["change"])
        return told

    def tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        """All tensors that a step changes, by name: to keep them, or to be written to."""
        networks = {
            "mapper": self.mapper,
            "discriminator": self.discriminator,
            "averaged": self.averaged,
            "kept": self.kept,
        }
        for name, network in networks.items():
            for key, value in network.state_dict(keep_vars=True).items():
                yield f"{name}.{key}", value
        for name, optimizer in self.optimizers.items():
            for number, state in enumerate(optimizer.state.values()):
                for key, value in state.items():
                    yield f"{name}_optimizer.{number}.{key}", value

    def numbers(self) -> dict[str, Any]:
        """What a step changes besides, as plain data."""
        return {
            "done": self.done,
            "views": self.views,
            "samples": self.samples,
            "anatomy_weight": self.anatomy_weight,
            "correlation": self.correlation,
            "change": self.change,
            "kept_distance": self.kept_distance if math.isfinite(self.kept_distance) else None,
            "tone": list(self.tone.grey),
        }

    def set_numbers(self, numbers: Mapping[str, Any]) -> None:
        """Take what `numbers` gave."""
        self.done = int(numbers["done"])
        self.views, self.samples = int(numbers["views"]), int(numbers["samples"])
        self.anatomy_weight = float(numbers["anatomy_weight"])
        self.correlation, self.change = float(numbers["correlation"]), float(numbers["change"])
        kept = numbers["kept_distance"]
        self.kept_distance = math.inf if kept is None else float(kept)
        self.tone = ToneCurve(tuple(numbers["tone"]))

    def need_less(self) -> bool:
        """Halve what a step draws, views first, then samples a ray: a graphics card's memory was not enough.

        Returns:
            whether anything was left to halve.
        """
        if self.views > 1:
            self.views //= 2
        elif self.samples >= 2 * LEAST_SAMPLES:
            self.samples //= 2
        else:
            return False
        return True

    def keep(self, distance: float) -> bool:
        """Keep the averaged Mapper as the run's model if its pictures are the nearest so far.

        Args:
            distance: of training CTs' pictures to training films.

        Returns:
            whether it is.
        """
        nearer = distance < self.kept_distance
        if nearer:
            self.kept_distance = distance
            self.kept.load_state_dict(self.averaged.state_dict())
        return nearer

    def protect_anatomy(self) -> None:
        """Raise the weight of anatomy at once, where the averaged Mapper has left the gate."""
        if not self.settings.anatomy:
            self.anatomy_weight = min(max(2 * self.anatomy_weight, FIRST_ANATOMY), ANATOMY_LIMITS[1])

    def _teach_discriminator(self, real: torch.Tensor, drawn: torch.Tensor, number: int) -> dict[str, float]:
        penalized = self.settings.penalty > 0 and number % self.settings.penalty_every == 0
        real.requires_grad_(penalized)
        # A gradient of gradients is too fine a thing for bfloat16.
        judged = self._judged(torch.cat([real, drawn]), fine=penalized)
        for_real, for_drawn = (
            (judged[0][part], judged[1][part]) for part in (slice(len(real)), slice(len(real), None))
        )
        loss = discriminator_loss(for_real, for_drawn)
        told = {
            "discriminator_loss": loss.item(),
            "real_found": (for_real[0] > 0).float().mean().item(),
            "drawn_found": (for_drawn[0] <= 0).float().mean().item(),
        }
        if penalized:
            r1 = penalty(real, for_real)
            told["penalty"] = r1.item()
            loss = loss + self.settings.penalty * self.settings.penalty_every * r1
        if math.isfinite(loss.item()):
            self.optimizers["discriminator"].zero_grad(set_to_none=True)
            loss.backward()
            self.optimizers["discriminator"].step()
        return told

    def _judged(self, pictures: torch.Tensor, fine: bool = False) -> Logits:
        """The Discriminator's logits, in float32 all through if they are to be ``fine``."""
        if fine:
            return self.discriminator(pictures)
        with convolutions(self.settings, self.device):
            whole, each = self.discriminator(pictures)
        return whole.float(), each.float()

    def _average(self) -> None:
        # Young averages forget faster, so that they are not the zeros they began with.
        learnt = self.done - self.settings.head_start
        decay = min(self.settings.average, (1 + learnt) / (10 + learnt))
        with torch.no_grad():
            for kept, new in zip(self.averaged.parameters(), self.mapper.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)

    def _lambda(self, realism: float, anatomy: float) -> float:
        """The weight of the anatomy loss, of which these are the gradients' lengths."""
        if self.settings.anatomy:
            return self.settings.anatomy
        return self.anatomy_weight * self._pull(SWIFT_PACE) * realism / anatomy if anatomy > 0 else 0.0

    def _steer(self, same: float, change: float) -> None:
        """A correlation below its target, or a change above its, raises anatomy's weight; else it falls."""
        self.correlation = MEMORY * self.correlation + (1 - MEMORY) * same
        self.change = MEMORY * self.change + (1 - MEMORY) * change
        if not self.settings.anatomy:
            low, high = ANATOMY_LIMITS
            self.anatomy_weight = min(max(self.anatomy_weight * self._pull(SLOW_PACE), low), high)

    def _pull(self, pace: float) -> float:
        lost = self.settings.target_correlation - self.correlation
        changed = CHANGE_PACE * (self.change - self.settings.target_change)
        return math.exp(pace * max(lost, changed))


def _finite(told: Mapping[str, float]) -> None:
    wrong = [name for name, value in told.items() if not math.isfinite(value)]
    if wrong:
        raise NotFinite(", ".join(wrong))


def _begin(optimizer: torch.optim.Optimizer) -> None:
    """Give Adam its state before the first step, so that a checkpoint always has a place to go to."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            state = optimizer.state[parameter]
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
