"""What is served, as one table. Every API path works with and without `/v1`, and in the forms that people's base URLs
make of it: `//`, a slash at the end, `/v1/v1`, `/api/v1`. What is for operators and probes has one form: proxies close
it.

No other module of the server names a protocol of clients.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aiohttp import web

from app.translate.openai.protocol import OPENAI
from app.translate.protocol import ClientProtocol, EmbeddingsProtocol, ModelsProtocol

# Whose errors answer where no route does: paths that are not served, and what is no HTTP.
DEFAULT: ClientProtocol = OPENAI
# What has one protocol so far.
EMBEDDINGS: EmbeddingsProtocol = OPENAI
MODELS: ModelsProtocol = OPENAI


class Route(NamedTuple):
    """One row: the handler's name in `handlers`, the endpoint that it is counted under, its clients' protocol."""

    method: str
    path: str  # for logs and messages
    handler: str
    endpoint: str
    protocol: ClientProtocol = DEFAULT
    asks_key: bool = True
    template: str = ""  # as aiohttp's router takes it

    @property
    def canonical(self) -> str:
        """The template as aiohttp names it: without the patterns of its parts."""
        return _PATTERN.sub(r"\1}", self.template)


# Of the request, where its path is one of the table's.
ROUTE: web.RequestKey[Route] = web.RequestKey("route")
_PATTERN = re.compile(r"(\{\w+):[^{}]*\}")
# OpenAI's names of fine-tuned models and the prefixes of other gateways hold slashes, though not at their ends.
_PARTS = {"{model}": "{model:[^/](?:.*[^/])?}"}
# No part of a form can match what the next one may begin with: a long path is read once.
_BASE, _END = "/{base:/*(?:(?:api/+)?v1/+(?:v1/+)?)?}", "{end:/*}"


def _forms(route: Route) -> list[Route]:
    """A row's path with and without the version, which are nearly all that is asked, then all its other forms."""
    parts = [_PARTS.get(part, part) for part in route.path.removeprefix("/v1/").split("/")]
    path, odd = "/".join(parts), "".join(f"{{gap{at}:/+}}{part}" if at else part for at, part in enumerate(parts))
    return [
        route._replace(template=f"/v1/{path}"),
        route._replace(template=f"/{path}", path=route.path.removeprefix("/v1")),
        route._replace(template=f"{_BASE}{odd}{_END}"),
    ]


API = (
    Route("POST", "/v1/chat/completions", "chat", "chat"),
    Route("POST", "/v1/embeddings", "embeddings", "embeddings"),
    Route("GET", "/v1/models", "models", "models"),
    Route("GET", "/v1/models/{model}", "model", "models"),
)
# For operators and probes: no key, counted nowhere, exact.
OPEN = tuple(
    Route("GET", path, handler, "other", asks_key=False, template=path)
    for path, handler in (
        ("/", "root"),
        ("/v1", "root"),
        ("/v1/", "root"),
        ("/health", "health"),
        ("/livez", "livez"),
        ("/readyz", "readyz"),
        ("/metrics", "metrics"),
    )
)
API_FORMS = tuple(form for route in API for form in _forms(route))
BY_TEMPLATE = {route.canonical: route for route in (*API_FORMS, *OPEN)}
OPEN_PATHS = frozenset(route.path for route in OPEN)
# What programs ask to see whether the gateway works.
PROBES = frozenset({"/health", "/livez", "/readyz", "/metrics"})
SERVED = ", ".join(f"{route.method} {route.path}" for route in API)


def find_route(request: web.Request) -> Route | None:
    """The row of a request's path, whatever its method; None where the table has none."""
    resource = request.match_info.route.resource
    return None if resource is None else BY_TEMPLATE.get(resource.canonical)


def asks_key(request: web.Request) -> bool:
    """Whether a request has to bear the key: all have, but for open paths, pre-flights and what nobody would answer."""
    route = request.get(ROUTE)
    if route is None:  # a path that somebody serves and the table does not know asks for it
        return request.match_info.http_exception is None
    return route.asks_key and not is_preflight(request)


def is_preflight(request: web.Request) -> bool:
    """Whether a browser asks for leave to ask. It sends no key with that."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def protocol_of(request: web.BaseRequest) -> ClientProtocol:
    """The protocol in which a request is answered: that of its route, once it is known."""
    route: Route | None = request.get(ROUTE)
    return DEFAULT if route is None else route.protocol
