"""A web server of files, as clients' links point to them."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web

# A file, a status without one, or the seconds until nothing comes.
Hosted = bytes | int | float


class Host:
    """Serves `files` by their paths and counts who asked for what; a path that ends in `?to=x` leads to x."""

    def __init__(self) -> None:
        self.files: dict[str, Hosted] = {}
        self.asked: Counter[str] = Counter()
        self.slow = 0.0  # seconds before each answer
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    @property
    def settings(self) -> dict[str, str]:
        """What lets a gateway ask this host: its port is not one of the usual two."""
        return {"GPT2GIGA_FETCH_HOSTS": f"127.0.0.1:{self.port}"}

    def url(self, path: str, file: Hosted | None = None) -> str:
        """The link to a file, which is put there if it is given."""
        if file is not None:
            self.files[path] = file
        return f"http://127.0.0.1:{self.port}/{path}"

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.asked[path] += 1
        if "to" in request.query:
            raise web.HTTPFound(request.query["to"])
        await asyncio.sleep(self.slow)
        file = self.files.get(path, 404)
        if isinstance(file, float):
            await asyncio.sleep(file)
        if isinstance(file, bytes):
            return web.Response(body=file, content_type="application/octet-stream")
        return web.Response(status=file if isinstance(file, int) else 200)
