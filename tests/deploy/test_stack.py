"""The stack without credentials, without an engine: its services' commands and environments, as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.reading import BASE, DEPLOY, GATEWAY, SANDBOX, composed
from tests.running import ProcessStarter, wait_ready

QUESTION = "sandbox:say Я здесь."


@pytest.fixture
def services(tmp_path: Path, unused_ports: list[int]) -> dict[str, Any]:
    """What compose makes of the two files, with addresses of this machine in place of the services' names."""
    folder = tmp_path / "composed"
    folder.mkdir()
    text = json.dumps(composed(folder, BASE, SANDBOX))
    own, metrics, sandbox = (str(port) for port in unused_ports)
    replaced = {
        "gigachat-sandbox:9555": f"127.0.0.1:{sandbox}",
        "gpt2giga-proxy:8090": f"127.0.0.1:{own}",
        "9555": sandbox,
        '"GPT2GIGA_PORT": "8090"': f'"GPT2GIGA_PORT": "{own}"',
        '"GPT2GIGA_METRICS_PORT": "9090"': f'"GPT2GIGA_METRICS_PORT": "{metrics}"',
        "/var/lib/gpt2giga-proxy": str(tmp_path / "state"),
    }
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def unused_ports() -> list[int]:
    """Three TCP ports that nobody listens on."""
    import socket

    sockets = [socket.socket() for _ in range(3)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def environment(service: dict[str, Any]) -> dict[str, str]:
    """What a container of this service would get."""
    return {name: value for name, value in service.get("environment", {}).items() if value is not None}


def healthy(service: dict[str, Any]) -> bool:
    """Run the service's health check."""
    kind, program, *rest = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    env = {**os.environ, **environment(service)}
    return not subprocess.call([sys.executable, *rest], env=env, stderr=subprocess.DEVNULL, timeout=20)


@pytest.mark.long
def test_the_worker_gets_an_answer(
    services: dict[str, Any], start_process: ProcessStarter, unused_ports: list[int]
) -> None:
    """Each service turns healthy by its own check, in the order that they wait for one another; the example of a
    worker prints what the model says, and says why it has nothing once the gateway is gone."""
    own, metrics, sandbox = unused_ports
    assert not healthy(services["gigachat-sandbox"])
    start_process(*services["gigachat-sandbox"]["command"])
    wait_ready(f"http://127.0.0.1:{sandbox}", "/sandbox")
    assert healthy(services["gigachat-sandbox"])
    assert not healthy(services[GATEWAY])
    gateway = start_process(env={**environment(services[GATEWAY]), "GPT2GIGA_LOG_FORMAT": "json"})
    wait_ready(f"http://127.0.0.1:{own}")
    wait_ready(f"http://127.0.0.1:{metrics}", "/metrics")
    assert healthy(services[GATEWAY])
    done = work(services["worker"])
    assert (done.returncode, done.stdout) == (0, "Я здесь.\n"), done.stderr
    assert gateway.event("request")["stream"] is True
    assert gateway.stop() == 0
    done = work(services["worker"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no answer: ")


@pytest.mark.long
def test_the_worker_sends_its_key(services: dict[str, Any], start_process: ProcessStarter, tmp_path: Path) -> None:
    """From a file, as the others do from the environment; what a wrong one comes to is said."""
    start_process(*services["gigachat-sandbox"]["command"])
    gateway = start_process(env={**environment(services[GATEWAY]), "GPT2GIGA_API_KEY": "k"})
    wait_ready(gateway.url.replace("0.0.0.0", "127.0.0.1"))  # noqa: S104 - replaced
    path = tmp_path / "key"
    path.write_text("k\n")
    assert "401" in work(services["worker"]).stderr
    assert work(services["worker"], OPENAI_API_KEY="", OPENAI_API_KEY_FILE=str(path)).returncode == 0


def work(service: dict[str, Any], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the worker's code with the service's environment."""
    env = {**os.environ, **environment(service), **environ}
    command = [sys.executable, str(DEPLOY / "worker" / "worker.py"), QUESTION]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
