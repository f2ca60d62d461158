"""The server: its routes, and how it is started and stopped."""

from __future__ import annotations

from aiohttp import web

from app.sandbox import control, files
from app.sandbox.chat import complete
from app.sandbox.embeddings import embed
from app.sandbox.gate import OAUTH_PATH, Handler, guarded, sign
from app.sandbox.models import balance, count_tokens, list_models, one_model
from app.sandbox.oauth import Oauth, login
from app.sandbox.state import STATE, SandboxSettings, State
from app.sandbox.uploads import receive
from app.sandbox.wire import Call, page

BASES = ("/v1", "/api/v1")

# method, path, place, handler
_API: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/chat/completions", "chat", complete),
    ("POST", "/embeddings", "embeddings", embed),
    ("GET", "/models", "models", list_models),
    ("GET", "/models/{name}", "models", one_model),
    ("POST", "/tokens/count", "tokens", count_tokens),
    ("GET", "/balance", "balance", balance),
    ("GET", "/files", "files", files.list_files),
    ("GET", "/files/{id}", "files", files.one_file),
    ("GET", "/files/{id}/content", "files", files.content),
    ("POST", "/files/{id}/delete", "files/delete", files.delete),
)

_SHUTDOWN_SECONDS = 0.1


class Running:
    """A sandbox that listens. `state` is what the control side shows, for tests in the same process."""

    __slots__ = ("_runner", "state", "url")

    def __init__(self, runner: web.AppRunner, url: str) -> None:
        self._runner = runner
        self.url = url
        self.state: State = runner.app[STATE]

    @property
    def oauth_url(self) -> str:
        """Where tokens come from."""
        return self.url + OAUTH_PATH

    @property
    def api_url(self) -> str:
        """The base of the API."""
        return self.url + BASES[0]

    async def stop(self) -> None:
        """Stop listening, end what still runs, close all connections."""
        self.state.stopping = True
        await self._runner.cleanup()


def make_app(settings: SandboxSettings | None = None) -> web.Application:
    """The sandbox as an application."""
    app = web.Application(client_max_size=0)
    app[STATE] = State(settings or SandboxSettings())
    app.on_response_prepare.append(sign)
    app.add_routes(control.ROUTES)
    app.router.add_post(OAUTH_PATH, guarded("oauth", Oauth(), bearer=False))
    for base in BASES:
        app.router.add_post(base + "/token", guarded("oauth", login, bearer=False))
        app.router.add_post(base + "/files", guarded("files", files.upload, read=receive))
        for method, path, place, handler in _API:
            app.router.add_route(method, base + path, guarded(place, handler))
    app.router.add_route("*", "/v2/files{path:.*}", guarded("other", _forbidden, bearer=False))
    app.router.add_route("*", "/{path:.*}", guarded("other", _nowhere, bearer=False))
    return app


async def start(settings: SandboxSettings | None = None, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Start listening; port 0 takes a free one. The caller owes a `stop`."""
    runner = web.AppRunner(
        make_app(settings),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    name = f"[{host}]" if ":" in host else host
    running = Running(runner, f"http://{name}:{runner.addresses[0][1]}")
    running.state.open_connections = lambda: len(runner.server.connections) if runner.server else 0
    return running


async def _forbidden(_: Call) -> web.Response:
    """Files are of v1 alone (gigachat-api, section 1)."""
    return page(403)


async def _nowhere(_: Call) -> web.Response:
    return page(404)
