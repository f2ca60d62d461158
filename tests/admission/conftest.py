"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.admission.queueing import OpenQueue, QueueBench


@pytest.fixture
def open_queue() -> Iterator[OpenQueue]:
    """Open queues: `open_queue(1, 3, length=9)` has two credentials, of one and three slots. They end with the test."""
    benches: list[QueueBench] = []

    def start(*limits: int, **options: Any) -> QueueBench:
        benches.append(QueueBench(limits or (1,), **options))
        return benches[-1]

    yield start
    for bench in benches:
        bench.close()
