"""Schemas of GigaChat's functions: `parameters` and `return_parameters`.

What needs no repair is given back as it came, the same object.
"""

from __future__ import annotations

from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note
from app.translate.schemas.allof_merging import AllOfMerger
from app.translate.schemas.function_dialect import is_function_schema
from app.translate.schemas.keywords import Schema
from app.translate.schemas.positions import Position
from app.translate.schemas.recursion_pruning import prune_recursion
from app.translate.schemas.reference_inlining import ATTEMPTS, MAX_GROWTH, MAX_NESTING
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.repair import SchemaRepair
from app.translate.schemas.repair_cache import cache_repairs
from app.translate.schemas.repair_notes import RepairNotes
from app.translate.schemas.schema_limits import MAX_COST, MAX_DEPTH, measure_cost


@cache_repairs
def repair_function_schema(schema: Any, path: str, growth: int = MAX_GROWTH) -> tuple[Schema, list[Note]]:
    """A function's schema as GigaChat takes it, and the notes of its repair.

    `path` is where it stood in the client's body. `growth` is the cost that references may add to its own. Raises
    GatewayError (400, as OpenAI does) for a root that is no object, since arguments have names.
    """
    if is_function_schema(schema) and schema["type"] == "object":
        return schema, []
    if schema is None or schema == []:
        return {"type": "object", "properties": {}}, []
    if not isinstance(schema, dict):
        raise _invalid(path, "must be a JSON Schema, which is an object.")
    repaired, repair, notes = _repair_within_budget(schema, path, growth)
    if repaired["type"] != "object":
        raise _invalid(path, "must be a JSON Schema of an object: arguments have names.")
    prune_recursion(repaired, repair.origins.is_cut_off)
    return repaired, notes.to_list()


def _repair_within_budget(schema: Schema, path: str, growth: int) -> tuple[Schema, SchemaRepair, RepairNotes]:
    """Repair with less depth and nesting each time, until the result is within the budget; the last attempt counts."""
    # the measure counts texts and not schemas: doubled, it is enough for a document without references
    budget = min(growth + 2 * measure_cost(schema), MAX_COST)
    root = Position(open_targets=(id(schema),))
    notes = RepairNotes(path)
    targets = ReferenceTargets(schema)
    for max_depth, max_nesting in ATTEMPTS:
        nests_less = max_nesting < MAX_NESTING and max_depth == MAX_DEPTH
        if nests_less and "schema.ref" not in notes:
            continue  # a schema without references is large by itself
        notes = RepairNotes(path)
        repair = SchemaRepair(AllOfMerger(targets, budget, max_nesting, notes), max_depth, notes)
        repaired = repair.repair([_declare_object(schema)], root, "object")
        if not repair.is_over_budget:
            break
    return repaired, repair, notes


def _declare_object(schema: Schema) -> Schema:
    """The root as an object where it declares null, nothing, or an object among other types."""
    declared = schema.get("type")
    if isinstance(declared, list):
        means_object = "object" in declared
    else:
        means_object = isinstance(declared, str) and declared.lower() in ("null", "none", "")
    return {**schema, "type": "object"} if means_object else schema


def _invalid(path: str, message: str) -> GatewayError:
    return GatewayError(INVALID_VALUE, f"'{path}' {message}", param=path)
