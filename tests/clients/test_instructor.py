"""Instructor: objects of a type in each of its modes, whole, in parts and in lists, and its second tries."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel, field_validator

from tests.clients.pictures import SAID, Point
from tests.clients.sdk import Gigachat, Sdk, both

instructor: Any = pytest.importorskip("instructor")
failures: Any = pytest.importorskip("instructor.core.exceptions")

pytestmark = pytest.mark.heavy


class Colour(Enum):
    """An enum of texts."""

    RED = "красный"
    BLUE = "синий"


class Picture(BaseModel):
    """Картина."""

    title: str
    level: Literal[1, 2]
    note: str | None = None
    points: list[Point]


class Painting(Picture):
    """Живопись."""

    colour: Colour
    colours: list[Colour]

    @field_validator("title")
    @classmethod
    def has_a_name(cls, title: str) -> str:
        """One title that can't be."""
        if title == "Без названия":
            raise ValueError("у картины есть название")
        return title


PAINTED = SAID | {"colour": "синий", "colours": ["красный", "синий"]}


def asking(mode: str, kind: str, value: Any) -> str:
    """The words that make GigaChat answer this, as a call or as text."""
    text = json.dumps(value, ensure_ascii=False)
    return f"sandbox:call {kind} {text}" if mode == "TOOLS" else f"sandbox:say {text}"


def wrapped(sdk: Sdk, mode: str, client: Any = None) -> Any:
    """Instructor around the package's client."""
    return instructor.from_openai(client or sdk.client, mode=instructor.Mode[mode])


def made(sdk: Sdk, mode: str, shape: Any, text: str, **more: Any) -> Any:
    """An object of a type."""
    ask = {"model": "GigaChat-2", "messages": [{"role": "user", "content": text}], "max_retries": 0, **more}
    return sdk.wait(wrapped(sdk, mode).chat.completions.create(response_model=shape, **ask))


def parts(sdk: Sdk, client: Any, way: str, shape: Any, text: str) -> list[Any]:
    """What `create_partial` or `create_iterable` gives, to its end."""
    stream = getattr(client.chat.completions, way)(
        model="GigaChat-2", response_model=shape, messages=[{"role": "user", "content": text}], max_retries=0
    )
    return list(sdk.each(stream))


def test_the_default_mode(sdk: Sdk, gigachat: Gigachat) -> None:
    """It is TOOLS: a function that is forced."""
    client = instructor.from_openai(sdk.client)
    assert client.mode == instructor.Mode.TOOLS
    ask = [{"role": "user", "content": asking("TOOLS", "Painting", PAINTED)}]
    given = client.chat.completions.create(model="GigaChat-2", messages=ask, response_model=Painting)
    assert sdk.wait(given).model_dump(mode="json") == PAINTED
    assert gigachat.last()["body"]["function_call"] == {"name": "Painting"}


MODES = ["TOOLS", "JSON", "JSON_SCHEMA", "MD_JSON"]


@pytest.mark.parametrize("mode", MODES)
def test_an_object(sdk: Sdk, gigachat: Gigachat, mode: str) -> None:
    """Nested models, an optional text, enums and lists come in every mode, at the first try."""
    painting = made(sdk, mode, Painting, asking(mode, "Painting", PAINTED))
    assert painting._raw_response.usage.total_tokens > 0
    assert isinstance(painting, Painting)
    assert painting.model_dump(mode="json") == PAINTED
    assert len(gigachat.requests()) == 1


@pytest.mark.parametrize("mode", MODES)
def test_what_it_is_asked_with(sdk: Sdk, gigachat: Gigachat, mode: str) -> None:
    """Nothing of the schema is lost on the way, be it a function's, a format's or a text's."""
    made(sdk, mode, Painting, asking(mode, "Painting", PAINTED))
    body = gigachat.last()["body"]
    if mode == "TOOLS":
        (function,) = body["functions"]
        schema = function["parameters"]
        assert (function["name"], function["description"]) == ("Painting", "Живопись.")
        assert schema["properties"]["points"]["items"]["properties"]["x"]["type"] == "number"
        assert schema["properties"]["colour"]["enum"] == ["красный", "синий"]
        assert schema["properties"]["colours"]["items"]["enum"] == ["красный", "синий"]
        assert schema["properties"].keys() == PAINTED.keys()
        assert sorted(schema["required"]) == sorted(PAINTED.keys() - {"note"})
    elif mode == "JSON_SCHEMA":
        schema = body["response_format"]["schema"]
        assert schema["properties"].keys() == PAINTED.keys()
        assert schema["$defs"].keys() == {"Colour", "Point"}
        assert schema["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    else:
        told = body["messages"][0]
        assert told["role"] == "system"
        assert all(f'"{name}"' in told["content"] for name in [*PAINTED, "$defs", "красный"])
        sent = {"type": "json_schema", "schema": {"type": "object"}} if mode == "JSON" else None
        assert body.get("response_format") == sent


def test_one_of_several_types(sdk: Sdk, gigachat: Gigachat) -> None:
    """PARALLEL_TOOLS gives a function for each, and GigaChat the choice."""
    text = asking("TOOLS", "Painting", PAINTED)
    found = list(made(sdk, "PARALLEL_TOOLS", Iterable[Painting | Point], text))
    assert [one.model_dump(mode="json") for one in found] == [PAINTED]
    body = gigachat.last()["body"]
    assert [function["name"] for function in body["functions"]] == ["Painting", "Point"]
    assert body["function_call"] == "auto"


@pytest.mark.parametrize("mode", MODES)
def test_a_list(sdk: Sdk, mode: str) -> None:
    """A list of a type is one function or format around it."""
    value = {"tasks": [{"x": 1.0}, {"x": 2.5}]}
    assert made(sdk, mode, list[Point], asking(mode, "IterablePoint", value)) == [Point(x=1.0), Point(x=2.5)]


@pytest.mark.parametrize("mode", MODES)
def test_parts_of_an_object(sdk: Sdk, gigachat: Gigachat, mode: str) -> None:
    """`create_partial` streams: each part has what has come, the last all of it."""
    # Instructor's parts take no enum of Python's: they are read strictly.
    found = parts(sdk, wrapped(sdk, mode), "create_partial", Picture, asking(mode, "PartialPicture", SAID))
    assert found[-1].model_dump() == SAID
    if mode != "TOOLS":  # GigaChat gives a call in one piece
        assert any(part.title == "Дом" and not part.points for part in found)
    assert gigachat.last()["body"]["stream"] is True


@pytest.mark.parametrize("mode", MODES)
def test_a_streamed_list(sdk: Sdk, gigachat: Gigachat, mode: str) -> None:
    """`create_iterable` streams, and gives one by one."""
    value = {"tasks": [SAID, SAID | {"level": 1}]}
    found = parts(sdk, wrapped(sdk, mode), "create_iterable", Picture, asking(mode, "IterablePicture", value))
    assert [one.model_dump() for one in found] == value["tasks"]
    assert gigachat.last()["body"]["stream"] is True


def test_a_second_try_with_tools(sdk: Sdk, gigachat: Gigachat) -> None:
    """What is wrong with an object goes back as the result of its call, and the next one is right."""
    gigachat.fault("call_unfit", arguments=PAINTED | {"title": "Без названия"})
    text = asking("TOOLS", "Painting", PAINTED)
    assert made(sdk, "TOOLS", Painting, text, max_retries=2).model_dump(mode="json") == PAINTED
    first, second = (request["body"] for request in gigachat.requests())
    (question,) = first["messages"]
    asked, call, gave = second["messages"]
    assert asked == question == {"role": "user", "content": text}
    assert call["function_call"] == {"name": "Painting", "arguments": PAINTED | {"title": "Без названия"}}
    assert call["functions_state_id"]
    assert "у картины есть название" in gave["content"]
    assert (gave["role"], gave["name"]) == ("function", "Painting")
    assert (second["functions"], second["function_call"]) == (first["functions"], first["function_call"])


def test_a_second_try_with_a_format(sdk: Sdk, gigachat: Gigachat) -> None:
    """The same in words: the text that was wrong stays in the history, and a user says why."""
    wrong = asking("JSON_SCHEMA", "Painting", PAINTED | {"title": "Без названия"})
    painting = made(sdk, "JSON_SCHEMA", Painting, wrong, max_retries=2)
    assert painting.title != "Без названия"
    first, second = (request["body"] for request in gigachat.requests())
    assert second["messages"][:-2] == first["messages"]
    answer, told = second["messages"][-2:]
    assert (answer["role"], told["role"]) == ("assistant", "user")
    assert "Без названия" in answer["content"]
    assert "у картины есть название" in told["content"]
    assert second["response_format"] == first["response_format"]


def test_too_many_tries(sdk: Sdk, gigachat: Gigachat) -> None:
    """An object that never fits is Instructor's error, after as many requests as were allowed."""
    text = asking("TOOLS", "Painting", PAINTED | {"title": "Без названия"})
    with pytest.raises(failures.InstructorRetryException, match="у картины есть название") as caught:
        made(sdk, "TOOLS", Painting, text, max_retries=1)
    assert caught.value.n_attempts == len(gigachat.requests()) == 2


@both
def test_text(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """Without a type the answer is the package's own, whole or streamed."""
    answer = made(sdk, "TOOLS", None, "sandbox:long 3", stream=stream)
    if stream:
        said = "".join(chunk.choices[0].delta.content or "" for chunk in sdk.each(answer))
    else:
        said = answer.choices[0].message.content
    assert said.count("Фраза") == 3
    assert "functions" not in gigachat.last()["body"]


@pytest.mark.parametrize("mode", MODES)
def test_errors(sdk: Sdk, gigachat: Gigachat, mode: str) -> None:
    """OpenAI's own error is the cause of Instructor's, and there is no second try."""
    more: dict[str, Any] = {"model": "GigaChat-2", "messages": [{"role": "user", "content": "x"}]}
    wrong = wrapped(sdk, mode, sdk.make(api_key="sk-wrong"))
    with pytest.raises(failures.InstructorRetryException) as caught:
        sdk.wait(wrong.chat.completions.create(response_model=Point, **more))
    assert isinstance(caught.value.__cause__, openai.AuthenticationError)
    assert caught.value.n_attempts == 1
    with pytest.raises(failures.InstructorRetryException) as caught:
        made(sdk, mode, Point, "x", temperature=-1)
    assert isinstance(caught.value.__cause__, openai.BadRequestError)
    assert caught.value.__cause__.param == "temperature"
    assert gigachat.requests() == []
