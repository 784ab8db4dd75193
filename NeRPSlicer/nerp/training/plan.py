"""A training run before it exists: what its folders hold, what it will need, what speaks against it.

torch is not needed: a panel and `nerp train` ask before they start.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..datasets import Cache, Cases, CtCase, XrayCase, find_cts, find_xrays, thorax_cases
from ..datasets.ct_sizes import ct_size
from ..datasets.prepared_cts import is_prepared
from ..errors import NerpError
from .estimate import Estimate, estimate, machine_speed
from .room import free_disk_bytes, free_memory_bytes
from .run_folder import CACHE
from .settings import TrainingSettings

LEAST_FILMS = 2
"""One film cannot be split, and a Discriminator that knows one film learns it by heart."""


@dataclass(frozen=True)
class Plan:
    """What a run would be."""

    configuration: Mapping[str, Any]
    """Of the job, see `nerp.training.job`."""
    cts: int
    labelled: int
    films: int
    estimate: Estimate
    on_card: bool
    """Whether networks will lie in a graphics card's memory, of which nothing is known here."""
    free_memory_bytes: float | None
    """None where the system does not tell."""
    free_disk_bytes: float | None

    @property
    def line(self) -> str:
        """For people: what was found, memory and time."""
        found = f"{_count(self.cts, 'CT')} ({self.labelled} with labels), {_count(self.films, 'chest X-ray')}"
        needs = self.estimate
        return (
            f"{found}; about {gigabytes(needs.memory_bytes)} of memory, "
            f"{gigabytes(needs.disk_bytes)} of disk and {duration(needs.seconds)} ({needs.steps} steps)"
            + (
                " on the CPU; networks lie in the graphics card's memory, which is faster."
                if self.on_card
                else "."
            )
        )

    @property
    def refusal(self) -> str:
        """Why it should not be started, one line; "" for nothing."""
        needs = self.estimate
        if self.free_memory_bytes is not None and needs.memory_bytes > self.free_memory_bytes:
            return (
                f"Training needs about {gigabytes(needs.memory_bytes)} of memory and "
                f"{gigabytes(self.free_memory_bytes)} are free: close other programs, or choose the preset "
                "small or larger voxels (ct_mm, mapper_mm)."
            )
        if self.free_disk_bytes is not None and needs.disk_bytes > self.free_disk_bytes:
            return (
                f"Training needs about {gigabytes(needs.disk_bytes)} of disk and "
                f"{gigabytes(self.free_disk_bytes)} are free there: free some or choose another folder."
            )
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {**asdict(self), "line": self.line, "refusal": self.refusal}


def plan(configuration: Mapping[str, Any], out: Path) -> Plan:
    """Look into a run's folders and estimate what it will need; nothing is decoded, nothing written.

    Args:
        configuration: of the job; paths absolute.
        out: where the run folder will lie; need not exist.

    Raises:
        NerpError: a folder holds nothing that can be used, one X-ray only, or settings make no sense.
    """
    settings = checked_settings(configuration)
    cts = found_cts(configuration)
    films = found_xrays(configuration)
    if len(films) < LEAST_FILMS:
        raise NerpError(
            f"{configuration['xray'][0]} holds one chest X-ray only: training needs at least {LEAST_FILMS}, "
            "better 50 of as many people; choose another folder."
        )
    cache = Cache(configuration.get("cache") or out / CACHE)
    prepared = [is_prepared(case, settings.ct_mm, cache) for case in cts]
    sizes, on_card = [ct_size(case) for case in cts], may_use_a_card(settings)
    needs = estimate(settings, sizes, len(films), machine_speed(), prepared, on_card)
    labelled = sum(case.labels is not None or case.thorax is not None for case in cts)
    room = free_memory_bytes(), free_disk_bytes(out)
    return Plan(dict(configuration), len(cts), labelled, len(films), needs, on_card, *room)


def may_use_a_card(settings: TrainingSettings) -> bool:
    """Whether the run may compute on an NVIDIA card: its driver's program is there; torch is not asked."""
    return settings.device != "cpu" and shutil.which("nvidia-smi") is not None


def checked_settings(configuration: Mapping[str, Any]) -> TrainingSettings:
    """The settings of a job's configuration, whose other parts are looked at too.

    Raises:
        NerpError: it is not that of a training run.
    """
    kinds = {"settings": dict, "ct": list, "xray": list}
    wrong = [name for name, kind in kinds.items() if not isinstance(configuration.get(name), kind)]
    wrong += [
        name for name in ("labels", "cache") if not isinstance(configuration.get(name), (str, type(None)))
    ]
    if wrong or not isinstance(configuration.get("thoraxes", []), list):
        raise NerpError(
            f"The job's configuration is not that of a training run ({', '.join(wrong or ['thoraxes'])}); "
            "make it anew."
        )
    return TrainingSettings.from_dict(configuration["settings"])


def found_cts(configuration: Mapping[str, Any], beside: Path = Path()) -> Cases[CtCase]:
    """The CTs of a configuration's folders and its digital thoraxes.

    Args:
        configuration: of a training job.
        beside: what relative paths are relative to.

    Raises:
        NerpError: a folder holds none that can be used, or no label matches any of them.
    """
    found: Cases[CtCase] = thorax_cases(configuration.get("thoraxes", ()))
    folders, labels = configuration["ct"], configuration.get("labels")
    for folder in folders:
        of_folder = beside / labels if labels else None
        found = find_cts(beside / folder, of_folder, some_match=len(folders) == 1) + found
    if labels and len(folders) > 1 and not any(case.labels for case in found):
        raise NerpError(f"Nothing in {labels} has the name of a CT; name label maps as their CTs.")
    return found


def found_xrays(configuration: Mapping[str, Any], beside: Path = Path()) -> Cases[XrayCase]:
    """The chest X-rays of a configuration's folders.

    Raises:
        NerpError: a folder holds none that can be used.
    """
    found: Cases[XrayCase] = Cases(())
    identified: dict[str, str] = {}
    for folder in configuration["xray"]:
        found = found + find_xrays(beside / folder, identified)
    return found


def gigabytes(count: float) -> str:
    """Bytes for people, for example "1.4 GB"; below a tenth of it in MB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(count / 1e6, 1):.0f} MB"


def duration(seconds: float) -> str:
    """For people, for example "12 min", "3.4 h", "12 days"."""
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
