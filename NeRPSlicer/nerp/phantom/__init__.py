"""A digital thorax of our own: a parametric person in HU with every structure labelled."""

from .anatomy import Anatomy, draw_anatomy
from .build import thorax
from .findings import LOBES, Findings

__all__ = ["LOBES", "Anatomy", "Findings", "draw_anatomy", "thorax"]
