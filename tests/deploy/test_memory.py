"""The sum of docs/memory.md: its parts are the settings', and fit into the container."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from app.config import Config
from deploy.grafana import runtime
from tests.resident import limit

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024


def parts() -> dict[str, int]:
    """The rows of the sum, in MiB."""
    text = (ROOT / "docs" / "memory.md").read_text("utf-8").partition("\n## ")[0]
    return {name: int(size) for name, size in re.findall(r"^\| ([^|]+?) \| (\d+) \|", text, re.MULTILINE)}


def default(name: str) -> int:
    """A setting's default."""
    return int(Config.load({}, dotenv=None).__getattribute__(name))


def test_the_sum_fits() -> None:
    """It adds up, and the container's limit is no less."""
    found = parts()
    total, most = found.pop("sum"), found.pop("`mem_limit`")
    assert len(found) >= 7
    assert sum(found.values()) == total <= most == limit() // MIB


def test_the_parts_are_what_the_settings_say() -> None:
    """The default budget, its eighth, the largest body with its values, and the compose file's connections."""
    found = {name.partition(":")[0]: size for name, size in parts().items()}
    budget = default("max_bodies_bytes")
    assert found["requests"] * MIB == budget == runtime.BODIES_LIMIT
    keys = default("idempotency_bytes")
    assert found["answers kept for idempotency keys"] * MIB == keys == runtime.KEYS_LIMIT
    assert found["small requests beyond it"] == found["requests"] // 8
    body = default("max_body_bytes") + 500_000 * 16
    assert found["the one body that is being parsed or written at a moment"] * MIB >= body
    compose = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text("utf-8"))
    files = compose["services"]["gpt2giga-proxy"]["ulimits"]["nofile"]
    assert found["connections"] * MIB >= 0.95 * (files - 100) / 2 * 160_000
