"""Lines for people: columns that line up, quotes where a value could mislead, colours only where they show."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest

from app.observe.logs import fields
from app.observe.terminal import TextFormatter, coloured


def record(event: str = "event", level: int = logging.INFO, **values: object) -> Any:
    """A log record of ours."""
    made = logging.LogRecord("gpt2giga", level, "", 1, event, None, None)
    made.__dict__.update(fields(**values))
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
        ("two words", "x='two words'"),
        ("a\nb", r"x='a\nb'"),
        ("\x1b[31mred", r"x='\x1b[31mred'"),
        (True, "x=True"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, shown: str) -> None:
    """What could break the line, colour it or hide in it is quoted."""
    assert TextFormatter().format(record(x=value)).endswith(f"INFO     event          {shown}")


def test_a_request_has_columns() -> None:
    """Status, time, method and route stand below one another; the id ends the line; nothing stands twice."""
    lines = [TextFormatter().format(one)[9:] for one in (request(), request(status=502, seconds=123.4, error="x"))]
    assert lines == [
        "INFO     request        200    1.250s POST /v1/chat/completions  model=GigaChat request_id=id-1",
        "INFO     request        502  123.400s POST /v1/chat/completions  model=GigaChat error=x request_id=id-1",
    ]


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
    assert coloured(stream, environ) is expected
