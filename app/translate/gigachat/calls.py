"""Calls in GigaChat's answers, read back into the client's words.

Source: GigaChat's REST API, `POST /chat/completions` (response) and section "Uncertain": arguments are an object in
every recording, and a string by one table; the state's key has three spellings.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from app.translate import exact
from app.translate.dialogue import Call, Failed, Format, Request, Sampling, Text, Tool
from app.translate.gigachat.characters import whole_characters
from app.translate.gigachat.functions import ANSWER, format_function, format_parameters
from app.translate.gigachat.names import Names
from app.translate.gigachat.stateids import call_id, is_state
from app.translate.schemas.arguments import restore_arguments

_STATES = ("functions_state_id", "tools_state_id", "tool_state_id")
_LAYERS = 2  # of JSON in a string


def state_in(message: dict[str, Any]) -> Any:
    """GigaChat's state in a message or delta."""
    return next((message[key] for key in _STATES if message.get(key)), None)


class Calls:
    """What is needed to read the calls of one request's answers; `seed` is the request's own id.

    It is made ready when the first call comes, so that a text costs nothing. `as_function` is as in `v1.write`: the
    call of the format's function is the answer's text.
    """

    __slots__ = ("_names", "_request", "_seed", "_tools", "as_function")

    def __init__(self, request: Request, seed: str, *, as_function: bool = False) -> None:
        self._request = request
        self._seed = seed
        self.as_function = as_function and request.format is not None
        self._names = Names(request)
        self._tools: dict[str, Tool] | None = None

    @property
    def awaited(self) -> bool:
        """Whether the model may call a function."""
        return self.as_function or bool(self._request.tools)

    def read(self, function_call: dict[str, Any], state: Any, index: int) -> Call | Text | Failed:
        """The call as the client knows it; Text where it stands for the wanted format; Failed if it can't be read."""
        name = function_call.get("name")
        arguments = _arguments(function_call.get("arguments"))
        if not isinstance(name, str) or not name or arguments is None:
            return Failed("generation", "")
        name = whole_characters(name)
        wanted = self._request.format
        if self.as_function and wanted is not None and name == format_function(self._request, self._names):
            return _text(arguments, wanted)
        own = self._names.own(name)
        if self._tools is None:
            self._tools = {tool.name: tool for tool in reversed(self._request.tools)}
        if (tool := self._tools.get(own)) is not None:
            arguments = restore_arguments(arguments, tool.parameters)
        known = state if is_state(state) else None
        return Call(call_id(known, index, self._seed), own, arguments, known)


# Reads a call that nobody asked for: there is no name to map back, and no schema.
UNASKED = Calls(Request("", [], Sampling()), "")


def _text(arguments: dict[str, Any], wanted: Format) -> Text:
    """The answer's text: the JSON that was wanted."""
    source = format_parameters(wanted)[2]
    value = restore_arguments(arguments, source)
    if source is not wanted.schema:
        value = value.get(ANSWER, value)
    return Text(exact.dumps(value).decode())


def _arguments(given: Any) -> dict[str, Any] | None:
    """An object, or the one that a string holds; nothing means none. None where there is no object."""
    for _ in range(_LAYERS):
        if isinstance(given, str):
            given = _parsed(given) if given.strip() else {}
    if given is None:
        return {}
    return _clean(given) if isinstance(given, dict) else None


def _parsed(text: str) -> Any:
    try:
        return exact.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text, strict=False)  # models leave line ends in strings as they are
    except (ValueError, RecursionError):
        return False


def _clean(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """What can be sent on as JSON: without half characters, and without numbers that no JSON reader takes."""
    try:
        orjson.dumps(arguments)
    except TypeError:
        try:
            found = exact.loads(whole_characters(json.dumps(arguments, ensure_ascii=False)))
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    return arguments
