"""Calls as models write them: what is read, what begins one, and what only looks so."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.gigachat.call_markup import begins_calls, read_calls

NAMES = {"f", "now"}
ONE: list[tuple[str, dict[str, Any]]] = [("f", {"q": "x"})]

INVOKE = '<invoke name="f"><parameter name="q">x</parameter></invoke>'
# name -> the text, its calls
FORMS: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
    "invoke": (f"<tool_calls>{INVOKE}</tool_calls>", ONE),
    "in lines": (f"<function_calls>\n{INVOKE}\n</function_calls>\n", ONE),
    "alone": (INVOKE, ONE),
    "several": (f'<tool_calls>{INVOKE}<invoke name="now"></invoke></tool_calls>', [*ONE, ("now", {})]),
    "the last closing is missing": (f"<tool_calls>{INVOKE}", ONE),
    "more attributes": ('<invoke name="f"><parameter name="q" string="true">x</parameter></invoke>', ONE),
    "arguments as tags": ('<invoke name="f"><q>x</q></invoke>', ONE),
    "arguments as JSON": ('<invoke name="f"><arguments>{"q": "x"}</arguments></invoke>', ONE),
    "JSON": ('<tool_call>\n{"name": "f", "arguments": {"q": "x"}}\n</tool_call>', ONE),
    "JSON in a string": ('<tool_call>{"name": "f", "arguments": "{\\"q\\": \\"x\\"}"}</tool_call>', ONE),
    "JSON by other names": ('<tool_call>{"function_name": "f", "parameters": {"q": "x"}}</tool_call>', ONE),
    "JSON in OpenAI's form": ('<tool_calls>[{"function": {"name": "f", "arguments": {"q": "x"}}}]</tool_calls>', ONE),
    "JSON with a raw line end": (
        '<tool_call>{"name": "f", "arguments": {"q": "x\ny"}}</tool_call>',
        [("f", {"q": "x\ny"})],
    ),
    "several blocks": (
        '<tool_call>{"name": "now"}</tool_call>\n<tool_call>{"name": "now"}</tool_call>',
        [("now", {})] * 2,
    ),
    "a mark": ('<|tool_call|>{"name": "f", "arguments": {"q": "x"}}', ONE),
    "a mark with its end": ('<|tool_call_start|>[{"name": "f", "arguments": {"q": "x"}}]<|tool_call_end|>', ONE),
    "a mark that closes": ('<|tool_call|>{"name": "f", "arguments": {"q": "x"}}<|/tool_call|>', ONE),
    "equals": ("<tool_call><function=f><parameter=q>\nx\n</parameter></function></tool_call>", ONE),
    "equals and JSON": ('<function=f>{"q": "x"}</function>', ONE),
    "a name as a tag": ('<tool_call><name>f</name><arguments>{"q": "x"}</arguments></tool_call>', ONE),
    "Cyrillic": ('<вызовы><вызов имя="f"><параметр имя="q">x</параметр></вызов></вызовы>', ONE),
    "Arabic": ('<استدعاءات><استدعاء اسم="f"><معلمة اسم="q">x</معلمة></استدعاء></استدعاءات>', ONE),
    "bars": (
        '<｜D｜calls><｜D｜invoke name="f"><｜D｜parameter name="q">x</｜D｜parameter></｜D｜invoke></｜D｜calls>',
        ONE,
    ),
    "other text behind it": (f"<tool_calls>{INVOKE}</tool_calls> and so on", []),
    "a name that nobody has": ('<tool_calls><invoke name="g"></invoke></tool_calls>', []),
    "cut off": ('<tool_calls><invoke name="f"><parameter name="q">x', []),
    "no end of the function": ('<tool_calls><invoke name="f"><parameter name="q">x</parameter>', []),
    "a list that is none of calls": ("<tool_calls>[1, 2]</tool_calls>", []),
    "arguments that are no object": ('<tool_call>{"name": "f", "arguments": [1]}</tool_call>', []),
    "deep": ("<tool_call>" * 50, []),
    "deep JSON": ("<tool_call>" + "[" * 100_000, []),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "calls"), FORMS.values(), ids=FORMS)
def test_a_text_that_is_calls(text: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Each with its name and its arguments; where any of it is unclear there is none."""
    found = [(one.name, one.arguments) for one in read_calls(text, NAMES)]
    assert [one for one in found if one[0] in NAMES] == calls


@pytest.mark.parametrize("text", [text for text, calls in FORMS.values() if calls])
def test_the_beginning_of_calls(text: str) -> None:
    """It is none of other text at any length, and certain before half of it has come."""
    text = text.lstrip()
    begins = [begins_calls(text[:length], NAMES)[0] for length in range(1, len(text))]
    assert "no" not in begins
    assert begins[-1] == "yes"


OTHERS = [
    "< b",
    "<3",
    "<b>bold",
    '<div class="x">hello</div>',
    "<y then x",
    "<people><person name='bob'>",
    "<a, b>",
    "<think>well",
    "<?xml",
    "<!-- x",
    "<tool_calls> are tags",
    "<T extends call>(x: T)",
    "</tool_calls>",
    "<https://call.example/x>",
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_text_is_told_early(text: str) -> None:
    """Markup, comparisons, generics: none of it waits."""
    assert begins_calls(text, NAMES)[0] == "no"
