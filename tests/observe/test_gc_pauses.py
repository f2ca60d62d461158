"""The garbage collector's pauses: each is counted once, by its generation, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from app.observe import sampler
from app.observe.gc_pauses import count_gc_pauses
from app.observe.metrics import Metrics

NAME = "gpt2giga_proxy_gc_pause_seconds"


class Slow:
    """A cycle whose end takes a while."""

    def __init__(self, seconds: float) -> None:
        self.me = self
        self.seconds = seconds

    def __del__(self) -> None:
        """Wait."""
        time.sleep(self.seconds)


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Nothing is collected but by the test, which leaves no callback behind."""
    gc.collect()
    gc.freeze()  # what other tests have left is not looked at: a collection is quick
    gc.disable()
    before = list(gc.callbacks)
    yield
    gc.enable()
    gc.unfreeze()
    assert gc.callbacks == before


def counts(registry: CollectorRegistry) -> list[float]:
    """The collections of each generation."""
    return [registry.get_sample_value(f"{NAME}_count", {"generation": one}) or 0 for one in ("0", "1", "2")]


@pytest.mark.usefixtures("_quiet")
def test_each_collection_by_its_generation() -> None:
    """As many as there were, and as long as they took."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    assert counts(registry) == [0, 0, 0]
    with count_gc_pauses(metrics.gc_pauses):
        for generation in (0, 0, 1, 2):
            gc.collect(generation)
        Slow(0.06)
        gc.collect()
    gc.collect()
    assert counts(registry) == [2, 1, 2]
    assert (registry.get_sample_value(f"{NAME}_bucket", {"generation": "2", "le": "0.05"}) or 0) == 1
    assert 0.06 <= (registry.get_sample_value(f"{NAME}_sum", {"generation": "2"}) or 0) < 0.5


@pytest.mark.usefixtures("_quiet")
def test_a_collection_that_began_before_is_left_out() -> None:
    """What was under way when counting began has no beginning that is known."""
    registry = CollectorRegistry()
    metrics, waiting = Metrics(registry), threading.Thread(target=gc.collect)
    Slow(0.3)
    waiting.start()
    time.sleep(0.1)
    with count_gc_pauses(metrics.gc_pauses):
        waiting.join()
        assert counts(registry) == [0, 0, 0]
        gc.collect()
        assert counts(registry) == [0, 0, 1]


@pytest.mark.usefixtures("_quiet")
async def test_the_sampler_counts_them_while_it_runs() -> None:
    """From the start to the end of the gateway, whichever thread collects."""
    registry = CollectorRegistry()
    task = asyncio.create_task(sampler.watch(Metrics(registry), lambda: None))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(gc.collect, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gc.collect(1)
    assert counts(registry) == [0, 1, 0]
