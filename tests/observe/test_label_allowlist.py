"""The values that a label may have are bounded."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from app.observe.counters import Counter
from app.observe.label_allowlist import LabelAllowlist


def test_a_domain_is_bounded() -> None:
    """What was known, and the first that come; the rest is `other` and counted, once for each time it is met."""
    registry = CollectorRegistry()
    domain = LabelAllowlist("model", Counter("overflow", "What.", ["label"], registry), ["known"], capacity=2)
    domain.allow(["a", "known", "a", "b", "c"])
    assert [domain.label_for(value) for value in ("known", "a", "b", "c", "d", "other")] == [
        "known",
        "a",
        "b",
        *["other"] * 3,
    ]
    assert registry.get_sample_value("overflow_total", {"label": "model"}) == 2
