"""Embeddings: both encodings, dimensions, inputs, refusals and GigaChat's failures."""

from __future__ import annotations

from typing import Any

from tests.wire.cases import EMBEDDINGS, GONE, Case, Group, Json, case, distinct, fault

TAKEN: dict[str, Json] = {
    "a text": {"input": "привет"},
    "texts": {"input": ["один", "два", "три"]},
    "base64": {"input": ["один", "два"], "encoding_format": "base64"},
    "floats": {"input": "привет", "encoding_format": "float"},
    "fewer dimensions": {"input": "привет", "dimensions": 8},
    "fewer dimensions in base64": {"input": "привет", "dimensions": 8, "encoding_format": "base64"},
    "all dimensions": {"input": "привет", "dimensions": 1024},
    "OpenAI's model": {"input": "привет", "model": "text-embedding-3-small"},
    "a larger model": {"input": "привет", "model": "EmbeddingsGigaR"},
    "no model": {"input": "привет", "model": None},
    "identities": {"input": "привет", "user": "u", "metadata": {"a": "b"}, "safety_identifier": "s"},
    "unknown keys": {"input": "привет", "foo": 1, "empty": []},
    "a long text": {"input": "слово " * 200},
}
REFUSED: dict[str, Json] = {
    "no input": {},
    "an empty input": {"input": ""},
    "an empty list": {"input": []},
    "an empty text among others": {"input": ["a", ""]},
    "tokens": {"input": [1, 2, 3]},
    "lists of tokens": {"input": [[1, 2]]},
    "a number among texts": {"input": ["a", 7]},
    "an object": {"input": {"text": "a"}},
    "too many": {"input": ["a"] * 2049},
    "a wrong encoding": {"input": "a", "encoding_format": "hex"},
    "no dimensions": {"input": "a", "dimensions": 0},
    "too many dimensions": {"input": "a", "dimensions": 1025},
    "dimensions of a word": {"input": "a", "dimensions": "8"},
    "a model of a number": {"input": "a", "model": 5},
    "a model of a space": {"input": "a", "model": " "},
    "a model that there is not": {"input": "a", "model": "Nope"},
    "a model for chats": {"input": "a", "model": "GigaChat-2"},
    "a text that is too long": {"input": "слово " * 2000},
    "a user of a number": {"input": "a", "user": 5},
}
FAULTS: dict[str, tuple[Json, ...]] = {
    "no data": (fault("status", "embeddings", status=200, body={"data": 1}),),
    "a page": (fault("html_200", "embeddings"),),
    "401": (fault("status", "embeddings", status=401),),
    "402": (fault("status", "embeddings", status=402),),
    "403, a page": (fault("status", "embeddings", status=403, html=True),),
    "413": (fault("status", "embeddings", status=413),),
    "422": (fault("status", "embeddings", status=422, message="Invalid params: no"),),
    "423": (fault("status", "embeddings", status=423),),
    "429": (fault("status", "embeddings", status=429),),
    "500": (fault("status", "embeddings", status=500),),
    "no answer": (fault("down", "embeddings", times=None), GONE),
    "cut": (fault("cut", "embeddings"),),
}
# As recorded from GigaChat: out of order, with a usage in each item.
TWO: Json = {
    "object": "list",
    "data": [
        {"object": "embedding", "embedding": [0.25, -0.5, 1], "index": 1, "usage": {"prompt_tokens": 3}},
        {"object": "embedding", "embedding": [0.125, 0.5, 1e-7], "index": 0, "usage": {"prompt_tokens": 4}},
    ],
    "model": "Embeddings",
}


def _one(name: str, more: Json, **settings: Any) -> Case:
    return case(name, {"model": "Embeddings", **more}, path=EMBEDDINGS, **settings)


def _cases() -> tuple[Case, ...]:
    found = [_one(name, more) for name, more in TAKEN.items()]
    found += [_one(f"refused, {name}", more) for name, more in REFUSED.items()]
    found += [_one(f"GigaChat, {name}", {"input": "привет"}, faults=one) for name, one in FAULTS.items()]
    played = (fault("status", "embeddings", status=200, body=TWO),)
    found += [
        _one(f"sample, {encoding}", {"input": ["a", "b"], "encoding_format": encoding}, faults=played)
        for encoding in ("float", "base64")
    ]
    found.append(_one("sample, fewer than asked for", {"input": ["a", "b", "c"]}, faults=played))
    found.append(_one("sample, cut to two", {"input": ["a", "b"], "dimensions": 2, "model": "New"}, faults=played))
    strict = {"X-Gateway-Strict": "1"}
    found += [_one(f"strict, {name}", TAKEN[name], headers=strict) for name in ("fewer dimensions", "unknown keys")]
    found.append(case("without the version", {"input": "привет"}, path="/embeddings"))
    return tuple(found)


GROUPS = (Group("embeddings", distinct(_cases())),)
