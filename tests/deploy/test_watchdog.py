"""Whether alerts arrive: the watchdog, and alerts on alerts, with the real programs."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

from tests.deploy.alerting import Chat, filled_in, hurried, inhibited, known, raise_alerts
from tests.deploy.monitoring import RUNBOOK_URL, alertmanager, free_port, prometheus, until
from tests.deploy.reading import BASE, load


def test_the_watchdog_reaches_its_receiver(tmp_path: Path) -> None:
    """From a Prometheus through an Alertmanager to a web hook, with a link that opens; nobody else hears of it."""
    chat = Chat()

    def with_service(config: dict[str, Any], url: str) -> None:
        filled_in(config, url)
        (receiver,) = (one for one in config["receivers"] if one["name"] == "watchdog")
        receiver["webhook_configs"] = [{"url": f"{url}/hook", "send_resolved": False}]

    with (
        chat.listening() as url,
        alertmanager(tmp_path, lambda config: with_service(config, url)) as manager,
        prometheus(tmp_path, rules=hurried(tmp_path), alertmanager=manager) as watcher,
    ):
        until(lambda: ("firing", "Gpt2gigaProxyWatchdog") in chat.hooked, "a sign of life")
        (told,) = (one for one in known(manager) if one["labels"]["alertname"] == "Gpt2gigaProxyWatchdog")
        assert told["annotations"]["runbook_url"] == f"{RUNBOOK_URL}#gpt2gigaproxywatchdog"
        assert told["labels"] == {"alertname": "Gpt2gigaProxyWatchdog", "severity": "none"}
        until(lambda: chat.has("firing", "TargetMissing"), "the gateway that is not there")
        assert "Gpt2gigaProxyWatchdog" not in inhibited(manager)
        assert not any("Watchdog" in text for text in chat.messages)
        for name, address in (("prometheus", watcher.url), ("alertmanager", f"http://{manager}")):
            path = load(BASE)["services"][name]["healthcheck"]["test"][-1].partition("://")[2].partition("/")[2]
            with urllib.request.urlopen(f"{address}/{path}", timeout=5) as response:  # noqa: S310 - this test's own
                assert response.status == 200


def test_a_chat_that_takes_nothing_is_noticed(tmp_path: Path) -> None:
    """What Prometheus and Alertmanager themselves count has the names and labels that the alerts ask for."""
    gone = f"http://127.0.0.1:{free_port()}"
    with (
        alertmanager(tmp_path, lambda config: filled_in(config, gone)) as manager,
        prometheus(tmp_path, rules=hurried(tmp_path), alertmanager=manager, watched=True) as watcher,
    ):
        raise_alerts(manager, {"alertname": "NoToken", "severity": "page", "instance": "a"})
        firing = 'count(ALERTS{alertname="Gpt2gigaProxyNotificationsFail", alertstate="firing"})'
        until(lambda: (watcher.value(firing) or 0) > 0, "an alert on messages that do not arrive")
        unsent = 'count(ALERTS{alertname="Gpt2gigaProxyAlertsNotSent"}) or vector(0)'
        assert watcher.value(unsent) == 0
        for family in ("alertmanagers_discovered", "dropped_total", "errors_total"):
            assert watcher.now(f'prometheus_notifications_{family}{{job="prometheus"}}'), family
