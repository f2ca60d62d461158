"""Counting prompts, and the prefix cache."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox import usage
from app.sandbox.catalog import MODELS
from app.sandbox.usage import PrefixCache, Prompt, build_usage, count_prompt

MODEL = MODELS["GigaChat"]


def _prompt(*texts: str, **more: Any) -> Prompt:
    return count_prompt(MODEL, {"messages": [{"role": "user", "content": text} for text in texts], **more})


def test_total_is_the_sum() -> None:
    """The identity that holds in every recording."""
    assert build_usage(17, 3, 2) == {
        "prompt_tokens": 17,
        "completion_tokens": 3,
        "total_tokens": 20,
        "precached_prompt_tokens": 2,
    }


def test_prompt_counts_calls_and_functions() -> None:
    """Texts, arguments and descriptions of functions are paid for."""
    plain = _prompt("Hello, world!")
    assert plain.tokens == 8
    assert _prompt("Hello, world!", functions=[{"name": "f", "parameters": {}}]).tokens > plain.tokens
    called = {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": {"a": 1}}}
    assert count_prompt(MODEL, {"messages": [called]}).tokens > 4


def test_cache_knows_the_common_beginning() -> None:
    """A session's next prompt finds what both begin with, never the whole prompt."""
    cache = PrefixCache()
    assert cache.count_cached("a", _prompt("раз", "два")) == 0
    assert cache.count_cached("a", _prompt("раз", "два", "три")) == 10
    assert cache.count_cached("a", _prompt("раз", "другое")) == 5
    assert cache.count_cached("a", _prompt("раз", "другое")) == _prompt("раз", "другое").tokens - 1


def test_cache_is_bound_to_the_session() -> None:
    """Another session, or none, finds nothing."""
    cache = PrefixCache()
    cache.count_cached("a", _prompt("раз", "два"))
    assert cache.count_cached("b", _prompt("раз", "два")) == 0
    assert cache.count_cached(None, _prompt("раз", "два")) == cache.count_cached(None, _prompt("раз", "два")) == 0


def test_cache_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not hit for 30 seconds is forgotten, and so are the oldest of too many sessions."""
    cache = PrefixCache()
    cache.count_cached("a", _prompt("раз"))
    monkeypatch.setattr(usage, "CACHE_SECONDS", -1.0)
    assert cache.count_cached("a", _prompt("раз")) == 0
    monkeypatch.undo()
    monkeypatch.setattr(usage, "SESSIONS", 1)
    cache.count_cached("b", _prompt("раз"))
    assert cache.count_cached("a", _prompt("раз")) == 0
