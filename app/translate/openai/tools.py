"""OpenAI's functions that a model may call, and the choice among them, read from a request.

Source: OpenAI's API reference (chat, create): `tools` and `tool_choice`, the older `functions` and `function_call`;
the flat form of both is the Responses API's, sent here by some clients. `few_shot_examples` and `return_parameters`
are GigaChat's own (v1, "Functions").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.translate.dialogue import Choice, Note, Tool
from app.translate.openai import checks, rest

FIELDS = ("tools", "tool_choice", "functions", "function_call", "parallel_tool_calls")
_MAX_NAME = 64
_OWN: dict[str, Callable[[Any, str], Any]] = {"few_shot_examples": checks.array, "return_parameters": checks.obj}
_READ = frozenset({"type", "name", "description", "parameters", "strict", *_OWN})
_READ_OUTER = frozenset({"type", "function"})
_READ_ENTRY = frozenset({"type", "function", "strict"})
_READ_NAME = frozenset({"name"})
_READ_FLAT = frozenset({"type", "name"})
_READ_ALLOWED = frozenset({"type", "mode", "tools"})
_SILENT = frozenset({"defer_loading", "eager_input_streaming"})  # hints for other vendors' servers
_WORDS = {"auto", "none", "required"}
_LEGACY_WORDS = {"auto", "none"}
_MODES = ("auto", "required")


def read(body: dict[str, Any], notes: list[Note]) -> tuple[list[Tool], Choice, bool]:
    """The functions, the choice among them, and whether the client knows only the older `functions`."""
    tools = _tools(body.get("tools"), notes)
    functions = _functions(body.get("functions"), notes)
    if body.get("parallel_tool_calls") is not None:  # GigaChat's v1 calls one function an answer in either case
        checks.boolean(body["parallel_tool_calls"], "parallel_tool_calls")
    asked = _asked(body, notes)
    legacy = bool(functions) and not tools
    if functions or len(tools) > 1:
        tools = _united([*tools, *functions], notes)
    if asked is None:
        return tools, Choice(), legacy
    path, value = asked
    tools, choice = _chosen(value, path, tools, notes)
    return tools, choice, legacy


def name(value: Any, path: str) -> str:
    """A function's name, of the length that OpenAI takes; what characters GigaChat takes is not asked here."""
    if value is None:
        raise checks.missing(path, "give it a name.")
    if not checks.string(value, path):
        raise checks.invalid(path, "is empty: a name is needed.")
    if len(value) > _MAX_NAME:
        raise checks.invalid(path, f"is longer than {_MAX_NAME} characters.")
    return str(value)


def _tools(value: Any, notes: list[Note]) -> list[Tool]:
    if value is None:
        return []
    tools = []
    for index, item in enumerate(checks.array(value, "tools")):
        path = f"tools[{index}]"
        item = checks.obj(item, path)
        kind = item.get("type")
        if kind is None and item.get("function") is not None:  # only a function has one
            kind = "function"
        if kind is None:
            raise checks.missing(f"{path}.type", "a tool is {type: 'function', function: {...}}.")
        if checks.string(kind, f"{path}.type") != "function":
            notes.append(Note("dropped", "tools.type", path))
        elif item.get("function") is None and "name" in item:
            tools.append(_tool(item, path, notes))
        else:
            inner = f"{path}.function"
            if item.get("function") is None:
                raise checks.missing(inner, "send the function's name, description and parameters.")
            tools.append(_tool(checks.obj(item["function"], inner), inner, notes))
            _drop_strict(item, path, notes)
            rest.tell(item, path, _READ_ENTRY, "tools", notes, _SILENT)
    return tools


def _functions(value: Any, notes: list[Note]) -> list[Tool]:
    if value is None:
        return []
    paths = [(f"functions[{index}]", item) for index, item in enumerate(checks.array(value, "functions"))]
    return [_tool(checks.obj(item, path), path, notes) for path, item in paths]


def _tool(given: dict[str, Any], path: str, notes: list[Note]) -> Tool:
    """A definition; `path` is where its name stands."""
    description, parameters = given.get("description"), given.get("parameters")
    _drop_strict(given, path, notes)
    own = {key: check(given[key], f"{path}.{key}") for key, check in _OWN.items() if given.get(key) is not None}
    rest.tell(given, path, _READ, "tools", notes, _SILENT)
    return Tool(
        name=name(given.get("name"), f"{path}.name"),
        description=None if description is None else checks.string(description, f"{path}.description"),
        parameters=None if parameters in (None, []) else checks.obj(parameters, f"{path}.parameters"),  # [] is PHP's {}
        path=path,
        extra=own,
    )


def _drop_strict(given: dict[str, Any], path: str, notes: list[Note]) -> None:
    if given.get("strict") is not None and checks.boolean(given["strict"], f"{path}.strict"):
        notes.append(Note("dropped", "tools.strict", f"{path}.strict"))


def _united(tools: list[Tool], notes: list[Note]) -> list[Tool]:
    """Each name once: the first one wins, and a second one that says the same is no loss."""
    found: dict[str, Tool] = {}
    for tool in tools:
        first = found.setdefault(tool.name, tool)
        if first is not tool:
            notes.append(Note("equivalent" if _same(first, tool) else "dropped", "tools.duplicate", tool.path))
    return list(found.values())


def _same(first: Tool, second: Tool) -> bool:
    """Whether both say the same."""
    return checks.same(
        (first.description, first.parameters, first.extra), (second.description, second.parameters, second.extra)
    )


def _asked(body: dict[str, Any], notes: list[Note]) -> tuple[str, Any] | None:
    """The choice in the words of `tool_choice`, and the field that it came from."""
    choice, legacy = body.get("tool_choice"), body.get("function_call")
    if isinstance(legacy, dict):
        rest.tell(legacy, "function_call", _READ_NAME, "function_call", notes)
        legacy = {"type": "function", "name": name(legacy.get("name"), "function_call.name")}
    elif legacy is not None and checks.string(legacy, "function_call") not in _LEGACY_WORDS:
        raise checks.invalid("function_call", "must be 'none', 'auto' or an object with a name.")
    if choice is None:
        return None if legacy is None else ("function_call", legacy)
    if legacy is not None and legacy != choice and not _names_the_same(legacy, choice):
        notes.append(Note("dropped", "function_call", "function_call"))
    return "tool_choice", choice


def _names_the_same(legacy: Any, choice: Any) -> bool:
    """Whether both forms name one function."""
    if not isinstance(legacy, dict) or not isinstance(choice, dict) or choice.get("type") != "function":
        return False
    function = choice.get("function")
    named = function.get("name") if isinstance(function, dict) else choice.get("name")
    return checks.same(named, legacy["name"])


def _chosen(value: Any, path: str, tools: list[Tool], notes: list[Note]) -> tuple[list[Tool], Choice]:
    if isinstance(value, str):
        if value not in _WORDS:
            raise checks.invalid(path, "must be 'auto', 'none', 'required' or an object.")
        return tools, _by_word(value, path, tools)
    if not isinstance(value, dict):
        raise checks.wrong(path, "a string or an object", value)
    kind = checks.string(value.get("type"), f"{path}.type")
    if kind == "function":
        wanted = _named(value, path, notes)
        if all(tool.name != wanted for tool in tools):
            raise checks.invalid(path, "names a function that is not among the tools.")
        return tools, Choice("named", wanted)
    if kind == "allowed_tools":
        return _allowed(value, path, tools, notes)
    if kind == "custom":
        raise checks.unsupported(f"{path}.type", "'custom' can't be done: GigaChat calls functions only.")
    raise checks.invalid(f"{path}.type", "must be 'function' or 'allowed_tools'.")


def _by_word(word: str, path: str, tools: list[Tool]) -> Choice:
    """Without tools there is nothing to choose from: all but `required` is met."""
    if tools:
        return Choice("required" if word == "required" else "none" if word == "none" else "auto")
    if word == "required":
        raise checks.invalid(path, "is 'required', and there are no functions among the tools.")
    return Choice()


def _named(value: dict[str, Any], path: str, notes: list[Note]) -> str:
    """The name in `{"type": "function", ...}`, nested or flat."""
    if value.get("function") is None and "name" in value:
        rest.tell(value, path, _READ_FLAT, "tool_choice", notes)
        return name(value["name"], f"{path}.name")
    if value.get("function") is None:
        raise checks.missing(f"{path}.function", "name the function.")
    function = checks.obj(value["function"], f"{path}.function")
    rest.tell(value, path, _READ_OUTER, "tool_choice", notes)
    rest.tell(function, f"{path}.function", _READ_NAME, "tool_choice", notes)
    return name(function.get("name"), f"{path}.function.name")


def _allowed(value: dict[str, Any], path: str, tools: list[Tool], notes: list[Note]) -> tuple[list[Tool], Choice]:
    """Only some of the tools; those of other types were left out of the tools already."""
    inner = path
    if value.get("allowed_tools") is not None:
        inner = f"{path}.allowed_tools"
        rest.tell(value, path, frozenset({"type", "allowed_tools"}), "tool_choice", notes)
        value = checks.obj(value["allowed_tools"], inner)
    rest.tell(value, inner, _READ_ALLOWED, "tool_choice", notes)
    mode = checks.string(value.get("mode"), f"{inner}.mode")
    if mode not in _MODES:
        raise checks.invalid(f"{inner}.mode", "must be 'auto' or 'required'.")
    items = checks.array(value.get("tools"), f"{inner}.tools")
    if not items:
        raise checks.invalid(f"{inner}.tools", "is empty: name at least one function, or send tool_choice 'none'.")
    known = {tool.name for tool in tools}
    wanted = set()
    for index, item in enumerate(items):
        place = f"{inner}.tools[{index}]"
        if checks.string(checks.obj(item, place).get("type"), f"{place}.type") != "function":
            notes.append(Note("dropped", "tools.type", place))
            continue
        one = _named(item, place, notes)
        if one not in known:
            raise checks.invalid(path, f"allows a function that is not among the tools: see '{place}'.")
        wanted.add(one)
    notes.append(Note("equivalent", "tool_choice=allowed_tools", path))
    tools = [tool for tool in tools if tool.name in wanted]
    return tools, _by_word(mode, path, tools)
