"""What the model makes of a request: a call, JSON or prose, with the faults that spoil it.

Source: gigachat-api, sections 3.2 (reasoning_effort), 5.2 (the state id), 5.4 and 5.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.sandbox.answers import Answer, answer
from app.sandbox.calls import SPOILS, STREAM_SPOILS, wanted_call
from app.sandbox.catalog import Model
from app.sandbox.directives import Wishes, read
from app.sandbox.formats import Written, as_json, fenced, structured
from app.sandbox.wire import Call, Refused

NO_FUNCTIONS = "Requested model does not support functions"
UNKNOWN_STATE = "Invalid params: functions_state_id is unknown"


def refuse(call: Call, model: Model, body: Mapping[str, Any]) -> None:
    """Raise Refused for what this model, this server or a fault does not take of a valid request."""
    asked = body.get("functions") or isinstance(body.get("function_call"), dict)
    if asked and model.name in call.state.settings.no_functions:
        raise Refused(422, NO_FUNCTIONS)
    states = [one["functions_state_id"] for one in body["messages"] if "functions_state_id" in one]
    foreign = call.state.settings.known_states and any(state not in call.state.states for state in states)
    if states and (foreign or call.take("state_refused")):
        raise Refused(422, UNKNOWN_STATE)
    if structured(body) and (fault := call.take("format_refused")):
        raise Refused(fault.values["status"], fault.values["message"])


def speak(call: Call, model: Model, body: Mapping[str, Any], seen: Sequence[str]) -> Answer:
    """The answer to a valid request; `seen` tells of its files."""
    wishes = read(body["messages"])
    if "reasoning_effort" in body:
        wishes = replace(wishes, reasoning=True)
    wanted = wanted_call(body, wishes, call.state.settings.default_function_call)
    if wanted is None:
        return answer(body["messages"], wishes, _writer(call, model, body, wishes), seen)
    said = replace(answer(body["messages"], wishes), phrases=(), finish="function_call")
    said = replace(said, call=replace(wanted, state=call.state.states.issue()))
    for kind, spoil in (*SPOILS.items(), *(STREAM_SPOILS.items() if body.get("stream") else ())):
        if said.call and (fault := call.take(kind)):
            said = spoil(said, said.call, fault.values)
    return said


def _writer(call: Call, model: Model, body: Mapping[str, Any], wishes: Wishes) -> Written:
    """How the model writes its text; a fault fires only where JSON would have been written."""
    if not structured(body) or model.prose or wishes.worded or call.take("ignore_format"):
        return str
    written = as_json(body["response_format"])
    return fenced(written) if call.take("fenced_json") else written
