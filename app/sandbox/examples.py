"""Commands for the page of the sandbox, ready to be pasted into a shell: faults, and messages with directives."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from aiohttp import web

_NAME = "weather"
_FUNCTION = {
    "name": _NAME,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Examples:
    """Commands for whoever reads the page, with the address by which they reached it."""

    def __init__(self, request: web.Request) -> None:
        self._url = str(request.url.origin())

    def of_token(self) -> str:
        """How to get the token that the other commands use."""
        return f"TOKEN=$(curl -s -X POST {shlex.quote(self._url)}/sandbox/tokens | cut -d'\"' -f4)"

    def of_fault(self, body: Mapping[str, Any]) -> str:
        """How to add this fault."""
        return f"curl {shlex.quote(self._url)}/sandbox/faults -d {_quote(body)}"

    def of_message(self, text: str) -> str:
        """How to send this message. A function to call is given where the message speaks of it."""
        body: dict[str, Any] = {"model": "GigaChat", "messages": [{"role": "user", "content": text}]}
        if _NAME in text:
            body |= {"functions": [_FUNCTION], "function_call": "auto"}
        headers = '-H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json"'
        return f"curl {shlex.quote(self._url)}/v1/chat/completions {headers} -d {_quote(body)}"


def _quote(body: Mapping[str, Any]) -> str:
    return shlex.quote(json.dumps(body, ensure_ascii=False))
