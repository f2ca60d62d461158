"""Functions and the wanted format, as contract v1 has them.

Source: docs/gigachat-api.md, "Functions" and "Structured output": `function_call` is none, auto or one name, and its
default is uncertain, so it is always sent; `response_format` is flat; `json_object` is refused.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Format, Note, Request, Tool
from app.translate.field_names import FieldNames
from app.translate.gigachat.names import FunctionNames
from app.translate.schemas.function_schemas import repair_function_schema
from app.translate.schemas.reference_inlining import share_growth
from app.translate.schemas.response_format_schemas import repair_response_format
from app.translate.schemas.schema_limits import MAX_COST, measure_cost
from app.translate.wanted_json import wanted_json

LARGE_BYTES = 256 * 1024
MUST_CALL = "You must call one of the functions now. Do not answer in text."
_FORMAT_DESCRIPTION = "Gives the answer to the user. Call it with the whole answer as its arguments."
# The one property of a format's function whose schema is no object: arguments are always one.
ANSWER = "answer"
_DEFINITIONS = ("$defs", "definitions")


def write(
    request: Request, names: FunctionNames, payload: dict[str, Any], notes: list[Note], *, as_function: bool
) -> None:
    """Put `functions`, `function_call` and `response_format` into the payload, where they are wanted."""
    share = share_growth(len(request.tools))
    functions = [_write_function(tool, names, notes, share) for tool in request.tools]
    choice = _write_choice(request, names, notes) if functions else None
    wanted = request.format
    if wanted is not None and not as_function:
        payload["response_format"] = _response_format(wanted, request.fields, notes)
    elif wanted is not None and stands_in(request, as_function=as_function):
        name = format_function(request, names)
        parameters, told, _ = format_parameters(wanted, request.fields.schema)
        notes.extend(told)
        functions.append({"name": name, "description": _FORMAT_DESCRIPTION, "parameters": parameters})
        choice = {"name": name}
    elif wanted is not None:
        notes.append(Note("equivalent", f"{request.fields.format}.unused", request.fields.format))
    if functions:
        payload["functions"] = functions
        payload["function_call"] = choice


def refuse_too_many(request: Request) -> None:
    """Refuse functions whose schemas are more than a model's context holds: to repair them would take seconds.

    Going through them costs a little itself: only a body of more than LARGE_BYTES is worth it.
    """
    if sum(measure_cost(tool.parameters) for tool in request.tools) > MAX_COST:
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
    """Whether a call is demanded that GigaChat can't be forced to, of any among several functions; or was, before."""
    return request.choice.insisted or (request.choice.mode == "required" and len(request.tools) > 1)


def format_function(request: Request, names: FunctionNames) -> str:
    """The name of the function that stands for the wanted format: no tool's."""
    return names.unused(request.format.name if request.format is not None else ANSWER)


def format_parameters(wanted: Format, path: str) -> tuple[dict[str, Any], list[Note], dict[str, Any] | None]:
    """A format's schema as a function's, its notes, and what it was made of: wrapped where it is no object's.

    `path` is where the schema stands in the client's body.
    """
    schema = wanted.schema
    if schema is None:
        return {"type": "object", "properties": {}}, [], None
    if "object" in wanted_json(wanted).kinds:
        with suppress(GatewayError):
            return *repair_function_schema(schema, path), schema
    wrapped: dict[str, Any] = {"type": "object", "properties": {ANSWER: schema}, "required": [ANSWER]}
    wrapped |= {key: schema[key] for key in _DEFINITIONS if key in schema}
    return *repair_function_schema(wrapped, path), wrapped


def _write_function(tool: Tool, names: FunctionNames, notes: list[Note], share: int) -> dict[str, Any]:
    name, description = names.legal(tool.name), tool.description
    if name != tool.name:
        notes.append(Note("equivalent", "function.renamed", tool.path))
        description = _name_in_description(tool)
    function: dict[str, Any] = {"name": name}
    if description is not None:
        function["description"] = description
    function["parameters"], told = repair_function_schema(tool.parameters, f"{tool.path}.parameters", share)
    notes += told
    if tool.extra:
        _write_own(tool, function, notes, share)
    return function


def _write_own(tool: Tool, function: dict[str, Any], notes: list[Note], share: int) -> None:
    """Put in what GigaChat alone knows of functions."""
    if (examples := tool.extra.get("few_shot_examples")) is not None:
        function["few_shot_examples"] = _check_examples(examples, f"{tool.path}.few_shot_examples")
    if (returned := tool.extra.get("return_parameters")) is not None:
        function["return_parameters"], told = repair_function_schema(returned, f"{tool.path}.return_parameters", share)
        notes.extend(told)


def _name_in_description(tool: Tool) -> str:
    """A renamed function's description: it begins with the client's name, since prompts speak of it."""
    if not tool.description or tool.description.startswith(tool.name):
        return tool.description or tool.name
    return f"{tool.name}: {tool.description}"


def _check_examples(examples: Any, path: str) -> Any:
    """The examples; `params` may be PHP's empty array, which stands for an empty object."""
    for example in examples if isinstance(examples, list) else (None,):
        known = example if isinstance(example, dict) else {}
        if not isinstance(known.get("request"), str) or not (
            isinstance(known.get("params"), dict) or known.get("params") == []
        ):
            message = f"'{path}' must be an array of {{request: a string, params: an object}}."
            raise GatewayError(INVALID_VALUE, message, param=path)
    return [{**example, "params": example["params"] or {}} for example in examples]


def _write_choice(request: Request, names: FunctionNames, notes: list[Note]) -> Any:
    choice = request.choice
    if choice.mode == "none":
        return "none"
    if choice.mode == "named" and choice.name is not None:
        return {"name": names.legal(choice.name)}
    if choice.mode == "required":
        if len(request.tools) == 1:
            return {"name": names.legal(request.tools[0].name)}
        notes.append(Note("adapted", f"{request.fields.choice}=required->auto", request.fields.choice))
    return "auto"


def _response_format(wanted: Format, fields: FieldNames, notes: list[Note]) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "json_schema"}
    if wanted.schema is None:
        written["schema"] = {"type": "object"}
        notes.append(Note("equivalent", "json_object->json_schema", fields.format))
    else:
        written["schema"], told = repair_response_format(wanted.schema, fields.schema)
        notes.extend(told)
    if wanted.strict is not None:
        written["strict"] = wanted.strict
    return written
