"""What the tests of this folder share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.exchange.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One for all examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", os.devnull)
        world = World()
        world.open()
    yield world
    world.close()
