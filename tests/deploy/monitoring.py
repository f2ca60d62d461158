"""Real Prometheus and Alertmanager under test, with the shipped configuration at a pace of seconds."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.boards import RULES, Question
from tests.deploy.reading import BASE, load
from tests.programs import needs_program
from tests.running import wait_ready

# Where the runbook can be opened, as an operator would set it.
RUNBOOK_URL = "https://git.example.com/gpt2giga-proxy/docs/runbook.md"


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.started = time.time()

    def now(self, expr: str) -> list[dict[str, Any]]:
        """The query's answer for this moment; raises AssertionError with Prometheus's own words."""
        found: list[dict[str, Any]] = self._ask("query", query=expr)["result"]
        return found

    def value(self, expr: str) -> float | None:
        """The one value of an answer."""
        found = self.now(expr)
        assert len(found) < 2, found
        return float(found[0]["value"][1]) if found else None

    def over_time(self, expr: str) -> list[dict[str, Any]]:
        """The query's answer for every second since the start."""
        answer = self._ask("query_range", query=expr, start=self.started, end=time.time(), step=1)
        found: list[dict[str, Any]] = answer["result"]
        return found

    def label_values(self, series: str, label: str) -> list[str]:
        """What Grafana's label_values() shows."""
        found: list[str] = self._ask(f"label/{label}/values", **{"match[]": series})
        return found

    def fault(self, question: Question) -> str | None:
        """What is wrong with the answer: an error, nothing, or nothing but zeros since the start."""
        try:
            since = [float(value) for one in self.over_time(question.expr) for _, value in one["values"]]
            now = [float(one["value"][1]) for one in self.now(question.expr)] if question.instant else since
        except AssertionError as error:
            return f"error: {error}"
        if all(map(math.isnan, now)):
            return "empty"
        return None if any(value for value in now + since if not math.isnan(value)) else "zero"

    def _ask(self, what: str, **parameters: Any) -> Any:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - a URL of this test's own
                return json.load(response)["data"]
        except urllib.error.HTTPError as refusal:
            raise AssertionError(json.load(refusal).get("error")) from None


@contextmanager
def prometheus(
    folder: Path, *targets: str, rules: Path = RULES, alertmanager: str | None = None, watched: bool = False
) -> Iterator[Prometheus]:
    """The shipped configuration, asking these gateways every second (host:port), in this folder.

    `watched`: it asks itself and the Alertmanager as well.
    """
    config = load("prometheus/prometheus.yml")
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(rules / "*.yml")]
    address = f"127.0.0.1:{free_port()}"
    asked = {"gpt2giga-proxy": list(targets)}
    if watched:
        asked |= {"prometheus": [address], "alertmanager": [str(alertmanager)]}
    config["scrape_configs"] = [one for one in config["scrape_configs"] if one["job_name"] in asked]
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": asked[job["job_name"]]}]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    command = [needs_program("prometheus"), f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
    # It looks at its list of Alertmanagers every 5 s: what fires earlier is told again.
    command += ["--rules.alert.resend-delay=8s"]
    command += [one for one in load(BASE)["services"]["prometheus"]["command"] if "feature" in one]
    with _program(command, folder, address, RUNBOOK_URL=RUNBOOK_URL):
        yield Prometheus(f"http://{address}")


@contextmanager
def alertmanager(folder: Path, change: Callable[[dict[str, Any]], None]) -> Iterator[str]:
    """The shipped Alertmanager configuration with this change, in this folder; where it listens."""
    config = load("alertmanager/alertmanager.yml")
    change(config)
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [needs_program("prometheus-alertmanager"), f"--config.file={folder / 'alertmanager.yml'}"]
    command += [f"--storage.path={folder / 'alerts'}", f"--web.listen-address={address}"]
    with _program([*command, "--cluster.listen-address="], folder, address):
        yield address


@contextmanager
def _program(command: list[str], folder: Path, address: str, **environ: str) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as out:
        popen = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env={**os.environ, **environ})
    try:
        wait_ready(f"http://{address}", "/-/ready")
        yield
    except OSError:
        raise AssertionError(log.read_text("utf-8")) from None
    finally:
        popen.kill()
        popen.wait(10)


def until(holds: Callable[[], bool], what: str, seconds: float = 40.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.1)
