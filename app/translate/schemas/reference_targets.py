"""Targets of `$ref` inside one document: by pointer, by `$id`, by `$anchor`, and by a definition's bare name.

Sources: RFC 6901, section 6 (URI fragments), and JSON Schema, `$ref`. A bare name is no JSON Schema: TypeBox's modules
and programs that moved their definitions (`#/components/schemas/A` beside `$defs`) write it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from app.translate.schemas.positions import Path
from app.translate.schemas.reference_index import Place, ReferenceIndex, Resource, index_references

_MAX_DIGITS = 9  # of an index in a pointer


class ReferenceTargets:
    """Finds the targets of a document's references; each reference is resolved once.

    `owner` is the schema that has the reference, an object of the document: inside of one with an `$id` a pointer
    begins there.
    """

    def __init__(self, document: Any) -> None:
        self._document = document
        self._index: ReferenceIndex | None = None
        self._found: dict[tuple[str, int], Place | None] = {}

    @property
    def index(self) -> ReferenceIndex:
        """The document's names, gone through when they are first asked for."""
        if self._index is None:
            self._index = index_references(self._document)
        return self._index

    def find(self, reference: str, owner: Any = None) -> Any:
        """The schema (an object or a boolean) that is referred to; None where the document has none."""
        place = self._locate(reference, owner)
        return None if place is None else place.value

    def find_pointer(self, reference: str, owner: Any = None) -> str | None:
        """The same reference as a pointer from the document's root; None where it leads nowhere."""
        place = self._locate(reference, owner)
        if place is None:
            return None
        if reference == "#" or reference.startswith("#/"):
            found = _follow(reference[1:], self.index.root.place)
            if found is not None and found.value is place.value:
                return reference
        return _write_pointer(place.path)

    def _locate(self, reference: str, owner: Any) -> Place | None:
        if not isinstance(self._document, dict):
            return None
        home = self.index.find_home(owner)
        key = (reference, id(home))
        if key not in self._found:
            self._found[key] = self._resolve(reference, home)
        return self._found[key]

    def _resolve(self, reference: str, home: Resource) -> Place | None:
        uri, _, fragment = reference.partition("#")
        if not uri and "#" not in reference:
            return None
        named = self.index.find_resource(uri, home) if uri else None
        bases: list[Place | None] = [named if uri else home.place]
        if fragment and ":" not in uri:  # a file's name: the document itself may be what was that file
            bases.append(self.index.root.place)
        for base in bases:
            if base is not None and (found := self._find_fragment(fragment, base)) is not None:
                return found
        return self._find_definition(fragment or uri)

    def _find_fragment(self, fragment: str, base: Place) -> Place | None:
        if not fragment or fragment.startswith("/"):
            return _follow(fragment, base)
        anchored = self.index.anchors.get(unquote(fragment), ())
        near = (place for resource, place in anchored if resource.place.value is base.value)
        return next(near, anchored[0][1] if anchored else None)

    def _find_definition(self, name: str) -> Place | None:
        last = unquote(name).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        if not last:
            return None
        return self.index.definitions.get(last) or self.index.definitions.get(last.removesuffix(".json"))


def _follow(pointer: str, base: Place) -> Place | None:
    """The schema at a pointer (`/a/b`) that begins at a place."""
    value, path = base
    for token in unquote(pointer).split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        value, path = _step_into(value, step), (path, step)
    return Place(value, path) if isinstance(value, dict | bool) else None


def _step_into(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token)
    if isinstance(value, list) and token.isdecimal() and len(token) <= _MAX_DIGITS and int(token) < len(value):
        return value[int(token)]
    return None


def _write_pointer(path: Path) -> str:
    steps = []
    while path is not None:
        path, step = path
        steps.append(step.replace("~", "~0").replace("/", "~1").replace("%", "%25"))
    return "".join(["#", *(f"/{step}" for step in reversed(steps))])
