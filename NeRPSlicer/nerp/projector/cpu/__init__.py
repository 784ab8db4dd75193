"""The CPU backend: Numba kernels on a thread pool.

Each picture is cut in bands of rows that depend on the picture alone, never on the number of threads, so
results are the same bit for bit on any number of cores.
"""

from __future__ import annotations

from .exact_integral import exact_integral
from .exact_lengths import exact_lengths
from .march import emission_absorption, mida, sampled_integral, sampled_maximum, sampled_mean

__all__ = [
    "emission_absorption",
    "exact_integral",
    "exact_lengths",
    "mida",
    "sampled_integral",
    "sampled_maximum",
    "sampled_mean",
]

NAME = "CPU, Numba"
