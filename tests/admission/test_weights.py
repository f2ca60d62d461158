"""What bodies weigh: by what is in them, however they come in pieces, and no less than they take."""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random

import orjson
import pytest

from app.admission.weights import BodyWeight, weigh_values

MIB = 1024 * 1024


def weight(body: bytes, step: int = 2**30) -> BodyWeight:
    """The weight of a body that comes in pieces of this length."""
    found = BodyWeight()
    for at in range(0, len(body), step):
        found.feed(body[at : at + step])
    return found


def said(text: str) -> bytes:
    """A body with one text."""
    return f'{{"m":[{{"content":"{text}"}}]}}'.encode()


# text -> memory for each of its bytes
TEXTS = {
    "ASCII": ("a" * MIB, 2),
    "line ends": ("a\\n" * MIB, 2),
    "escaped quotes": ('a\\"' * MIB, 2),
    "backslashes": ("\\\\" * MIB, 2),
    "Cyrillic": ("я" * MIB, 4),
    "one dash": ("a" * MIB + "—", 4),
    "one emoji at the end": ("a" * MIB + "😀", 6),
    "one emoji at the beginning": ("😀" + "a" * MIB, 6),
    "one emoji behind a quote": ("a" * MIB + '\\"😀', 6),
    "one emoji among quotes": ('a\\"' * MIB + "😀" + 'a\\"' * 1000, 6),
    "one escaped letter": ("a" * MIB + "\\u044f", 4),
    "one escaped emoji": ("a" * MIB + "\\ud83d\\ude00" + "b" * 10, 6),
    "one escaped emoji in capitals": ("\\uD83D\\uDE00" + "b" * MIB, 6),
    "a backslash and a u": ("a" * MIB + "\\\\u", 2),
}


@pytest.mark.parametrize(("text", "factor"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("step", [2**30, 262_144, 10_007])
def test_texts(text: str, factor: int, step: int) -> None:
    """A text's widest character makes it wide; where the pieces are cut changes nothing."""
    body = said(text)
    found = weight(body, step).text
    assert found == pytest.approx(factor * len(body), abs=2000)


@pytest.mark.parametrize("text", ["a" * 2000 + "\\ud83d\\ude00" + "b" * 2000, '\\\\\\"' * 700 + "😀" + '\\\\\\"' * 700])
def test_no_cut_hides_a_wide_character(text: str) -> None:
    """Wherever the one cut is."""
    body = said(text)
    for at in range(1, len(body)):
        found = BodyWeight()
        found.feed(body[:at])
        found.feed(body[at:])
        assert found.text > 5.9 * len(body), at


@pytest.mark.parametrize("step", [2**30, 262_144, 10_007])
@pytest.mark.parametrize("words", ["Что это? 😀", 'Что \\"это\\"?\\n\\ud83d\\ude00'])
def test_a_file_beside_words(words: str, step: int) -> None:
    """A large file in base64 is as narrow as it is, whatever the words around it are."""
    file = "A" * 4 * MIB
    body = f'{{"m":[{{"c":[{{"text":"{words}"}},{{"file":"{file}"}},{{"text":"{words}"}}]}}]}}'.encode()
    assert weight(body, step).text == pytest.approx(2 * len(body), abs=200_000)


def test_few_values_are_counted() -> None:
    """Brackets that stand in a text are none; many values are not walked through."""
    code = orjson.loads(orjson.dumps({"m": [{"content": "f([{}])" * 1000}, [1, 2, [3]]]}))
    assert weigh_values(code) == (1 + 1 + 2 + 1 + 3 + 1) * 350
    assert weigh_values({"x": [[]] * 1000}) is None
    assert weigh_values({"x": [1] * 10_000_000}) is None


def test_any_bytes() -> None:
    """What is no JSON and no UTF-8 weighs something, and raises nothing."""
    chance = Random(1)
    for _ in range(300):
        body = bytes(chance.choice(b'\\"u\xf0\x9f\x98\x80a{[,dD') for _ in range(chance.randrange(400)))
        assert weight(body, chance.randrange(1, 50)).text >= 2 * (len(body) - 6)


@pytest.mark.long
def test_nothing_takes_more_than_it_weighs() -> None:
    """Each kind in a process of its own: parsed, read and written, but for the one copy that the process holds."""
    done = subprocess.run([sys.executable, "-m", "tests.admission.held"], capture_output=True, timeout=300, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 20
    slack = 2 * MIB  # pages of Python's own
    for kind in found:
        assert kind["after"] < 1.05 * kind["weight"] + slack, kind
        assert kind["parsing"] < 1.4 * kind["weight"] + slack, kind  # numbers stand twice while they are parsed
