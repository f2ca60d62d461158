"""The gauges of a balance: there while GigaChat tells one, gone while it tells none, bounded in number."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry

from app.observe.balances import BalanceObserver
from app.observe.labels import MAX_PACKAGES
from app.observe.metrics import Metrics


class Watched:
    """An observer with families and a clock of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.now = 0.0
        self.observer = BalanceObserver(Metrics(self.registry), "bot", lambda: self.now)

    def series(self, name: str) -> dict[str, float]:
        """A family's values by package."""
        return {
            one.labels["model"]: one.value
            for family in self.registry.collect()
            for one in family.samples
            if one.name == f"gpt2giga_proxy_{name}"
        }


def test_told() -> None:
    """What is left, and until when at the pace of use."""
    watched = Watched()
    watched.observer.record_packages([("GigaChat", 10_000.0), ("embeddings", 500.0)])
    watched.now = 600.0
    watched.observer.record_packages([("GigaChat", 9_400.0), ("embeddings", 500.0)])
    assert watched.series("balance_tokens") == {"GigaChat": 9_400, "embeddings": 500}
    assert watched.series("balance_exhaustion_seconds") == {"GigaChat": pytest.approx(9_400), "embeddings": math.inf}
    assert watched.registry.get_sample_value(
        "gpt2giga_proxy_balance_tokens", {"model": "GigaChat", "credential": "bot"}
    )


def test_two_packages_of_one_name() -> None:
    """They are one sum."""
    watched = Watched()
    watched.observer.record_packages([("GigaChat", 100.0), ("GigaChat", 50.0)])
    assert watched.series("balance_tokens") == {"GigaChat": 150}


def test_a_package_that_is_gone() -> None:
    """Absent, not 0 and not what it last was."""
    watched = Watched()
    watched.observer.record_packages([("GigaChat", 100.0), ("embeddings", 500.0)])
    watched.observer.record_packages([("GigaChat", 100.0)])
    assert set(watched.series("balance_tokens")) == set(watched.series("balance_exhaustion_seconds")) == {"GigaChat"}


def test_no_balance(caplog: pytest.LogCaptureFixture) -> None:
    """Pay-as-you-go: no series at all, told once, and once more after a balance was known."""
    caplog.set_level("INFO", "gpt2giga")
    watched = Watched()
    watched.observer.record_no_balance(403)
    watched.observer.record_no_balance(403)
    watched.observer.record_packages([("GigaChat", 100.0)])
    watched.observer.record_no_balance(403)
    assert watched.series("balance_tokens") == watched.series("balance_exhaustion_seconds") == {}
    assert [record.getMessage() for record in caplog.records] == ["GigaChat tells no balance for this account"] * 2


def test_names_are_bounded() -> None:
    """Whatever GigaChat invents, the series stay few: the rest is one sum."""
    watched = Watched()
    watched.observer.record_packages([(f"package-{number}", 1.0) for number in range(1000)])
    found = watched.series("balance_tokens")
    assert len(found) == MAX_PACKAGES + 1
    assert found["other"] == 1000 - MAX_PACKAGES
