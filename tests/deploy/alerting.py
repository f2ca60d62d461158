"""A chat that hears of alerts, the shipped rules at a pace of seconds, and what an Alertmanager knows."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.boards import RULES
from tests.deploy.monitoring import until


class Chat:
    """A Telegram and a web hook that remember what they are told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.hooked: list[tuple[str, str]] = []  # status, alert

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its URL."""
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.told(self.path, body)
                answer = json.dumps({"ok": True, "result": {"message_id": 1, "chat": {"id": 42}}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def told(self, path: str, body: dict[str, Any]) -> None:
        """A call came."""
        if path == "/hook":
            self.hooked += [(one["status"], one["labels"]["alertname"]) for one in body["alerts"]]
        else:
            assert path == "/bot12:token/sendMessage"
            assert str(body["chat_id"]) == "42"
            self.messages.append(body["text"])

    def has(self, status: str, alert: str) -> bool:
        """Whether the hook was told, and people too."""
        return (status, f"Gpt2gigaProxy{alert}") in self.hooked and any(alert in text for text in self.messages)


def hurried(folder: Path) -> Path:
    """The shipped rules, with a second for each waiting time."""
    place = folder / "rules"
    place.mkdir()
    for path in RULES.glob("*.yml"):
        groups = yaml.safe_load(path.read_text("utf-8"))
        for group in groups["groups"]:
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = "1s"
        (place / path.name).write_text(yaml.safe_dump(groups), "utf-8")
    return place


def filled_in(config: dict[str, Any], url: str) -> None:
    """The shipped configuration as its head tells to fill it in, at a pace of seconds, with a web hook beside."""
    for route in (config["route"], *config["route"]["routes"]):
        route.update(group_wait="1s", group_interval="1s")
    config["route"]["receiver"] = "telegram"
    (receiver,) = (one for one in config["receivers"] if one["name"] == "telegram")
    receiver["webhook_configs"] = [{"url": f"{url}/hook"}]
    (telegram,) = receiver["telegram_configs"]
    del telegram["bot_token_file"]  # Debian's version knows only the token itself
    telegram.update(bot_token="12:token", chat_id=42, api_url=url)


def as_shipped(config: dict[str, Any]) -> None:
    """Without the receiver that nothing is sent to: Debian's version knows not every field of it."""
    config["receivers"] = [one for one in config["receivers"] if one["name"] != "telegram"]


def known(address: str, what: str = "alerts") -> list[dict[str, Any]]:
    """What Alertmanager shows of its alerts, or of the groups that they go out in."""
    with urllib.request.urlopen(f"http://{address}/api/v2/{what}", timeout=5) as response:
        found: list[dict[str, Any]] = json.load(response)
        return found


def inhibited(address: str) -> set[str]:
    """Alerts that Alertmanager keeps to itself since another explains them."""
    return {one["labels"]["alertname"] for one in known(address) if one["status"]["inhibitedBy"]}


def raise_alerts(address: str, *alerts: dict[str, str]) -> None:
    """Alerts with these labels, as Prometheus would tell them; wait until Alertmanager has judged them all."""
    before = len(known(address))
    told = [{"labels": {**alert, "alertname": f"Gpt2gigaProxy{alert['alertname']}"}} for alert in alerts]
    request = urllib.request.Request(
        f"http://{address}/api/v2/alerts", json.dumps(told).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
    until(lambda: len(known(address)) == before + len(alerts), "the alerts are there")
    until(lambda: all(one["status"]["state"] != "unprocessed" for one in known(address)), "they are judged")
