"""A required call of any among several functions, which GigaChat can't be forced to: in two steps it can.

Source: docs/gigachat-api.md, "Functions": a forced function is named. So a function of our own is forced, whose one
argument is the name of another, and then that one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, count

from app.translate.dialogue import Call, Choice, Part, Request, Tool

_CHOOSER = "choose_function"
_DESCRIPTION = "Names the one function that is to be called next. Call it with that function's name."
_ARGUMENT = "name"


def must_choose(request: Request) -> bool:
    """Whether a call of any among several functions is required."""
    return request.choice.mode == "required" and len({tool.name for tool in request.tools}) > 1


def ask_for_choice(request: Request) -> Request:
    """The request that forces the model to choose a function."""
    names = list(dict.fromkeys(tool.name for tool in request.tools))
    described = {"type": "string", "enum": names, "description": "the function's name"}
    schema = {"type": "object", "properties": {_ARGUMENT: described}, "required": [_ARGUMENT]}
    name = _name_chooser(request)
    chooser = Tool(name, _DESCRIPTION, schema, request.fields.choice)
    return replace(request, tools=[*request.tools, chooser], choice=Choice("named", name, insisted=True))


def ask_for_call(request: Request, name: str) -> Request:
    """The request that forces the function that was chosen."""
    return replace(request, choice=Choice("named", name, insisted=True))


def find_choice(request: Request, parts: Iterable[Part]) -> str | None:
    """The function that an answer has chosen; None where it names none that was offered."""
    name = _name_chooser(request)
    calls = (part for part in parts if isinstance(part, Call))
    values = chain.from_iterable([call.name] if call.name != name else call.arguments.values() for call in calls)
    offered = {tool.name for tool in request.tools}
    return next((value for value in values if isinstance(value, str) and value in offered), None)


def _name_chooser(request: Request) -> str:
    """A name that no function of the request or its history has."""
    taken = {tool.name for tool in request.tools}
    taken |= {part.name for turn in request.turns for part in turn.parts if isinstance(part, Call)}
    names = chain([_CHOOSER], (f"{_CHOOSER}_{number}" for number in count(2)))
    return next(name for name in names if name not in taken)
