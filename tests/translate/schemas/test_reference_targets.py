"""Pointers into a document, and other names of its schemas."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.translate.schemas.reference_targets import ReferenceTargets

DOCUMENT: dict[str, Any] = {
    "$defs": {"A": {"type": "string"}, "a/b": {}, "c~d": {}, "e%f": {}, "g h": {}, "yes": True, "n": 1, "": {}},
    "items": [{"type": "integer"}],
}
DEFS = DOCUMENT["$defs"]


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("#", DOCUMENT),
        ("#/$defs/A", DEFS["A"]),
        ("#/$defs/a~1b", DEFS["a/b"]),
        ("#/$defs/c~0d", DEFS["c~d"]),
        ("#/$defs/e%25f", DEFS["e%f"]),
        ("#/$defs/g%20h", DEFS["g h"]),
        ("#/%24defs/A", DEFS["A"]),
        ("#/$defs/", DEFS[""]),
        ("#/$defs/yes", True),
        ("#/items/0", DOCUMENT["items"][0]),
    ],
)
def test_found(reference: str, target: Any) -> None:
    """Escapes of pointers and of URLs are undone."""
    assert ReferenceTargets(DOCUMENT).find(reference) is target


@pytest.mark.parametrize(
    "reference",
    [
        *(
            "",
            "#B",
            "B",
            "B#/a",
            "A#/a",
            "#/$defs/B",
            "#/$defs/n",
            "#/$defs/A/type/x",
            "#/items/1",
            "#/items/-1",
            "#/items/²",
            "#/items/x",
        ),
        *("https://a.example/s", "other.json#/a", "#/items/" + "9" * 5000),
    ],
)
def test_nowhere(reference: str) -> None:
    """What leads nowhere, or out of the document, has no target."""
    assert ReferenceTargets(DOCUMENT).find(reference) is None


NAMED: dict[str, Any] = {
    "$id": "https://a.example/root.json",
    "$defs": {
        "A": {"$id": "A", "$defs": {"x": {"minimum": 1}}, "properties": {"x": {"$ref": "#/$defs/x"}}},
        "B": {"$id": "https://b.example/dir/b", "properties": {"again": {"$ref": "#"}, "c": {"$ref": "c"}}},
        "C": {"$id": "https://b.example/dir/c", "$anchor": "here"},
        "D": {"$id": "#draft7", "type": "string"},
        "E": {"$dynamicAnchor": "node"},
        "x": {"maximum": 1},
        "a/b~%": {"$anchor": "odd"},
    },
    "definitions": {"F": {"properties": {"$id": {"type": "string"}, "enum": {"$id": "inner"}}}},
    "schemas": {"G": {"$id": "G"}},
    "items": {"$id": "T0", "properties": {"t": {"$ref": "T0"}}},
    "default": {"$id": "value"},
    "enum": [{"$id": "value"}],
}
OF = NAMED["$defs"]
A_REF, B_REF, C_REF = (
    OF["A"]["properties"]["x"],
    OF["B"]["properties"]["again"],
    OF["B"]["properties"]["c"],
)
# reference, the schema that has it, target, pointer
BY_NAME: list[tuple[str, Any, Any, str]] = [
    ("A", None, OF["A"], "#/$defs/A"),
    ("https://a.example/A", None, OF["A"], "#/$defs/A"),
    ("https://a.example/root.json", None, NAMED, "#"),
    ("root.json#/$defs/x", None, OF["x"], "#/$defs/x"),
    ("A#/$defs/x", None, OF["A"]["$defs"]["x"], "#/$defs/A/$defs/x"),
    ("#/$defs/x", A_REF, OF["A"]["$defs"]["x"], "#/$defs/A/$defs/x"),
    ("#/$defs/x", None, OF["x"], "#/$defs/x"),
    ("#/$defs/C", A_REF, OF["C"], "#/$defs/C"),  # the author did not think of the `$id`
    ("#", B_REF, OF["B"], "#/$defs/B"),
    ("#", None, NAMED, "#"),
    ("c", C_REF, OF["C"], "#/$defs/C"),
    ("https://b.example/dir/c#here", None, OF["C"], "#/$defs/C"),
    ("#here", None, OF["C"], "#/$defs/C"),
    ("#draft7", None, OF["D"], "#/$defs/D"),
    ("#node", None, OF["E"], "#/$defs/E"),
    ("E", None, OF["E"], "#/$defs/E"),
    ("#E", None, OF["E"], "#/$defs/E"),
    ("E.json", None, OF["E"], "#/$defs/E"),
    ("#/components/schemas/E", None, OF["E"], "#/$defs/E"),
    ("#/definitions/E", None, OF["E"], "#/$defs/E"),
    ("$defs/E", None, OF["E"], "#/$defs/E"),
    ("https://elsewhere.example/schemas/E", None, OF["E"], "#/$defs/E"),
    ("unknown.json#/$defs/x", None, OF["x"], "#/$defs/x"),
    ("F", None, NAMED["definitions"]["F"], "#/definitions/F"),
    ("inner", None, NAMED["definitions"]["F"]["properties"]["enum"], "#/definitions/F/properties/enum"),
    ("G", None, NAMED["schemas"]["G"], "#/schemas/G"),
    ("T0", NAMED["items"]["properties"]["t"], NAMED["items"], "#/items"),
    ("#odd", None, OF["a/b~%"], "#/$defs/a~1b~0%25"),
]


@pytest.mark.parametrize(("reference", "owner", "target", "pointer"), BY_NAME)
def test_found_by_name(reference: str, owner: Any, target: Any, pointer: str) -> None:
    """By `$id`, `$anchor` or a definition's name; the pointer leads to the same schema."""
    targets = ReferenceTargets(NAMED)
    assert targets.find(reference, owner) is target
    assert targets.find_pointer(reference, owner) == pointer
    assert ReferenceTargets({**NAMED, "$id": "x"}).find(pointer) == target or pointer == "#"


@pytest.mark.parametrize("reference", ["value", "https://a.example/unknown", "https://[", "#unknown", "A#unknown"])
def test_no_such_name(reference: str) -> None:
    """A value's `$id` is no schema's."""
    targets = ReferenceTargets(NAMED)
    assert (targets.find(reference), targets.find_pointer(reference)) == (None, None)


def test_the_nearest_of_two_equal_names_counts() -> None:
    """Two programs' schemas in one document may both begin with T0."""
    one, two = ({"$id": "T0", "properties": {"t": {"$ref": "T0"}}, "title": title} for title in "ab")
    targets = ReferenceTargets({"properties": {"one": one, "two": two}})
    for schema in (one, two):
        assert targets.find("T0", schema["properties"]["t"]) is schema  # type: ignore[index]


def test_many_names_take_linear_time() -> None:
    """Of 20,000 schemas inside each other, each with a name, and as many references."""
    schema: dict[str, Any] = {"$id": "last"}
    owners = []
    for number in range(20_000):
        owners.append({"$ref": f"n{number}"})
        schema = {"$id": f"n{number}", "properties": {"a": schema, "b": owners[-1]}}
    begun = time.process_time()
    targets = ReferenceTargets(schema)
    assert all(targets.find(owner["$ref"], owner) for owner in owners)
    assert time.process_time() - begun < 5
