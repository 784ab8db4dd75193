"""Reading CT and label maps: the only place that knows LPS."""

from __future__ import annotations

from .ct import read_ct
from .labels import read_structures

__all__ = ["read_ct", "read_structures"]
