"""Answers: every sample of the repository played by the sandbox, finishes, thoughts, stop sequences, choices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.wire.cases import PACED, Case, Group, Json, Step, ask, both, case, distinct, fault, tool

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
_FORECAST = tool("weather_forecast", {"location": {"type": "string"}, "num_days": {"type": "integer"}})
_UNPARSABLE = {"chat_half"}  # half a surrogate, which the sandbox's control side can't be told
_BOM = "\ufeff"
_PREFIX, _END = "data: ", "\n\n"

DIRECTIVES = {
    "said": "sandbox:say Привет, мир!",
    "nothing": "sandbox:say ",
    "spaces": "sandbox:say   ",
    "long": "sandbox:long 12",
    "blacklist": "sandbox:finish blacklist\nsandbox:say Не люблю менять тему.",
    "length": "sandbox:finish length\nsandbox:say Оборвано на",
    "error": "sandbox:finish error\nsandbox:say ",
    "error after words": "sandbox:finish error\nsandbox:say Начал и",
    "reasoning": "sandbox:reasoning\nsandbox:say Ответ.",
    "think": "sandbox:think Надо подумать.\nsandbox:say Ответ.",
    "think and reasoning": "sandbox:reasoning\nsandbox:think и ещё\nsandbox:say Ответ.",
    "think inside": "sandbox:say Слово <think>не мысль</think> слово",
    "fences": "sandbox:say ```json\n{}\n```",
    "characters": 'sandbox:say кавычки " \\ \u2028 🙂 \t конец',
}
ODD = {
    "null content": fault("null_content"),
    "no usage": fault("no_usage"),
    "more cached than there is": fault("cached_exceeds_prompt"),
    "an emoji in halves": fault("surrogate"),
    "CR LF": fault("crlf"),
    "a byte order mark": fault("bom"),
    "no done": fault("no_done"),
    "a pause": fault("stall", seconds=0.2),
}
# What a stop sequence meets. The words of each stand in one chunk, but for those whose names say otherwise.
STOPS: dict[str, Json] = {
    "in the middle": {**ask("sandbox:say один СТОП два"), "stop": "СТОП"},
    "several": {**ask("sandbox:say один два три"), "stop": ["три", "два"]},
    "never": {**ask("sandbox:say один два"), "stop": ["СТОП", ""]},
    "at the beginning": {**ask("sandbox:say СТОП два"), "stop": ["СТОП"]},
    "a beginning of it at the end": {**ask("sandbox:say один СТО"), "stop": ["СТОП"]},
    "in thoughts": {**ask("sandbox:reasoning\nsandbox:say один СТОП два"), "stop": ["думает", "СТОП"]},
    "across chunks": {**ask("sandbox:long 4"), "stop": ["4. Фраза 3"]},
    "of two choices": {**ask("sandbox:say один СТОП два"), "stop": ["СТОП"], "n": 2},
    "before a call": {**ask("sandbox:call weather_forecast"), "stop": ["СТОП"], "tools": [_FORECAST]},
    "and the model failed": {**ask("sandbox:finish error\nsandbox:say "), "stop": ["СТОП"]},
}
# Where the words stand in a later event: so many come, then there is a pause, and only then the end.
_AFTER = {"across chunks": {**PACED, "after": 3}, "in thoughts": {**PACED, "after": 5}}


def _played(path: Path) -> tuple[Json, ...]:
    """Faults that make the sandbox's stream equal to a sample: all of it as one event, and nothing behind.

    What comes before the first event (a comment, an empty line) is left out, since the sandbox begins with `data: `.
    """
    text = path.read_bytes().decode("utf-8")
    marked, text = text.startswith(_BOM), text.removeprefix(_BOM)
    events = text[text.index("data:") :].removeprefix(_PREFIX).removesuffix(_END)
    faults = fault("garbage", after=0, text=events), fault("end", after=1)
    return (*faults, fault("bom")) if marked else faults


def _samples() -> tuple[Case, ...]:
    found: list[Case] = []
    for path in sorted(SAMPLES.glob("chat_*.sse")):
        body = ask(f"{path.stem}: играй", stream=True, stream_options={"include_usage": True}, tools=[_FORECAST])
        faults = _played(path)
        found.append(case(f"sample {path.name}", body, faults=faults))
        found.append(case(f"sample {path.name} with a stop", {**body, "stream": False, "stop": "три"}, faults=faults))
    for path in sorted(SAMPLES.glob("chat_*.json")):
        if path.stem in _UNPARSABLE:
            continue
        answer: Any = json.loads(path.read_text("utf-8"))
        body = ask(f"{path.stem}: играй", tools=[_FORECAST])
        played = (fault("status", status=200, body=answer),)
        found.append(case(f"sample {path.name}", body, faults=played))
        older = {**body, "tools": None, "functions": [_FORECAST["function"]]}
        found.append(case(f"sample {path.name}, older", older, faults=played))
    return tuple(found)


def _cases() -> tuple[Case, ...]:
    found: list[Case] = []
    for name, text in DIRECTIVES.items():
        found += both(name, ask(text))
    for name, odd in ODD.items():
        found += both(name, ask("sandbox:say Раз, два, три, четыре, пять, шесть, семь, восемь."), faults=(odd,))
    for name, body in STOPS.items():
        found += both(f"stop {name}", body, faults=(_AFTER.get(name, PACED),))
    uncounted = fault("status", "tokens", status=500)
    found += both("stop, and no count", STOPS["in the middle"], faults=(uncounted, PACED))
    for count in (2, 3, 4):
        found += both(f"{count} choices", ask("sandbox:say один из нескольких", n=count))
    found += both("two choices, thought", ask("sandbox:think так\nsandbox:say один из двух", n=2))
    found += both("two choices, no usage of one", ask("sandbox:say один из двух", n=2), faults=(fault("no_usage"),))
    found += both("a limit", ask("sandbox:say Раз, два, три, четыре, пять.", max_tokens=3))
    found.append(Case("the same twice", (Step(ask("кэш")), Step(ask("кэш")))))
    return tuple(found)


GROUPS = (Group("answers", distinct(_cases())), Group("samples", distinct(_samples())))
