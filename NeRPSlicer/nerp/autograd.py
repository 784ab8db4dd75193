"""Differentiable pictures with torch: `project` (emission and absorption) and `line_integral`."""

from __future__ import annotations

try:
    from .projector.autograd import line_integral, project
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    from .errors import NerpError

    raise NerpError("Gradients need torch, which is not installed here: pip install torch") from missing

__all__ = ["line_integral", "project"]
