"""Lines for people: columns that line up, quotes where a value could mislead, colours only where they show."""

from __future__ import annotations

import datetime as dt
import io
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.observe.terminal import FIELDS, TextFormatter, supports_colour


def record(event: str = "event", level: int = logging.INFO, **values: object) -> Any:
    """A log record of ours."""
    made = logging.LogRecord("gpt2giga", level, "", 1, event, None, None)
    made.__dict__[FIELDS] = values
    return made


def request(**more: Any) -> Any:
    """The record of a finished request."""
    values = {"request_id": "id-1", "method": "POST", "route": "/v1/chat/completions", "endpoint": "chat"}
    return record("request", **{**values, "status": 200, "seconds": 1.25, "model": "GigaChat", **more})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, "x=1.5"),
        (2.0, "x=2"),
        (0.12345, "x=0.123"),
        (0.00054321, "x=0.000543"),
        (12.3456, "x=12.346"),
        (1799.98765, "x=1800"),
        (-3.0, "x=-3"),
        (7, "x=7"),
        ("two words", 'x="two words"'),
        ('say "no"', r'x="say \"no\""'),
        (r"C:\x y", r'x="C:\\x y"'),
        ("", 'x=""'),
        ("a\nb", r'x="a\nb"'),
        ("\x1b[31mred", r'x="\u001b[31mred"'),
        ("Гига чат", 'x="Гига чат"'),
        (True, "x=true"),
        (False, "x=false"),
        (b"bytes", "x=bytes"),
        (["a", 1, 0.123456, None], "x=a,1,0.123,None"),
        (("a b", True), 'x="a b,true"'),
        ({"a": 1, "b": {"c": "d e", "f": None}, "g": []}, 'x.a=1 x.b.c="d e" x.g=""'),
        ([{"a": 1}], "x=a=1"),
        (Path("/x"), "x=/x"),
        (ValueError("why"), "x=why"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, shown: str) -> None:
    """What could break the line, colour it or hide in it is quoted."""
    assert TextFormatter().format(record(x=value)).endswith(f"INFO     event          {shown}")


def test_a_request_has_columns() -> None:
    """Status, time, method and route stand below one another; the id ends the line; nothing stands twice."""
    lines = [TextFormatter().format(one)[26:] for one in (request(), request(status=502, seconds=123.4, error="x"))]
    assert lines == [
        "INFO     request        200    1.250s POST /v1/chat/completions  model=GigaChat request_id=id-1",
        "INFO     request        502  123.400s POST /v1/chat/completions  model=GigaChat error=x request_id=id-1",
    ]


@pytest.fixture(params=["Europe/Moscow", "UTC", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The process is in this time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield str(request.param)
    time.tzset()


def test_a_line_says_when_and_in_which_zone(zone: str) -> None:
    """Date, time and the zone's distance: the moment can be told from the line alone."""
    made = record()
    line = TextFormatter().format(made)
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d INFO ", line)
    moment = dt.datetime.fromisoformat(line[:25])
    assert moment.timestamp() == int(made.created)
    assert moment.utcoffset() == dt.datetime.now(ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize("event", ["two\nlines", "a\r\n  b", "\x1b[31mred"])
def test_an_event_stays_on_its_line(event: str) -> None:
    """Warnings of libraries come in several."""
    line = TextFormatter().format(record(event))
    assert line.isprintable()


def test_a_stranger_is_named() -> None:
    """A line of another library says whose it is."""
    made = record()
    made.name = "asyncio"
    assert TextFormatter().format(made).endswith("logger=asyncio")


@pytest.mark.parametrize(("status", "colour"), [(200, "32"), (404, "33"), (499, "33"), (502, "31")])
def test_colours_say_how_it_went(status: int, colour: str) -> None:
    """Green, yellow for the client's doing, red for failures; without colours there is no escape at all."""
    assert f"\x1b[{colour}m{status}\x1b[0m" in TextFormatter(colour=True).format(request(status=status))
    assert "\x1b" not in TextFormatter().format(request(status=status))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (_Terminal(), {}, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (_Terminal(), {"NO_COLOR": "1"}, False),
        (_Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals(stream: io.StringIO, environ: dict[str, str], expected: bool) -> None:
    """A file or a pipe gets none, and neither does whoever declines them: NO_COLOR, a dumb terminal."""
    assert supports_colour(stream, environ) is expected
