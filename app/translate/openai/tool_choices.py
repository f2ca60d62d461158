"""The choice among a request's functions, in all forms that clients have for it.

Sources: OpenAI's API reference (chat, create): `tool_choice`, the older `function_call`; the flat forms are the
Responses API's; `{"type": "auto" | "any" | "none" | "tool"}` is Anthropic's (Messages API, tool_choice), "any" is also
Mistral's word for `required`; `{"auto": {}}`, `{"any": {}}`, `{"tool": {...}}` are Bedrock's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.translate.dialogue import AUTO, Choice, Note, Tool
from app.translate.openai import checks, unread_fields
from app.translate.openai.function_names import MAX_TOOL_NAME, read_name

_WORDS = {"auto": "auto", "none": "none", "required": "required", "any": "required"}
_NOTHING: tuple[Any, ...] = (None, [], {})  # PHP writes an empty object as an array
_MODES = {word: mode for word, mode in _WORDS.items() if mode != "none"}
_NAMING = ("function", "tool", "custom")  # types of what names one tool; each may hold the name as well
_READ_NAME = frozenset({"name"})
_READ_ALLOWED = frozenset({"type", "mode", "tools"})
_SILENT = frozenset({"disable_parallel_tool_use"})  # GigaChat's v1 calls one function an answer in any case


class _Wanted(NamedTuple):
    """What a choice says: a mode with the name of one function, or with those that are allowed."""

    mode: str
    name: str | None = None
    allowed: frozenset[str] | None = None


def read(body: dict[str, Any], tools: list[Tool], notes: list[Note]) -> tuple[list[Tool], Choice]:
    """The functions that may be called, and the choice among them. Raises GatewayError (400) for what can't be."""
    choice, legacy = body.get("tool_choice"), body.get("function_call")
    path, value = "tool_choice", choice
    if legacy in _NOTHING and (choice == "auto" or choice in _NOTHING):
        return tools, AUTO
    if choice in _NOTHING:
        path, value = "function_call", legacy
    reader = _ChoiceReader({tool.name for tool in tools}, notes)
    wanted = reader.read(value, path)
    if path == "tool_choice" and legacy not in _NOTHING:
        older = _ChoiceReader(reader.known, []).read(legacy, "function_call")
        if older != wanted:
            notes.append(Note("dropped", "function_call", "function_call"))
    return _choose(wanted, path, tools, notes)


def _choose(wanted: _Wanted, path: str, tools: list[Tool], notes: list[Note]) -> tuple[list[Tool], Choice]:
    if wanted.name is not None:
        if all(tool.name != wanted.name for tool in tools):
            raise checks.invalid(path, "names a function that is not among the tools.")
        return tools, Choice("named", wanted.name)
    if wanted.allowed is not None:
        notes.append(Note("equivalent", "tool_choice=allowed_tools", path))
        tools = [tool for tool in tools if tool.name in wanted.allowed]
    if tools:
        return tools, Choice("required" if wanted.mode == "required" else "none" if wanted.mode == "none" else "auto")
    if wanted.mode == "required":
        raise checks.invalid(path, "demands a call, and there are no functions among the tools.")
    return tools, AUTO  # there is nothing to choose from: all else is met


class _ChoiceReader:
    """Reads the forms of a choice among functions with known names."""

    def __init__(self, known: set[str], notes: list[Note]) -> None:
        self.known = known
        self._notes = notes

    def read(self, value: Any, path: str) -> _Wanted:
        """What a word, a name or an object says."""
        if isinstance(value, str):
            if (word := value.strip().lower()) in _WORDS:
                return _Wanted(_WORDS[word])
            if value in self.known:
                return _Wanted("named", value)
            raise checks.invalid(path, "must be 'auto', 'none', 'required', the name of a tool or an object.")
        if not isinstance(value, dict):
            raise checks.wrong(path, "a string or an object", value)
        return self._read_object(value, path)

    def _read_object(self, value: dict[str, Any], path: str) -> _Wanted:
        kind = value.get("type") or self._guess_type(value)
        if kind is None and path == "function_call":
            raise checks.missing(f"{path}.name", "name the function.")
        kind = checks.string(kind, f"{path}.type")
        if kind.lower() in _WORDS:
            self._tell(value, path, frozenset({"type"}))
            return _Wanted(_WORDS[kind.lower()])
        if kind == "allowed_tools":
            return self._read_allowed(value, path)
        if kind not in _NAMING:
            raise checks.invalid(f"{path}.type", "must be 'function', 'tool', 'allowed_tools' or a mode.")
        if kind == "custom" and not self._names_known(value):
            raise checks.unsupported(f"{path}.type", "'custom' can't be done: GigaChat calls functions only.")
        return _Wanted("named", self._read_named(value, path, kind))

    def _guess_type(self, value: dict[str, Any]) -> str | None:
        """The type of an object that does not tell it."""
        if value.get("allowed_tools") is not None:
            return "allowed_tools"
        if len(value) == 1 and (word := next(iter(value))) in _WORDS:  # Bedrock's {"auto": {}}
            return word
        return "function" if not value.keys().isdisjoint(("function", "name", "tool")) else None

    def _names_known(self, value: dict[str, Any]) -> bool:
        """Whether a choice of type `custom` names one of the functions: some tools of that type are functions."""
        inner = value.get("custom")
        found = inner.get("name") if isinstance(inner, dict) else value.get("name")
        return isinstance(found, str) and found in self.known

    def _read_named(self, value: dict[str, Any], path: str, kind: str) -> str:
        """The name in `{"type": "function", ...}`, nested or flat."""
        holder = next((key for key in (kind, *_NAMING) if value.get(key)), None)
        if holder is None and "name" not in value:
            holder = next((key for key in (kind, *_NAMING) if value.get(key) is not None), None)
        if holder is None:
            if "name" not in value:
                wanted = f"{path}.function" if kind == "function" else f"{path}.name"
                raise checks.missing(wanted, "name the function.")
            self._tell(value, path, frozenset({"type", "name"}))
            return read_name(value["name"], f"{path}.name", MAX_TOOL_NAME)
        self._tell(value, path, frozenset({"type", holder}))
        if isinstance(value[holder], str):
            return read_name(value[holder], f"{path}.{holder}", MAX_TOOL_NAME)
        inner = checks.obj(value[holder], f"{path}.{holder}")
        self._tell(inner, f"{path}.{holder}", _READ_NAME)
        return read_name(inner.get("name"), f"{path}.{holder}.name", MAX_TOOL_NAME)

    def _read_allowed(self, value: dict[str, Any], path: str) -> _Wanted:
        """Only some of the tools; those of other types were left out of the tools already."""
        inner = path
        if value.get("allowed_tools") is not None:
            inner = f"{path}.allowed_tools"
            self._tell(value, path, frozenset({"type", "allowed_tools"}))
            value = checks.obj(value["allowed_tools"], inner)
        self._tell(value, inner, _READ_ALLOWED)
        mode = checks.string(value.get("mode"), f"{inner}.mode")
        if mode not in _MODES:
            raise checks.invalid(f"{inner}.mode", "must be 'auto' or 'required'.")
        items = checks.array(value.get("tools"), f"{inner}.tools")
        if not items:
            raise checks.invalid(f"{inner}.tools", "is empty: name at least one function, or send tool_choice 'none'.")
        places = [(f"{inner}.tools[{index}]", item) for index, item in enumerate(items)]
        return _Wanted(_MODES[mode], allowed=frozenset(self._read_allowed_names(places, path)))

    def _read_allowed_names(self, places: Sequence[tuple[str, Any]], path: str) -> set[str]:
        names = set()
        for place, item in places:
            item = checks.obj(item, place)
            kind = checks.string(item.get("type") or self._guess_type(item), f"{place}.type")
            if kind not in _NAMING or (kind == "custom" and not self._names_known(item)):
                self._notes.append(Note("dropped", "tools.type", place))
                continue
            name = self._read_named(item, place, kind)
            if name not in self.known:
                raise checks.invalid(path, f"allows a function that is not among the tools: see '{place}'.")
            names.add(name)
        return names

    def _tell(self, given: dict[str, Any], path: str, read: frozenset[str]) -> None:
        field = "function_call" if path.startswith("function_call") else "tool_choice"
        unread_fields.tell(given, path, read, field, self._notes, _SILENT)
