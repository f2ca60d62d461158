"""Percentiles and the like."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(seconds: Sequence[float], share: int) -> float:
    """In milliseconds: so many of a hundred values are this or less; 0 where there are none."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return 1000 * ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
