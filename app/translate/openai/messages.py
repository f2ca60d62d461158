"""OpenAI's messages, read into turns.

Sources: OpenAI's API reference (chat, create, messages) and what real clients send: contents of null, text or a list
of parts in every role, `input_text` and `output_text` of the Responses API, `developer` for `system`. The older
`function_call` and role `function` become a call and its result here, and nobody else knows of them.
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Media, Note, Part, Refusal, Result, Role, Text, Turn
from app.translate.openai import calls, checks, files, rest

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# type of part -> its field, and what it is
TEXT_PARTS: dict[str, tuple[str, type[Text | Refusal]]] = {
    "text": ("text", Text),
    "input_text": ("text", Text),
    "output_text": ("text", Text),
    "refusal": ("refusal", Refusal),
}
RESULT_ROLES = frozenset({"tool", "function"})
_CALLS = ("tool_calls", "function_call")
# Keys of a message that are read, or that say nothing.
_READ = frozenset({"role", "content", "refusal", "name", "audio", *_CALLS})
_READ_RESULT = frozenset({"role", "content", "name", "tool_call_id"})
# What servers and SDKs add to the messages that they give, and clients send back: thoughts, and the same again.
_SILENT = frozenset(
    {
        *("id", "type", "status", "annotations", "parsed", "provider_specific_fields"),
        *("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"),
    }
)

# More than any model's context holds; millions of tiny ones would take seconds and gigabytes to go through.
MAX_MESSAGES = 20_000


def read(value: Any, notes: list[Note]) -> list[Turn]:
    """The messages of a request, in order; what is lost goes into `notes`."""
    if value is None:
        raise checks.missing("messages", "send the conversation as a list of {role, content}.")
    messages = checks.array(value, "messages")
    if not messages:
        raise checks.invalid("messages", "is empty: send at least one message.")
    if len(messages) > MAX_MESSAGES:
        raise checks.invalid("messages", f"holds {len(messages)} messages; at most {MAX_MESSAGES} are taken.")
    unanswered = calls.Unanswered()
    return [
        # The common case first, since every request has many of it: a known role and a plain string, nothing else.
        Turn(ROLES[message["role"]], [Text(message["content"])], f"messages[{index}]")
        if type(message) is dict
        and len(message) == 2
        and type(message.get("content")) is str
        and message.get("role") in ("user", "assistant", "system")
        else _turn(message, f"messages[{index}]", unanswered, notes)
        for index, message in enumerate(messages)
    ]


def _turn(message: Any, path: str, unanswered: calls.Unanswered, notes: list[Note]) -> Turn:
    message = checks.obj(message, path)
    given = checks.string(message.get("role"), f"{path}.role")
    if given in RESULT_ROLES:
        return _result(message, given, path, unanswered, notes)
    role = ROLES.get(given)
    if role is None:
        raise checks.invalid(f"{path}.role", f"must be one of {', '.join(sorted({*ROLES, *RESULT_ROLES}))}.")
    parts: list[Part] = [*_contents(message.get("content"), f"{path}.content", notes)]
    if len(message) > 2 or "content" not in message:
        if message.get("audio"):
            parts += _spoken(message["audio"], role, parts, f"{path}.audio", notes)
        if message.get("refusal") is not None:
            parts.append(Refusal(checks.string(message["refusal"], f"{path}.refusal")))
        for key in _CALLS:
            if role != "assistant" and message.get(key):
                raise checks.invalid(f"{path}.{key}", "belongs to a message of the assistant's.")
        if role == "assistant":
            parts += calls.read(message, path, unanswered, notes)
        if message.get("name"):
            checks.string(message["name"], f"{path}.name")
            notes.append(Note("dropped", "messages.name", f"{path}.name"))
        rest.tell(message, path, _READ, "messages", notes, _SILENT)
    return Turn(role, parts, path)


def _spoken(audio: Any, role: Role, parts: list[Part], path: str, notes: list[Note]) -> list[Text]:
    """An answer that was spoken: its words, if it came with them and `parts` have none."""
    transcript = checks.obj(audio, path).get("transcript")
    written = any(isinstance(part, Text) and part.text.strip() for part in parts)
    if role != "assistant" or written or not transcript:
        notes.append(Note("dropped", "messages.audio", path))
        return []
    notes.append(Note("adapted", "messages.audio->text", path))
    return [Text(checks.string(transcript, f"{path}.transcript"))]


def _result(message: dict[str, Any], role: str, path: str, unanswered: calls.Unanswered, notes: list[Note]) -> Turn:
    """What a function gave: found by its call's id, or by its name in the older form."""
    name = message.get("name")
    if name is not None:
        checks.string(name, f"{path}.name")
    elif role == "function":
        raise checks.missing(f"{path}.name", "say which function gave this result.")
    number = message.get("tool_call_id")
    if number is not None:
        checks.string(number, f"{path}.tool_call_id")  # which some servers leave empty
    elif role == "tool":
        raise checks.missing(f"{path}.tool_call_id", "say which call this is the result of.")
    if not number:
        number = unanswered.answered(str(name), path) if role == "function" else unanswered.next(path)
    parts = _contents(message.get("content"), f"{path}.content", notes)
    rest.tell(message, path, _READ_RESULT, "messages", notes, _SILENT)
    return Turn("tool", [Result(number, name, parts)], path)


def _contents(content: Any, path: str, notes: list[Note]) -> list[Text | Refusal | Media]:
    if isinstance(content, str):
        return [Text(content)]
    if content is None:
        return []
    if not isinstance(content, list):
        raise checks.wrong(path, "a string or an array of parts", content)
    if len(content) > MAX_MESSAGES:
        raise checks.invalid(path, f"holds {len(content)} parts; at most {MAX_MESSAGES} are taken.")
    return [_part(item, f"{path}[{index}]", notes) for index, item in enumerate(content)]


def _part(item: Any, path: str, notes: list[Note]) -> Text | Refusal | Media:
    if isinstance(item, str):  # some clients send bare strings in the list
        return Text(item)
    item = checks.obj(item, path)
    kind = checks.string(item.get("type"), f"{path}.type")
    if kind in files.FILE_PARTS:
        return files.read(item, path, notes)
    if kind in TEXT_PARTS:
        field, made = TEXT_PARTS[kind]
        if len(item) > 2:
            rest.tell(item, path, frozenset({"type", field}), "messages", notes, _SILENT)
        return made(checks.string(item.get(field), f"{path}.{field}"))
    known = [*TEXT_PARTS, *sorted(files.FILE_PARTS)]
    raise checks.invalid(f"{path}.type", f"must be one of {', '.join(known)}.")
