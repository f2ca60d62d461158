"""OpenAI's list of models, written."""

from __future__ import annotations

import pytest
from openai.types import Model as OpenAIModel

from app.errors import MODEL_NOT_FOUND, GatewayError
from app.translate.abilities import Abilities, overrides
from app.translate.dialogue import Model
from app.translate.models import ModelNames
from app.translate.openai import models

LISTED = [Model("GigaChat", "salutedevices", "chat"), Model("Embeddings", "salutedevices", "embedder")]
NAMES = ModelNames("GigaChat", "Embeddings", (("mine", "GigaChat"), ("hidden", "GigaChat-Secret"), ("x-*", "GigaChat")))
ABILITIES = Abilities()


def test_the_list_has_gigachats_models_and_the_aliases() -> None:
    """GigaChat's first, then the usual names and the operator's; a pattern is no name."""
    body = models.write_list(LISTED, NAMES, ABILITIES)
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
        "context_length": 261_120,
    }
    for item in body["data"]:
        OpenAIModel.model_validate(item, strict=True)


def test_a_name_is_listed_once() -> None:
    """An alias that bears a model's name is that model."""
    names = ModelNames("GigaChat", "Embeddings", (("GigaChat", "GigaChat"), ("gpt-4", "GigaChat")))
    listed = [item["id"] for item in models.write_list(LISTED, names, ABILITIES)["data"]]
    assert len(listed) == len(set(listed))


# name -> owner, or None where no request could use it
ONE: list[tuple[str, str | None]] = [
    ("GigaChat", "salutedevices"),
    ("GigaChat:2.0.28.2", "salutedevices"),
    ("GigaChat:latest", "salutedevices"),
    ("gigachat/GigaChat:latest", "salutedevices"),
    ("gpt-4o:latest", "salutedevices"),
    ("nobody:latest", None),
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
    if owner is None:
        with pytest.raises(GatewayError) as caught:
            models.write_one(name, LISTED, NAMES, ABILITIES)
        assert (caught.value.kind, caught.value.param) == (MODEL_NOT_FOUND, "model")
        return
    body = models.write_one(name, LISTED, NAMES, ABILITIES)
    assert (body["id"], body["owned_by"]) == (name, owner)


@pytest.mark.parametrize("name", ["GigaChat", "nobody", "gpt-4o"])
def test_while_the_list_is_unknown_every_name_is(name: str) -> None:
    """GigaChat may have it: nothing is denied that could not be looked up."""
    body = models.write_one(name, [], NAMES, ABILITIES)
    assert (body["id"], body["owned_by"]) == (name, "gpt2giga-proxy")


# model asked for, what it says of its context
CONTEXTS: list[tuple[str, int | None]] = [
    ("GigaChat", 1000),
    ("GigaChat:latest", 1000),
    ("gpt-4o", 1000),
    ("mine", 1000),
    ("Embeddings", None),
    ("text-embedding-3-small", None),
    ("hidden", None),
    ("max", 261_120),
]


@pytest.mark.parametrize(("name", "context"), CONTEXTS)
def test_the_context_is_that_of_the_model_that_is_meant(name: str, context: int | None) -> None:
    """The operator's word counts; an alias has that of its model, which need not be listed; embedders have none."""
    names = ModelNames("GigaChat", "Embeddings", (*NAMES.aliases, ("max", "GigaChat-2-Max-preview")))
    abilities = Abilities(overrides({"GigaChat": {"context": 1000}, "Embeddings": {"context": 512}}))
    assert models.write_one(name, LISTED, names, abilities).get("context_length") == context
    listed = {item["id"]: item.get("context_length") for item in models.write_list(LISTED, names, abilities)["data"]}
    assert listed.get(name, context) == context
