"""Parts of a message's content, of OpenAI's and of other vendors, read into the dialogue.

Sources: the API references of OpenAI (chat, Responses), Anthropic (Messages), Google (Gemini), Amazon (Converse), the
content blocks of LangChain, and the message parts of the AI SDK: a history that began elsewhere comes with all of them.
Types are told apart whatever their spelling is: `tool_use`, `tool-call` and `toolUse` are one kind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.errors import GatewayError
from app.translate import call_arguments
from app.translate.dialogue import Media, Part, Result, Text, Thought
from app.translate.openai import calls, checks, media_parts
from app.translate.openai.reading import Reading

# type of part -> the field with its words; those by which a model declined are words as well
TEXT_PARTS: dict[str, str] = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_MOST = 20_000  # parts of one content: more than any model's context holds

_Spelled = str  # a type without its dashes and capitals
_THOUGHTS = frozenset(
    {"thinking", "redactedthinking", "reasoning", "redactedreasoning", "reasoningcontent", "thought", "think"}
)
_CALLS = frozenset(
    {
        *("tooluse", "toolcall", "toolcallchunk", "invalidtoolcall", "functioncall", "dynamictool", "toolinvocation"),
        *("customtoolcall", "localshellcall", "shellcall", "applypatchcall", "computercall", "mcpcall"),
    }
)
# Calls of the Responses API that have no name, and where their arguments stand: their type names them.
_NAMELESS = {
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "computer_call": "action",
}
_CALL_HOLDERS = ("toolUse", "toolInvocation", "tool_call")
_OUTPUTS, _FAULTS = ("output", "result"), ("errorText", "error")
_OF_RESULT = frozenset({*_OUTPUTS, *_FAULTS, "state", "progress"})
_RESULTS = frozenset({"toolresult", "functioncalloutput", "functionresponse", "toolcalloutput"})
_APPROVALS = frozenset({"toolapprovalrequest", "toolapprovalresponse"})  # the AI SDK's: whether a call was allowed
_MARKS = frozenset({"stepstart", "cachepoint"})  # of places in a history: they say nothing
_SPOKEN = "outputaudio"
# Parts of Gemini and Converse have no type: one of their keys is it.
_KEYS: dict[str, _Spelled] = {
    "functionCall": "functioncall",
    "function_call": "functioncall",
    "toolUse": "tooluse",
    "functionResponse": "functionresponse",
    "function_response": "functionresponse",
    "toolResult": "toolresult",
    "reasoningContent": "reasoningcontent",
    "cachePoint": "cachepoint",
    "image": "image",
    "document": "document",
    "audio": "audio",
    "video": "video",
    **dict.fromkeys(("inlineData", "inline_data", "fileData", "file_data"), "media"),
}
_THOUGHT_WORDS = ("thinking", "reasoning", "text", "thought", "think")
_RESULT_HOLDERS = ("toolResult", "functionResponse", "function_response")
# Of results in parts, and of those that are messages.
RESULT_IDS = ("tool_call_id", "tool_use_id", "toolUseId", "toolCallId", "call_id")
RESULT_NAMES = ("name", "toolName", "tool_name")
FAILED = ("is_error", "isError")
_PART_IDS = (*RESULT_IDS, "id")
_RESULT_VALUES = ("content", "output", "result", "response")
_READ_RESULT = frozenset({"type", "status", *_RESULT_HOLDERS, *_PART_IDS, *_RESULT_VALUES, *RESULT_NAMES, *FAILED})


def read(content: Any, path: str, reading: Reading) -> list[Part]:
    """The parts of a message. Raises GatewayError for what is new and cannot be understood."""
    if isinstance(content, str):
        return [Text(content)]
    if content is None:
        return []
    if isinstance(content, dict) and _spell(content):  # one part that stands there by itself
        content = [content]
    if not isinstance(content, list):
        if reading.past:
            reading.note("adapted", "messages.content->text", path)
            return [Text(call_arguments.write(content))]
        raise checks.wrong(path, "a string or an array of parts", content)
    if len(content) > _MOST:
        raise checks.invalid(path, f"holds {len(content)} parts; at most {_MOST} are taken.")
    found: list[Part] = []
    for index, item in enumerate(content):
        where = f"{path}[{index}]"
        try:
            found += _read_one(item, where, reading)
        except GatewayError as fault:
            if reading.past and _spell(item) in media_parts.KINDS:
                found.append(media_parts.replace_lost(_spell(item), where, reading))
            else:
                reading.leave_out(fault, "messages.part")
    return found


def read_result(content: Any, path: str, reading: Reading) -> list[Text | Media]:
    """What a function gave, which is never refused for its form: what holds no parts is data, as JSON."""
    if content is None:
        return []
    if isinstance(content, dict) and _is_part(content):
        content = [content]
    if not isinstance(content, list) or not any(_is_part(item) for item in content):
        return [Text(content if isinstance(content, str) else call_arguments.write_result(content))]
    found = [_read_entry(item, f"{path}[{index}]", reading) for index, item in enumerate(content)]
    if all(part is None for part in found):
        return [Text(call_arguments.write_result(content))]
    pairs = zip(content, found, strict=True)
    return [Text(call_arguments.write(item)) if part is None else part for item, part in pairs]


def _read_entry(item: Any, path: str, reading: Reading) -> Text | Media | None:
    """The part that an entry of a result is; None where it is data, which may look like one."""
    if not _is_part(item):
        return None
    told = len(reading.notes)
    try:
        (part,) = _read_one(item, path, reading)
    except GatewayError:
        part = Thought("")
    if isinstance(part, Text):
        return part
    if isinstance(part, Media) and len(reading.notes) == told:
        return replace(part, from_function=True)
    del reading.notes[told:]
    return None


def is_result(item: Any) -> bool:
    """Whether this is a result in a part of its own."""
    return _spell(item) in _RESULTS


def read_result_name(given: dict[str, Any]) -> str | None:
    """The name of the function that gave a result, be it a part or a message; None where there is none."""
    name = calls.find_first(given, RESULT_NAMES)
    return name if isinstance(name, str) and name else None


def has_failed(given: dict[str, Any]) -> bool:
    """Whether a result, be it a part or a message, says that its call failed."""
    return any(given.get(key) is True for key in FAILED) or given.get("status") == "error"


def _is_part(item: Any) -> bool:
    """Whether an entry of a result is a part: a text or a file that says so, and nothing else."""
    if isinstance(item, str):
        return True
    kind = item.get("type") if isinstance(item, dict) else None
    return isinstance(kind, str) and (kind in TEXT_PARTS or _spell(item) in media_parts.KINDS)


def _spell(item: Any) -> _Spelled:
    """The type of a part without dashes and capitals; empty where it has none that is known."""
    if not isinstance(item, dict):
        return ""
    kind = item.get("type")
    if isinstance(kind, str):
        spelled = kind.replace("_", "").replace("-", "").lower()
        # the AI SDK names a tool in its part's type
        if kind.startswith("tool-") and "toolCallId" in item and spelled not in _RESULTS | _APPROVALS | _CALLS:
            return "toolcall"
        return spelled
    if kind is not None:
        return ""
    if isinstance(item.get("text"), str):
        return "thought" if item.get("thought") is True else "text"
    return next((spelled for key, spelled in _KEYS.items() if isinstance(item.get(key), dict)), "")


def _read_one(item: Any, path: str, reading: Reading) -> list[Part]:
    """The parts that one entry stands for. Raises GatewayError for what cannot be understood."""
    if isinstance(item, str):  # some clients send bare strings in the list
        return [Text(item)]
    item = checks.obj(item, path)
    kind = _spell(item)
    if kind in media_parts.KINDS:
        return media_parts.read(kind, item, path, reading)
    if kind in _SPELLED_TEXTS:
        return [_read_text(item, path, reading)]
    if kind in _THOUGHTS:
        return [Thought(_first_text(item, _THOUGHT_WORDS))]
    if kind in _CALLS:
        return _read_call(item, path, reading)
    if kind in _RESULTS:
        return [_read_result_part(item, path, reading)]
    if kind == _SPOKEN:
        return [_read_spoken(item, path, reading)]
    if kind in _MARKS:
        return []
    if kind in _APPROVALS:
        reading.note("dropped", "messages.part", path)
        return []
    checks.string(item.get("type"), f"{path}.type")
    known = [*TEXT_PARTS, *media_parts.OPENAI_TYPES]
    raise checks.invalid(f"{path}.type", f"must be one of {', '.join(known)}.")


_SPELLED_TEXTS = {kind.replace("_", ""): field for kind, field in TEXT_PARTS.items()}


def _read_text(item: dict[str, Any], path: str, reading: Reading) -> Text:
    field = TEXT_PARTS.get(item.get("type", "text"), "text")
    value = item.get(field)
    if len(item) > 2:
        reading.tell_unread(item, path, frozenset({"type", field}))
    if isinstance(value, dict) and isinstance(value.get("value"), str):  # the Assistants API's
        return Text(value["value"])
    return Text(checks.string(value, f"{path}.{field}"))


def _read_call(item: dict[str, Any], path: str, reading: Reading) -> list[Part]:
    """A call; one of the AI SDK's or LibreChat's holds its result as well."""
    if not reading.assistant:
        raise checks.invalid(path, "is a call, which belongs to a message of the assistant's.")
    inner = next((item[key] for key in _CALL_HOLDERS if isinstance(item.get(key), dict)), item)
    call = calls.read_one(
        {key: value for key, value in _name_call(inner).items() if key not in _OF_RESULT}, path, reading
    )
    key = next((key for key in (*_OUTPUTS, *_FAULTS) if inner.get(key) is not None), None)
    if key is None:
        return [call]
    found = read_result(inner[key], f"{path}.{key}", reading)
    return [call, Result(call.id, call.name or None, found, key in _FAULTS)]


def _name_call(given: dict[str, Any]) -> dict[str, Any]:
    """A call with its name, which may stand in its type."""
    kind = given.get("type")
    if not isinstance(kind, str) or calls.find_first(given, RESULT_NAMES) is not None:
        return given
    if kind in _NAMELESS:
        arguments = _NAMELESS[kind]
        rest = {key: value for key, value in given.items() if key != arguments}
        return {**rest, "name": kind.removesuffix("_call"), "arguments": given.get(arguments)}
    if kind.startswith("tool-") and _spell(given) == "toolcall" and kind != "tool-call":
        return {**given, "name": kind.removeprefix("tool-")}
    return given


def _read_result_part(item: dict[str, Any], path: str, reading: Reading) -> Result:
    holder = next((key for key in _RESULT_HOLDERS if isinstance(item.get(key), dict)), None)
    given, path = (item, path) if holder is None else (item[holder], f"{path}.{holder}")
    reading.tell_unread(given, path, _READ_RESULT)
    key = next((key for key in _RESULT_VALUES if given.get(key) is not None), _RESULT_VALUES[0])
    value = given.get(key)
    failed = has_failed(given)
    if isinstance(value, dict) and set(value) <= {"type", "value"} and "value" in value:  # the AI SDK's
        failed = failed or value.get("type") in ("error-text", "error-json")
        value = value["value"]
    parts = read_result(value, f"{path}.{key}", reading)
    return Result(calls.read_id(given, _PART_IDS), read_result_name(given), parts, failed)


def _read_spoken(item: dict[str, Any], path: str, reading: Reading) -> Text:
    """An answer that was spoken is its words."""
    words = _first_text(item, ("transcript", "text"))
    if not words:
        raise checks.missing(f"{path}.transcript", "say what was spoken: GigaChat takes no spoken answers.")
    reading.note("adapted", "messages.audio->text", path)
    return Text(words)


def _first_text(item: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((item[key] for key in keys if isinstance(item.get(key), str)), "")
