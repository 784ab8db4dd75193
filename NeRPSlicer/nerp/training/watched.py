"""Patients seen in the same poses at each report, beside films: all of it that no Mapper changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from ..evaluation.distance import Distance, kernel_distance, random_features
from ..geometry import Camera
from ..projector import project
from ..radiance import Fields
from ..resources import structure_threshold_mm
from .patients import Patient
from .settings import WATCHED
from .tone import knots, shown
from .trainer import FixedPictures, Trainer

GROUPS: Mapping[str, tuple[str, ...]] = {
    "lungs": ("lung*",),
    "heart": ("heart*",),
    "spine": ("vertebra*", "spine*"),
}
"""Structures that the anatomy gate looks into, by patterns of their names."""
VIEWS, VIEW_SEED = 8, 1_000_003
"""Poses that pictures are measured in."""
SUBSET = 15
LEAST_FILMS = 8
"""Features are scaled by what films differ in: of fewer a distance says nothing."""


class Views(NamedTuple):
    """A patient in the same poses."""

    cameras: list[Camera]
    fixed: FixedPictures
    groups: dict[str, torch.Tensor]
    """Where each of `GROUPS` is that has labels and that some pose shows, ``[V, rows, columns]``."""


class Watched:
    """What reports look at.

    Args:
        trainer: as it will be while reports are made: with its tone curve.
        patients: of whom the first `WATCHED` are looked at.
        films: real pictures, float32 ``[n, size, size]``; may be none.
    """

    def __init__(self, trainer: Trainer, patients: Sequence[Patient], films: np.ndarray) -> None:
        self.trainer, self.patients = trainer, patients
        self._films = films

    @cached_property
    def views(self) -> list[Views]:
        """Of each patient."""
        settings, found = self.trainer.settings, []
        for patient in islice(self.patients, WATCHED):
            cameras = patient.cameras(VIEW_SEED, 0, VIEWS, settings.ranges, settings.size)
            fixed = self.trainer.fixed_pictures(patient, cameras)
            groups = {
                name: torch.from_numpy(m).to(self.trainer.device)
                for name, m in _insides(patient, cameras).items()
            }
            found.append(Views(cameras, fixed, groups))
        return found

    @cached_property
    def tone(self) -> torch.Tensor | None:
        """The run's tone curve as `shown` takes it."""
        return knots(self.trainer.tone, self.trainer.device) if self.trainer.settings.tone_curve else None

    @cached_property
    def arms(self) -> dict[str, list[torch.Tensor]]:
        """The network-free arms' pictures as shown, of each patient: "tone" has the curve."""
        curves = {"fixed": None, "tone": self.tone}
        return {
            arm: [shown(v.fixed.image, v.fixed.window, tone).cpu() for v in self.views]
            for arm, tone in curves.items()
        }

    @cached_property
    def distances(self) -> dict[str, Distance]:
        """Of those arms to the films; none where there are too few films."""
        found = {arm: self.distance(pictures) for arm, pictures in self.arms.items()}
        return {arm: distance for arm, distance in found.items() if distance is not None}

    def distance(self, pictures: Sequence[torch.Tensor]) -> Distance | None:
        """Of shown pictures to the films; None where there are too few films."""
        if self._real is None:
            return None
        features = random_features(torch.cat(list(pictures)).numpy())
        half = min(len(features), len(self._real)) // 2  # subsets of a whole set would all be the same
        return kernel_distance(features, self._real, min(SUBSET, max(2, half)))

    @property
    def notices(self) -> list[str]:
        """What cannot be measured."""
        if len(self._films) >= LEAST_FILMS:
            return []
        return [f"{len(self._films)} X-rays held out: a distance to them needs {LEAST_FILMS}, none is told."]

    @cached_property
    def _real(self) -> np.ndarray | None:
        return random_features(self._films) if len(self._films) >= LEAST_FILMS else None


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
    stacked = {group: np.stack(masks) for group, masks in found.items()}
    return {group: masks for group, masks in stacked.items() if masks.any()}
