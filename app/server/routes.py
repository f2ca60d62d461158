"""What is served, as one table. Every API path works with and without `/v1`."""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """One row: the handler's name in `handlers`, the endpoint that it is counted under."""

    method: str
    path: str
    handler: str
    endpoint: str


API = (
    Route("POST", "/v1/chat/completions", "chat", "chat"),
    Route("POST", "/v1/embeddings", "embeddings", "embeddings"),
    Route("GET", "/v1/models", "models", "models"),
    # OpenAI's names of fine-tuned models and the prefixes of other gateways hold slashes
    Route("GET", "/v1/models/{model:.+}", "model", "models"),
)
# For operators and probes: no key, counted nowhere.
OPEN = (
    Route("GET", "/", "root", "other"),
    Route("GET", "/v1", "root", "other"),
    Route("GET", "/v1/", "root", "other"),
    Route("GET", "/health", "health", "other"),
    Route("GET", "/livez", "livez", "other"),
    Route("GET", "/readyz", "readyz", "other"),
    Route("GET", "/metrics", "metrics", "other"),
)


def _twins(route: Route) -> list[Route]:
    return [route, route._replace(path=route.path.removeprefix("/v1"))]


API_AND_TWINS = tuple(twin for route in API for twin in _twins(route))
# By the path's template, as aiohttp names it: {model:.+} is {model} there.
ENDPOINTS = {route.path.replace(":.+", ""): route.endpoint for route in API_AND_TWINS}
OPEN_PATHS = frozenset(route.path for route in OPEN)
SERVED = ", ".join(f"{route.method} {route.path.replace(':.+', '')}" for route in API)
