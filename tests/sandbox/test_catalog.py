"""The models, and the rule by which tokens are counted."""

from __future__ import annotations

from app.sandbox.catalog import MODELS


def test_recorded_counts() -> None:
    """ "Hello, world!" is 4 tokens for the chat and 9 for an embedder; nothing is 0."""
    assert MODELS["GigaChat"].count("Hello, world!") == 4
    assert MODELS["Embeddings"].count("Hello, world!") == 9
    assert MODELS["GigaChat"].count("") == 0


def test_cut_is_the_longest_beginning() -> None:
    """A cut text has exactly the tokens asked for, and one character more would have one token more."""
    model = MODELS["GigaChat"]
    text = "абвгд" * 20
    cut = model.cut(text, 7)
    assert text.startswith(cut)
    assert model.count(cut) == 7
    assert model.count(text[: len(cut) + 1]) == 8


def test_recorded_models() -> None:
    """Every recorded name is served, with its type and an embedder's sizes."""
    assert {model.type for model in MODELS.values()} == {"chat", "embedder", "filter", "aicheck"}
    assert MODELS["GigaChat-2-Max-preview"].type == "chat"
    assert MODELS["EmbeddingsGigaR"].dimensions == 2560
    assert {name for name, model in MODELS.items() if model.prose} == {"GigaChat-Plus", "GigaChat-Plus-preview"}
    assert {name for name, model in MODELS.items() if model.images} == {
        name + suffix
        for name in ("GigaChat-Pro", "GigaChat-Max", "GigaChat-2-Pro", "GigaChat-2-Max")
        for suffix in ("", "-preview")
    }
    assert MODELS["GigaChat"].served_name == "GigaChat:2.0.28.2"
