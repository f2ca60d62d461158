"""The `openai` package's own tests, those of what is served, run against the gateway.

The package's source archive holds them; they ask the server that TEST_API_BASE_URL names with every parameter at once,
blocking and asyncio, loose and strict, whole, raw and streamed. What cannot pass stands in LEFT_OUT with its reason and
the words it fails with: nothing else may fail, and nothing that stands there may pass.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.sdk import GatewayWith, Gigachat

pytestmark = pytest.mark.heavy

LOCK = Path(__file__).resolve().parents[2] / "deploy" / "locks" / "clients.txt"
# What the package's tests send as their key.
KEY = "My API Key"
SERVED = ["chat", "test_models.py", "test_embeddings.py"]
UNKNOWN_URL = "openai.NotFoundError: Error code: 404 - "
NO_STORE = "stored completions: the gateway keeps no conversations, and GigaChat has no methods for them"


class Row(NamedTuple):
    """Tests that cannot pass: `which` is found in their ids, `told` begins what they fail with."""

    which: str
    told: str
    why: str


LEFT_OUT = [
    Row(r"\.chat\.test_completions\..*(method|response)_(retrieve|update|delete)\[", UNKNOWN_URL, NO_STORE),
    Row(
        r"\.chat\.test_completions\..*(method|response)_list(_with_all_params)?\[",
        "openai.APIStatusError: Error code: 405 - /v1/chat/completions takes POST.",
        NO_STORE,
    ),
    Row(r"\.chat\.completions\.test_messages\..*(method|response)_list(_with_all_params)?\[", UNKNOWN_URL, NO_STORE),
    Row(
        r"\.test_models\..*(method|response)_delete\[",
        "openai.APIStatusError: Error code: 405 - /v1/models/ft:gpt-4o-mini:acemeco:suffix:abc123 takes GET.",
        "GigaChat has no models of one's own that could be deleted",
    ),
    Row(
        r"\.test_embeddings\..*_create\[(strict|aiohttp)\]",
        "openai.APIResponseValidationError: Data returned by API invalid for expected schema.",
        "the package asks for base64 unless told, and its strict validation wants floats before it has decoded them",
    ),
]


def python(where: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A module run by this interpreter."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTEST_", "COV"))}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=where, env=clean | environment, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source archive of the installed version."""
    where, name = tmp_path_factory.mktemp("archive"), f"openai-{version('openai')}"
    (locked,) = re.findall(r"^openai==(?:.*\\\n)+.*\n", LOCK.read_text("utf-8"), re.MULTILINE)
    (where / "locked.txt").write_text(locked, "utf-8")
    # pip builds an archive to learn its name: with what the lock brought, not with what it would fetch for that.
    wanted = ["download", "--quiet", "--no-deps", "--no-binary", "openai", "--no-build-isolation", "--require-hashes"]
    got = python(where, "pip", *wanted, "--requirement", "locked.txt")
    assert got.returncode == 0, got.stderr
    subprocess.run(["tar", "-xzf", f"{name}.tar.gz"], cwd=where, check=True)
    return where / name


@pytest.fixture(scope="module")
def outcomes(archive: Path, gateway_with: GatewayWith) -> dict[str, str]:
    """What each test failed with, or nothing."""
    report = archive / "report.xml"
    places = [f"tests/api_resources/{name}" for name in SERVED]
    url = f"{gateway_with(GPT2GIGA_API_KEY=KEY).url}/v1"
    options = ["-o", "addopts=", "-o", "filterwarnings=default", "-q", "--tb=line", f"--junitxml={report}"]
    run = python(archive, "pytest", *options, *places, TEST_API_BASE_URL=url)
    # 0: all passed, 1: some failed; all else is a run that came to no end
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return {
        f"{case.get('classname')}::{case.get('name')}": "\n".join(f"{end.get('message')}\n{end.text}" for end in case)
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - written by the run above
    }


def left_out(test: str) -> Row | None:
    """The row that a test belongs to."""
    return next((row for row in LEFT_OUT if re.search(row.which, test)), None)


def test_what_is_served_passes(outcomes: dict[str, str]) -> None:
    """Every test that is not left out; the requests with all parameters are among them."""
    bound = {test: told for test, told in outcomes.items() if not left_out(test)}
    assert {test: told for test, told in bound.items() if told} == {}
    assert len([test for test in bound if "create_with_all_params" in test]) >= 10


def test_what_is_left_out_fails_as_written(outcomes: dict[str, str]) -> None:
    """A test that is left out and passes, or fails for another reason, is no longer what its row says."""
    found = {test: row for test in outcomes if (row := left_out(test))}
    assert {test: outcomes[test] for test, row in found.items() if not outcomes[test].startswith(row.told)} == {}
    assert set(found.values()) == set(LEFT_OUT), "a row that no test belongs to"


ALL = "TestCompletions::test_method_create_with_all_params_overload_1"


def test_what_gigachat_was_sent(archive: Path, gateway_with: GatewayWith, gigachat: Gigachat) -> None:
    """The request with all parameters at once comes to GigaChat as what it knows, loose and strict the same."""
    url = f"{gateway_with(GPT2GIGA_API_KEY=KEY).url}/v1"
    place = f"tests/api_resources/chat/test_completions.py::{ALL}"
    run = python(archive, "pytest", "-o", "addopts=", "-q", place, TEST_API_BASE_URL=url)
    assert run.returncode == 0, run.stdout + run.stderr
    loose, strict = gigachat.requests()
    assert loose["body"] == strict["body"]
    assert loose["unknown"] == []
    # A stop sequence is sought here, so that the whole answer is read as a stream.
    assert loose["body"] == {
        "model": "GigaChat",
        "messages": [{"role": "system", "content": "string"}],
        "temperature": 1,
        "top_p": 1,
        "functions": [
            {
                "name": "name",
                "description": "description",
                "parameters": {"type": "object", "properties": {}, "foo": "bar"},
            }
        ],
        "function_call": "none",
        "stream": True,
    }
