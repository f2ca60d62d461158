"""What a corpus is made of: steps, each one request; cases of steps; groups of cases with one gateway's settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
FAULTS = "/sandbox/faults"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client got. `status` is 0 where no answer came; `ended` tells how the connection did."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    ended: str

    @property
    def json(self) -> Any:
        """The body of an answer that is JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what the sandbox is told before it."""

    body: Any = None
    data: bytes | None = None  # a body that is sent as it is, in place of `body`
    raw: bytes | None = None  # a whole request that is sent as it is, in place of all of these
    path: str = CHAT
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Json, ...] = ()
    control: tuple[tuple[str, Json], ...] = ()  # more of the sandbox's control side: path, body
    leave: int | None = None  # the client leaves after so many events
    patience: float = 30.0  # seconds without a byte after which the client leaves
    stop: bool = False  # SIGTERM reaches the gateway during a request, and this one comes after it


Later = Callable[[Sequence[Reply]], Step]  # a step that needs the replies of those before


@dataclass(frozen=True, slots=True)
class Case:
    """Steps that belong together: an id that comes again in a later step gets the same placeholder."""

    name: str
    steps: tuple[Step | Later, ...]
    masked: frozenset[str] = frozenset()  # headers of the reply whose values are random here, in lower case


@dataclass(frozen=True, slots=True)
class Group:
    """Cases for one gateway. In settings and files `{folder}` is a directory of its own, `{sandbox}` the other port."""

    name: str
    cases: tuple[Case, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # what lies in the folder
    faults: tuple[Json, ...] = ()  # stand before the gateway starts
    until: str = ""  # the gateway never gets ready: its cases begin when it has logged this

    def only(self, words: str) -> Group:
        """The group with those of its cases in whose `group / case` these words stand."""
        return replace(self, cases=tuple(one for one in self.cases if words in f"{self.name} / {one.name}"))


def fault(kind: str, where: str = "chat", *, times: int | None = 1, **more: Any) -> Json:
    """A fault of the sandbox's."""
    return {"kind": kind, "where": where, "times": times, **more}


# Only the first event of a stream comes at once: a gateway that cuts an answer there never has more of it.
PACED = fault("stall", after=1, seconds=0.3, times=None)

# The gateway's own question whether GigaChat is there fails too: else it would come back while a request is looked at.
GONE = fault("down", "models", times=None)


def message(content: Any, role: str = "user", **more: Any) -> Json:
    """A message."""
    return {"role": role, "content": content, **more}


def ask(text: str, **more: Any) -> Json:
    """A chat request with one message."""
    return {"model": "GigaChat-2", "messages": [message(text)], **more}


def talk(*messages: Any, **more: Any) -> Json:
    """A chat request with these messages."""
    return {"model": "GigaChat-2", "messages": list(messages), **more}


def tool(name: str, properties: Json | None = None, **more: Any) -> Json:
    """A function that may be called."""
    parameters = {"type": "object", "properties": properties or {"city": {"type": "string"}}, **more}
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": parameters}}


def called(number: str, name: str, arguments: Any = '{"city": "Омск"}') -> Json:
    """A call as an assistant's message has it."""
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


def case(name: str, body: Any, **more: Any) -> Case:
    """A case of one request."""
    return Case(name, (Step(body, **more),))


def get(name: str, path: str, *, method: str = "GET", **more: Any) -> Case:
    """A case of one request without a body."""
    return Case(name, (Step(path=path, method=method, **more),))


def both(name: str, body: Json, **more: Any) -> tuple[Case, Case]:
    """A chat request whole and streamed; the streamed one asks for the usage."""
    step = Step(body, **more)
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    return Case(name, (step,)), Case(f"{name}, streamed", (replace(step, body=streamed),))


def distinct(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, if each name stands there once."""
    names = [one.name for one in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names that stand there twice: {', '.join(twice)}")
    return tuple(cases)
