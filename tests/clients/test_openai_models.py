"""The list of models through the official `openai` package."""

from __future__ import annotations

import openai
import pytest
from openai.types import Model

from tests.clients.sdk import ALIASED, GatewayWith, Gigachat, Sdk, soon, strangers


def test_the_list_has_gigachats_models_and_the_aliases(sdk: Sdk) -> None:
    """Everything that a request could name, each once, and it can be iterated as a page."""
    page = sdk.wait(sdk.client.models.list())
    names = [model.id for model in sdk.each(page)]
    assert {"GigaChat", "GigaChat-2", "GigaChat-2-Max", "Embeddings"} < set(names)
    assert {"gpt-3.5-turbo", "gpt-4", "gpt-4o"} < set(names)
    assert len(names) == len(set(names))
    assert page.object == "list"
    assert not page.has_next_page()


def test_a_model_is_of_the_sdks_own_type(sdk: Sdk) -> None:
    """Strictly valid; the only keys beside the SDK's are GigaChat's own `type` and the context."""
    for model in sdk.each(sdk.wait(sdk.client.models.list())):
        strict = Model.model_validate_json(model.to_json(), strict=True)
        assert strangers(strict) <= {"type", "context_length"}
        assert strict.object == "model"
        assert strict.owned_by


def test_every_listed_model_can_be_retrieved(sdk: Sdk) -> None:
    """What the list names is there under its name, and looks the same."""
    for model in sdk.each(sdk.wait(sdk.client.models.list())):
        found = sdk.wait(sdk.client.models.retrieve(model.id))
        assert found.id == model.id
        assert found.object == "model"
        if not model.id.startswith("gpt"):
            assert found.to_dict() == model.to_dict()


@pytest.mark.parametrize("name", ["o3-mini", "openai/gpt-4o", "claude-sonnet-4", "text-embedding-3-small", "ft:x/y"])
def test_names_that_are_not_listed(sdk: Sdk, name: str) -> None:
    """Any name that a request could use is answered for, and no other."""
    if name == "ft:x/y":
        with pytest.raises(openai.NotFoundError) as caught:
            sdk.wait(sdk.client.models.retrieve(name))
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    else:
        assert sdk.wait(sdk.client.models.retrieve(name)).id == name


def test_an_answers_model_can_be_retrieved_and_asked(sdk: Sdk) -> None:
    """The name that an answer bears, with its build, is good for the next request."""
    served = sdk.chat("x").model
    assert sdk.wait(sdk.client.models.retrieve(served)).id == served
    assert sdk.chat("x", model=served).model == served


def test_raw_headers(sdk: Sdk) -> None:
    """The request's id comes with the list too."""
    raw = sdk.wait(sdk.client.models.with_raw_response.list())
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.parse()._request_id == raw.request_id


def test_the_list_needs_no_request_to_gigachat(sdk: Sdk, gigachat: Gigachat) -> None:
    """It is kept: a client that asks often costs nothing, and GigaChat's outage does not empty it."""
    gigachat.fault("down", where="models", times=None)
    before = len(gigachat.requests("models"))
    for _ in range(5):
        assert len(sdk.wait(sdk.client.models.list()).data) > 10
    assert len(gigachat.requests("models")) == before


def test_the_operators_aliases_are_listed(sdk: Sdk, gateway_with: GatewayWith) -> None:
    """A name of the operator's own is in the list, and can be retrieved."""
    gateway = gateway_with(**ALIASED)
    client = sdk.make(gateway.url)
    names = soon(lambda: [one.id for one in sdk.each(sdk.wait(client.models.list())) if one.id.startswith("house")])
    assert names == ["house"]
    assert sdk.wait(client.models.retrieve("house-of-cards")).id == "house-of-cards"


def test_a_wrong_key(sdk: Sdk) -> None:
    """The list is behind the door like everything else."""
    with pytest.raises(openai.AuthenticationError) as caught:
        sdk.wait(sdk.make(api_key="wrong").models.list())
    assert (caught.value.status_code, caught.value.code) == (401, "invalid_api_key")
