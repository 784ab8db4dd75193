"""What a run tells now and then: how real the pictures look, and the anatomy gate.

A distance to real pictures alone can be bought with the anatomy, and a tone curve with no network at all
brings most of it: both stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..networks.mapper import Mapper
from .losses import correlation
from .settings import TrainingSettings
from .tone import shown
from .watched import Watched

COLLAPSE = 0.5
"""Below this share of the fixed radiance's contrast or diversity a radiance no longer tells CTs apart."""


@dataclass(frozen=True)
class Gate:
    """What the Mapper did to the anatomy of some patients."""

    body: float
    """Correlation with the fixed radiance's pictures inside the body: mean over patients' pictures."""
    structures: Mapping[str, float]
    """The same inside each of `GROUPS` that some patient has labels of."""
    change: float
    """Greatest change of a patch (`greatest_change`): mean over a patient's pictures, the worst patient's."""
    field_error: float
    """Root mean square change of matter inside the body."""
    contrast: float
    """Standard deviation of matter inside the body over the fixed radiance's: 0 is a collapse."""
    diversity: float | None
    """Distance between pictures of different patients over that of their fixed pictures; None for one."""
    notices: tuple[str, ...] = ()

    def passes(self, settings: TrainingSettings) -> bool:
        """Whether every floor of the settings is kept and nothing has collapsed: thickness alone makes
        pictures of one white body correlate."""
        floors = [(self.body, settings.floor), (self.contrast, COLLAPSE)]
        floors += [(self.diversity, COLLAPSE)] if self.diversity is not None else []
        floors += [(value, settings.structure_floor) for value in self.structures.values()]
        return self.change <= settings.change_limit and all(value >= floor for value, floor in floors)


def report(mapper: Mapper, watched: Watched) -> tuple[dict[str, Any], Gate, np.ndarray]:
    """Measure a Mapper.

    Args:
        mapper: the trainer's averaged or its kept one.
        watched: patients to look at, and films.

    Returns:
        metrics by name; the gate; sample pictures as grey levels ``[rows, columns]``: each patient's first
        pose, fixed with the tone curve above, learned below.
    """
    trainer = watched.trainer
    drawn: list[torch.Tensor] = []
    by_group: dict[str, list[float]] = {}
    unlabelled: list[str] = []
    same, changes, errors, contrasts = [], [], [], []
    with torch.no_grad():
        # Views first: a patient more than they are would be made for nothing.
        for (cameras, fixed, groups), known in zip(watched.views, watched.patients, strict=False):
            if known.structures is None:
                unlabelled.append(known.name)
            patient = known.on(trainer.device)
            matter, opacity = trainer.fields(mapper, patient)
            learned, _ = patient.pictures(matter, opacity, cameras, trainer.samples)
            same.append(correlation(learned, fixed.image, fixed.inside).nanmean().item())
            changes.append(fixed.greatest_change(learned).mean().item())
            for group, mask in groups.items():
                value = correlation(learned, fixed.image, mask).nanmean().item()
                by_group.setdefault(group, []).append(value)
            errors.append(_spread(matter - patient.matter, patient.body, 0.0))
            before = _spread(patient.matter, patient.body)
            contrasts.append(_spread(matter, patient.body) / before if before else 1.0)
            drawn.append(shown(learned, fixed.window, watched.tone).cpu())
    gate = Gate(
        float(np.mean(same)),
        {group: float(np.mean(values)) for group, values in by_group.items()},
        max(changes),
        float(np.mean(errors)),
        float(np.mean(contrasts)),
        _diversity(drawn, watched.arms["tone"]),
        tuple(f"{name} has no labels: its anatomy is judged inside the body only." for name in unlabelled),
    )
    metrics: dict[str, Any] = {
        "body_correlation": gate.body,
        **{f"{group}_correlation": value for group, value in gate.structures.items()},
        "greatest_change": gate.change,
        "field_error": gate.field_error,
        "field_contrast": gate.contrast,
        "diversity": gate.diversity,
        "gate": gate.passes(trainer.settings),
    }
    distances = watched.distances
    if (distance := watched.distance(drawn)) is not None:
        distances = {**distances, "vrr": distance}
    for arm, (mean, spread) in distances.items():
        metrics[f"distance_{arm}"], metrics[f"distance_{arm}_sd"] = mean, spread
    samples = np.concatenate(
        [
            np.concatenate([pictures[0].numpy() for pictures in arm], axis=1)
            for arm in (watched.arms["tone"], drawn)
        ]
    )
    return metrics, gate, np.rint(255 * samples).astype(np.uint8)


def _spread(values: torch.Tensor, body: torch.Tensor, center: float | None = None) -> float:
    """Root mean square distance to a center, by default the mean, inside the body (1 inside, 0 outside)."""
    weight = body.double() / body.sum()
    middle = (weight * values).sum() if center is None else center
    return (weight * (values - middle).square()).sum().sqrt().item()


def _diversity(learned: Sequence[torch.Tensor], fixed: Sequence[torch.Tensor]) -> float | None:
    if len(learned) < 2:
        return None

    def apart(pictures: Sequence[torch.Tensor]) -> float:
        first = torch.stack([views[0] for views in pictures]).flatten(1)
        return torch.pdist(first).mean().item()

    return apart(learned) / max(apart(fixed), 1e-12)
