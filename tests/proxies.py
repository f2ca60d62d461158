"""Proxies in front of the gateway: what stands around an nginx configuration under test, and how one is started."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from pathlib import Path

# One process in the foreground that touches nothing outside its folder.
AROUND = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {example}
}}
"""


async def nginx(program: str, example: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start nginx with what stands inside `http`, and wait until it listens on the port. The caller ends it."""
    config = folder / "nginx.conf"
    config.write_text(AROUND.format(folder=folder, example=example), "utf-8")
    return await started([program, "-e", "stderr", "-p", str(folder), "-c", str(config)], folder / "nginx.log", port)


async def started(command: list[str], log: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a program at home in its log's folder, and wait until it listens on the port. The caller ends it."""
    env = {"HOME": str(log.parent), "PATH": "/usr/bin:/bin"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    async with asyncio.timeout(20):
        while not await _listens(port):
            assert process.poll() is None, log.read_text("utf-8")
            await asyncio.sleep(0.02)
    return process


async def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False
