"""What a run tells now and then: how real the pictures look, and the anatomy gate.

A distance to real pictures alone can be bought with the anatomy, and a tone curve with no network at all
brings most of it: both stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import torch

from ..evaluation.distance import kernel_distance, random_features
from ..geometry import Camera
from ..networks.mapper import Mapper
from ..projector import project
from ..radiance import Fields
from ..resources import structure_threshold_mm
from .losses import correlation
from .patients import Patient
from .settings import TrainingSettings
from .tone import knots, shown
from .trainer import Trainer

GROUPS: Mapping[str, tuple[str, ...]] = {
    "lungs": ("lung*",),
    "heart": ("heart*",),
    "spine": ("vertebra*", "spine*"),
}
"""Structures that the anatomy gate looks into, by patterns of their names."""
VIEWS, VIEW_SEED = 8, 1_000_003
"""Poses that pictures are measured in."""
SUBSET = 15
COLLAPSE = 0.5
"""Below this share of the fixed radiance's contrast or diversity a radiance no longer tells CTs apart."""


@dataclass(frozen=True)
class Gate:
    """What the Mapper did to the anatomy of some patients."""

    body: float
    """Correlation with the fixed radiance's pictures inside the body: mean over patients' pictures."""
    structures: Mapping[str, float]
    """The same inside each of `GROUPS` that some patient has labels of."""
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
        return all(value >= floor for value, floor in floors)


@dataclass
class Watched:
    """Patients in fixed poses, with what does not change from report to report."""

    patients: Sequence[Patient]
    settings: TrainingSettings
    _fixed: list[tuple[list[Camera], torch.Tensor, torch.Tensor, dict[str, np.ndarray]]] = field(
        default_factory=list
    )

    def fixed(
        self, trainer: Trainer
    ) -> list[tuple[list[Camera], torch.Tensor, torch.Tensor, dict[str, np.ndarray]]]:
        """Cameras, fixed pictures, inside of the body and of structures, for each patient."""
        if not self._fixed:
            for patient in self.patients:
                cameras = patient.cameras(VIEW_SEED, 0, VIEWS, self.settings.ranges, self.settings.size)
                picture, inside = trainer.fixed_pictures(patient, cameras)
                self._fixed.append((cameras, picture, inside, _insides(patient, cameras)))
        return self._fixed


def _insides(patient: Patient, cameras: Sequence[Camera]) -> dict[str, np.ndarray]:
    """Where each group of structures is, boolean ``[V, rows, columns]``."""
    if patient.structures is None:
        return {}
    empty = Fields(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), patient.geometry.ras_from_ijk)
    found: dict[str, list[np.ndarray]] = {}
    for camera in cameras:
        lengths = project(empty, camera, samples=1, structures=patient.structures).path_length
        for group, patterns in GROUPS.items():
            masks = [
                length >= structure_threshold_mm(name)
                for name, length in lengths.items()
                if any(fnmatchcase(name, pattern) for pattern in patterns)
            ]
            if masks:
                found.setdefault(group, []).append(np.any(masks, axis=0))
    return {group: np.stack(masks) for group, masks in found.items()}


def report(
    trainer: Trainer, mapper: Mapper, watched: Watched, films: np.ndarray
) -> tuple[dict[str, Any], Gate, np.ndarray]:
    """Measure a Mapper.

    Args:
        trainer: as it stands.
        mapper: its averaged or its kept one.
        watched: patients to look at.
        films: real pictures, mostly such that training never sees, float32 ``[n, size, size]``; may be none.

    Returns:
        metrics by name; the gate; sample pictures as grey levels ``[rows, columns]``: each patient's first
        pose, fixed with the tone curve above, learned below.
    """
    tone = knots(trainer.tone) if watched.settings.tone_curve else None
    arms: dict[str, list[torch.Tensor]] = {"fixed": [], "tone": [], "vrr": []}
    by_group: dict[str, list[float]] = {}
    same, errors, contrasts = [], [], []
    with torch.no_grad():
        for patient, (cameras, fixed, inside, groups) in zip(
            watched.patients, watched.fixed(trainer), strict=True
        ):
            matter, opacity = trainer.fields(mapper, patient)
            learned, _ = patient.pictures(matter, opacity, cameras, watched.settings.samples)
            same.append(correlation(learned, fixed, inside).nanmean().item())
            for group, mask in groups.items():
                if not mask.any():  # too small, or in no camera's view
                    continue
                value = correlation(learned, fixed, torch.from_numpy(mask)).nanmean().item()
                by_group.setdefault(group, []).append(value)
            body = patient.body > 0
            change = matter[body] - patient.matter[body]
            errors.append(change.square().mean().sqrt().item())
            contrasts.append((matter[body].std() / patient.matter[body].std()).item())
            for arm, pictures, curve in (
                ("fixed", fixed, None),
                ("tone", fixed, tone),
                ("vrr", learned, tone),
            ):
                arms[arm].append(shown(pictures, curve, fixed))
    gate = Gate(
        float(np.mean(same)),
        {group: float(np.mean(values)) for group, values in by_group.items()},
        float(np.mean(errors)),
        float(np.mean(contrasts)),
        _diversity(arms["vrr"], arms["tone"]),
        tuple(
            f"{patient.name} has no labels: its anatomy is judged inside the body only."
            for patient in watched.patients
            if patient.structures is None
        ),
    )
    metrics: dict[str, Any] = {
        "body_correlation": gate.body,
        **{f"{group}_correlation": value for group, value in gate.structures.items()},
        "field_error": gate.field_error,
        "field_contrast": gate.contrast,
        "diversity": gate.diversity,
        "gate": gate.passes(watched.settings),
    }
    if len(films) > 1:
        real = random_features(films)
        for arm, shown_pictures in arms.items():
            features = random_features(torch.cat(shown_pictures).numpy())
            half = min(len(features), len(real)) // 2  # subsets of a whole set would all be the same
            distance = kernel_distance(features, real, min(SUBSET, max(2, half)))
            metrics[f"distance_{arm}"], metrics[f"distance_{arm}_sd"] = distance
    samples = np.concatenate(
        [np.concatenate([pictures[0].numpy() for pictures in arms[arm]], axis=1) for arm in ("tone", "vrr")]
    )
    return metrics, gate, np.rint(255 * samples).astype(np.uint8)


def _diversity(learned: Sequence[torch.Tensor], fixed: Sequence[torch.Tensor]) -> float | None:
    if len(learned) < 2:
        return None

    def apart(pictures: Sequence[torch.Tensor]) -> float:
        first = torch.stack([views[0] for views in pictures]).flatten(1)
        return torch.pdist(first).mean().item()

    return apart(learned) / max(apart(fixed), 1e-12)
