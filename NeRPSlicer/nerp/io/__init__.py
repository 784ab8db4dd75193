"""Reading CT and label maps: the only place that knows LPS."""

from __future__ import annotations

from .images import read_ct, read_structures

__all__ = ["read_ct", "read_structures"]
