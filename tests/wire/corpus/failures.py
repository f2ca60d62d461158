"""GigaChat's failures, whole and streamed: every status, no answer, half an answer, no token, time-outs."""

from __future__ import annotations

from tests.wire.cases import GONE, Case, Group, Json, Step, ask, both, case, distinct, fault, get

HI = ask("sandbox:say Раз, два, три, четыре, пять, шесть, семь, восемь, девять.")
_STOPPED = "This model is temporarily unavailable due to technical reasons"
_LEAKS = {"Set-Cookie": "sid=secret", "X-Internal": "secret", "Location": "http://10.0.0.1/", "Retry-After": "7"}

STATUSES: dict[str, Json] = {
    "302": {"status": 302, "headers": _LEAKS},
    "400": {"status": 400, "message": "Invalid JSON at https://10.0.0.1/x?y"},
    "402": {"status": 402},
    "402, told": {"status": 402, "message": "No tokens left for user@example.org"},
    "403": {"status": 403},
    "403, a page": {"status": 403, "html": True},
    "403, stopped": {"status": 403, "message": _STOPPED},
    "403, a file": {"status": 403, "message": "Access to file 'x' is denied"},
    "404": {"status": 404},
    "404, told": {"status": 404, "message": "Nothing here"},
    "404, a page": {"status": 404, "html": True},
    "413": {"status": 413},
    "418": {"status": 418},
    "418, a page": {"status": 418, "html": True},
    "422": {"status": 422, "message": "Invalid params: top_p"},
    "422, too long": {"status": 422, "message": "Context length exceeded"},
    "423": {"status": 423},
    "429": {"status": 429},
    "429, told when": {"status": 429, "headers": {"Retry-After": "7"}},
    "429, told too late": {"status": 429, "headers": {"Retry-After": "999999"}},
    "429, a word": {"status": 429, "headers": {"Retry-After": "soon"}},
    "500": {"status": 500, "headers": _LEAKS},
    "502, a page": {"status": 502, "html": True},
    "503, no object": {"status": 503, "body": ["no", "object"]},
    "504": {"status": 504},
    "200, no answer": {"status": 200, "body": {"message": "secret"}},
    "200, no choices": {"status": 200, "body": {"choices": []}},
    "200, a list": {"status": 200, "body": [1, 2]},
}
# Faults of the answer itself; `after` counts the events of a stream before it.
BROKEN: dict[str, tuple[Json, ...]] = {
    "a page": (fault("html_200"),),
    "no answer": (fault("down", times=None), GONE),
    "no answer once": (fault("down"), GONE),
    "no answer, a reset": (fault("down", times=None, rst=True), GONE),
    "cut at once": (fault("cut", after=0),),
    "cut": (fault("cut", after=1),),
    "cut, a reset": (fault("cut", after=2, rst=True),),
    "an end at once": (fault("end", after=0),),
    "an end": (fault("end", after=1),),
    "garbage at once": (fault("garbage", after=0),),
    "garbage": (fault("garbage", after=1),),
    "an error at once": (fault("event_error", after=0),),
    "an error": (fault("event_error", after=1),),
    "an error of a limit": (fault("event_error", after=0, status=429, message="Too many requests"),),
    "a model that failed": (fault("status", status=200, body={"status": 500, "message": "x"}),),
    "a dead connection": (fault("drop_idle"),),
    "a renewed token": (fault("status", status=401),),
}


def _cases() -> tuple[Case, ...]:
    found: list[Case] = []
    for name, given in STATUSES.items():
        found += both(f"status {name}", HI, faults=(fault("status", times=None, **given),))
    for name, faults in BROKEN.items():
        found += both(name, HI, faults=faults)
    noted = {**HI, "seed": 1, "max_tokens": 0}
    found += both("notes of a refusal", noted, faults=(fault("status", status=422, message="Invalid params"),))
    for name in ("status 500", "cut", "an error", "an end"):
        faults = BROKEN.get(name) or (fault("status", status=500),)
        found += both(f"two choices, {name}", {**HI, "n": 2}, faults=faults)
        found += both(f"a stop, {name}", {**HI, "stop": ["девять"]}, faults=faults)
    revoked: tuple[tuple[str, Json], ...] = (("/sandbox/tokens/revoke", {}),)
    found.append(
        Case("a token that is revoked", (Step(HI, control=revoked), Step({**HI, "stream": True}, control=revoked)))
    )
    dead = (Step(HI, faults=(fault("drop_idle"),)), Step(HI), Step({**HI, "stream": True}))
    found.append(Case("a dead connection is met", dead))
    return tuple(found)


_NO_TOKEN = frozenset({"retry-after"})  # when OAuth is asked again, which is random


def _lost(name: str, *faults: Json, stream: bool = False) -> Group:
    """A gateway whose token stops to be accepted: nothing is asked of it afterwards but how it is."""
    body = {**HI, "stream": True} if stream else HI
    return Group(name, (Case("lost", (Step(body, faults=faults),), _NO_TOKEN),))


def _never(name: str, **settings: str) -> Group:
    """A gateway that has a token and reaches no GigaChat."""
    asked = (*both("asked", HI), case("embeddings", {"input": "x"}, path="/v1/embeddings"))
    probes = (get("live", "/livez"), get("models", "/v1/models"), get("a model", "/v1/models/GigaChat-2"))
    return Group(name, distinct((*asked, *probes)), settings, until="GigaChat is gone")


_SLOW = fault("slow", seconds=4.0, times=None)

GROUPS = (
    Group("failures", distinct(_cases())),
    _lost("tokens refused", fault("status", status=401, times=None)),
    _lost("tokens refused in a stream", fault("status", status=401, times=None), stream=True),
    Group(
        "no token",
        tuple(Case(one.name, one.steps, _NO_TOKEN) for one in (*both("asked", HI), get("ready", "/readyz"))),
        faults=(fault("status", "oauth", status=401, times=None),),
        until="no token from OAuth",
    ),
    _never("a name that does not resolve", GIGACHAT_BASE_URL="http://gigachat.invalid"),
    _never("no connection", GIGACHAT_BASE_URL="http://127.0.0.1:1"),
    _never("no TLS", GIGACHAT_BASE_URL="https://127.0.0.1:{sandbox}"),
    Group(
        "time-outs",
        distinct(
            (
                *both("slow", HI, faults=(_SLOW,)),
                *both("a stall", HI, faults=(fault("stall", after=1, seconds=4.0),)),
                case(
                    "slow embeddings", {"input": "x"}, path="/v1/embeddings", faults=({**_SLOW, "where": "embeddings"},)
                ),
            )
        ),
        {"GIGACHAT_TIMEOUT": "2"},
    ),
    Group("first byte", both("slow", HI, faults=(_SLOW,)), {"GPT2GIGA_FIRST_BYTE_SECONDS": "2"}),
)
