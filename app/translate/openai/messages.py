"""OpenAI's messages, read into turns.

Sources: OpenAI's API reference (chat, create, messages) and what real clients send: contents of null, text or a list
of parts in every role, `input_text` and `output_text` of the Responses API, `developer` for `system`.
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Note, Part, Refusal, Role, Text, Turn
from app.translate.openai import checks

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text"}  # type of part -> its field
FILE_PARTS = frozenset({"image_url", "input_image", "input_audio", "file", "input_file", "video_url"})
TOOL_ROLES = frozenset({"tool", "function"})
_CALLS = ("tool_calls", "function_call")
# Keys of a message that are read, or that say nothing.
_READ = frozenset({"role", "content", "refusal", *_CALLS})
_SILENT = frozenset({"id", "type", "status", "annotations", "audio", "reasoning_content", "reasoning", "cache_control"})


def read(value: Any, notes: list[Note]) -> list[Turn]:
    """The messages of a request, in order; what is lost goes into `notes`."""
    if value is None:
        raise checks.missing("messages", "send the conversation as a list of {role, content}.")
    messages = checks.array(value, "messages")
    if not messages:
        raise checks.invalid("messages", "is empty: send at least one message.")
    return [
        # The common case first, since every request has many of it: a known role and a plain string, nothing else.
        Turn(ROLES[message["role"]], [Text(message["content"])], f"messages[{index}]")
        if type(message) is dict
        and len(message) == 2
        and type(message.get("content")) is str
        and message.get("role") in ("user", "assistant", "system")
        else _turn(message, f"messages[{index}]", notes)
        for index, message in enumerate(messages)
    ]


def _turn(message: Any, path: str, notes: list[Note]) -> Turn:
    message = checks.obj(message, path)
    role = ROLES.get(checks.string(message.get("role"), f"{path}.role"))
    if role is None:
        raise _unknown_role(message["role"], path)
    for key in _CALLS:
        if message.get(key):
            raise checks.unsupported(f"{path}.{key}", "is not supported by this gateway yet.")
    content = message.get("content")
    parts: list[Part] = [Text(content)] if isinstance(content, str) else _parts(content, f"{path}.content")
    if len(message) > 2 or "content" not in message:
        _rest(message, parts, path, notes)
    return Turn(role, parts, path)


def _rest(message: dict[str, Any], parts: list[Part], path: str, notes: list[Note]) -> None:
    refusal = message.get("refusal")
    if refusal is not None:
        parts.append(Refusal(checks.string(refusal, f"{path}.refusal")))
    for key, value in message.items():
        if key in _READ or value in (None, [], {}):
            continue
        if key == "name":
            notes.append(Note("dropped", "messages.name", f"{path}.name"))
        elif key in _SILENT:
            notes.append(Note("equivalent", "messages.extra", f"{path}.{key}"))
        else:
            notes.append(Note("dropped", "messages.unknown", f"{path}.{checks.shown(key)}"))


def _unknown_role(role: str, path: str) -> Exception:
    if role in TOOL_ROLES:
        return checks.unsupported(f"{path}.role", "'tool' is not supported by this gateway yet.")
    return checks.invalid(f"{path}.role", f"must be one of {', '.join(sorted({*ROLES, *TOOL_ROLES}))}.")


def _parts(content: Any, path: str) -> list[Part]:
    if content is None:
        return []
    if not isinstance(content, list):
        raise checks.wrong(path, "a string or an array of parts", content)
    return [_part(item, f"{path}[{index}]") for index, item in enumerate(content)]


def _part(item: Any, path: str) -> Part:
    if isinstance(item, str):  # some clients send bare strings in the list
        return Text(item)
    item = checks.obj(item, path)
    kind = checks.string(item.get("type"), f"{path}.type")
    if kind in TEXT_PARTS:
        return Text(checks.string(item.get(TEXT_PARTS[kind]), f"{path}.text"))
    if kind == "refusal":
        return Refusal(checks.string(item.get("refusal"), f"{path}.refusal"))
    if kind in FILE_PARTS:
        raise checks.unsupported(path, "holds a file, and files are not supported by this gateway yet.")
    raise checks.invalid(f"{path}.type", f"must be one of {', '.join([*TEXT_PARTS, 'refusal', *sorted(FILE_PARTS)])}.")
