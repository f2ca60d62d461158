"""Calls in GigaChat's answers, with the names and values of the client.

Source: docs/gigachat-api.md, "POST /chat/completions" (response) and "Uncertain": arguments are an object in every
recording, and a string by one table; the state's key has three spellings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from app.translate import big_integers
from app.translate.dialogue import Call, Failed, Format, Request, Sampling, Text, Tool
from app.translate.gigachat.call_ids import is_state, make_call_id
from app.translate.gigachat.names import FunctionNames
from app.translate.gigachat.surrogates import join_surrogates
from app.translate.gigachat.v1.functions import ANSWER, format_function, format_parameters
from app.translate.schemas.arguments import restore_arguments

_STATE_KEYS = ("functions_state_id", "tools_state_id", "tool_state_id")
_MAX_STRINGS = 2  # around arguments: JSON in a string, and that once more


def find_state(message: dict[str, Any]) -> Any:
    """GigaChat's state in a message or delta; None where there is none."""
    return next((message[key] for key in _STATE_KEYS if message.get(key)), None)


def begins_with_call(delta: Any) -> bool:
    """Whether a delta holds a call, or a piece of one, and no text."""
    return isinstance(delta, dict) and isinstance(delta.get("function_call"), dict) and not delta.get("content")


class CallReader:
    """Reads the calls in the answers to one request. `seed` is the request's own id.

    It looks at the tools when the first call comes, so that a text costs nothing. `as_function` is as in
    `chat_request.write`: the call of the format's function is the answer's text.
    """

    __slots__ = ("_names", "_request", "_seed", "_tools", "as_function")

    def __init__(self, request: Request, seed: str, *, as_function: bool = False) -> None:
        self._request = request
        self._seed = seed
        self.as_function = as_function and request.format is not None
        self._names = FunctionNames(request)
        self._tools: dict[str, Tool] | None = None

    @property
    def expects_calls(self) -> bool:
        """Whether the model may call a function."""
        return self.as_function or bool(self._request.tools)

    def knows(self, name: str) -> bool:
        """Whether the request has a function of this name, as GigaChat knows it."""
        return self.is_format(name) or self._names.offered(self._names.own(name))

    def is_format(self, name: Any) -> bool:
        """Whether this is the wanted format's function."""
        return self.as_function and name == format_function(self._request, self._names)

    def read(self, function_call: dict[str, Any], state: Any, index: int) -> Call | Text | Failed:
        """The call as the client knows it; Text where it is the wanted format's; Failed where it can't be read."""
        name = function_call.get("name")
        arguments = read_arguments(function_call.get("arguments"))
        if not isinstance(name, str) or not name or arguments is None:
            return Failed("generation", "")
        name = join_surrogates(name)
        wanted = self._request.format
        if wanted is not None and self.is_format(name):
            return _text(arguments, wanted, self._request.fields.schema)
        own = self._names.own(name)
        if self._tools is None:
            self._tools = {tool.name: tool for tool in reversed(self._request.tools)}
        if (tool := self._tools.get(own)) is not None:
            arguments = restore_arguments(arguments, tool.parameters)
        known = state if is_state(state) else None
        return Call(make_call_id(known, index, self._seed), own, arguments, known)


# Reads calls that nobody asked for: without names to map back, and without schemas.
UNASKED_CALLS = CallReader(Request("", [], Sampling()), "")


def _text(arguments: dict[str, Any], wanted: Format, path: str) -> Text:
    """The answer's text: the JSON that was wanted."""
    source = format_parameters(wanted, path)[2]
    value = restore_arguments(arguments, source)
    if source is not wanted.schema:
        value = value.get(ANSWER, value)
    return Text(big_integers.dumps(value).decode())


def read_arguments(given: Any) -> dict[str, Any] | None:
    """Arguments from an object or a string of JSON, empty where nothing is given; None where they can't be read."""
    for _ in range(_MAX_STRINGS):
        if isinstance(given, str):
            try:
                given = big_integers.loads_raw(given) if given.strip() else {}
            except ValueError:
                return None
    if given is None:
        return {}
    return _make_writable(given) if isinstance(given, dict) else None


def _make_writable(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments without half characters; None where they have numbers that JSON can't carry."""
    try:
        orjson.dumps(arguments)
    except TypeError:
        try:
            found = big_integers.loads(join_surrogates(json.dumps(arguments, ensure_ascii=False)))
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    return arguments


def is_repeated(part: Call | Text, called: Iterable[Call | Text]) -> bool:
    """Whether a call has come already. After the wanted format's call all others count as repeated."""
    return any(
        isinstance(one, Text) or (isinstance(part, Call) and one.name == part.name and one.arguments == part.arguments)
        for one in called
    )
