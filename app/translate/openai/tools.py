"""OpenAI's functions that a model may call, read from a request, whoever's form they have.

Sources: OpenAI's API reference (chat, create): `tools`, the older `functions`; the flat form is the Responses API's.
Clients send here what they hold for other servers as well: `input_schema` (Anthropic's Messages API, tools),
`inputSchema` (MCP, `tools/list`; Bedrock's `toolSpec`), `functionDeclarations` (Gemini's API, Tool).
`few_shot_examples` and `return_parameters` are GigaChat's own (v1, "Functions").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.translate.dialogue import Choice, Note, Tool
from app.translate.openai import checks, given_schemas, tool_choices, unread_fields
from app.translate.openai.function_names import MAX_TOOL_NAME, read_name

FIELDS = ("tools", "tool_choice", "functions", "function_call", "parallel_tool_calls")
_OWN: dict[str, Callable[[Any, str], Any]] = {"few_shot_examples": checks.array, "return_parameters": checks.php_obj}
# Where the schema of the arguments stands, the names of the other forms behind OpenAI's.
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema")
_WRAPPERS = ("function", "custom", "toolSpec")  # what may hold a definition
# Gemini's tools have no type: what holds several definitions, and what its own server runs.
_DECLARATIONS = ("functionDeclarations", "function_declarations")
_OF_SERVER = frozenset(
    {
        *(
            "googleSearch",
            "google_search",
            "googleSearchRetrieval",
            "google_search_retrieval",
            "googleMaps",
            "google_maps",
        ),
        *("codeExecution", "code_execution", "urlContext", "url_context", "fileSearch", "file_search"),
    }
)
_GEMINIS = frozenset({*_DECLARATIONS, *_OF_SERVER})
_READ = frozenset({"type", "name", "description", "strict", *_SCHEMAS, *_OWN})
# Hints for other vendors' servers, and for people who look at a list of tools.
_SILENT = frozenset(
    {"defer_loading", "eager_input_streaming", "allowed_callers", "annotations", "title", "icons", "_meta", "execution"}
)


def read(body: dict[str, Any], notes: list[Note]) -> tuple[list[Tool], Choice, bool]:
    """The functions, the choice among them, and whether the client knows only the older `functions`."""
    tools = _read_list(body.get("tools"), "tools", notes)
    functions = _read_list(body.get("functions"), "functions", notes)
    if body.get("parallel_tool_calls") is not None:  # GigaChat's v1 calls one function an answer in either case
        checks.boolean(body["parallel_tool_calls"], "parallel_tool_calls")
    legacy = bool(functions) and not tools
    if functions or len(tools) > 1:
        tools = _united([*tools, *functions], notes)
    tools, choice = tool_choices.read(body, tools, notes)
    return tools, choice, legacy


def _read_list(value: Any, path: str, notes: list[Note]) -> list[Tool]:
    if value is None:
        return []
    tools: list[Tool] = []
    for index, item in enumerate(checks.array(value, path)):
        if (usual := _read_usual(item, path, index, notes)) is not None:
            tools.append(usual)
        else:
            place, kind = f"{path}[{index}]", None if path == "tools" else "function"
            tools.extend(_read_entry(checks.obj(item, place), place, notes, kind))
    return tools


def _read_usual(item: Any, path: str, index: int, notes: list[Note]) -> Tool | None:
    """The function of an entry as SDKs write it: of OpenAI's form, with nothing to mend.

    None: it needs the look that `_read_entry` takes. A request may have hundreds of tools, and has them every turn.
    """
    try:
        kind, given = item["type"], item["function"]
        name, description, schema = given["name"], given["description"], given["parameters"]
    except (TypeError, LookupError):
        return None
    if kind != "function" or len(item) > 2 or (len(given) > 3 and (len(given) > 4 or "strict" not in given)):
        return None
    if type(name) is not str or type(description) is not str or type(schema) is not dict:
        return None
    if not name or len(name) > MAX_TOOL_NAME or "properties" not in schema:
        return None
    place = f"{path}[{index}].function"
    if "strict" in given:
        _drop_strict(given, place, notes)
    return Tool(name, description, schema, place)


def _read_entry(item: dict[str, Any], path: str, notes: list[Note], kind: str | None) -> list[Tool]:
    """The functions of one entry; `kind` is what it is where it has no type."""
    given = None if item.get("type") == "" else item.get("type")
    kind = checks.string(given, f"{path}.type").lower() if given is not None else kind
    if "function" not in item and not _GEMINIS.isdisjoint(item):
        return _read_declarations(item, path, notes)
    wrapper = next((key for key in _WRAPPERS if item.get(key)), None)
    if wrapper is None and not item.get("name"):
        wrapper = next((key for key in _WRAPPERS if item.get(key) is not None), None)
    if kind is None and wrapper is None and not item.get("name"):
        raise checks.missing(f"{path}.type", "a tool is {type: 'function', function: {...}}.")
    if kind in (None, "function"):
        if wrapper is None and given is not None and "name" not in item:
            raise checks.missing(f"{path}.function", "send the function's name, description and parameters.", item)
    elif not _is_defined(item, wrapper):
        notes.append(Note("dropped", "tools.type", path))
        return []
    if wrapper != "function" and kind != "function":
        notes.append(Note("equivalent", "tools.form", path))
    if wrapper is None:
        return [_read_definition(item, path, notes)]
    return [_read_wrapped(item, wrapper, path, notes)]


def _read_declarations(item: dict[str, Any], path: str, notes: list[Note]) -> list[Tool]:
    """The functions of a tool of Gemini's, which holds several, and its own server's tools as well."""
    notes.append(Note("equivalent", "tools.form", path))
    notes.extend(Note("dropped", "tools.type", f"{path}.{key}") for key in item if key in _OF_SERVER)
    unread_fields.tell(item, path, _GEMINIS, "tools", notes, _SILENT)
    places = [
        (f"{path}.{key}[{index}]", one)
        for key in _DECLARATIONS
        if item.get(key) is not None
        for index, one in enumerate(checks.array(item[key], f"{path}.{key}"))
    ]
    return [_read_definition(checks.obj(one, place), place, notes) for place, one in places]


def _is_defined(item: dict[str, Any], wrapper: str | None) -> bool:
    """Whether a tool of another type is a function all the same: it says which arguments it takes.

    Tools that a vendor's own server runs (a search, a shell) and those that take free text do not.
    """
    inner = item if wrapper is None else item[wrapper]
    return isinstance(inner, dict) and bool(inner.get("name")) and any(inner.get(key) for key in _SCHEMAS)


def _read_wrapped(item: dict[str, Any], wrapper: str, path: str, notes: list[Note]) -> Tool:
    """A definition inside `function`; arguments that are described beside it are no less its own."""
    inner = f"{path}.{wrapper}"
    definition = checks.obj(item[wrapper], inner)
    _drop_strict(item, path, notes)
    read = {"type", wrapper, "strict"}
    if not any(definition.get(key) for key in _SCHEMAS):
        beside = {key: item[key] for key in _SCHEMAS if item.get(key)}
        definition = {**definition, **beside}
        read |= beside.keys()
    tool = _read_definition(definition, inner, notes)
    unread_fields.tell(item, path, frozenset(read), "tools", notes, _SILENT)
    return tool


def _read_definition(given: dict[str, Any], path: str, notes: list[Note]) -> Tool:
    """A definition; `path` is where its name stands."""
    description = given.get("description")
    _drop_strict(given, path, notes)
    own = {key: check(given[key], f"{path}.{key}") for key, check in _OWN.items() if given.get(key) is not None}
    unread_fields.tell(given, path, _READ, "tools", notes, _SILENT)
    return Tool(
        name=read_name(given.get("name"), f"{path}.name", MAX_TOOL_NAME, given),
        description=None if description is None else checks.string(description, f"{path}.description"),
        parameters=_read_parameters(given, path, notes),
        path=path,
        extra=own,
    )


def _read_parameters(given: dict[str, Any], path: str, notes: list[Note]) -> dict[str, Any] | None:
    """The schema of the arguments, by the first name that has one; another one that says otherwise is told."""
    schema: dict[str, Any] | None = None
    for key in _SCHEMAS:
        if key not in given:
            continue
        place = f"{path}.{key}"
        one = given_schemas.read(given[key], place, notes)
        if not schema:
            schema = one if one is not None else schema
        elif one and not checks.same(one, schema):
            notes.append(Note("dropped", "tools.parameters", place))
    return schema


def _drop_strict(given: dict[str, Any], path: str, notes: list[Note]) -> None:
    if given.get("strict") is not None and checks.boolean(given["strict"], f"{path}.strict"):
        notes.append(Note("dropped", "tools.strict", f"{path}.strict"))


def _united(tools: list[Tool], notes: list[Note]) -> list[Tool]:
    """Each name once: the first one wins, and a second one that says the same is no loss."""
    if len({tool.name for tool in tools}) == len(tools):
        return tools
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
