"""Invented values: pydantic judges whether they fit the schemas that it wrote."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal

import orjson
import pytest
from pydantic import BaseModel, Field, TypeAdapter

from app.sandbox.values import invent, resolve


class Colour(enum.Enum):
    """Words."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    """Numbers."""

    LOW = 1
    HIGH = 2


class Address(BaseModel):
    """A nested object."""

    street: str = Field(min_length=20, max_length=25)
    house: int | None = None
    code: str = Field(pattern=r"^\d{6}$")


class Person(BaseModel):
    """A bit of everything."""

    name: str
    age: Annotated[int, Field(ge=18, lt=20)]
    share: Annotated[float, Field(gt=0, lt=1)]
    home: Address
    others: list[Address] = Field(min_length=3, max_length=4)
    colour: Colour
    level: Level
    kind: Literal["a"]
    pair: tuple[int, str]
    tags: set[Literal["x"]]
    born: datetime.date
    seen: datetime.datetime
    wait: datetime.timedelta
    id: uuid.UUID
    price: decimal.Decimal
    extra: dict[str, int]
    either: int | str
    nick: str | None = None
    flag: bool = False


class Node(BaseModel):
    """Recursive through an array and through null."""

    value: int
    children: list[Node]
    next: Node | None


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    barks: bool


class Owner(BaseModel):
    """A union that a key tells apart."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("model", [Person, Node, Owner, list[Person], Cat | Dog, Address | None, Level, dict[str, Any]])
def test_fits(model: Any, full: bool) -> None:
    """The value fits, is JSON, and is always the same."""
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    schema = adapter.json_schema()
    value = invent(schema, full=full)
    adapter.validate_json(orjson.dumps(value))
    assert value == invent(schema, full=full)


def test_full_has_the_optional_fields() -> None:
    """Required fields are always there, the others where all is wanted; a null is the last resort."""
    schema = Person.model_json_schema()
    full, lean = invent(schema), invent(schema, full=False)
    assert list(full) == list(schema["properties"])
    assert set(lean) == set(schema["required"])
    assert full["nick"] == "песочница: nick"
    assert [len(one["others"]) for one in (full, lean)] == [3, 3]


def test_recursion_is_cut() -> None:
    """What lies within itself comes twice, then the array is empty, the branch null, the property missing."""
    value = invent(Node.model_json_schema())
    assert value["next"]["next"] is None
    assert value["children"][0]["children"] == []
    optional = {"type": "object", "properties": {"a": {"type": "integer"}, "self": {"$ref": "#"}}}
    assert invent(optional) == {"a": 1, "self": {"a": 1, "self": {"a": 1}}}
    endless = {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}
    assert invent(endless) == {}


def test_growth_is_cut() -> None:
    """Twenty types that hold each other have a value of bearable size."""
    names = [f"t{number}" for number in range(20)]
    properties = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    node = {"type": "object", "properties": properties}
    value = invent({**node, "$defs": dict.fromkeys(names, node)})
    assert len(orjson.dumps(value)) < 200_000
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    assert isinstance(invent(deep), list)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "песочница: sandbox"),
        ({"const": None}, None),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "array", "items": {"enum": ["b", "a"]}, "minItems": 3}, ["b", "a", "b"]),
        ({"type": "array", "items": {"enum": ["b"]}, "uniqueItems": True}, ["b"]),
        ({"type": "array", "items": False}, []),
        ({"type": "array", "items": False, "minItems": 1}, {}),
        ({"type": "array", "items": [{"type": "integer"}, {"type": "boolean"}]}, [1, False]),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "integer"}, "minItems": 2}, [None, 2]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 1}, [1]),
        ({"type": "object", "required": ["a", 1], "additionalProperties": {"type": "integer"}}, {"a": 1}),
        ({"type": "object", "required": ["a"], "properties": {"a": False}}, {}),
        ({"type": "object", "properties": {"a": None}}, {"a": "песочница: a"}),
        ({"type": "integer", "anyOf": [{"minimum": 5}]}, 5),
        ({"oneOf": [{"type": "null"}, False, {"type": "integer"}]}, 1),
        ({"anyOf": [False]}, {}),
        ({"anyOf": [{"required": ["a"]}], "properties": {"a": {"type": "null"}}}, {"a": None}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}}, 1),
        ({"$ref": "#/anyOf/1", "anyOf": [{}, {"type": "null"}]}, None),
        ({"$ref": "https://example.com/schema"}, "песочница: sandbox"),
        ({"$ref": "#/anyOf/7", "anyOf": [{}]}, "песочница: sandbox"),
        ({"$ref": "#/a/b", "a": 1}, "песочница: sandbox"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "песочница: sandbox"),
    ],
)
def test_small_schemas(schema: dict[str, Any], value: Any) -> None:
    """Corners of the language, some of them nonsense."""
    assert invent(schema) == value


def test_all_of_is_merged() -> None:
    """Properties and requirements of all parts, in depth, with references."""
    schema: dict[str, Any] = {
        "$defs": {"base": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
        "allOf": [
            {"$ref": "#/$defs/base"},
            {"allOf": [{"properties": {"b": {"type": "null"}}, "required": ["b"]}]},
            False,
        ],
        "properties": {"c": {"type": "boolean"}},
    }
    assert invent(schema, full=False) == {"a": 1, "b": None}
    assert invent(schema) == {"c": True, "a": 1, "b": None}
    assert invent({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}) == {}


def test_resolve() -> None:
    """A reference is followed to its end."""
    root = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "null"}}}
    assert resolve({"$ref": "#/$defs/a"}, root) == {"type": "null"}
    assert resolve({"$ref": "#"}, root) is root
