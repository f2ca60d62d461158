"""Schemas of real clients, in and out, and what holds for any schema at all."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given

from app.errors import GatewayError
from app.sandbox.functions import check_functions
from app.sandbox.server import Running
from app.translate.schemas.function_schemas import repair_function_schema
from app.translate.schemas.repair_rules import RULES
from app.translate.schemas.response_format_schemas import repair_response_format
from tests.examples import examples
from tests.translate.schemas.strategies import BROKEN, DOCUMENTS, properties

SAMPLES = sorted((Path(__file__).resolve().parent.parent / "samples" / "schemas").glob("*.json"))
CUT = {"schema.size", "schema.depth", "schema.invalid"}


def _sample(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample(path: Path) -> None:
    """A client's schema becomes what its sample says, with all its properties, and with these notes."""
    sample = _sample(path)
    schema, notes = repair_function_schema(sample["in"], "parameters")
    assert schema == sample["out"]
    assert [[note.kind, note.rule, note.path] for note in notes] == sample["notes"]
    assert set(properties(sample["in"])) <= set(properties(schema))


async def _ask(sandbox: Running, http: aiohttp.ClientSession, **more: Any) -> tuple[int, Any]:
    body = {"model": "GigaChat-2-Max", "messages": [{"role": "user", "content": "Привет"}], **more}
    headers = {"Authorization": f"Bearer {sandbox.state.tokens.issue(60)}"}
    async with http.post(f"{sandbox.url}/v1/chat/completions", json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_functions_are_accepted(sandbox: Running, http: aiohttp.ClientSession) -> None:
    """All samples together are functions that GigaChat takes."""
    functions = [{"name": path.stem, "parameters": _sample(path)["out"]} for path in SAMPLES]
    status, answer = await _ask(sandbox, http, functions=functions, function_call="none")
    assert status == 200, answer


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.stem != "sloppy"], ids=lambda path: path.stem)
async def test_formats_are_accepted(sandbox: Running, http: aiohttp.ClientSession, path: Path) -> None:
    """Each sample is a format that GigaChat takes, with its references and unions."""
    given = _sample(path)["in"]
    schema, _ = repair_response_format(given, "p")
    assert orjson.dumps(schema).count(b'"$ref"') == orjson.dumps(given).count(b'"$ref"')
    status, answer = await _ask(
        sandbox, http, response_format={"type": "json_schema", "schema": schema, "strict": True}
    )
    assert status == 200, answer


@examples(max_examples=100)
@given(DOCUMENTS)
def test_any_schema(document: dict[str, Any]) -> None:
    """What comes out is accepted, keeps all properties or tells what was cut, and needs no second repair."""
    before = orjson.dumps(document)
    schema, notes = repair_function_schema(document, "p")
    assert orjson.dumps(document) == before
    check_functions([{"name": "f", "parameters": schema}])
    rules = {note.rule for note in notes}
    assert rules <= set(RULES)
    assert set(properties(document)) <= set(properties(schema)) or rules & CUT
    again = orjson.loads(orjson.dumps(schema))
    assert repair_function_schema(again, "p")[0] is again


@examples(max_examples=150)
@given(BROKEN)
def test_any_junk(value: Any) -> None:
    """Whatever stands where a schema should, it is repaired or refused, and nothing else is raised."""
    for dialect in (repair_function_schema, repair_response_format):
        with suppress(GatewayError):
            schema, _ = dialect(value, "p")
            again = orjson.loads(orjson.dumps(schema))
            assert dialect(again, "p")[0] is again
            if dialect is repair_function_schema:
                check_functions([{"name": "f", "parameters": schema}])
