"""What is asked and what must come back: the client's requests, the upstream's words.

The last message of a request for a stream bears a mark, `bench:<shape>:<chunks>`, that survives any translation and
tells the upstream how to stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

MODEL = "GigaChat-2-Max"
API_KEY = "bench-key"
PACE_SECONDS = 0.02

WHOLE, BURST, PACED = "whole", "burst", "paced"
MARK = re.compile(rb"bench:(burst|paced):(\d{1,5})")

ANSWER = (
    "Индекс по столбцам (tenant_id, created_at) закрывает оба условия: сначала отбор по равенству, потом диапазон. "
    "Проверьте план через EXPLAIN ANALYZE: вместо Seq Scan должен появиться Index Scan. Таблица большая, "
    "поэтому стройте его CONCURRENTLY."
)
_PHRASES = (
    "Сначала посмотрим на план запроса целиком",
    ": the sequential scan reads every page, ",
    "поэтому время растёт вместе с таблицей. ",
    "Составной индекс (tenant_id, created_at) ",
    "отбирает строки по равенству, а затем по",
    " range, so the sort step disappears too; ",
    "после сборки обновите статистику ANALYZE",
    " и сравните время: было 840 мс, стало 3. ",
)


def phrase(index: int) -> str:
    """Text of one chunk of a stream: about 40 characters, mostly Cyrillic."""
    return _PHRASES[index % len(_PHRASES)]


def text(chunks: int) -> str:
    """Text of a whole stream."""
    return "".join(phrase(index) for index in range(chunks))


def mark(shape: str, chunks: int) -> str:
    """Tell the upstream how to stream."""
    return f"bench:{shape}:{chunks}"


_SYSTEM = """You are a careful assistant of a small software company. Answer in the language of the question, briefly
and to the point. Name the command to run where there is one, and say so when you are not sure. Use plain text without
headings; put commands and SQL on lines of their own. Never show a password, a token or a connection string.
Не выдумывай параметров, которых нет в документации. Если вопрос не о базах данных, скажи об этом и остановись."""
_FIRST = """Запрос к таблице событий стал медленным: отбор по арендатору и дате занимает почти секунду.
С чего начать?"""
_ADVICE = """Начните с плана: EXPLAIN (ANALYZE, BUFFERS) покажет, читается ли таблица целиком. Если там Seq Scan,
то поможет индекс по столбцам условия. Пришлите план и описание таблицы, и я скажу точнее."""
_PLAN = """Seq Scan on events (cost=0.00..184210.00 rows=9120 width=148) (actual time=12.4..840.1 rows=9044 loops=1)
  Filter: ((tenant_id = 42) AND (created_at >= '2026-01-01'::date))
  Rows Removed by Filter: 6990956"""
_FINDING = "The table is read as a whole: seven million rows for nine thousand. There is no index for this filter."
_LAST = """Какой индекс построить, чтобы запись в таблицу не останавливалась?
И как потом проверить, что он используется? Строк семь миллионов, PostgreSQL 16, места на диске достаточно."""


def _two_kilobytes() -> dict[str, Any]:
    """A chat of several turns with the usual parameters."""
    contents = (_SYSTEM, _FIRST, _ADVICE, _PLAN, _FINDING, _LAST)
    roles = ("system", "user", "assistant", "user", "assistant", "user")
    return {
        "model": MODEL,
        "messages": [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)],
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 1024,
    }


_PROPERTIES = ("path", "query", "limit", "recursive", "encoding", "reason")
_TOOL = "Works on the files of the workspace: says what it did, what it left alone, and why. Paths are relative to it."


def _tool(name: str) -> dict[str, Any]:
    """A tool as agents send it: a description, and a schema of a kilobyte that needs no repair."""
    properties = {key: {"type": "string", "description": f"{name} {key}: {_TOOL}"} for key in _PROPERTIES}
    schema = {"type": "object", "properties": properties, "required": ["path"], "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": _TOOL, "parameters": schema}}


def _with_tools(names: Sequence[str]) -> dict[str, Any]:
    """An agent's turn: the chat of two kilobytes with tools of these names, a kilobyte each."""
    return {**_two_kilobytes(), "tools": [_tool(name) for name in names], "tool_choice": "auto"}


def _nine_kilobytes() -> dict[str, Any]:
    """Six tools."""
    return _with_tools(("read_file", "write_file", "list_files", "search", "run", "ask"))


def _sixty_tools() -> dict[str, Any]:
    """The tools of several MCP servers: eighty kilobytes."""
    actions = ("read", "write", "list", "search", "run", "ask")
    return _with_tools([f"server{server}_{action}" for server in range(10) for action in actions])


PAYLOADS: dict[str, Callable[[], dict[str, Any]]] = {
    "2k": _two_kilobytes,
    "9k": _nine_kilobytes,
    "60tools": _sixty_tools,
}


def body(payload: str, shape: str, chunks: int) -> bytes:
    """One request as an OpenAI client sends it."""
    request = PAYLOADS[payload]()
    request["stream"] = shape != WHOLE
    if request["stream"]:
        request["stream_options"] = {"include_usage": True}
        request["messages"][-1]["content"] += f" [{mark(shape, chunks)}]"
    return orjson.dumps(request)


def http(content: bytes, port: int) -> bytes:
    """The request with its head, as it goes over a kept-alive connection."""
    head = (
        "POST /v1/chat/completions HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {API_KEY}",
        "Accept: application/json",
        "Content-Type: application/json",
        "User-Agent: bench",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join((*head, "", "")).encode() + content
