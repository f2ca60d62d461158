"""What is said of models that GigaChat lacks, or that are for something else."""

from __future__ import annotations

import pytest

from app.errors import GatewayError
from app.translate.missing_models import Use, find_nearest, quote, refuse_wrong_use, say_missing

LISTED = ("GigaChat", "GigaChat-2", "GigaChat-2-Pro", "GigaChat-2-Max", "GigaChat-2-Max-preview")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gigachat-2-max", "GigaChat-2-Max"),
        ("GigaChat-3-Max", "GigaChat-2-Max"),
        ("GigaChat2Pro", "GigaChat-2-Pro"),
        ("Gigachad", "GigaChat"),
        ("deepseek-chat", None),
        ("llama3", None),
        ("x" * 100_000, None),
        ("", None),
    ],
)
def test_the_nearest_is_named(name: str, near: str | None) -> None:
    """A slip is found, a stranger is nothing like GigaChat's models."""
    assert find_nearest(name, LISTED) == near


def test_a_missing_model_is_named() -> None:
    """With the name that the client gave, where it is another one."""
    assert say_missing("GigaChat-9", (), "GigaChat-9").startswith("GigaChat has no model 'GigaChat-9'. GET /v1/models")
    told = say_missing("GigaChat-2-Mux", LISTED, "gpt-4o")
    assert "no model 'GigaChat-2-Mux', which 'gpt-4o' means here. Did you mean 'GigaChat-2-Max'?" in told
    assert "GPT2GIGA_MODEL_ALIASES" in told


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\r\nb\u202ec", "'a??b?c'"),
        ("м" * 65, f"'{'м' * 64}...'"),
        ("sk-proj-secret", "'...'"),
        ("eyJhbGciOi", "'...'"),
    ],
)
def test_a_clients_word_is_cleaned(name: str, shown: str) -> None:
    """It is bounded, printable, and no secret."""
    assert quote(name) == shown


@pytest.mark.parametrize(
    ("model", "use", "kinds", "word"),
    [
        ("Embeddings", "chat", {}, "/v1/embeddings"),
        ("GigaChat-2-Max", "embedder", {}, "text-embedding-3-small"),
        ("New", "chat", {"New": "embedder"}, "/v1/embeddings"),
        ("New", "embedder", {"New": "chat"}, "text-embedding-3-small"),
        ("GigaFilter", "chat", {"GigaFilter": "filter"}, "'filter'"),
    ],
)
def test_a_model_for_something_else(model: str, use: Use, kinds: dict[str, str | None], word: str) -> None:
    """It is known by GigaChat's list, else by the tables."""
    with pytest.raises(GatewayError) as caught:
        refuse_wrong_use(model, use, kinds, "model")
    assert (caught.value.kind.name, caught.value.param) == ("model_not_found", "model")
    assert word in caught.value.message


@pytest.mark.parametrize(
    ("model", "use", "kinds"),
    [
        ("GigaChat", "chat", {}),
        ("Embeddings", "embedder", {}),
        ("Nobody", "chat", {}),
        ("Nobody", "embedder", {"Nobody": None}),
        ("Embeddings", "chat", {"Embeddings": "chat"}),
    ],
)
def test_what_may_be_asked(model: str, use: Use, kinds: dict[str, str | None]) -> None:
    """GigaChat's own word counts before the tables; of what nobody knows GigaChat decides."""
    refuse_wrong_use(model, use, kinds, "model")
