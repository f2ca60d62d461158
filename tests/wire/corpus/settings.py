"""The same requests under other settings: aliases, strictness, limits, browsers, abilities, ways to a token."""

from __future__ import annotations

import json

from tests.wire.cases import CHAT, EMBEDDINGS, Case, Group, Step, ask, both, case, distinct, fault, get

HI = ask("sandbox:say привет")
KEY = "c2FuZGJveDpzYW5kYm94"  # the sandbox's


def _aliases() -> tuple[Case, ...]:
    names = ("gpt-4o", "gpt-4o-mini", "claude-3", "mine", "openai/mine", "GigaChat-2", "text-embedding-3-small")
    found = [case(f"chat, {name}", {**ask(f"{name}: кто ты?"), "model": name}) for name in names]
    found += [get(f"model {name}", f"/v1/models/{name}") for name in names]
    found.append(get("models", "/v1/models"))
    found.append(case("the default", {**HI, "model": None}))
    found.append(case("embeddings", {"input": "x", "model": "text-embedding-3-small"}, path=EMBEDDINGS))
    found.append(case("embeddings, the default", {"input": "x"}, path=EMBEDDINGS))
    found.append(case("embeddings, an alias", {"input": "x", "model": "mine-e"}, path=EMBEDDINGS))
    return tuple(found)


def _strict() -> tuple[Case, ...]:
    off = {"X-Gateway-Strict": "0"}
    found = [
        *both("plain", HI),
        *both("a drop", {**HI, "seed": 1}),
        case("a drop, allowed", {**HI, "seed": 1}, headers=off),
    ]
    found += both("an adaptation", {**HI, "max_tokens": 0})
    found += both("equivalents", {**HI, "temperature": 0, "user": "u", "model": "gpt-4o"})
    return tuple(found)


def _browsers() -> tuple[Case, ...]:
    found: list[Case] = []
    for origin in ("https://a.example", "https://evil.example", "null", "http://localhost:3000"):
        asked = {"Origin": origin}
        flight = {**asked, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        found.append(case(f"chat, {origin}", HI, headers=asked))
        found.append(case(f"a stream, {origin}", {**HI, "stream": True}, headers=asked))
        found.append(case(f"a mistake, {origin}", {**HI, "n": 0}, headers=asked))
        found.append(get(f"models, {origin}", "/v1/models", headers=asked))
        found.append(get(f"a pre-flight, {origin}", CHAT, method="OPTIONS", headers=flight))
        found.append(get(f"a pre-flight of nothing, {origin}", "/v1/nothing", method="OPTIONS", headers=flight))
    return tuple(found)


def _limits() -> tuple[Case, ...]:
    half = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n{"
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": ""}
    long = b"200\r\n" + b"x" * 512 + b"\r\n0\r\n\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    del chunked
    return (
        case("within", HI),
        case("over", ask("sandbox:say " + "x" * 400)),
        case("over, embeddings", {"input": "x" * 400}, path=EMBEDDINGS),
        Case("over, in chunks", (Step(raw=head + long),)),
        Case("half a body", (Step(raw=half, patience=3.0),)),
    )


_ABILITIES = {"GigaChat-2": {"output": 10, "images": True}, "New": {"images": False}}
_TOKEN = frozenset({"retry-after"})

GROUPS = (
    Group(
        "aliases",
        distinct(_aliases()),
        {
            "GIGACHAT_MODEL": "GigaChat-2-Pro",
            "GPT2GIGA_EMBEDDINGS_MODEL": "EmbeddingsGigaR",
            "GPT2GIGA_MODEL_ALIASES": "gpt-4o=GigaChat-2-Max,claude-*=GigaChat-2,mine=GigaChat-Pro,mine-e=Embeddings",
        },
    ),
    Group("strict by setting", distinct(_strict()), {"GPT2GIGA_STRICT": "true"}),
    Group("browsers", distinct(_browsers()), {"GPT2GIGA_CORS_ORIGINS": "https://a.example"}),
    Group("all browsers", distinct(_browsers()), {"GPT2GIGA_CORS_ORIGINS": "*"}),
    Group("small bodies", distinct(_limits()), {"GPT2GIGA_MAX_BODY_BYTES": "300", "GPT2GIGA_BODY_SECONDS": "1"}),
    Group(
        "little memory",
        (case("too much", ask("sandbox:say " + "x" * 200)), case("too much, again", ask("x" * 200, stream=True))),
        {"GPT2GIGA_MAX_BODIES_BYTES": "100"},
    ),
    Group(
        "abilities",
        distinct((*both("a limit", {**HI, "max_tokens": 50}), case("an unknown model", {**HI, "model": "New"}))),
        {"GPT2GIGA_MODELS_FILE": "{folder}/models.json"},
        {"models.json": json.dumps(_ABILITIES)},
    ),
    Group(
        "a model that there is not",
        (*both("asked", {**HI, "model": "gpt-4o"}), get("health", "/health"), get("models", "/v1/models")),
        {"GIGACHAT_MODEL": "Nope"},
    ),
    Group(
        "a password",
        (*both("asked", HI), Case("revoked", (Step(HI, control=(("/sandbox/tokens/revoke", {}),)),))),
        {"GIGACHAT_CREDENTIALS": "", "GIGACHAT_USER": "sandbox", "GIGACHAT_PASSWORD": "sandbox"},
    ),
    Group(
        "a wrong key of GigaChat's",
        tuple(Case(one.name, one.steps, _TOKEN) for one in both("asked", HI)),
        {"GIGACHAT_CREDENTIALS": "d3Jvbmc6d3Jvbmc="},
        until="no token from OAuth",
    ),
    Group(
        "a wrong scope",
        tuple(Case(one.name, one.steps, _TOKEN) for one in both("asked", HI)),
        {"GIGACHAT_SCOPE": "GIGACHAT_API_CORP"},
        until="no token from OAuth",
    ),
    Group(
        "an alias of the credential",
        (*both("asked", HI), case("refused", HI, faults=(fault("status", status=403),))),
        {"GIGACHAT_CREDENTIALS": f"main={KEY}@GIGACHAT_API_PERS", "GIGACHAT_SCOPE": "GIGACHAT_API_B2B"},
    ),
    Group(
        "metrics on a port of their own, a sample of the log",
        (get("no metrics here", "/metrics"),),
        {"GPT2GIGA_METRICS_PORT": "0"},
        until="listening",
    ),
)
