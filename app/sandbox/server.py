"""The sandbox's server: its routes, its start and its stop."""

from __future__ import annotations

from aiohttp import web

from app.sandbox import control, files
from app.sandbox.chat import complete
from app.sandbox.embeddings import embed
from app.sandbox.gate import OAUTH_PATH, Handler, add_headers, build_handler
from app.sandbox.models import count_tokens, get_balance, get_model, list_models
from app.sandbox.oauth import Oauth, login
from app.sandbox.state import STATE, SandboxSettings, State
from app.sandbox.uploads import receive_upload
from app.sandbox.wire import RequestContext, page

BASES = ("/v1", "/api/v1")

# method, path, place, handler
_API: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/chat/completions", "chat", complete),
    ("POST", "/embeddings", "embeddings", embed),
    ("GET", "/models", "models", list_models),
    ("GET", "/models/{name}", "models", get_model),
    ("POST", "/tokens/count", "tokens", count_tokens),
    ("GET", "/balance", "balance", get_balance),
    ("GET", "/files", "files", files.list_files),
    ("GET", "/files/{id}", "files", files.get_file),
    ("GET", "/files/{id}/content", "files", files.get_content),
    ("POST", "/files/{id}/delete", "files/delete", files.delete_file),
)

_SHUTDOWN_SECONDS = 0.1


class Running:
    """A running sandbox. Tests in the same process use `state`, which the control API shows."""

    __slots__ = ("_runner", "state", "url")

    def __init__(self, runner: web.AppRunner, url: str) -> None:
        self._runner = runner
        self.url = url
        self.state: State = runner.app[STATE]

    @property
    def oauth_url(self) -> str:
        """The URL of the OAuth endpoint."""
        return self.url + OAUTH_PATH

    @property
    def api_url(self) -> str:
        """The base URL of the API."""
        return self.url + BASES[0]

    async def stop(self) -> None:
        """Stop listening, cancel running requests, close all connections."""
        self.state.stopping = True
        await self._runner.cleanup()


def make_app(settings: SandboxSettings | None = None) -> web.Application:
    """The sandbox as an application."""
    app = web.Application(client_max_size=0)
    app[STATE] = State(settings or SandboxSettings())
    app.on_response_prepare.append(add_headers)
    app.add_routes(control.ROUTES)
    app.router.add_post(OAUTH_PATH, build_handler("oauth", Oauth(), bearer=False))
    for base in BASES:
        app.router.add_post(base + "/token", build_handler("oauth", login, bearer=False))
        app.router.add_post(base + "/files", build_handler("files", files.upload_file, read=receive_upload))
        for method, path, place, handler in _API:
            app.router.add_route(method, base + path, build_handler(place, handler))
    app.router.add_route("*", "/v2/files{path:.*}", build_handler("other", _answer_forbidden, bearer=False))
    app.router.add_route("*", "/{path:.*}", build_handler("other", _answer_not_found, bearer=False))
    return app


async def start(settings: SandboxSettings | None = None, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Start listening. Port 0 means a free port. The caller must call `stop`."""
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


async def _answer_forbidden(_: RequestContext) -> web.Response:
    """Answer 403: only v1 has files (docs/gigachat-api.md, "Hosts, base URLs, TLS")."""
    return page(403)


async def _answer_not_found(_: RequestContext) -> web.Response:
    return page(404)
