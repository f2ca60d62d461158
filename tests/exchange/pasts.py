"""Histories made of the messages, calls, results and parts of all vendors: valid, half valid and broken."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

_NUMBERS = st.integers(0, 10**6)
# Every text bears a mark, by which it is found in what GigaChat gets.
WORDS = st.builds(
    lambda number, tail: f"w{number}x{tail}",
    _NUMBERS,
    st.sampled_from(["", " и", "\n", '"}', "\u2028", "\ufffd", " {", "```", "😀", "\\"]),
)
IDS: st.SearchStrategy[Any] = st.sampled_from(
    ["c1", "c2", "c3", "", None, 7, True, [], "7f1d2c3a111142228333944445555666-v1-0"]
)
NAMES: st.SearchStrategy[Any] = st.sampled_from(["f", "g", "погода", "text2image", "", None, 5, "a b", "x" * 80])
ODD: st.SearchStrategy[Any] = st.sampled_from([None, "", 0, 5, True, 1.5, [], {}, [None], {"a": None}, [[]], "x", -1])
_KEYS = st.sampled_from(["a", "type", "text", "б"])
DATA = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "type", "text", "б"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _fields(**fields: st.SearchStrategy[Any] | Any) -> st.SearchStrategy[dict[str, Any]]:
    made = {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in fields.items()}
    return st.fixed_dictionaries(made)


ARGUMENTS = st.one_of(
    st.builds(lambda word: f'{{"a": "{word}', WORDS),
    st.builds(lambda word: f'{{"a": "{word}"}}{{"b": 1}}', WORDS),
    st.builds(lambda word: f"{{'a': '{word}'}}", WORDS),
    st.builds(lambda word: f'```json\n{{"a": "{word}"}}\n```', WORDS),
    st.builds(lambda word: f'{{"a": "{word}", "n": NaN,}}', WORDS),
    WORDS,
    DATA,
    st.sampled_from(["", "null", "{}", "[]", '"{}"', "{" * 300, '{"a":' * 300 + "1" + "}" * 300, '{"a": "\\ud83d"}']),
)
CALLS = st.one_of(
    _fields(id=IDS, type="function", function=_fields(name=NAMES, arguments=ARGUMENTS)),
    _fields(id=IDS, name=NAMES, args=ARGUMENTS, type="tool_call"),
    _fields(function=_fields(name=NAMES, arguments=DATA)),
    _fields(id=IDS, type="custom", custom=_fields(name=NAMES, input=WORDS)),
    _fields(call_id=IDS, type="function_call", name=NAMES, arguments=ARGUMENTS),
)
THOUGHTS = st.one_of(
    _fields(type="thinking", thinking=WORDS, signature="s"),
    _fields(type="redacted_thinking", data="s"),
    _fields(type="reasoning", text=WORDS),
    _fields(reasoningContent=_fields(reasoningText=_fields(text=WORDS))),
    _fields(text=WORDS, thought=True),
)
_IMAGES = st.sampled_from(
    ["https://gone.invalid/a.png", "data:image/png;base64,AAAA", "data:", "http://10.0.0.1/a", "AAAA", ""]
)
MEDIA = st.one_of(
    _fields(type="image_url", image_url=_fields(url=_IMAGES)),
    _fields(type="input_image", image_url=_IMAGES),
    _fields(type="image", source=_fields(type="base64", media_type="image/png", data="AAAA")),
    _fields(type="image", source=_fields(type="url", url=_IMAGES)),
    _fields(type="image", image=_IMAGES),
    _fields(type="image", data="AAAA", mimeType="image/png"),
    _fields(type="file", file=_fields(file_id=IDS)),
    _fields(type="file", data=_IMAGES, mediaType="application/pdf", filename="a.pdf"),
    _fields(type="document", source=_fields(type="text", media_type="text/plain", data=WORDS), title="t"),
    _fields(type="input_audio", input_audio=_fields(data="AAAA", format="wav")),
    _fields(inlineData=_fields(mimeType="image/png", data="AAAA")),
    _fields(type="video_url", video_url=_fields(url=_IMAGES)),
)
RESULTS = st.one_of(
    _fields(type="tool_result", tool_use_id=IDS, content=WORDS | DATA, is_error=st.booleans()),
    _fields(type="tool-result", toolCallId=IDS, toolName=NAMES, output=_fields(type="json", value=DATA)),
    _fields(functionResponse=_fields(name=NAMES, response=DATA)),
    _fields(toolResult=_fields(toolUseId=IDS, content=st.lists(_fields(text=WORDS), max_size=2))),
)
USES = st.one_of(
    _fields(type="tool_use", id=IDS, name=NAMES, input=DATA),
    _fields(type="tool-call", toolCallId=IDS, toolName=NAMES, input=DATA),
    _fields(functionCall=_fields(name=NAMES, args=DATA)),
    _fields(toolUse=_fields(toolUseId=IDS, name=NAMES, input=DATA)),
    _fields(type="tool-f", toolCallId=IDS, input=DATA, output=DATA, state="output-available"),
)
TEXTS = st.one_of(
    _fields(type="text", text=WORDS),
    _fields(type="input_text", text=WORDS),
    _fields(type="output_text", text=WORDS, annotations=[]),
    _fields(type="refusal", refusal=WORDS),
    _fields(type="text", text=_fields(value=WORDS, annotations=[])),
    _fields(text=WORDS),
    WORDS,
)
OTHERS = st.one_of(
    _fields(type="server_tool_use", id="s", name="web_search", input=DATA),
    _fields(type="web_search_tool_result", content=DATA),
    _fields(executableCode=_fields(code=WORDS)),
    _fields(type="output_audio", transcript=WORDS),
    _fields(type="step-start"),
    _fields(type=WORDS, text=WORDS),
)


def _break(value: Any, path: list[int], odd: Any, how: int) -> Any:
    """A copy in which one place, found by going down the path, is taken out or is something odd."""
    made = copy.deepcopy(value)
    at, last = made, None
    for step in path:
        keys = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
        if not keys:
            break
        last = (at, keys[step % len(keys)])
        at = at[last[1]]
    if last is None:
        return made
    if how == 0:
        del last[0][last[1]]
    else:
        last[0][last[1]] = odd
    return made


def _broken(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    paths = st.lists(st.integers(0, 5), min_size=1, max_size=4)
    return values | st.builds(_break, values, paths, ODD | WORDS, st.integers(0, 1))


PARTS = st.one_of(TEXTS, TEXTS, THOUGHTS, MEDIA, RESULTS, USES, OTHERS, ODD)
CONTENTS = st.one_of(WORDS, st.lists(PARTS, max_size=4), ODD, DATA, PARTS)
ROLES = st.sampled_from(
    ["user", "assistant", "system", "developer", "tool", "function", "model", "ai", "human", "User", "critic", None, 5]
)
MESSAGES = st.one_of(
    _fields(role=ROLES, content=CONTENTS),
    _fields(role=ROLES, parts=st.lists(PARTS, max_size=3)),
    _fields(
        type=st.sampled_from(["human", "ai", "tool", "system"]),
        content=CONTENTS,
        tool_calls=st.lists(CALLS, max_size=2),
    ),
    _fields(role="assistant", content=CONTENTS, tool_calls=st.lists(CALLS, max_size=3) | CALLS | ODD),
    _fields(role="assistant", content=WORDS | st.none(), function_call=_fields(name=NAMES, arguments=ARGUMENTS)),
    _fields(role="assistant", content=st.none(), refusal=WORDS | ODD, audio=_fields(transcript=WORDS) | ODD),
    _fields(role="tool", tool_call_id=IDS, content=CONTENTS),
    _fields(role="tool", content=CONTENTS, name=NAMES),
    _fields(role="function", name=NAMES, content=CONTENTS),
    _fields(role="user", content=WORDS, attachments=ODD | st.lists(ODD, max_size=2), name=NAMES),
    _fields(type="function_call", call_id=IDS, name=NAMES, arguments=ARGUMENTS),
    _fields(type="function_call_output", call_id=IDS, output=WORDS | DATA),
    _fields(type="reasoning", summary=[]),
)
PAST = _broken(MESSAGES) | ODD
HISTORIES = st.lists(PAST, max_size=8)
