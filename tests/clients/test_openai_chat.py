"""Whole chat answers through the official `openai` package."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from tests.clients.sdk import ALIASED, KEY, GatewayWith, Gigachat, Sdk, strangers
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import Process


def test_the_answer_is_what_gigachat_said(sdk: Sdk, gigachat: Gigachat) -> None:
    """Text, role, finish reason and the model's real name arrive; nothing that was not said is there."""
    answer = sdk.chat("sandbox:say Привет, мир! 👋 <b>&amp;</b>\n\tline \u2028 end")
    choice = answer.choices[0]
    assert choice.message.content == "Привет, мир! 👋 <b>&amp;</b>\n\tline \u2028 end"
    assert (choice.index, choice.message.role, choice.finish_reason) == (0, "assistant", "stop")
    assert (choice.message.refusal, choice.message.tool_calls, choice.logprobs) == (None, None, None)
    assert answer.model == "GigaChat-2:2.0.28.2"
    assert answer.object == "chat.completion"
    assert answer.created > 1_700_000_000
    assert len(answer.choices) == 1


@pytest.mark.parametrize(
    ("given", "extras"),
    [("sandbox:say x", set()), ("sandbox:reasoning", {"choices.0.message.reasoning_content"})],
)
def test_an_answer_is_of_the_sdks_own_type(sdk: Sdk, given: str, extras: set[str]) -> None:
    """Strictly valid, and with no key that the type does not know, but for the one that thoughts come in."""
    raw = sdk.wait(
        sdk.client.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=[{"role": "user", "content": given}]
        )
    )
    answer = ChatCompletion.model_validate_json(raw.text if isinstance(raw.text, str) else raw.text(), strict=True)
    assert strangers(answer) == extras


def test_usage_adds_up_and_tells_cached_tokens(sdk: Sdk) -> None:
    """Prompt and completion make the total; what GigaChat had in its cache is a part of the prompt."""
    answers = [sdk.chat(f"Сколько это стоит, {sdk.kind}?", user=f"cache-{sdk.kind}") for _ in range(2)]
    for answer in answers:
        usage = answer.usage
        assert usage.prompt_tokens > 0
        assert usage.completion_tokens > 0
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert answers[0].usage.prompt_tokens_details.cached_tokens == 0
    assert 0 < answers[1].usage.prompt_tokens_details.cached_tokens <= answers[1].usage.prompt_tokens


def test_cached_tokens_never_exceed_the_prompt(sdk: Sdk, gigachat: Gigachat) -> None:
    """A model whose prompt count leaves the cached ones out gets them added: no client sees more cached than asked."""
    gigachat.fault("cached_exceeds_prompt")
    usage = sdk.chat("Привет").usage
    assert usage.prompt_tokens_details.cached_tokens <= usage.prompt_tokens
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_an_answer_without_usage_has_none(sdk: Sdk, gigachat: Gigachat) -> None:
    """What GigaChat did not count is not invented."""
    gigachat.fault("no_usage")
    assert sdk.chat("Привет").usage is None


def test_an_answer_without_content_is_empty(sdk: Sdk, gigachat: Gigachat) -> None:
    """A null of GigaChat's is an empty answer, no failure."""
    gigachat.fault("null_content")
    answer = sdk.chat("Привет")
    assert not answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_raw_headers(sdk: Sdk) -> None:
    """The request's id is in the header, on the object and in the answer's id; the times are numbers."""
    raw = sdk.wait(
        sdk.client.chat.completions.with_raw_response.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "", "name": "Max"}, {"role": "user", "content": "x"}],
            **DROPPED,
        )
    )
    answer = raw.parse()
    request_id = raw.headers["x-request-id"]
    assert answer._request_id == request_id == raw.request_id
    assert answer.id == f"chatcmpl-{request_id}"
    assert float(raw.headers["x-gateway-upstream-ms"]) > 0
    assert float(raw.headers["x-gateway-overhead-ms"]) > 0
    assert raw.headers["x-gateway-dropped"] == f"{DROPPED_NAME}, messages.name"
    assert raw.headers["x-gateway-adapted"] == "user.empty->space"
    assert raw.headers["content-type"] == "application/json"


def test_every_answer_has_an_id_of_its_own_and_one_fingerprint_for_a_build(sdk: Sdk) -> None:
    """Ids differ, the fingerprint says which build answered."""
    first, second, other = sdk.chat("a"), sdk.chat("a"), sdk.chat("a", model="GigaChat-2-Max")
    assert len({first.id, second.id, other.id}) == 3
    assert first.system_fingerprint == second.system_fingerprint != other.system_fingerprint
    assert first.system_fingerprint.startswith("fp_")


def user(content: Any) -> dict[str, Any]:
    """A user message."""
    return {"role": "user", "content": content}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    """A message of the assistant's."""
    return {"role": "assistant", "content": content, **more}


def text(value: str) -> dict[str, Any]:
    """A part of a message."""
    return {"type": "text", "text": value}


SYSTEM = {"role": "system", "content": "Отвечай кратко."}
DEVELOPER = {"role": "developer", "content": "Be kind."}
ASSISTANT = assistant("Слушаю.")
REFUSAL = {"type": "refusal", "refusal": "Нет."}


@pytest.mark.parametrize(
    ("messages", "asked"),
    [
        ([user("a"), ASSISTANT, user("b")], [user("a"), ASSISTANT, user("b")]),
        ([SYSTEM, user("a")], [SYSTEM, user("a")]),
        ([DEVELOPER, user("a")], [{"role": "system", "content": "Be kind."}, user("a")]),
        ([SYSTEM, user("a"), DEVELOPER], [{"role": "system", "content": "Отвечай кратко.\n\nBe kind."}, user("a")]),
        ([user("a"), ASSISTANT, DEVELOPER, user("b")], [user("a"), ASSISTANT, user("[system] Be kind."), user("b")]),
        ([user([text("a"), text("b")])], [user("a\nb")]),
        ([user("a"), assistant([text("a"), text("b")]), user("c")], [user("a"), assistant("ab"), user("c")]),
        ([user("a"), assistant([REFUSAL]), user("b")], [user("a"), assistant("Нет."), user("b")]),
        ([user("a"), assistant(None, refusal="Нет."), user("b")], [user("a"), assistant("Нет."), user("b")]),
        ([user("a"), user("b")], [user("a"), user("b")]),
    ],
)
def test_messages_reach_gigachat(sdk: Sdk, gigachat: Gigachat, messages: list[Any], asked: list[Any]) -> None:
    """Every role and every form of content that the SDK types, as GigaChat takes it."""
    sdk.wait(sdk.client.chat.completions.create(model="gpt-4o", messages=messages))
    assert gigachat.last()["body"]["messages"] == asked


def test_an_answer_can_be_sent_back_as_history(sdk: Sdk, gigachat: Gigachat) -> None:
    """The SDK's own message object, thoughts and all, is a valid turn of the next request."""
    first = sdk.chat("sandbox:reasoning\nsandbox:say Первый ответ")
    turns = [user("Раз"), first.choices[0].message, user("Два")]
    again = sdk.wait(sdk.client.chat.completions.with_raw_response.create(model=first.model, messages=turns))
    asked = gigachat.last()["body"]
    assert asked["messages"][1] == {"role": "assistant", "content": "Первый ответ"}
    assert asked["model"] == "GigaChat-2"
    assert "x-gateway-dropped" not in again.headers


OWN = {"repetition_penalty": 1.1, "profanity_check": False}  # GigaChat's own fields


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"temperature": 0}, {"temperature": 0.0001}),
        ({"temperature": 0.7, "top_p": 0.5}, {"temperature": 0.7, "top_p": 0.5}),
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": 8}, {"max_tokens": 8}),
        ({"stream": False}, {}),
        ({"extra_body": OWN}, OWN),
        ({**DROPPED, "user": "u", "metadata": {"a": "b"}}, {}),
        ({"n": 1, "stop": None, "tools": [], "response_format": {"type": "text"}, "parallel_tool_calls": True}, {}),
    ],
)
def test_parameters_reach_gigachat(sdk: Sdk, gigachat: Gigachat, given: dict[str, Any], asked: dict[str, Any]) -> None:
    """What GigaChat has is asked under its name, and nothing else goes there."""
    sdk.chat("x", **given)
    record = gigachat.last()
    assert {key: value for key, value in record["body"].items() if key not in {"model", "messages"}} == asked
    assert record["unknown"] == []


@pytest.mark.parametrize(
    ("asked", "finish"),
    [("sandbox:finish length", "length"), ("sandbox:finish blacklist", "content_filter"), ("sandbox:say x", "stop")],
)
def test_finish_reasons(sdk: Sdk, asked: str, finish: str) -> None:
    """GigaChat's reasons in the SDK's words, with the text that came."""
    choice = sdk.chat(asked).choices[0]
    assert choice.finish_reason == finish
    assert choice.message.content


def test_a_limit_cuts_the_answer(sdk: Sdk) -> None:
    """max_tokens is GigaChat's to obey; the client sees `length`."""
    answer = sdk.chat("sandbox:long 50", max_tokens=10)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens <= 10


def test_parse_gives_the_text_and_raises_on_its_own_conditions(sdk: Sdk) -> None:
    """`parse` without a format is a plain call; a filtered or cut answer is the exception that the SDK has for it."""
    parse = sdk.client.chat.completions.parse
    answer = sdk.wait(parse(model="gpt-4o", messages=[user("sandbox:say Да")]))
    assert answer.choices[0].message.content == "Да"
    with pytest.raises(openai.ContentFilterFinishReasonError):
        sdk.wait(parse(model="gpt-4o", messages=[user("sandbox:finish blacklist")]))
    with pytest.raises(openai.LengthFinishReasonError):
        sdk.wait(parse(model="gpt-4o", messages=[user("sandbox:finish length")]))


def test_nothing_of_the_client_goes_to_gigachat(sdk: Sdk, gigachat: Gigachat) -> None:
    """The client's headers stay here: its key, its names, its fingerprints, its cookies."""
    headers = {"x-custom": "mine", "Cookie": "a=b", "Referer": "http://example.com", "X-Client-ID": "me"}
    client = sdk.make(organization="org-1", project="proj-1", default_headers=headers)
    sdk.chat("x", client)
    sent = {name.lower(): value for name, value in gigachat.last()["headers"].items()}
    assert sorted(sent) == sorted(
        ["host", "accept", "accept-encoding", "authorization", "content-length", "content-type", "user-agent",
         "x-request-id", "x-session-id"]
    )  # fmt: skip
    assert sent["user-agent"].startswith("gpt2giga-proxy/")
    assert "mine" not in str(sent)


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/"])
def test_base_urls(sdk: Sdk, served: Process, base: str) -> None:
    """With or without /v1, with or without a slash at the end."""
    client = sdk.make(served.url + base)
    assert sdk.chat("sandbox:say x", client).choices[0].message.content == "x"
    assert sdk.wait(client.models.retrieve("GigaChat-2")).id == "GigaChat-2"


@pytest.mark.parametrize("base", ["", "/v1/"])
def test_the_environment_names_the_gateway(
    sdk: Sdk, served: Process, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    """OPENAI_BASE_URL and OPENAI_API_KEY are all that a program needs to change over."""
    monkeypatch.setenv("OPENAI_BASE_URL", served.url + base)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert sdk.chat("sandbox:say x", sdk.own()).choices[0].message.content == "x"


def test_the_module_level_client(served: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """`openai.base_url = ...` and calls on the module itself, as old scripts do."""
    monkeypatch.setattr(openai, "base_url", f"{served.url}/v1/")
    monkeypatch.setattr(openai, "api_key", KEY)
    answer = openai.chat.completions.create(
        model="gpt-3.5-turbo", messages=[{"role": "user", "content": "sandbox:say x"}]
    )
    assert answer.choices[0].message.content == "x"


def test_an_expired_token_is_renewed_unseen(sdk: Sdk, gigachat: Gigachat) -> None:
    """GigaChat's 401 is the gateway's to mend: the client sees an answer."""
    gigachat.revoke()
    assert sdk.chat("sandbox:say x").choices[0].message.content == "x"
    assert [one["status"] for one in gigachat.requests()] == [401, 200]


def test_strict_mode_names_the_field(sdk: Sdk, gigachat: Gigachat) -> None:
    """With X-Gateway-Strict a field that would be dropped is a 400, and GigaChat is not asked."""
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat("x", **DROPPED, extra_headers={"X-Gateway-Strict": "1"})
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", DROPPED_NAME)
    assert gigachat.requests() == []


def test_an_alias_of_the_operators(sdk: Sdk, gateway_with: GatewayWith, gigachat: Gigachat) -> None:
    """A name of OpenAI's asks the model that the operator chose for it."""
    gateway = gateway_with(**ALIASED)
    client = sdk.make(gateway.url)
    assert sdk.chat("x", client, model="gpt-4o").model == "GigaChat-2-Max:2.0.28.2"
    assert sdk.chat("x", client, model="o3-mini").model == "GigaChat-2-Pro:2.0.28.2"
    assert sdk.chat("x", client, model="GigaChat-Plus").model == "GigaChat-Plus:2.0.28.2"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_many_at_a_time(sdk: Sdk, stream: bool) -> None:
    """Answers that come at the same time are each their own question's."""
    asked = [f"{number} " * 40 for number in range(30)]
    answers = sdk.together([f"sandbox:wait 0.05\nsandbox:say {text}" for text in asked], stream=stream)
    assert answers == asked
