"""Every path and method, with and without `/v1`; models; probes; HTTP as such."""

from __future__ import annotations

from tests.wire.cases import CHAT, EMBEDDINGS, Case, Group, Step, ask, case, distinct, get

PATHS = ("/", "/v1", "/v1/", "/health", "/livez", "/readyz", "/v1/models", "/models")
MODELS = (
    "GigaChat-2",
    "GigaChat-2-Max",
    "gpt-4o",
    "openai/gpt-4o",
    "claude-x",
    "Nope",
    "Embeddings",
    "a/b/c",
    "%20",
    "",
)
NOWHERE = ("/v1/nothing", "/v1/completions", "/v1/responses", "/favicon.ico", "/v1/chat", "//v1/models", "/v1/models/")
METHODS = ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
_BODY = b'{"model":"GigaChat-2","messages":[{"role":"user","content":"sandbox:say wire"}]}'
_LENGTH = b"Content-Length: %d\r\n\r\n" % len(_BODY)
SHORT = 2.0  # seconds of patience with requests that never end

HTTP: dict[str, Step] = {
    "chunked": Step(raw=_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(_BODY), _BODY)),
    "a wrong chunk": Step(raw=_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", patience=SHORT),
    "HTTP/1.0": Step(raw=_HEAD.replace(b"1.1", b"1.0") + _LENGTH + _BODY),
    "expecting leave": Step(raw=_HEAD + b"Expect: 100-continue\r\n" + _LENGTH + _BODY),
    "expecting magic": Step(raw=_HEAD + b"Expect: magic\r\n" + _LENGTH + _BODY),
    "gzip": Step(raw=_HEAD + b"Content-Encoding: gzip\r\n" + _LENGTH + _BODY),
    "an unknown coding": Step(raw=_HEAD + b"Content-Encoding: snappy\r\n" + _LENGTH + _BODY),
    "two lengths": Step(raw=_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}    ", patience=SHORT),
    "a length of a word": Step(raw=_HEAD + b"Content-Length: five\r\n\r\n{}", patience=SHORT),
    "a length and chunks": Step(
        raw=_HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", patience=SHORT
    ),
    "gzip and chunks": Step(raw=_HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", patience=SHORT),
    "no HTTP": Step(raw=b"hello\r\n\r\n", patience=SHORT),
    "a TLS hello": Step(raw=bytes.fromhex("16030100050100000100") + b"\r\n\r\n", patience=SHORT),
    "no host": Step(raw=b"GET /v1/models HTTP/1.1\r\n\r\n"),
    "two hosts": Step(raw=b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n", patience=SHORT),
    "a long header": Step(raw=b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"),
    "a long path": Step(path="/v1/models/" + "x" * 9_000, method="GET"),
    "a strange host": Step(path="/v1/models", method="GET", headers={"Host": "evil.example"}),
    "a strange origin": Step(ask("sandbox:say origin"), headers={"Origin": "https://evil.example"}),
    "a null origin": Step(ask("sandbox:say origin"), headers={"Origin": "null", "Content-Type": "text/plain"}),
    "a local origin": Step(ask("sandbox:say origin"), headers={"Origin": "http://localhost:3000"}),
    "a query": Step(ask("sandbox:say query"), path=f"{CHAT}?key=secret"),
    "no content type": Step(raw=_HEAD + _LENGTH + _BODY),
    "an odd content type": Step(ask("sandbox:say type"), headers={"Content-Type": "application/json; charset=koi8-r"}),
    "a pre-flight": Step(
        path=CHAT, method="OPTIONS", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    ),
}


def _cases() -> tuple[Case, ...]:
    found = [get(f"GET {path}", path) for path in PATHS]
    found += [get(f"model {name!r}", f"/v1/models/{name}") for name in MODELS]
    found += [get(f"model {name!r} without the version", f"/models/{name}") for name in MODELS[:3]]
    found += [get(f"nowhere {path}", path) for path in NOWHERE]
    found += [case(f"nowhere POST {path}", ask("x"), path=path) for path in NOWHERE[:3]]
    for path in (CHAT, EMBEDDINGS, "/v1/models", "/health"):
        found += [
            get(f"{method} {path}", path, method=method) for method in METHODS if (method, path) != ("GET", "/health")
        ]
    found = [one for one in found if one.name != "GET /v1/models"] + [get("GET /v1/models", "/v1/models")]
    found += [case(f"POST {path}", ask("x"), path=path) for path in ("/v1/models", "/health", "/livez", "/")]
    found.append(case("chat without the version", ask("без версии"), path="/chat/completions"))
    found.append(case("a stream without the version", ask("без версии", stream=True), path="/chat/completions"))
    found += [Case(f"http, {name}", (step,)) for name, step in HTTP.items()]
    return tuple(found)


GROUPS = (Group("routes", distinct(_cases())),)
