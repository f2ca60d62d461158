"""The sandbox's settings and its state while it runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from app.sandbox.faults import Faults
from app.sandbox.file_store import FileStore
from app.sandbox.record import Records
from app.sandbox.stateids import StateIds
from app.sandbox.tokens import Tokens
from app.sandbox.usage import PrefixCache

MARK = "gpt2giga-proxy"


def authorization_key(client_id: str, client_secret: str) -> str:
    """The Authorization Key that belongs to a client's id and secret."""
    return b64encode(f"{client_id}:{client_secret}".encode()).decode()


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How the sandbox behaves. `SETTINGS` describes each setting.

    A limit of 0 means no limit. `clock_offset` is added to the time in `Date`, `created` and `expires_at`.
    """

    key: str = field(default=authorization_key("sandbox", "sandbox"), repr=False)
    scope: str = "GIGACHAT_API_PERS"
    token_ttl: float = 1800.0
    user: str = "sandbox"
    password: str = field(default="sandbox", repr=False)
    max_concurrency: int = 0
    chunk_seconds: float = 0.0
    clock_offset: float = 0.0
    context_tokens: int = 261_120
    cached_contained: bool = False
    embedding_batch: int = 0
    oauth_per_second: int = 10
    no_functions: tuple[str, ...] = ()
    known_states: bool = False
    default_function_call: str = "auto"
    file_bytes: int = 268_435_456


# The description of each setting that is not a secret, for the page of the sandbox.
SETTINGS: Mapping[str, str] = {
    "scope": "the scope that the key belongs to",
    "token_ttl": "life of a token, in seconds",
    "user": "who may log in with a password",
    "max_concurrency": "429 above so many chats at once; 0: no limit",
    "chunk_seconds": "pause between the chunks of a stream",
    "clock_offset": "seconds by which the server's clock is off",
    "context_tokens": "413 for a prompt of more tokens",
    "cached_contained": "whether prompt_tokens contain the cached tokens; else they stand beside them, unbilled",
    "embedding_batch": "422 for more texts in one request; 0: no limit",
    "oauth_per_second": "429 above so many requests for a token",
    "no_functions": "models that answer 422 to functions",
    "known_states": "422 for a functions_state_id that this server did not issue; any UUID passes otherwise",
    "default_function_call": "what a missing function_call means where functions are given: auto or none",
    "file_bytes": "so many bytes of files are held; the oldest are lost: 404",
}


class State:
    """Tokens, faults, the record of requests, sessions, files, and who is being served now."""

    __slots__ = (
        "billed",
        "chatting",
        "doomed",
        "faults",
        "files",
        "most_chatting",
        "open_connections",
        "requests",
        "sessions",
        "settings",
        "states",
        "stopping",
        "tokens",
    )

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.tokens = Tokens()
        self.faults = Faults()
        self.requests = Records()
        self.sessions = PrefixCache()
        self.states = StateIds()
        self.files = FileStore(settings.file_bytes)
        self.billed: dict[str, int] = {}  # tokens that chats have cost, by package
        self.chatting = 0  # chat requests that are being served
        self.most_chatting = 0  # the most at one time
        self.doomed: dict[object, bool] = {}  # connections to close at their next request -> whether by a TCP reset
        self.stopping = False
        self.open_connections: Callable[[], int] = lambda: 0

    def bill(self, package: str, tokens: int) -> None:
        """Take tokens from a package."""
        self.billed[package] = self.billed.get(package, 0) + tokens

    @property
    def connections(self) -> int:
        """TCP connections that are open now."""
        return self.open_connections()


STATE = web.AppKey("state", State)
