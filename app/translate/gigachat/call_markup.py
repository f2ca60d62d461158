"""The markup in which models write calls as text: tags around a function's name and its arguments.

    <tool_calls><invoke name="f"><parameter name="q">x</parameter></invoke></tool_calls>
    <tool_call>{"name": "f", "arguments": {"q": "x"}}</tool_call>
    <function=f><parameter=q>x</parameter></function>
    <|tool_call|>{"name": "f", "arguments": {"q": "x"}}

The words of the tags are the model's own, in any script; what is certain is the function's name.

Source: docs/gigachat-api.md, "Uncertain", 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

# Whether a text begins such a block: `open` until more of it has come.
Begins = Literal["no", "open", "yes"]

_NAME = r"[^\W\d][\w:.|｜▁-]{0,40}"
_QUOTED = r"[\"'«“][^\"'»”<>\n]{0,128}"
_ATTRIBUTE = rf"\s{{1,8}}[^\W\d]\w{{0,31}}\s?=\s?{_QUOTED}[\"'»”]"
_TAG = re.compile(
    rf"<[|｜]?(?P<tag>{_NAME}?)(?:=(?P<value>[^\s<>\"'=]{{1,64}}))?(?P<attributes>(?:{_ATTRIBUTE}){{0,4}})\s{{0,8}}[|｜]?>"
)
_ATTRIBUTES = re.compile(r"([^\W\d]\w*)\s?=\s?[\"'«“]([^\"'»”<>\n]*)")
# The beginning of a tag, cut off anywhere.
_PART_OF_TAG = re.compile(
    rf"<[|｜]?(?:{_NAME}(?:=[^\s<>\"'=]{{0,64}})?(?:{_ATTRIBUTE}){{0,4}}"
    rf"(?:\s{{1,8}}(?:[^\W\d]\w{{0,31}}(?:\s?(?:=\s?(?:{_QUOTED})?)?)?)?)?[|｜]?)?"
)
_CLOSING = re.compile(rf"<[|｜]?/[|｜]?(?P<tag>{_NAME}?)\s{{0,8}}[|｜]?>")
_NEVER = re.compile(r"(?!)")
# A tag around calls without a name in it: these words, or another script than markup has elsewhere.
_WORDS = re.compile(r"tool|func|call|invoke|action|role_sep|[^\x00-\x7f]", re.IGNORECASE)
_SPACE = re.compile(r"\s*")
_MAX_LEVELS = 3  # of tags around a function's name
_MAX_CALLS = 64
_NAME_KEYS = ("name", "function_name", "tool_name", "function", "tool")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "params")
_DECODER = json.JSONDecoder(strict=False)  # models do not escape line ends in strings


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as it was written. Arguments in tags are texts, whatever their types are: the schema tells these."""

    name: str
    arguments: dict[str, Any]


class _Unclear(ValueError):
    """The text is no such markup."""


def begins_calls(text: str, names: Collection[str]) -> tuple[Begins, re.Pattern[str]]:
    """Whether a text that begins with `<` begins calls of these functions; and what closes the block."""
    closing = _NEVER
    for level in range(_MAX_LEVELS):
        tag = _TAG.match(text)
        if tag is None:
            return ("open" if _PART_OF_TAG.fullmatch(text[:512]) and len(text) < 512 else "no"), closing
        if not level and not tag[0].startswith(("<|", "<｜")):
            closing = re.compile(rf"</\s?{re.escape(tag['tag'])}\s{{0,8}}>")
        if any(value in names for value in _list_values(tag)) or (level and "name" in tag["tag"].lower()):
            return "yes", closing
        if not _WORDS.search(tag[0]):
            return "no", closing
        text = text[_skip_space(text, tag.end()) :]
        if not text:
            return "open", closing
        if text[0] in "{[":
            return "yes", closing
        if text[0] != "<":
            return "no", closing
    return "no", closing


def read_calls(text: str, names: Collection[str]) -> list[WrittenCall]:
    """The calls of a text that is nothing but calls; none where any of it is unclear."""
    calls: list[WrittenCall] = []
    at = _skip_space(text, 0)
    try:
        while at < len(text):
            at = _skip_space(text, _read_block(text, at, names, calls, _MAX_LEVELS))
            if len(calls) > _MAX_CALLS:
                return []
    except (ValueError, RecursionError):
        return []
    return calls


def _read_block(text: str, at: int, names: Collection[str], calls: list[WrittenCall], levels: int) -> int:
    """Read one tag with what it holds; returns where it ends."""
    tag = _TAG.match(text, at)
    if tag is None or not levels:
        raise _Unclear
    name = next((value for value in _list_values(tag) if value in names), None)
    if name is not None:
        arguments, at = _read_arguments(text, tag)
        calls.append(WrittenCall(name, arguments))
        return at
    at = _skip_space(text, tag.end())
    if text[at : at + 1] in ("{", "["):
        at = _read_json_calls(text, at, calls)
    else:
        children, end = _read_children(text, tag)
        named = [child for child in children if "name" in child[0].lower()]
        if len(named) == 1 and len(children) <= 2 and named[0][1].strip() in names:
            rest = [child[1] for child in children if child is not named[0]]
            calls.append(WrittenCall(named[0][1].strip(), _load_object(rest[0]) if rest else {}))
            return end
        while text.startswith("<", at) and not _CLOSING.match(text, at):
            at = _skip_space(text, _read_block(text, at, names, calls, levels - 1))
    return _read_closing(text, at, tag)


def _read_arguments(text: str, tag: re.Match[str]) -> tuple[dict[str, Any], int]:
    """The arguments in a function's tag, and where it ends."""
    at = _skip_space(text, tag.end())
    if text.startswith("{", at):
        value, at = _DECODER.raw_decode(text, at)
        return value, _read_closing(text, _skip_space(text, at), tag)
    children, end = _read_children(text, tag)
    if len(children) == 1 and children[0][0].lower() in _ARGUMENT_KEYS and children[0][1].lstrip().startswith("{"):
        return _load_object(children[0][1]), end
    return dict(children), end


def _read_children(text: str, tag: re.Match[str]) -> tuple[list[tuple[str, str]], int]:
    """The tags in a tag, by their names, with their words; and where the outer one ends."""
    children: list[tuple[str, str]] = []
    at = _skip_space(text, tag.end())
    while (child := _TAG.match(text, at)) is not None:
        closing = re.compile(rf"<[|｜]?/[|｜]?{re.escape(child['tag'])}\s{{0,8}}[|｜]?>").search(text, child.end())
        if closing is None:
            raise _Unclear
        words = text[child.end() : closing.start()]
        children.append((next(iter(_list_values(child)), child["tag"]), words.removeprefix("\n").removesuffix("\n")))
        at = _skip_space(text, closing.end())
    return children, _read_closing(text, at, tag)


def _read_json_calls(text: str, at: int, calls: list[WrittenCall]) -> int:
    """Read calls that are JSON: one, several behind each other, or a list."""
    while text[at : at + 1] in ("{", "["):
        value, at = _DECODER.raw_decode(text, at)
        calls.extend(map(_read_json_call, value if isinstance(value, list) else [value]))
        at = _skip_space(text, at)
    return at


def _read_json_call(value: Any) -> WrittenCall:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict):
        raise _Unclear
    name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    arguments: Any = next((value[key] for key in _ARGUMENT_KEYS if key in value), {})
    if isinstance(arguments, str):
        arguments = _load_object(arguments)
    if name is None or not isinstance(arguments, dict):
        raise _Unclear
    return WrittenCall(name, arguments)


def _load_object(text: str) -> dict[str, Any]:
    value = _DECODER.decode(text.strip()) if text.strip() else {}
    if not isinstance(value, dict):
        raise _Unclear
    return value


def _read_closing(text: str, at: int, tag: re.Match[str]) -> int:
    """Where a tag's closing ends; a last one may be missing, and a mark needs none."""
    closing = _CLOSING.match(text, at)
    if closing is not None and (closing["tag"] == tag["tag"] or tag[0].startswith(("<|", "<｜"))):
        return closing.end()
    if tag[0].startswith(("<|", "<｜")):
        mark = _TAG.match(text, at)
        return mark.end() if mark is not None and _is_end_mark(mark) else at
    if at >= len(text) and not tag["attributes"] and not tag["value"]:
        return at
    raise _Unclear


def _is_end_mark(mark: re.Match[str]) -> bool:
    return mark[0].startswith(("<|", "<｜")) and "end" in mark["tag"].lower()


def _list_values(tag: re.Match[str]) -> Iterator[str]:
    """The names that a tag bears, that of an attribute `name` first."""
    if tag["value"]:
        yield tag["value"]
    attributes = _ATTRIBUTES.findall(tag["attributes"])
    yield from (value for _, value in sorted(attributes, key=lambda one: one[0] != "name"))


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at
