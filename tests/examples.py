"""How many examples a property is tried with: fewer at each change than before a release."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings

_PERCENT = int(os.environ.get("EXAMPLES_PERCENT", "100"))


def examples(max_examples: int = 100, *, suppress: Sequence[HealthCheck] = ()) -> settings:
    """The settings of a property that wants so many examples; `EXAMPLES_PERCENT=20` gives it a fifth of them."""
    number = max(5, max_examples * _PERCENT // 100)
    return settings(max_examples=number, deadline=None, suppress_health_check=suppress)
