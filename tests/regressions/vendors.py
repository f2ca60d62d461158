"""The past of a conversation as other vendors' APIs and packages write it, a table of more kinds beside `pasts`."""

from __future__ import annotations

from typing import Any

from tests.regressions.pasts import ASKED, CALL, YES, holding

ITEM = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "save_note", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "ok"}

# kind: form -> messages, (role, what it holds) of GigaChat's messages, a note or nothing
ROWS: dict[str, dict[str, tuple[list[Any], list[Any], str]]] = {
    "items with an id of their own": {
        "as given": ([ASKED, ITEM, OUTPUT], [("assistant", CALL), ("function", {"result": "ok"})], ""),
        "two": (
            [ASKED, ITEM, {**ITEM, "id": "fc_2", "call_id": "c2"}, {**OUTPUT, "call_id": "c2", "output": "2"}, OUTPUT],
            [("function", {"result": "ok"}), ("function", {"result": 2})],
            "",
        ),
        "in tool_calls": (
            [
                ASKED,
                {"role": "assistant", "tool_calls": [ITEM]},
                {"role": "tool", "tool_call_id": "c1", "content": "ok"},
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "free text": (
            [
                ASKED,
                {"type": "custom_tool_call", "id": "x", "call_id": "c1", "name": "patch", "input": "*** Begin"},
                {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"},
            ],
            [("assistant", {"name": "patch", "arguments": {"input": "*** Begin"}}), ("function", {"result": "ok"})],
            "messages.custom_call",
        ),
        "a shell": (
            [
                ASKED,
                {"type": "local_shell_call", "id": "x", "call_id": "c1", "action": {"command": ["ls"]}},
                {"type": "local_shell_call_output", "call_id": "c1", "output": "ok"},
            ],
            [
                ("assistant", {"name": "local_shell", "arguments": {"command": ["ls"]}}),
                ("function", {"result": "ok"}),
            ],
            "",
        ),
        "MCP": (
            [ASKED, {"type": "mcp_call", "id": "c1", "name": "save_note", "arguments": "{}", "output": "ok"}],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "a server's own": (
            [ASKED, {"type": "web_search_call", "id": "w", "status": "completed"}],
            [("user", "Запиши")],
            "messages.part",
        ),
        "an empty one": (
            [ASKED, {**ITEM, "call_id": "", "id": "c1"}, OUTPUT],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
    },
    "calls inside of something": {
        "LibreChat": (
            [
                ASKED,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "think", "think": "хм"},
                        {"type": "text", "text": "Минуту."},
                        {
                            "type": "tool_call",
                            "tool_call": {"id": "c1", "name": "save_note", "args": "{}", "output": "ok"},
                        },
                        {"type": "text", "text": "Готово"},
                    ],
                },
            ],
            [("assistant", CALL), ("function", {"result": "ok"}), ("assistant", "Готово")],
            "",
        ),
        "the AI SDK's older form": (
            [
                ASKED,
                {
                    "role": "assistant",
                    "parts": [
                        {
                            "type": "tool-invocation",
                            "toolInvocation": {"toolCallId": "t", "toolName": "save_note", "args": {}, "result": "ok"},
                        },
                    ],
                },
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "an error's text": (
            [
                ASKED,
                {"role": "assistant", "parts": [{"type": "tool-save_note", "toolCallId": "t", "errorText": "нет"}]},
            ],
            [("assistant", CALL), ("function", {"error": "нет"})],
            "",
        ),
        "an approval": (
            [
                ASKED,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool-call", "toolCallId": "t", "toolName": "save_note", "input": {}},
                        {"type": "tool-approval-request", "approvalId": "a", "toolCallId": "t"},
                    ],
                },
                {
                    "role": "tool",
                    "content": [
                        {"type": "tool-approval-response", "approvalId": "a", "approved": True},
                        {
                            "type": "tool-result",
                            "toolCallId": "t",
                            "toolName": "save_note",
                            "output": {"type": "error-text", "value": "нет"},
                        },
                    ],
                },
            ],
            [("assistant", CALL), ("function", {"error": "нет"})],
            "messages.part",
        ),
        "a text": (
            [
                ASKED,
                {"role": "assistant", "tool_calls": [{"id": "c", "function": '{"name":"save_note","arguments":{}}'}]},
                {"role": "tool", "tool_call_id": "c", "content": "ok"},
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "a name beside it": (
            [
                ASKED,
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "c", "name": "save_note", "function": {"arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "c", "content": "ok"},
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
    },
    "words in other places": {
        "a text of Gemini's": (
            [{"role": "user", "parts": "Запиши"}, {"role": "model", "parts": "да"}],
            [("assistant", "да")],
            "",
        ),
        "a part of Gemini's": ([ASKED, {"role": "model", "parts": {"text": "да"}}], [("assistant", "да")], ""),
        "parts beside the content": (
            [
                ASKED,
                {
                    "role": "assistant",
                    "content": "Готово и так",
                    "parts": [
                        {"type": "tool-save_note", "toolCallId": "t", "input": {}, "output": "ok"},
                        {"type": "text", "text": "Готово "},
                        {"type": "text", "text": "и так"},
                    ],
                },
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "other parts beside it": (
            [ASKED, {"role": "assistant", "content": "Раз", "parts": [{"type": "text", "text": "два"}]}],
            [("assistant", "Раздва")],
            "",
        ),
        "text": ([{"role": "user", "text": "Запиши"}, {"role": "assistant", "text": "да"}], [("user", "Запиши")], ""),
        "Cohere's": (
            [{"role": "USER", "message": "Запиши"}, {"role": "CHATBOT", "message": "да"}],
            [("user", "Запиши"), ("assistant", "да")],
            "",
        ),
        "LangChain's, stored": (
            [{"type": "human", "data": {"content": "Запиши"}}, {"type": "ai", "data": {"content": "да"}}],
            [("user", "Запиши"), ("assistant", "да")],
            "",
        ),
        "LangChain's classes": (
            [{"type": "HumanMessage", "content": "Запиши"}, {"type": "AIMessageChunk", "content": "да"}],
            [("user", "Запиши"), ("assistant", "да")],
            "",
        ),
        "smolagents'": (
            [ASKED, {"role": "tool-call", "content": "f()"}, {"role": "tool-response", "content": "1"}, YES],
            [("assistant", "f()"), ("user", '[tool result] {"result":1}')],
            "result->user",
        ),
        "blocks of a document": (
            [
                holding(
                    "user", type="document", source={"type": "content", "content": [{"type": "text", "text": "Глава"}]}
                ),
                YES,
            ],
            [("user", "Глава")],
            "",
        ),
        "a document of Converse's": (
            [{"role": "user", "content": [{"document": {"name": "d", "source": {"text": "Глава"}}}]}, YES],
            [("user", "d\nГлава")],
            "",
        ),
        "an image of Converse's": (
            [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": "AAAA"}}}]}, YES],
            [("user", "[image is no longer available]")],
            "file->words",
        ),
        "what a search found": (
            [
                holding(
                    "user", type="search_result", title="Т", source="a.b", content=[{"type": "text", "text": "Глава"}]
                ),
                YES,
            ],
            [("user", "Т\na.b\nГлава")],
            "",
        ),
        "a document of Cohere's as a result": (
            [
                ASKED,
                ITEM,
                {
                    "role": "tool",
                    "tool_call_id": "c1",
                    "content": [{"type": "document", "document": {"data": "Глава, первая"}}],
                },
            ],
            [("function", {"result": "Глава, первая"})],
            "",
        ),
        "Ollama's image": (
            [{"role": "user", "content": "Что?", "images": ["AAAA"]}, {**YES, "thinking": "хм"}],
            [("user", "Что?\n[image is no longer available]")],
            "file->words",
        ),
        "one id for all calls": (
            [
                ASKED,
                {"role": "assistant", "tool_calls": [{"id": "x", "name": "a"}, {"id": "x", "name": "b"}]},
                {"role": "tool", "tool_call_id": "x", "name": "b", "content": "2"},
                {"role": "tool", "tool_call_id": "x", "name": "a", "content": "1"},
            ],
            [("pair", ("a", {"result": 1})), ("pair", ("b", {"result": 2}))],
            "",
        ),
    },
}
