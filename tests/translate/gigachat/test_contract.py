"""What each contract must be able to do, whatever its version: write a request, read its answers, count its cost."""

from __future__ import annotations

import orjson
import pytest

from app.translate.dialogue import Answer, Call, Delta, End, Media, Request, Sampling, Text, Tool, Turn, Url
from app.translate.gigachat.contract import Contract, UnreadableError
from app.translate.gigachat.contracts import CHAT
from tests.translate.samples import sample

WEATHER = Tool("get weather", None, {"type": "object", "properties": {"city": {"type": "string"}}}, "tools[0]")
ASKED = Request("GigaChat", [Turn("user", [Text("Погода?")], "messages[0]")], Sampling(), tools=[WEATHER])


@pytest.fixture(params=[pytest.param((CHAT, "chat_call.json", "chat_call.sse"), id="v1")])
def spoken(request: pytest.FixtureRequest) -> tuple[Contract, bytes, bytes]:
    """A contract, and GigaChat's answers in its words: a call, whole and as a stream."""
    contract, whole, stream = request.param
    return contract, sample(whole), sample(stream)


def test_a_request_is_written(spoken: tuple[Contract, bytes, bytes]) -> None:
    """The payload is JSON and costs a count; the path is the contract's own, without the base URL."""
    contract, _, _ = spoken
    payload, notes = contract.write(ASKED, state_echo=True, as_function=False, files=None)
    assert orjson.loads(orjson.dumps(payload)) == payload
    assert [note.kind for note in notes] in ([], ["equivalent"])
    assert contract.chat_path.strip("/") == contract.chat_path
    assert contract.write_count(payload, "ответ")["input"][-1] == "ответ"
    assert contract.read_count(b'[{"tokens": 3}, {"tokens": 2}]') is not None
    assert contract.read_count(b"{}") is None


def test_its_answers_are_read(spoken: tuple[Contract, bytes, bytes]) -> None:
    """Whole and as a stream: a call in either; what is no answer is an error of its own."""
    contract, whole, stream = spoken
    reader = contract.answer_reader(ASKED, "seed", as_function=False)
    answer = reader.read(whole)
    assert isinstance(answer, Answer)
    assert isinstance(answer.parts[-1], Call)
    streamed = reader.open_stream(2)
    events = [*streamed.feed(stream), *streamed.finish()]
    assert [event.part for event in events if isinstance(event, Delta)][-1] == answer.parts[-1]
    assert isinstance(events[-1], End)
    assert events[-1].index == 2
    with pytest.raises(UnreadableError):
        reader.read(b"{}")


def test_files_are_limited(spoken: tuple[Contract, bytes, bytes]) -> None:
    """A contract takes so many images and no more."""
    contract, _, _ = spoken
    images = [Media("image", Url(f"https://a/{number}"), f"messages[0].content[{number}]") for number in range(30)]
    kept = contract.kept_files([Turn("user", [*images], "messages[0]")])
    assert 0 < len(kept) < 30
    assert kept[-1] is images[-1]
    assert contract.kept_files(ASKED.turns) == []
