"""A program: what bodies take in memory while they are parsed, read and written. Prints a JSON line for each kind.

`python -m tests.admission.held`: each kind in a process of its own, since memory that was freed may stay with Python.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from app.admission.tickets import Ticket
from app.admission.weights import BodyWeight
from app.errors import GatewayError
from app.exchange.attempt import Attempt
from app.exchange.variants import Fallbacks
from app.observe.request_record import RequestRecord
from app.translate.abilities import Abilities
from app.translate.gigachat import contracts
from app.translate.models import ModelNames
from app.translate.openai import chat_request

_SIZE = 8_000_000
_SAID = '{"role":"user","content":"%s"}'
_PAIR = (
    '{"role":"assistant","tool_calls":[{"id":"c%d","type":"function","function":{"name":"f","arguments":"{}"}}]},'
    '{"role":"tool","tool_call_id":"c%d","content":"1"}'
)
_TOOL = '{"type":"function","function":{"name":"f%d","parameters":{"type":"object","properties":{%s}}}}'

_SMALL, _STRING, _DEEP = '{"a":1}', '"ab"', '{"a":' * 900 + "1" + "}" * 900


def _said(text: str) -> str:
    return '{"messages":[%s]}' % (_SAID % text)


def _beside(field: str) -> str:
    return f'{{"messages":[{_SAID % "a"}],"x":{field}}}'


def _many(one: str, count: int) -> str:
    return ",".join([one] * count)


KINDS: dict[str, Callable[[], str]] = {
    "ASCII": lambda: _said("a " * (_SIZE // 2)),
    "Cyrillic": lambda: _said("привет мир " * (_SIZE // 20)),
    "Latin with accents": lambda: _said("é" * (_SIZE // 2)),
    "ASCII with one dash": lambda: _said("a" * _SIZE + "—"),
    "ASCII with one emoji": lambda: _said("a" * _SIZE + "😀"),
    "Cyrillic with one emoji": lambda: _said("я" * (_SIZE // 2) + "😀"),
    "emoji": lambda: _said("😀" * (_SIZE // 4)),
    "escaped Cyrillic": lambda: _said("\\u044f" * (_SIZE // 6)),
    "one escaped emoji": lambda: _said("a" * _SIZE + "\\ud83d\\ude00"),
    "line ends": lambda: _said("a" + "\\n" * (_SIZE // 2)),
    "code": lambda: _said('if (a[0]) { f(\\"b\\", [1, 2]); }\\n' * (_SIZE // 36)),
    "tiny messages": lambda: '{{"messages":[{}]}}'.format(_many(_SAID % "a", 19_999)),
    "tiny parts": lambda: '{{"messages":[{{"role":"user","content":[{}]}}]}}'.format(
        _many('{"type":"text","text":"a"}', 19_999)
    ),
    "calls and results": lambda: '{{"messages":[{},{}]}}'.format(
        _SAID % "a", ",".join(_PAIR % (number, number) for number in range(9_000))
    ),
    "tools": lambda: '{{"messages":[{}],"tools":[{}]}}'.format(
        _SAID % "a",
        ",".join(
            _TOOL % (tool, ",".join(f'"p{number}":{{"type":"string"}}' for number in range(10))) for tool in range(1500)
        ),
    ),
    "empty lists": lambda: _beside(f"[{_many('[]', 240_000)}]"),
    "empty objects": lambda: _beside(f"[{_many('{}', 240_000)}]"),
    "small objects": lambda: _beside(f"[{_many(_SMALL, 120_000)}]"),
    "many keys": lambda: _beside("{{{}}}".format(",".join(f'"{number:x}":1' for number in range(240_000)))),
    "numbers": lambda: _beside(f"[{_many('999', 480_000)}]"),
    "short strings": lambda: _beside(f"[{_many(_STRING, 240_000)}]"),
    "deep objects": lambda: _beside(f"[{_many(_DEEP, 200)}]"),
}


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def measure(kind: str) -> dict[str, Any]:
    """A body's weight, and the most that is held of it while it is parsed, and while it is read and written."""
    names = ModelNames("GigaChat", "Embeddings", ())
    gc.collect()
    before = _status("VmRSS")
    data = KINDS[kind]().encode()
    size = len(data)
    weight = BodyWeight()
    for at in range(0, size, 262_144):
        weight.feed(data[at : at + 262_144])
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    body: Any = orjson.loads(data)
    parsing = _status("VmHWM") - before
    del data
    record = RequestRecord()
    record.body_bytes = size
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    held: object = None
    with suppress(GatewayError):  # of tools that no model reads, say: that is decided after they were read
        asked = chat_request.read(body, names)
        body = None
        held = Attempt(
            asked.request,
            asked.notes,
            record,
            contract=contracts.CHAT,
            abilities=Abilities(),
            fallbacks=Fallbacks("auto", state_echo=True),
            strict=False,
            ticket=Ticket("default", 0.0, 0.0),
        )
    after = _status("VmHWM") - before
    del held
    return {
        "kind": kind,
        "bytes": size,
        "weight": weight.text + weight.marks.weight,
        # A copy of the body, the parser's or the growing payload's, is one for the process: docs/memory.md.
        "parsing": parsing - size,
        "after": after - size,
    }


if __name__ == "__main__":
    for name in sys.argv[1:] or KINDS:
        if (child := os.fork()) == 0:
            print(json.dumps(measure(name), ensure_ascii=False), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
