"""Any past before a good new message, over real sockets: never a refusal, and no word is lost in silence."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, given

from tests.examples import examples
from tests.exchange.pasts import HISTORIES, PAST
from tests.exchange.world import World

bounded = examples(max_examples=400, suppress=[HealthCheck.too_slow])
NOW = [{"role": "assistant", "content": "да"}, {"role": "user", "content": "что дальше?"}]
_MARK = re.compile(r"w\d+x")
# what is a thought, or says the same again: it may go without a word
_SILENT = re.compile(r'thought|reasoning|thinking|"annotations"|"refusal"')


@bounded
@given(past=HISTORIES)
def test_no_past_is_refused(world: World, past: list[Any]) -> None:
    """GigaChat takes it as it is sent, by its strict rules, and answers the new message."""
    reply, asked = world.ask({"model": "gpt-4o", "messages": [*past, *NOW]})
    assert reply.status == 200, reply.text
    assert {one.status for one in asked} == {200}, [one.body for one in asked]
    assert [one.unknown for one in asked if one.unknown] == []
    assert "что дальше?" in reply.content


@bounded
@given(message=PAST)
def test_no_word_is_lost_in_silence(world: World, message: Any) -> None:
    """Each text of an old message is sent, or something is told: where nothing was told, nothing is missing."""
    reply, asked = world.ask({"model": "gpt-4o", "messages": [message, *NOW]})
    assert reply.status == 200, reply.text
    given_, sent = json.dumps(message), json.dumps(asked[0].body)
    lost = set(_MARK.findall(given_)) - set(_MARK.findall(sent))
    told = {"x-gateway-adapted", "x-gateway-dropped"} & {name.lower() for name in reply.headers}
    assert not lost or told or _SILENT.search(given_), lost
