"""Labelled projection sets on disk: the native form, from which the others are made."""

from __future__ import annotations

from .cases import Case
from .index import read_dataset, read_records
from .labelled_set import Outcome, export_set

__all__ = ["Case", "Outcome", "export_set", "read_dataset", "read_records"]
