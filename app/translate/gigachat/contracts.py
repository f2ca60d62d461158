"""The contract that chats are asked by: the one place that names a version of GigaChat's API."""

from __future__ import annotations

from app.translate.gigachat.contract import Contract
from app.translate.gigachat.v1.contract import V1Contract


def make_chat(*, cached_contained: bool = False) -> Contract:
    """The contract of chats. `cached_contained`: GigaChat's counts of prompts contain the cached tokens."""
    return V1Contract(cached_contained=cached_contained)


CHAT: Contract = make_chat()
