"""A gateway and its sandbox on a thread of their own: for tests that are no coroutines, as Hypothesis wants them."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from app.application import build
from app.config import Config
from app.sandbox import server
from app.sandbox.record import Record
from app.sandbox.state import SandboxSettings
from app.serve import listen
from app.server.app_keys import DRAIN
from tests.running import Running, environment, eventually
from tests.watching import Reply, ask

T = TypeVar("T")


class World:
    """Both, between `open` and `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._tenants = itertools.count()

    def open(self) -> None:
        """Start them."""
        self._thread.start()
        self._wait(self._open())

    async def _open(self) -> None:
        self.sandbox = await server.start(SandboxSettings(oauth_per_second=0))
        app = build(Config.load(environment(self.sandbox), dotenv=None))
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        self._gateway = Running(f"http://127.0.0.1:{await listen(self._runner, '127.0.0.1', 0)}", app)
        self._http = aiohttp.ClientSession()
        # what happens in the background once it is ready is too rare to disturb the drawing of examples
        await eventually(lambda: self._gateway.gateway.gigachat.monitor.available is True)

    def close(self) -> None:
        """End them and their loop."""
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        await self._http.close()
        await self._gateway.app[DRAIN].finish(0)
        await self._runner.cleanup()
        await self.sandbox.stop()

    def ask(self, body: dict[str, Any], **more: Any) -> tuple[Reply, list[Record]]:
        """The reply, and what GigaChat was asked for it; nothing that one request leaves behind changes another."""
        self.sandbox.state.requests.clear()
        self._gateway.gateway.chat.fallbacks.forget_models()
        # a tenant a request: no prompt is in the cache
        headers = {"X-Tenant-ID": f"t{next(self._tenants)}"}
        reply = self._wait(ask(self._http, self._gateway, {**body, **more}, headers=headers))
        return reply, self.sandbox.state.requests.of("chat")

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
