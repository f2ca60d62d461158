"""The past of a conversation in the forms that people's clients send it, a table.

A row is a form of a kind: messages before a good new one, what GigaChat gets of them, and what the client is told.
"""

from __future__ import annotations

from typing import Any

NEXT = {"role": "user", "content": "И что дальше?"}
ASKED = {"role": "user", "content": "Запиши"}
YES = {"role": "assistant", "content": "да"}
CALL = {"name": "save_note", "arguments": {}}
HALF = '{"title": "Список", "body": "молоко, хле'


def calling(*calls: Any, **more: Any) -> dict[str, Any]:
    """The assistant's message with these calls."""
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def noted(arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    """A call."""
    return {
        "id": "call_7",
        "type": "function",
        "function": {"name": "save_note", "arguments": arguments},
        **more,
    }


def result(content: Any = "ok", **more: Any) -> dict[str, Any]:
    """Its result."""
    return {"role": "tool", "tool_call_id": "call_7", "content": content, **more}


def with_arguments(given: Any, sent: dict[str, Any], told: str) -> tuple[list[Any], list[Any], str]:
    """A row: a call with these arguments, as GigaChat gets it."""
    return (
        [ASKED, calling(noted(given)), result()],
        [("assistant", {"name": "save_note", "arguments": sent}), ("function", {"result": "ok"})],
        told,
    )


def with_result(given: Any, sent: Any, told: str = "") -> tuple[list[Any], list[Any], str]:
    """A row: a call whose result is this, as GigaChat gets it."""
    return ([ASKED, calling(noted()), result(given)], [("assistant", CALL), ("function", sent)], told)


def said(*content: Any, sent: str, told: str = "") -> tuple[list[Any], list[Any], str]:
    """A row: an old message of the assistant's with these parts, whose words GigaChat gets."""
    return ([ASKED, {"role": "assistant", "content": list(content)}, YES], [("assistant", sent)], told)


def holding(role: str, **part: Any) -> dict[str, Any]:
    """A message with one part."""
    return {"role": role, "content": [part]}


RAW, FIXED = "arguments->_raw", "arguments.repaired"
# kind: form -> messages, (role, what it holds) of GigaChat's messages, a note or nothing
ROWS: dict[str, dict[str, tuple[list[Any], list[Any], str]]] = {
    "arguments that are no object": {
        "cut off": with_arguments(HALF, {"_raw": HALF}, RAW),
        "two glued": with_arguments('{"title":"a"}{"title":"b"}', {"_raw": '{"title":"a"}{"title":"b"}'}, RAW),
        "a Python dict": with_arguments("{'title': 'a'}", {"_raw": "{'title': 'a'}"}, RAW),
        "prose": with_arguments("записать список", {"_raw": "записать список"}, RAW),
        "a list": with_arguments('["a"]', {"_raw": '["a"]'}, RAW),
        "a number": with_arguments(5, {"_raw": "5"}, RAW),
        "a raw line end": with_arguments('{"body": "первая\nвторая"}', {"body": "первая\nвторая"}, FIXED),
        "NaN": with_arguments('{"n": NaN}', {"n": None}, FIXED),
        "a fence": with_arguments('```json\n{"a": 1}\n```', {"a": 1}, FIXED),
        "JSON in JSON": with_arguments('"{\\"a\\": 1}"', {"a": 1}, FIXED),
        "an object": with_arguments({"a": 1}, {"a": 1}, ""),
        "nothing": with_arguments("", {}, ""),
    },
    "calls and results that lack something": {
        "no ids": (
            [ASKED, calling(noted(id=None)), {"role": "tool", "content": "ok"}],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "result.by_order",
        ),
        "an empty id": (
            [ASKED, calling(noted(id="")), result("ok", tool_call_id="")],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "result.by_order",
        ),
        "numbers": (
            [ASKED, calling(noted(id=7)), result("ok", tool_call_id=7)],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "no id of the result": (
            [ASKED, calling(noted()), {"role": "tool", "content": "ok"}],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "result.by_order",
        ),
        "no name": (
            [ASKED, calling(noted(function={"name": "", "arguments": '{"a":1}'})), result("Tool not found")],
            [("user", '[tool call] {"a":1}\n[tool result] {"result":"Tool not found"}')],
            "call.unnamed->user",
        ),
        "no function": (
            [ASKED, calling({"id": "call_7", "type": "function"}), result("Tool not found")],
            [("user", '[tool call] {}\n[tool result] {"result":"Tool not found"}')],
            "call.unnamed->user",
        ),
        "a name of null beside a good call": (
            [ASKED, calling(noted(function={"name": None}), noted(id="b")), result("x"), result("y", tool_call_id="b")],
            [("user", "[tool call] {}"), ("assistant", CALL), ("function", {"result": "y"})],
            "call.unnamed->user",
        ),
        "a call in the list's place": (
            [ASKED, {"role": "assistant", "tool_calls": noted()}, result()],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "a call that is none": ([ASKED, calling("save_note")], [("assistant", "")], "messages.tool_calls"),
    },
    "results that are data": {
        "a list of objects": with_result([{"title": "Погода"}], {"result": [{"title": "Погода"}]}),
        "a number": with_result(42, {"result": 42}),
        "an object": with_result({"a": 1}, {"result": {"a": 1}}),
        "true": with_result(True, {"result": True}),
        "null": with_result(None, {"result": ""}),
        "blocks of MCP": with_result(
            [{"type": "resource", "resource": {"uri": "a://b", "text": "т"}}],
            {"result": [{"type": "resource", "resource": {"uri": "a://b", "text": "т"}}]},
        ),
        "a text block of MCP": with_result([{"type": "text", "text": "18"}], {"result": 18}),
        "text parts and data": with_result([{"type": "text", "text": "ok"}, {"n": 1}], {"result": 'ok\n{"n":1}'}),
        "what looks like a file": with_result(
            [{"type": "file", "name": "a.txt"}], {"result": [{"type": "file", "name": "a.txt"}]}
        ),
    },
    "parts of other vendors": {
        "thinking": said(
            {"type": "thinking", "thinking": "хм", "signature": "zz"}, {"type": "text", "text": "Готово"}, sent="Готово"
        ),
        "redacted thinking": said({"type": "redacted_thinking", "data": "zz"}, "Готово", sent="Готово"),
        "reasoning": said(
            {"type": "reasoning", "summary": []}, {"type": "output_text", "text": "Готово"}, sent="Готово"
        ),
        "a server's tool": said(
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            {"type": "text", "text": "Готово", "citations": [{"url": "a"}]},
            sent="Готово",
            told="messages.part;n=2",
        ),
        "code of Gemini's": said(
            {"executableCode": {"code": "1"}}, {"text": "Готово"}, sent="Готово", told="messages.part"
        ),
        "speech": said(
            {"type": "output_audio", "transcript": "Готово", "data": "aa"}, sent="Готово", told="messages.audio->text"
        ),
        "tool_use": (
            [
                ASKED,
                holding("assistant", type="tool_use", id="t", name="save_note", input={"t": "x"}),
                holding("user", type="tool_result", tool_use_id="t", content="ok"),
            ],
            [("assistant", {"name": "save_note", "arguments": {"t": "x"}}), ("function", {"result": "ok"})],
            "",
        ),
        "an error of a tool": (
            [
                ASKED,
                holding("assistant", type="tool_use", id="t", name="save_note", input={}),
                holding("user", type="tool_result", tool_use_id="t", is_error=True, content="нет"),
            ],
            [("assistant", CALL), ("function", {"error": "нет"})],
            "",
        ),
        "tool_use beside tool_calls": (
            [
                ASKED,
                calling(noted(), content=[{"type": "tool_use", "id": "call_7", "name": "save_note", "input": {}}]),
                result(),
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "the AI SDK's": (
            [
                ASKED,
                holding("assistant", type="tool-call", toolCallId="t", toolName="save_note", input={}),
                holding(
                    "tool",
                    type="tool-result",
                    toolCallId="t",
                    toolName="save_note",
                    output={"type": "text", "value": "ok"},
                ),
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "Gemini's": (
            [
                ASKED,
                {"role": "model", "parts": [{"functionCall": {"name": "save_note", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "save_note", "response": {"ok": True}}}]},
            ],
            [("assistant", CALL), ("function", {"result": {"ok": True}})],
            "",
        ),
        "items of Responses": (
            [
                ASKED,
                {"type": "reasoning", "id": "r", "summary": []},
                {"type": "function_call", "call_id": "t", "name": "save_note", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "t", "output": "ok"},
            ],
            [("assistant", CALL), ("function", {"result": "ok"})],
            "",
        ),
        "an unknown one": said({"type": "hologram", "x": 1}, "Готово", sent="Готово", told="messages.part"),
    },
    "roles and shapes": {
        "model": ([ASKED, {"role": "model", "content": "да"}], [("assistant", "да")], ""),
        "ai, in capitals": ([ASKED, {"role": "AI", "content": "да"}], [("assistant", "да")], ""),
        "human": (
            [{"role": "human", "content": "Запиши"}, YES],
            [("user", "Запиши")],
            "",
        ),
        "LangChain's": (
            [{"type": "human", "content": "Запиши"}, {"type": "ai", "content": "да"}],
            [("user", "Запиши")],
            "",
        ),
        "an unknown role": (
            [{"role": "critic", "content": "плохо"}, YES],
            [("user", "плохо")],
            "messages.role->user",
        ),
        "no role": (
            [{"content": "эй"}, YES],
            [("user", "эй")],
            "messages.role->user",
        ),
        "a content of a number": (
            [{"role": "user", "content": 5}, YES],
            [("user", "5")],
            "messages.content->text",
        ),
        "a part by itself": (
            [{"role": "user", "content": {"type": "text", "text": "эй"}}, YES],
            [("user", "эй")],
            "",
        ),
        "null in the list": ([None, YES], [("assistant", "да")], "messages.unknown"),
    },
}
