"""OpenAI's messages, and what others send in their place, read into turns.

Sources: OpenAI's API reference (chat, create, messages) and what real clients send: contents of null, text or a list
of parts in every role, `developer` for `system`; roles of other vendors (`model`, `ai`, `human`), Gemini's `parts`, and
items of the Responses API, which have a type in place of a role. Calls and results without ids keep none: the contract
pairs them. What is past is never refused: see `reading`.
"""

from __future__ import annotations

import re
from typing import Any

from app.translate import call_arguments
from app.translate.dialogue import Call, FileId, Media, Note, Part, Result, Role, Text, Turn
from app.translate.openai import calls, checks, parts, slips
from app.translate.openai.reading import Reading

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "tool-call": "assistant",
    "tool-response": "tool",
    "tool": "tool",
    "function": "tool",
}
_NAMED = ("assistant", "developer", "function", "system", "tool", "user")  # to clients
# Items of the Responses API in a list of messages: whose they are.
_ITEMS: dict[str, Role] = {
    **dict.fromkeys(
        (
            *("function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call"),
            *("computer_call", "mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response"),
            *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"),
            *("tool_search_call", "reasoning", "compaction", "item_reference"),
        ),
        "assistant",
    ),
    **dict.fromkeys(
        (
            *("function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output"),
            *("apply_patch_call_output", "computer_call_output", "tool_search_output"),
        ),
        "tool",
    ),
}
_CALLS = ("tool_calls", "function_call")
_CLASS = re.compile(r"message(chunk)?\Z")  # ends the names of LangChain's classes, which stand as types
_WORDS = ("content", "parts", "text", "message")  # where a message's words may stand
# Keys of a message that are read, or that say nothing.
_READ = frozenset(
    {"role", "content", "parts", "refusal", "name", "audio", "attachments", "images", "tool_calls", "function_call"}
)
_READ_RESULT = frozenset(
    {
        "role",
        "type",
        "status",
        "content",
        "output",
        *parts.RESULT_IDS,
        *parts.RESULT_NAMES,
        *parts.FAILED,
    }
)

# More than any model's context holds; millions of tiny ones would take seconds and gigabytes to go through.
MAX_MESSAGES = 20_000


def read(value: Any, notes: list[Note]) -> list[Turn]:
    """The messages of a request, in order; what is lost goes into `notes`."""
    messages = checks.array(value, "messages")
    if not messages:
        raise checks.invalid("messages", "is empty: send at least one message.")
    if len(messages) > MAX_MESSAGES:
        raise checks.invalid("messages", f"holds {len(messages)} messages; at most {MAX_MESSAGES} are taken.")
    reader: _MessageReader | None = None  # made for the first message that is more than a role and a text
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        if type(message) is dict and len(message) == 2:
            role, text = message.get("role"), message.get("content")
            if type(text) is str and role in ("user", "assistant", "system"):
                turns.append(Turn(role, [Text(text)], f"messages[{index}]"))
                continue
        if reader is None:
            reader = _MessageReader(notes, _find_new(messages))
        if (turn := reader.read(message, index)) is not None:
            turns.append(turn)
    return turns


def _find_new(messages: list[Any]) -> int:
    """The index of the first new message: it stands behind the last one of the assistant's."""
    last = (index for index in range(len(messages) - 1, -1, -1) if _find_role(messages[index]) == "assistant")
    return next(last, -1) + 1


def _find_role(message: Any) -> Role | None:
    """Whose a message is, by its role in any spelling, or by its type where it has none; None where nothing tells."""
    if not isinstance(message, dict):
        return None
    given = message.get("role")
    if given is None:
        given = message.get("type")
    if not isinstance(given, str):
        return None
    return _ITEMS.get(given) or ROLES.get(_CLASS.sub("", given.strip().lower()))


def _is_item(message: dict[str, Any]) -> bool:
    kind = message.get("type")
    return message.get("role") is None and isinstance(kind, str) and kind in _ITEMS


class _MessageReader:
    """Reads the messages of one request that are more than a role and a text."""

    def __init__(self, notes: list[Note], new_from: int) -> None:
        self._reading = Reading(notes)
        self._new_from = new_from

    def read(self, message: Any, index: int) -> Turn | None:
        """The turn of a message; None for one of the past that is none. Raises GatewayError for a new one."""
        reading, path = self._reading, f"messages[{index}]"
        reading.past, reading.assistant, reading.result = index < self._new_from, False, False
        if not isinstance(message, dict):
            reading.leave_out(checks.wrong(path, "an object", message), "messages.unknown")
            return None
        role = self._read_role(message, path)
        if "content" not in message and isinstance(message.get("data"), dict):  # LangChain's, as it is stored
            message = {**message["data"], "role": role}
        reading.assistant, reading.result = role == "assistant", role == "tool"
        if role == "tool":
            return self._read_result(message, path)
        if _is_item(message):
            given = parts.read([message], path, reading)
            return Turn(role, given, path) if given else None
        words = self._find_words(message)
        found = parts.read(message.get(words), f"{path}.{words}", reading)
        if len(message) > 2 or "content" not in message:
            self._read_more(message, role, found, path, words)
        if not found and role != "assistant" and not reading.past and slips.find_in_place(message, "content"):
            raise checks.missing(f"{path}.content", "send the message's text or parts.", message)
        return Turn(role, found, path)

    def _read_role(self, message: dict[str, Any], path: str) -> Role:
        given, role = message.get("role"), _find_role(message)
        if role is not None:
            if given not in ROLES and not _is_item(message):
                self._reading.note("equivalent", "messages.role", f"{path}.role")
            return role
        if not self._reading.past:
            if given is None and slips.find_in_place(message, "role"):
                raise checks.missing(f"{path}.role", f"say who speaks: {', '.join(_NAMED)}.", message)
            given = checks.string(given, f"{path}.role")
            raise checks.invalid(f"{path}.role", f"must be one of {', '.join(_NAMED)}.")
        self._reading.note("adapted", "messages.role->user", f"{path}.role")
        return "tool" if calls.read_id(message, parts.RESULT_IDS) else "user"

    @staticmethod
    def _find_words(message: dict[str, Any]) -> str:
        """The key of the content; Gemini's messages, and those of the AI SDK, have parts."""
        return next((key for key in _WORDS if message.get(key)), "content")

    def _read_parts_beside(self, given: Any, found: list[Part], path: str) -> list[Part]:
        """Parts that stand beside the content `found`: without their words where these are the content's."""
        more = parts.read(given, path, self._reading)
        is_said = _join_words(more) in _join_words(found)
        return [part for part in more if not (is_said and isinstance(part, Text))]

    def _read_more(self, message: dict[str, Any], role: Role, found: list[Part], path: str, words: str) -> None:
        """What stands beside the content, which is under the key `words`."""
        reading = self._reading
        if words == "content" and message.get("parts"):
            found += self._read_parts_beside(message["parts"], found, f"{path}.parts")
        if message.get("images"):  # Ollama's, and those that OpenRouter's models made
            given = message["images"] if isinstance(message["images"], list) else [message["images"]]
            images = [{"type": "image_url", "image_url": one} if isinstance(one, str) else one for one in given]
            found += parts.read(images, f"{path}.images", reading)
        if message.get("audio"):
            found += self._read_spoken(message["audio"], role, found, f"{path}.audio")
        if message.get("refusal") is not None:
            if isinstance(message["refusal"], str):
                found.append(Text(message["refusal"]))
            else:
                reading.leave_out(checks.wrong(f"{path}.refusal", "a string", message["refusal"]), "messages.refusal")
        if role == "assistant":
            _unite(found, calls.read(message, path, reading), reading, path)
        else:
            for key in (key for key in _CALLS if message.get(key)):
                reading.leave_out(
                    checks.invalid(f"{path}.{key}", "belongs to a message of the assistant's."), f"messages.{key}"
                )
        if message.get("attachments"):
            found += self._read_attachments(message["attachments"], f"{path}.attachments")
        if message.get("name"):
            reading.note("dropped", "messages.name", f"{path}.name")
        reading.tell_unread(message, path, _READ | {words})

    def _read_attachments(self, given: Any, path: str) -> list[Part]:
        """Files by their ids at GigaChat, as its own API has them on a message."""
        found: list[Part] = []
        for index, item in enumerate(given if isinstance(given, list) else [given]):
            number = item.get("file_id") if isinstance(item, dict) else item
            where = f"{path}[{index}]"
            if isinstance(number, str) and number:
                found.append(Media(None, FileId(number), where, past=self._reading.past))
            else:
                self._reading.leave_out(checks.wrong(where, "a file's id at GigaChat", item), "messages.attachments")
        return found

    def _read_spoken(self, audio: Any, role: Role, found: list[Part], path: str) -> list[Text]:
        """An answer that was spoken: its words, if it came with them and `found` has none."""
        transcript = audio.get("transcript") if isinstance(audio, dict) else None
        written = any(isinstance(part, Text) and part.text.strip() for part in found)
        if role != "assistant" or written or not isinstance(transcript, str) or not transcript:
            self._reading.note("dropped", "messages.audio", path)
            return []
        self._reading.note("adapted", "messages.audio->text", path)
        return [Text(transcript)]

    def _read_result(self, message: dict[str, Any], path: str) -> Turn:
        """What a function gave: found by its call's id, by its function's name, or by its place."""
        reading = self._reading
        words = self._find_words(message)
        content, where = message.get(words), f"{path}.{words}"
        nested = content if isinstance(content, list) else []
        if any(parts.is_result(item) for item in nested):  # the results stand in parts of their own
            return Turn("tool", parts.read(content, where, reading), path)
        if content is None and message.get("output") is not None:
            content, where = message["output"], f"{path}.output"
        reading.tell_unread(message, path, _READ_RESULT | {words})
        found = parts.read_result(content, where, reading)
        call_id = calls.read_id(message, parts.RESULT_IDS)
        name, failed = parts.read_result_name(message), parts.has_failed(message)
        return Turn("tool", [Result(call_id, name, found, failed)], path)


def _join_words(found: list[Part]) -> str:
    """All words, without blanks."""
    return "".join("".join(part.text for part in found if isinstance(part, Text)).split())


def _unite(found: list[Part], called: list[Call], reading: Reading, path: str) -> None:
    """Add the calls of `tool_calls` to the parts, among which the same calls may stand in another vendor's form.

    They are the same by their ids; where one has none, by what is called.
    """
    inside = [part for part in found if isinstance(part, Call)]
    if inside and called:
        ids = {call.id for call in called}
        known, without_id = {_describe(call) for call in called}, {_describe(call) for call in called if not call.id}
        for call in inside:
            if (call.id and call.id in ids) or _describe(call) in (without_id if call.id else known):
                found.remove(call)
                reading.note("equivalent", "messages.tool_use", path)
    found += called


def _describe(call: Call) -> str:
    """What is called, and with what."""
    return call_arguments.write({call.name: call.arguments})
