"""What a document's references may name: its schemas with `$id` or `$anchor`, and its definitions by their names.

Source: JSON Schema, draft 2020-12, section 8.2 (identifiers, base URIs); draft-07, 8.2.3 (`$id: "#name"`). TypeBox and
zod's registries refer by `$id`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urljoin

from app.translate.schemas.keywords import DEFINITION_KEYWORDS, MAP_KEYWORDS, REFERENCE_KEYWORDS, Schema
from app.translate.schemas.positions import Path

_MAPS = frozenset({*MAP_KEYWORDS, *DEFINITION_KEYWORDS, "dependentSchemas", "dependencies"})
_VALUES = frozenset({"const", "enum", "default", "examples", "example"})  # hold values, which name nothing
_ANCHORS = ("$anchor", "$dynamicAnchor")
_MAX_ENCLOSING = 64  # resources around a schema that are looked through


class Place(NamedTuple):
    """A value of the document, and the steps that lead to it."""

    value: Any
    path: Path


@dataclass(slots=True, eq=False)
class Resource:
    """A schema with an `$id`, or the document: pointers that stand in it begin here. `uri` is its whole name."""

    place: Place
    uri: str = ""
    names: frozenset[str] = frozenset()
    parent: Resource | None = None


@dataclass(slots=True)
class ReferenceIndex:
    """Names of one document. Of several that are equal the first counts, upper levels before lower ones."""

    root: Resource
    has_references: bool = False
    has_names: bool = False  # below the root
    anchors: dict[str, list[tuple[Resource, Place]]] = field(default_factory=dict)
    definitions: dict[str, Place] = field(default_factory=dict)
    _resources: dict[str, Resource] = field(default_factory=dict)
    _homes: dict[int, Resource] = field(default_factory=dict)  # by the identity of schemas with a reference

    def find_home(self, owner: Any) -> Resource:
        """The resource that a schema with a reference stands in."""
        return self._homes.get(id(owner), self.root)

    def find_resource(self, uri: str, home: Resource) -> Place | None:
        """The schema of this name: one around the reference, else any, else a definition."""
        names = (join_uris(home.uri, uri), uri)
        around: Resource | None = home
        for _ in range(_MAX_ENCLOSING):
            if around is None:
                break
            if not around.names.isdisjoint(names):
                return around.place
            around = around.parent
        last = uri.rstrip("/").rpartition("/")[2]
        found = next((self._resources[name] for name in (*names, last) if name in self._resources), None)
        return found.place if found is not None else self.definitions.get(last)

    def add(self, schema: Schema, path: Path, resource: Resource) -> Resource:
        """Note a schema's names. Returns the resource that what stands in it belongs to."""
        place = Place(schema, path)
        given = schema.get("$id")
        if isinstance(given, str) and given.startswith("#") and len(given) > 1:
            self._add_anchor(given[1:], resource, place)
        elif isinstance(given, str) and (name := given.removesuffix("#")):
            resource = self._add_resource(name, place, resource)
        for key in _ANCHORS:
            if isinstance(schema.get(key), str):
                self._add_anchor(schema[key], resource, place)
        if any(key in schema for key in REFERENCE_KEYWORDS):
            self.has_references = True
            if resource is not self.root:
                self._homes[id(schema)] = resource
        return resource

    def _add_anchor(self, name: str, resource: Resource, place: Place) -> None:
        self.has_names = True
        self.anchors.setdefault(name, []).append((resource, place))

    def _add_resource(self, name: str, place: Place, around: Resource) -> Resource:
        uri = join_uris(around.uri, name)
        names = frozenset((name, uri))
        if place.path is None:
            self.root.uri, self.root.names, resource = uri, names, self.root
        else:
            self.has_names = True
            resource = Resource(place, uri, names, around)
        for one in (name, uri, name.rstrip("/").rpartition("/")[2]):
            self._resources.setdefault(one, resource)
        return resource


def join_uris(base: str, uri: str) -> str:
    """A whole URI; what is none stays as it is."""
    try:
        return urljoin(base, uri)
    except ValueError:
        return uri


def index_references(document: Schema) -> ReferenceIndex:
    """Go once through a document."""
    index = ReferenceIndex(Resource(Place(document, None)))
    waiting: list[tuple[dict[str, Any], Path, bool, Resource]] = [(document, None, False, index.root)]
    for node, path, is_map, resource in waiting:  # the list grows: upper levels come first
        inside = resource if is_map else index.add(node, path, resource)
        is_definitions = is_map and path is not None and path[1] in DEFINITION_KEYWORDS
        for inner, inner_path, inner_is_map in _inner_nodes(node, path, is_map):
            if is_definitions and inner_path is not None:
                index.definitions.setdefault(inner_path[1], Place(inner, inner_path))
            waiting.append((inner, inner_path, inner_is_map, inside))
    return index


def _inner_nodes(node: dict[str, Any], path: Path, is_map: bool) -> Iterator[tuple[dict[str, Any], Path, bool]]:
    """The objects that stand directly in a schema or a map of schemas; of unknown keywords as well."""
    for key, value in node.items():
        if isinstance(value, dict):
            if is_map or key not in _VALUES:
                yield value, (path, key), not is_map and key in _MAPS
        elif isinstance(value, list) and not is_map and key not in _VALUES:
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    yield item, ((path, key), str(number)), False
