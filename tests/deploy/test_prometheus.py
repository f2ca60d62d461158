"""Prometheus's configuration and rules: valid, and every alert is seen firing and silent by promtool's unit tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.boards import RULES, alerts
from tests.deploy.reading import DEPLOY
from tests.programs import needs_program

TESTS = sorted((DEPLOY / "prometheus" / "tests").glob("*_test.yml"))


def promtool(*arguments: str | Path) -> None:
    """Run it; what it says is the failure."""
    command = [needs_program("promtool"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid() -> None:
    """With the rules that it names."""
    promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    promtool("check", "rules", *sorted(RULES.glob("*.yml")))


@pytest.mark.samples("usage_test")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(path: Path) -> None:
    """promtool's unit tests."""
    promtool("test", "rules", path)


def test_every_alert_is_seen_firing_and_silent() -> None:
    """Each has a moment at which it fires, one at which it does not, and none of the tests is of an unknown alert."""
    seen: dict[str, set[int]] = {}
    for path in TESTS:
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for check in case["promql_expr_test"]:
                match = re.search(r'alertname="(\w+)"', check["expr"])
                assert match, check
                seen.setdefault(match[1], set()).update(one["value"] for one in check["exp_samples"])
    assert seen.keys() == alerts().keys()
    always = {"Gpt2gigaProxyWatchdog"}
    assert {name for name, values in seen.items() if values != ({1} if name in always else {0, 1})} == set()
