"""Produces the model's answer to a request: a call, JSON or prose, which faults may change.

Source: docs/gigachat-api.md, "POST /chat/completions" (reasoning_effort), "Function results" (the state id),
"Functions" and "Structured output".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.sandbox.answers import Answer, build_answer
from app.sandbox.calls import CALL_FAULTS, STREAM_CALL_FAULTS, choose_call
from app.sandbox.catalog import Model
from app.sandbox.directives import BadDirective, Directives, parse_directives
from app.sandbox.formats import SPOILERS, Writer, build_json_writer, wants_json
from app.sandbox.wire import Refused, RequestContext

NO_FUNCTIONS = "Requested model does not support functions"
UNKNOWN_STATE = "Invalid params: functions_state_id is unknown"


def check_support(context: RequestContext, model: Model, body: Mapping[str, Any]) -> None:
    """Raise Refused if this model, this server or a fault does not support something in a valid request."""
    asked = body.get("functions") or isinstance(body.get("function_call"), dict)
    if asked and model.name in context.state.settings.no_functions:
        raise Refused(422, NO_FUNCTIONS)
    states = [one["functions_state_id"] for one in body["messages"] if "functions_state_id" in one]
    foreign = context.state.settings.known_states and any(state not in context.state.states for state in states)
    if states and (foreign or context.fire("state_refused")):
        raise Refused(422, UNKNOWN_STATE)
    if fault := context.fire("too_long"):
        raise Refused(fault.values["status"], fault.values["message"])
    if wants_json(body) and (fault := context.fire("format_refused")):
        raise Refused(fault.values["status"], fault.values["message"])


def speak(context: RequestContext, model: Model, body: Mapping[str, Any], seen: Sequence[str]) -> Answer:
    """The answer to a valid request. `seen`: sentences about its files."""
    try:
        directives = parse_directives(body["messages"])
    except BadDirective as mistake:
        raise Refused(400, str(mistake)) from mistake
    if "reasoning_effort" in body:
        directives = replace(directives, reasoning=True)
    wanted = choose_call(body, directives, context.state.settings.default_function_call)
    if wanted is None:
        return build_answer(body["messages"], directives, _choose_writer(context, model, body, directives), seen)
    call = replace(wanted, state=context.state.states.issue())
    said = replace(build_answer(body["messages"], directives), phrases=(), finish="function_call", call=call)
    faults = CALL_FAULTS | STREAM_CALL_FAULTS if body.get("stream") else CALL_FAULTS
    for kind, apply in faults.items():
        if said.call is None:  # a fault has removed the call
            break
        if fault := context.fire(kind):
            said = apply(said, said.call, fault.values)
    return said


def _choose_writer(context: RequestContext, model: Model, body: Mapping[str, Any], directives: Directives) -> Writer:
    """The function that writes the model's text. A fault fires only if the model would have written JSON."""
    if not wants_json(body) or model.prose or directives.determines_text or context.fire("ignore_format"):
        return str
    write = build_json_writer(body["response_format"])
    for kind, spoil in SPOILERS.items():
        if fault := context.fire(kind):
            values = fault.values
            return lambda text: spoil(write(text), values)
    return write
