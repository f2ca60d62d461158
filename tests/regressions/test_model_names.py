"""Names of models as people write them, and what they are told of a model's context."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import ask, saying

ALIASES = "mine=gigachat/GigaChat-2-Max:latest,llama3:8b=GigaChat-2-Pro"
# as a client writes it, as GigaChat is asked
NAMES: list[tuple[str, str]] = [
    ("GigaChat-2-Max:latest", "GigaChat-2-Max"),
    ("GigaChat:2.0.28.2", "GigaChat"),
    ("gigachat/GigaChat-2-Max:latest", "GigaChat-2-Max"),
    ("openai/gpt-4o:2024-08-06", "GigaChat"),
    ("gpt-4o:latest", "GigaChat"),
    ("mine", "GigaChat-2-Max"),
    ("mine:latest", "GigaChat-2-Max"),
    ("llama3:8b", "GigaChat-2-Pro"),
]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tag_behind_a_name_is_cut(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Upstream, and in what is said of one model."""
    gateway = await start_gateway(GPT2GIGA_MODEL_ALIASES=ALIASES)
    for name, model in NAMES:
        assert (await ask(http, gateway, saying("x", model=name, stream=stream))).status == 200
        assert sandbox.state.requests.of("chat")[-1].body["model"] == model
        one = (await ask(http, gateway, method="GET", path=f"/v1/models/{name}")).json
        assert (one["id"], one["context_length"]) == (name, 261_120)


async def test_a_setting_with_a_tag(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It would be a 404 with every request."""
    gateway = await start_gateway(GIGACHAT_MODEL="GigaChat-2:latest", GPT2GIGA_EMBEDDINGS_MODEL="gigachat/Embeddings:1")
    for name in ("gpt-4o", None):
        assert (await ask(http, gateway, saying("x", model=name))).status == 200
        assert sandbox.state.requests.of("chat")[-1].body["model"] == "GigaChat-2"
    body = {"model": "text-embedding-3-small", "input": "x"}
    assert (await ask(http, gateway, body, path="/v1/embeddings")).status == 200
    assert gateway.gateway.catalog.absent == frozenset()


@pytest.mark.parametrize("name", ["ft:gpt-4o:acme::8x", "nobody:latest", ":latest"])
async def test_what_is_no_model_stays_none(name: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A tag makes no model of a stranger; OpenAI's fine-tuned ones are strangers."""
    assert (await ask(http, gateway, saying("x", model=name))).status in {400, 404}


async def test_the_context_of_each_model(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """All chat models and aliases have one, by the operator's word; embedders have none; nothing is refused by it."""
    table = tmp_path / "models.json"
    table.write_text(json.dumps({"GigaChat-2": {"context": 100}}))
    gateway = await start_gateway(GPT2GIGA_MODELS_FILE=str(table), GPT2GIGA_MODEL_ALIASES="mine=GigaChat-2")
    listed: list[dict[str, Any]] = (await ask(http, gateway, method="GET", path="/v1/models")).json["data"]
    contexts = {model["id"]: model.get("context_length") for model in listed}
    assert {contexts[name] for name in ("GigaChat", "GigaChat-2-Max", "GigaChat-Max-preview", "gpt-4o")} == {261_120}
    assert (contexts["GigaChat-2"], contexts["mine"]) == (100, 100)
    assert {model["id"] for model in listed if "context_length" not in model} == {
        model["id"] for model in listed if model.get("type", "chat") != "chat"
    }
    assert (await ask(http, gateway, saying("слово " * 500, model="mine"))).status == 200
