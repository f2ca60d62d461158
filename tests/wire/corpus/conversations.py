"""Conversations: roles, contents, sampling, models' names, sessions, and what is dropped or adapted, each told."""

from __future__ import annotations

from tests.wire.cases import Case, Group, Json, Step, ask, both, called, case, distinct, message, talk

# One change each to a plain request.
SAMPLING: dict[str, Json] = {
    "plain": {},
    "temperature": {"temperature": 0.7},
    "temperature 0": {"temperature": 0},
    "temperature 2 as an integer": {"temperature": 2},
    "top_p": {"top_p": 0.5},
    "top_p 0": {"top_p": 0},
    "max_tokens": {"max_tokens": 5},
    "max_tokens 0": {"max_tokens": 0},
    "max_tokens as a float": {"max_tokens": 7.0},
    "max_tokens beyond the model": {"max_tokens": 100_000},
    "max_completion_tokens": {"max_completion_tokens": 6},
    "max_output_tokens": {"max_output_tokens": 6},
    "three limits": {"max_completion_tokens": 6, "max_tokens": 7, "max_output_tokens": 8},
    "GigaChat's own": {"repetition_penalty": 1.1, "profanity_check": False, "update_interval": 0, "flags": ["a"]},
    "function_ranker": {"function_ranker": {"enabled": True, "top_n": 3.0}},
    "extra_body": {"extra_body": {"temperature": 0.3, "profanity_check": True}},
    "extra_body beside the body": {"temperature": 0.1, "extra_body": {"temperature": 0.3, "unknown_thing": 1}},
    "nulls": {"temperature": None, "tools": None, "stop": None, "n": None, "extra_body": None, "stream_options": None},
    "reasoning_effort low": {"reasoning_effort": "low"},
    "reasoning_effort minimal": {"reasoning_effort": "minimal"},
    "reasoning_effort xhigh": {"reasoning_effort": "xhigh"},
    "reasoning_effort none": {"reasoning_effort": "none"},
}
NOTED: dict[str, Json] = {
    "seed": {"seed": 7},
    "several drops": {"logit_bias": {"1": 2}, "seed": 7, "logprobs": True, "top_logprobs": 2},
    "penalties": {"presence_penalty": 1, "frequency_penalty": 0},
    "frequency_penalty": {"frequency_penalty": -1.5},
    "prediction": {"prediction": {"type": "content", "content": "x"}},
    "service_tier": {"service_tier": "flex"},
    "store": {"store": True},
    "audio": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "the newest": {
        "verbosity": "low",
        "web_search_options": {},
        "prompt_cache_retention": "24h",
        "moderation": {"model": "x"},
    },
    "neutral values": {
        "seed": None,
        "logprobs": False,
        "n": 1,
        "presence_penalty": 0,
        "tools": [],
        "store": False,
        "service_tier": "auto",
        "modalities": ["text"],
        "verbosity": "medium",
        "logit_bias": {},
        "response_format": {"type": "text"},
        "tool_choice": "auto",
    },
    "unknown keys": {"foo": 1, "бар": {"a": 1}, "line\r\nbreak: x": 2, "empty": [], "nothing": None},
    "identities": {"user": "u", "safety_identifier": "s", "metadata": {"a": "b"}},
    "stream_options without a stream": {"stream_options": {"include_usage": True}},
    "no model": {"model": None},
    "a model of OpenAI's": {"model": "gpt-4o-mini"},
    "a model of Anthropic's": {"model": "claude-3-5-sonnet"},
    "a prefix": {"model": "openai/gpt-4o"},
    "a prefix of GigaChat's": {"model": "gigachat/GigaChat-2-Max"},
    "a build": {"model": "GigaChat-2:2.0.28.2"},
    "a preview": {"model": "GigaChat-2-preview"},
}
HI = message("привет")
ROLES: dict[str, list[Json]] = {
    "system": [message("Отвечай кратко.", "system"), HI],
    "two systems": [message("a", "system"), message("b", "system"), HI],
    "developer": [message("Be short.", "developer"), HI],
    "an empty system": [message("", "system"), HI],
    "a late system": [HI, message("ok", "assistant"), message("S", "system"), message("дальше")],
    "two late systems": [
        HI,
        message("ok", "assistant"),
        message("S", "system"),
        message("T", "system"),
        message("дальше"),
    ],
    "turns": [HI, message("Здравствуйте!", "assistant"), message("как дела?")],
    "an assistant first": [message("Здравствуйте!", "assistant"), message("как дела?")],
    "an assistant last": [HI, message("Здрав", "assistant")],
    "neighbours of one role": [message("раз"), message("два"), message("три")],
    "an empty user": [message(""), message("x", "assistant"), message("теперь с текстом")],
    "only spaces": [message("  "), message("слово")],
    "a name": [{**HI, "name": "bob"}],
    "parts": [message([{"type": "text", "text": "одно"}, {"type": "text", "text": "другое"}])],
    "bare strings as parts": [message(["одно", {"type": "input_text", "text": "другое"}])],
    "parts of an assistant": [
        HI,
        message([{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "нет"}], "assistant"),
        message("почему?"),
    ],
    "a refusal": [HI, message(None, "assistant", refusal="не буду"), message("почему?")],
    "thoughts sent back": [HI, message("да", "assistant", reasoning_content="думаю"), message("ещё")],
    "an audio answer": [
        HI,
        message(None, "assistant", audio={"id": "a", "transcript": "сказано вслух"}),
        message("повтори"),
    ],
    "an audio answer without words": [HI, message("да", "assistant", audio={"id": "a"}), message("повтори")],
    "what SDKs add": [HI, message("да", "assistant", annotations=[{"a": 1}], id="1", status="done"), message("ещё")],
    "unknown keys of messages": [message("привет", foo=1, cache_control={"type": "ephemeral"}), HI],
    "unknown keys of parts": [message([{"type": "text", "text": "a", "foo": 1, "cache_control": {"type": "x"}}])],
    "characters": [message('кавычки " и \\ и \x00 и \u2028 и 🙂 и \u200d')],
    "half a surrogate": [message("a\ud83db")],
    "long": [message("слово " * 2000)],
}


def _sessions() -> tuple[Case, ...]:
    """The same conversation twice: GigaChat's cache knows it, under the name that the client gives or not."""
    turns = [message("Сессия.", "system"), message("первый вопрос")]
    longer = [*turns, message("первый ответ", "assistant"), message("второй вопрос")]
    own: dict[str, Json] = {
        "a session of the text": {},
        "a session of the cache key": {"prompt_cache_key": "беседа-1", "user": "u1"},
        "a session of the user": {"user": "u2"},
        "a session of the safety identifier": {"safety_identifier": "s3"},
    }
    cases = [Case(name, (Step(talk(*turns, **more)), Step(talk(*longer, **more)))) for name, more in own.items()]
    tenants = tuple(Step(talk(*turns), headers={"X-Tenant-ID": name}) for name in ("first", "second", "Bad!"))
    keys = tuple(
        Step(talk(*turns), headers=headers)
        for headers in (
            {"Authorization": "Bearer sk-anything"},
            {"x-api-key": "sk-anything"},
            {"Authorization": "Basic sk-anything"},
            {"X-Request-ID": "client-1", "X-Client-ID": "mine", "X-Session-ID": "mine"},
        )
    )
    return (*cases, Case("tenants", tenants), Case("keys that are not asked for", keys))


def _cases() -> tuple[Case, ...]:
    """All of them, whole and streamed."""
    changed = {**SAMPLING, **NOTED}
    found = [one for name, more in changed.items() for one in both(name, {**ask(f"{name}: скажи два слова"), **more})]
    found += [one for name, turns in ROLES.items() for one in both(name, talk(*turns))]
    found.append(case("a stream without usage", ask("без счёта", stream=True)))
    found.append(case("a stream with unknown options", ask("x", stream=True, stream_options={"a": 1, "b": False})))
    found.append(case("many unknown keys", {**ask("много"), **{f"k{number}": number for number in range(300)}}))
    history = [HI, message(None, "assistant", tool_calls=[called("1", "f")]), message("дальше")]
    found += both("a call of the past without tools", talk(*history))
    return tuple(found)


STRICT = {"X-Gateway-Strict": "1"}


def _strict() -> tuple[Case, ...]:
    """What strict mode refuses, and what passes it."""
    found = [case(f"strict, {name}", {**ask(name), **more}, headers=STRICT) for name, more in NOTED.items()]
    found += [case(f"strict, {name}", talk(*turns), headers=STRICT) for name, turns in ROLES.items()]
    words = ("true", " TRUE ", "yes", "on", "0", "no", "off", "ture", "")
    found += [case(f"strict by {word!r}", ask("x", seed=1), headers={"X-Gateway-Strict": word}) for word in words]
    return tuple(found)


GROUPS = (
    Group("conversations", distinct((*_cases(), *_sessions()))),
    Group("strict by header", distinct(_strict())),
)
