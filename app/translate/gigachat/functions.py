"""Functions and the wanted format, as contract v1 has them.

Source: GigaChat's REST API, "Functions" and "Structured output": `function_call` is none, auto or one name, and its
default is uncertain, so it is always sent; `response_format` is flat; `json_object` is refused.
"""

from __future__ import annotations

from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Format, Note, Request, Tool
from app.translate.gigachat.names import Names
from app.translate.schemas.formats import response_format_schema
from app.translate.schemas.functions import function_parameters, shared_growth
from app.translate.schemas.parts import cost
from app.translate.schemas.rules import LIMIT

LARGE_BYTES = 256 * 1024
MUST_CALL = "You must call one of the functions now. Do not answer in text."
_FORMAT_DESCRIPTION = "Gives the answer to the user. Call it with the whole answer as its arguments."
_FORMAT_PATH = "response_format"
_SCHEMA_PATH = "response_format.json_schema.schema"
# The one property of a format's function whose schema is no object: arguments are always one.
ANSWER = "answer"
_DEFINITIONS = ("$defs", "definitions")


def write(request: Request, names: Names, payload: dict[str, Any], notes: list[Note], *, as_function: bool) -> None:
    """Put `functions`, `function_call` and `response_format` into the payload, where they are wanted."""
    share = shared_growth(len(request.tools))
    functions = [_function(tool, names, notes, share) for tool in request.tools]
    choice = _choice(request, names, notes) if functions else None
    wanted = request.format
    if wanted is not None and not as_function:
        payload["response_format"] = _response_format(wanted, notes)
    elif wanted is not None and stands_in(request, as_function=as_function):
        name = format_function(request, names)
        parameters, told, _ = format_parameters(wanted)
        notes.extend(told)
        functions.append({"name": name, "description": _FORMAT_DESCRIPTION, "parameters": parameters})
        choice = {"name": name}
    elif wanted is not None:
        notes.append(Note("equivalent", "response_format.unused", _FORMAT_PATH))
    if functions:
        payload["functions"] = functions
        payload["function_call"] = choice


def refuse_too_many(request: Request) -> None:
    """Refuse functions whose schemas are more than a model's context holds: to repair them would take seconds.

    Going through them costs a little itself: only a body of more than LARGE_BYTES is worth it.
    """
    if sum(cost(tool.parameters) for tool in request.tools) > LIMIT:
        path = request.tools[0].path.partition("[")[0]
        message = (
            f"'{path}' have more schemas than a model's context holds, half a megabyte or more: send fewer of them."
        )
        raise GatewayError(INVALID_VALUE, message, param=path)


def stands_in(request: Request, *, as_function: bool) -> bool:
    """Whether a function stands in for the wanted format; where a call is demanded anyway there is no text to shape."""
    demanded = request.choice.mode in ("named", "required") and bool(request.tools)
    return as_function and request.format is not None and not demanded


def must_call(request: Request) -> bool:
    """Whether a call is demanded that GigaChat can't be forced to: of any among several functions."""
    return request.choice.mode == "required" and len(request.tools) > 1


def format_function(request: Request, names: Names) -> str:
    """The name of the function that stands for the wanted format: no tool's."""
    return names.unused(request.format.name if request.format is not None else ANSWER)


def format_parameters(wanted: Format) -> tuple[dict[str, Any], list[Note], dict[str, Any] | None]:
    """A format's schema as a function's, its notes, and what it was made of: wrapped where it is no object's."""
    path = _SCHEMA_PATH
    schema = wanted.schema
    if schema is None:
        return {"type": "object", "properties": {}}, [], None
    try:
        return *function_parameters(schema, path), schema
    except GatewayError:
        wrapped: dict[str, Any] = {"type": "object", "properties": {ANSWER: schema}, "required": [ANSWER]}
        wrapped |= {key: schema[key] for key in _DEFINITIONS if key in schema}
        return *function_parameters(wrapped, path), wrapped


def _function(tool: Tool, names: Names, notes: list[Note], share: int) -> dict[str, Any]:
    name = names.legal(tool.name)
    if name != tool.name:
        notes.append(Note("equivalent", "function.renamed", tool.path))
    function: dict[str, Any] = {"name": name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"], told = function_parameters(tool.parameters, f"{tool.path}.parameters", share)
    notes.extend(told)
    if (examples := tool.extra.get("few_shot_examples")) is not None:
        function["few_shot_examples"] = _examples(examples, f"{tool.path}.few_shot_examples")
    if (returned := tool.extra.get("return_parameters")) is not None:
        function["return_parameters"], told = function_parameters(returned, f"{tool.path}.return_parameters", share)
        notes.extend(told)
    return function


def _examples(examples: Any, path: str) -> Any:
    for example in examples if isinstance(examples, list) else (None,):
        known = example if isinstance(example, dict) else {}
        if not isinstance(known.get("request"), str) or not isinstance(known.get("params"), dict):
            message = f"'{path}' must be an array of {{request: a string, params: an object}}."
            raise GatewayError(INVALID_VALUE, message, param=path)
    return examples


def _choice(request: Request, names: Names, notes: list[Note]) -> Any:
    choice = request.choice
    if choice.mode == "none":
        return "none"
    if choice.mode == "named" and choice.name is not None:
        return {"name": names.legal(choice.name)}
    if choice.mode == "required":
        if len(request.tools) == 1:
            return {"name": names.legal(request.tools[0].name)}
        notes.append(Note("adapted", "tool_choice=required->auto", "tool_choice"))
    return "auto"


def _response_format(wanted: Format, notes: list[Note]) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "json_schema"}
    if wanted.schema is None:
        written["schema"] = {"type": "object"}
        notes.append(Note("equivalent", "json_object->json_schema", _FORMAT_PATH))
    else:
        written["schema"], told = response_format_schema(wanted.schema, _SCHEMA_PATH)
        notes.extend(told)
    if wanted.strict is not None:
        written["strict"] = wanted.strict
    return written
