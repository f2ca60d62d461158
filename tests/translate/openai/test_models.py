"""OpenAI's list of models, written."""

from __future__ import annotations

import pytest
from openai.types import Model as OpenAIModel

from app.translate.dialogue import Model
from app.translate.models import ModelNames
from app.translate.openai import models

LISTED = [Model("GigaChat", "salutedevices", "chat"), Model("Embeddings", "salutedevices", "embedder")]
NAMES = ModelNames("GigaChat", "Embeddings", (("mine", "GigaChat"), ("hidden", "GigaChat-Secret"), ("x-*", "GigaChat")))


def test_the_list_has_gigachats_models_and_the_aliases() -> None:
    """GigaChat's first, then the usual names and the operator's; a pattern is no name."""
    body = models.write_list(LISTED, NAMES)
    assert body["object"] == "list"
    assert [item["id"] for item in body["data"]] == [
        *("GigaChat", "Embeddings", "gpt-3.5-turbo", "gpt-4", "gpt-4o", "mine", "hidden"),
    ]
    assert body["data"][0] == {
        "id": "GigaChat",
        "object": "model",
        "created": 0,
        "owned_by": "salutedevices",
        "type": "chat",
    }
    for item in body["data"]:
        OpenAIModel.model_validate(item, strict=True)


def test_a_name_is_listed_once() -> None:
    """An alias that bears a model's name is that model."""
    names = ModelNames("GigaChat", "Embeddings", (("GigaChat", "GigaChat"), ("gpt-4", "GigaChat")))
    listed = [item["id"] for item in models.write_list(LISTED, names)["data"]]
    assert len(listed) == len(set(listed))


# name -> owner, or None where no request could use it
ONE: list[tuple[str, str | None]] = [
    ("GigaChat", "salutedevices"),
    ("GigaChat:2.0.28.2", "salutedevices"),
    ("gigachat/GigaChat", "salutedevices"),
    ("gpt-4o", "salutedevices"),
    ("openai/gpt-4o", "salutedevices"),
    ("text-embedding-3-small", "salutedevices"),
    ("x-ray", "salutedevices"),
    ("hidden", "gpt2giga-proxy"),
    ("nobody", None),
    ("openai/nobody", None),
    ("nobody:1.0", None),
    ("GigaChat-2-Max", None),
]


@pytest.mark.parametrize(("name", "owner"), ONE)
def test_one_model_is_answered_for_if_a_request_could_use_it(name: str, owner: str | None) -> None:
    """Whatever name was asked for comes back as the id."""
    body = models.write_one(name, LISTED, NAMES)
    assert (body and body["owned_by"]) == owner
    assert (body and body["id"]) == (owner and name)


@pytest.mark.parametrize("name", ["GigaChat", "nobody", "gpt-4o"])
def test_while_the_list_is_unknown_every_name_is(name: str) -> None:
    """GigaChat may have it: nothing is denied that could not be looked up."""
    body = models.write_one(name, [], NAMES)
    assert body is not None
    assert (body["id"], body["owned_by"]) == (name, "gpt2giga-proxy")
