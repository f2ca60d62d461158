"""The contract in use."""

from __future__ import annotations

import subprocess

from app.translate.gigachat import contracts
from tests.test_repo import ROOT


def test_one_module_names_the_version() -> None:
    """Who wants another contract changes one line."""
    found = subprocess.run(
        ["grep", "-rlE", r"gigachat\.v1|gigachat import v1", "app", "--include=*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    outside = [path for path in found.stdout.split() if not path.startswith("app/translate/gigachat/v1/")]
    assert outside == ["app/translate/gigachat/contracts.py"]
    assert contracts.CHAT.chat_path == "v1/chat/completions"
