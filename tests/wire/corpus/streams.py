"""The wire of a stream: a status line that does not wait, comments in silence, clients that leave, a shutdown."""

from __future__ import annotations

from tests.wire.cases import GONE, Case, Group, Json, Step, ask, case, distinct, fault, get, tool

WORDS = "sandbox:say Раз, два, три, четыре, пять, шесть, семь, восемь, девять."
STREAM: Json = ask(WORDS, stream=True)
# So long that exactly one comment comes in the silence, with half a second to spare on both sides.
_SILENCE, _KEEPALIVE = 1.5, "1"
_SLOW = fault("slow", seconds=_SILENCE)
_SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}

LATE: dict[str, tuple[Json, tuple[Json, ...]]] = {
    "an answer": (STREAM, (_SLOW,)),
    "500": (STREAM, (_SLOW, fault("status", status=500))),
    "429": (STREAM, (_SLOW, fault("status", status=429))),
    "no answer": (STREAM, (_SLOW, fault("down", times=None), GONE)),
    "a page": (STREAM, (_SLOW, fault("html_200"))),
    "a model that there is not": ({**STREAM, "model": "Nope"}, (_SLOW,)),
    "blacklist": ({**STREAM, **ask("sandbox:finish blacklist\nsandbox:say нет", stream=True)}, (_SLOW,)),
    "an error": (STREAM, (_SLOW, fault("event_error", after=0))),
    "cut": (STREAM, (_SLOW, fault("cut", after=0))),
    "drops": ({**STREAM, "seed": 1}, (_SLOW,)),
    "a refused format": (
        {**STREAM, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": _SCHEMA}}},
        (_SLOW, fault("format_refused")),
    ),
    "silence after a word": (STREAM, (fault("stall", after=1, seconds=_SILENCE),)),
    "a mistake": ({**STREAM, "temperature": "abc"}, ()),
}


def _committed() -> tuple[Case, ...]:
    found = [case(name, body, faults=faults) for name, (body, faults) in LATE.items()]
    patient = {"x-stainless-read-timeout": "600"}
    hasty = {"x-stainless-read-timeout": "0.9"}
    found.append(case("a patient client", STREAM, faults=(_SLOW,), headers=patient))
    found.append(case("a hasty client", STREAM, faults=(fault("slow", seconds=0.7),), headers=hasty))
    return tuple(found)


_STALL = fault("stall", after=1, seconds=20.0)


def _leaving() -> tuple[Case, ...]:
    tools = [tool("get_weather")]
    return (
        Case("after a word", (Step(STREAM, faults=(_STALL,), leave=2),)),
        Case("after a word of a stop", (Step({**STREAM, "stop": ["девять"]}, faults=(_STALL,), leave=2),)),
        Case("with tools", (Step({**STREAM, "tools": tools}, faults=(_STALL,), leave=2),)),
        Case("before an answer", (Step(ask("sandbox:wait 20\nsandbox:say поздно"), patience=1.0),)),
        Case("before a stream", (Step(ask("sandbox:wait 20\nsandbox:say поздно", stream=True), patience=1.0),)),
        Case(
            "before embeddings",
            (
                Step(
                    {"input": "x"},
                    path="/v1/embeddings",
                    faults=(fault("slow", "embeddings", seconds=20.0),),
                    patience=1.0,
                ),
            ),
        ),
    )


GROUPS = (
    Group(
        "committed at once",
        distinct(_committed()),
        {"GPT2GIGA_COMMIT_SECONDS": "0", "GPT2GIGA_KEEPALIVE_SECONDS": _KEEPALIVE},
    ),
    Group("clients that leave", distinct(_leaving())),
    Group("shutdown", (Case("a request", (Step(STREAM, stop=True),)),)),
    Group("shutdown, embeddings", (Case("a request", (Step({"input": "x"}, path="/v1/embeddings", stop=True),)),)),
    Group("shutdown, readiness", (Case("a probe", (Step(path="/readyz", method="GET", stop=True),)),)),
    Group("shutdown, health", (Case("a probe", (Step(path="/health", method="GET", stop=True),)),)),
    Group(
        "shutdown, models",
        (get("a list before", "/v1/models"), Case("a list", (Step(path="/v1/models", method="GET", stop=True),))),
    ),
)
