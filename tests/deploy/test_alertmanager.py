"""Alertmanager: its configuration, and alerts from a gateway to a chat, with the real programs in between."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from app.sandbox.state import SandboxSettings
from tests.deploy.alerting import Chat, as_shipped, filled_in, hurried, inhibited, known, raise_alerts
from tests.deploy.boards import alerts
from tests.deploy.driving import ask_sandbox
from tests.deploy.monitoring import RUNBOOK_URL, alertmanager, free_port, prometheus, until
from tests.deploy.reading import DEPLOY, load
from tests.programs import needs_program
from tests.running import ProcessStarter, wait_ready

# Nothing explains these away.
NEVER_SILENT = ("TargetMissing", "Watchdog", "AlertsNotSent", "NotificationsFail")
CONFIG = DEPLOY / "alertmanager" / "alertmanager.yml"


def ask(url: str) -> int:
    """One chat request."""
    body = json.dumps({"messages": [{"role": "user", "content": "?"}]}).encode()
    try:
        request = urllib.request.Request(f"{url}/v1/chat/completions", body)  # noqa: S310 - a URL of this test's own
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """By amtool, as it stands and as it will be filled in. The one field that Debian's version lacks is replaced."""
    program = needs_program("amtool")
    text = CONFIG.read_text("utf-8")
    assert text.count("bot_token_file:") == 1
    for receiver in ("none", "telegram"):
        path = tmp_path / f"{receiver}.yml"
        filled = text.replace("bot_token_file:", "bot_token:").replace("receiver: none", f"receiver: {receiver}")
        path.write_text(filled, "utf-8")
        done = subprocess.run([program, "check-config", path], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_token_is_no_part_of_the_tree() -> None:
    """Git ignores the file that compose mounts with the configuration."""
    (telegram,) = load("alertmanager/alertmanager.yml")["receivers"][1]["telegram_configs"]
    name = Path(telegram["bot_token_file"]).name
    assert name in (CONFIG.parent / ".gitignore").read_text("utf-8").split()


def test_inhibitions_name_alerts_that_exist() -> None:
    """Each pattern matches one at least, none that it inhibits silences itself, nothing silences the missing target."""
    names = set(alerts())
    for rule in load("alertmanager/alertmanager.yml")["inhibit_rules"]:
        matched = {}
        for side in ("source_matchers", "target_matchers"):
            matched[side] = set(names)
            for matcher in (one for one in rule[side] if one.startswith("alertname")):
                operator, _, pattern = matcher.removeprefix("alertname").rstrip('"').partition('"')
                hit = {name for name in names if re.fullmatch(pattern, name)}
                assert hit, matcher
                matched[side] &= names - hit if operator in {"!=", "!~"} else hit
        assert matched["source_matchers"]
        assert matched["target_matchers"]
        assert not matched["source_matchers"] & matched["target_matchers"]
        assert not {f"Gpt2gigaProxy{one}" for one in NEVER_SILENT} & matched["target_matchers"]


def test_a_missing_instance_silences_its_own_alerts_only(tmp_path: Path) -> None:
    """What another instance tells still reaches people; where no instance can be asked at all, nothing is told."""

    def silent(address: str) -> set[str]:
        return {one["labels"].get("instance", "all") for one in known(address) if one["status"]["inhibitedBy"]}

    down = [{"alertname": "UpstreamDown", "severity": "page", "instance": name} for name in ("a", "b")]
    spent = {"alertname": "PaymentRequired", "severity": "page", "credential": "main"}
    missing = {"alertname": "TargetMissing", "severity": "page", "job": "gpt2giga-proxy"}
    with alertmanager(tmp_path, as_shipped) as manager:
        raise_alerts(manager, {**missing, "instance": "a"}, *down, spent)
        until(lambda: silent(manager) == {"a"}, "the missing one's alert is kept back, and no other")
        raise_alerts(manager, missing)
        until(lambda: silent(manager) == {"a", "b", "all"}, "every alert is kept back")
        assert "Gpt2gigaProxyTargetMissing" not in inhibited(manager)


def test_one_message_for_each_severity(tmp_path: Path) -> None:
    """Whatever other labels an alert has: some have no job, some no instance."""
    with alertmanager(tmp_path, as_shipped) as manager:
        raise_alerts(
            manager,
            {"alertname": "NoToken", "severity": "page", "job": "gpt2giga-proxy", "instance": "a"},
            {"alertname": "BalanceRunsOut", "severity": "page", "model": "GigaChat"},
            {"alertname": "MemoryGrowth", "severity": "ticket", "job": "gpt2giga-proxy", "instance": "b"},
            {"alertname": "TokensPerDay", "severity": "ticket"},
        )
        until(lambda: len(known(manager, "alerts/groups")) >= 2, "they are grouped")
        groups = sorted((one["labels"]["severity"], len(one["alerts"])) for one in known(manager, "alerts/groups"))
    assert groups == [("page", 2), ("ticket", 2)]


@pytest.mark.long
def test_from_the_gateway_to_the_chat_and_back(start_process: ProcessStarter, tmp_path: Path) -> None:
    """A gateway that is not there, then a GigaChat that is gone: each alert reaches the chat with what to do, what
    follows from it does not, and the chat hears when it is over."""
    chat, sandbox, port = Chat(), f"http://127.0.0.1:{free_port()}", free_port()
    with (
        chat.listening() as url,
        alertmanager(tmp_path, lambda config: filled_in(config, url)) as manager,
        prometheus(tmp_path, f"127.0.0.1:{port}", rules=hurried(tmp_path), alertmanager=manager) as watcher,
    ):
        until(lambda: chat.has("firing", "TargetMissing"), "an alert for the missing gateway")
        start_process("sandbox", "--port", sandbox.rpartition(":")[2])
        wait_ready(sandbox, "/sandbox")
        settings = {
            "GIGACHAT_CREDENTIALS": SandboxSettings().key,
            "GIGACHAT_BASE_URL": f"{sandbox}/v1",
            "GIGACHAT_AUTH_URL": f"{sandbox}/api/v2/oauth",
            "GPT2GIGA_PORT": str(port),
        }
        gateway = start_process(env=settings)
        wait_ready(gateway.url)
        until(lambda: chat.has("resolved", "TargetMissing"), "the end of that alert")

        ask_sandbox(sandbox, "faults", kind="down", where="any", times=None)
        assert {ask(gateway.url) for _ in range(8)} == {502}
        until(lambda: chat.has("firing", "UpstreamDown"), "an alert for GigaChat")
        until(lambda: "Gpt2gigaProxyMostRequestsFail" in inhibited(manager), "what follows from it is kept back")
        assert watcher.value('count(ALERTS{alertname="Gpt2gigaProxyUpstreamDown", alertstate="firing"})') == 1
        (told,) = (text for text in chat.messages if "Gpt2gigaProxyUpstreamDown" in text)
        annotations = alerts()["Gpt2gigaProxyUpstreamDown"]["annotations"]
        assert all(line.replace("{{ $externalLabels.runbook }}", RUNBOOK_URL) in told for line in annotations.values())
        assert not any("Watchdog" in text for text in chat.messages), "it is for its own receiver"
        assert "🔥 page: " in told
        assert not any("MostRequestsFail" in text for text in chat.messages)

        request = urllib.request.Request(f"{sandbox}/sandbox/faults", method="DELETE")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
        until(lambda: chat.has("resolved", "UpstreamDown"), "GigaChat is back")
