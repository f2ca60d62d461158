"""The command line: help, wrong usage, wrong settings, `translate`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import cli
from app.version import program_version
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import Process, answering

COMMANDS = ("check", "alive", "health", "translate", "certs", "sandbox")


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings from outside: an empty directory, an environment without the program's names."""
    for name in os.environ:
        if name.startswith(("GIGACHAT_", "GPT2GIGA_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(arguments: list[str]) -> int | str | None:
    """The exit code of a command that argparse ends."""
    with pytest.raises(SystemExit) as leaving:
        cli.main(arguments)
    return leaving.value.code


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The first page that a stranger sees: what it is, all commands, examples."""
    assert left(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "GigaChat" in shown
    assert "sandbox --with-gateway" in shown
    assert all(f"\n    {command}" in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` of a command says in a sentence what it does."""
    assert left([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: python -m app {command}")
    assert shown.split("\n\n")[1].strip().endswith(".")


def test_a_pipe_that_closes_early(tmp_path: Path) -> None:
    """`python -m app certs | head -1` ends without a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        command = [sys.executable, "-m", "app", "certs"]
        ended = subprocess.run(command, check=False, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` is one line."""
    assert left(["--version"]) == 0
    assert capsys.readouterr().out == f"gpt2giga-proxy {program_version()}\n"


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2; the error names what was typed and what there is."""
    assert left(["serve"]) == 2
    shown = capsys.readouterr().err
    assert "argument command: invalid choice: 'serve'" in shown
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["check"], ["translate"], ["certs"], ["sandbox", "--with-gateway"]])
def test_all_faults_of_the_settings_at_once(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_port: int
) -> None:
    """Exit code 2, one line for each fault, none of them with a secret."""
    if "sandbox" in arguments:
        arguments = [*arguments, "--port", str(unused_port)]
    monkeypatch.setenv("GPT2GIGA_PORT", "eight")
    monkeypatch.setenv("GPT2GIGA_LOG_LEVEL", "loud")
    monkeypatch.setenv("GPT2GIGA_API_KEY", "secret-key")
    monkeypatch.setenv("GPT2GIGA_MAX_BODY_BYTES", "0")
    assert cli.main(arguments) == 2
    shown = capsys.readouterr().err
    lines = [line for line in shown.splitlines() if line.startswith("gpt2giga-proxy: ")]
    assert [line.split()[1] for line in lines] == [
        "GPT2GIGA_PORT:",
        "GPT2GIGA_LOG_LEVEL:",
        "GPT2GIGA_MAX_BODY_BYTES:",
    ]
    assert "secret-key" not in shown
    assert "Traceback" not in shown


GOOD = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Привет"}], **DROPPED}


def translated(monkeypatch: pytest.MonkeyPatch, data: bytes, arguments: tuple[str, ...] = ()) -> int:
    """The exit code of `translate` with this on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    return cli.main(["translate", *arguments])


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_translate_shows_payload_and_notes(
    way: str, empty: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What would be sent, Cyrillic readable, and what was dropped; the settings' aliases apply."""
    monkeypatch.setenv("GPT2GIGA_MODEL_ALIASES", "gpt-4o=GigaChat-2-Max")
    data = json.dumps(GOOD).encode()
    (empty / "body.json").write_bytes(data)
    code = translated(monkeypatch, b"" if way == "file" else data, ("body.json",) if way == "file" else ())
    raw = capsysbinary.readouterr().out
    assert code == 0
    shown = json.loads(raw)
    assert shown["payload"]["model"] == "GigaChat-2-Max"
    assert shown["payload"]["messages"] == [{"role": "user", "content": "Привет"}]
    assert {"kind": "dropped", "rule": DROPPED_NAME, "path": DROPPED_NAME} in shown["notes"]
    assert "Привет".encode() in raw


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"model": ', "400 invalid_json: The body is no valid JSON"),
        (b"", "400 invalid_json: The body is no valid JSON: the body is empty"),
        (b"[]", "400 invalid_json: The body must be a JSON object"),
        (b"\xff\xfe", "400 invalid_json"),
        (b'{"model": "x"}', "400 missing_required_parameter"),
        (b'{"model": "x", "messages": [{"role": "user", "content": "x"}], "temperature": "a"}', "400 invalid_value"),
    ],
)
def test_translate_refuses_as_the_gateway_would(
    data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, the status, the code and the sentence that a client would get; nothing on standard output."""
    assert translated(monkeypatch, data) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(reason)
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_translate_of_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage: the file is named."""
    assert cli.main(["translate", "nowhere.json"]) == 2
    assert capsys.readouterr().err == "cannot read nowhere.json: No such file or directory\n"


def test_alive_tells_whether_the_gateway_runs(served: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """For health checks without curl: 0 while /livez answers, whatever address the gateway listens on."""
    monkeypatch.setenv("GPT2GIGA_PORT", served.url.rpartition(":")[2])
    monkeypatch.setenv("GPT2GIGA_HOST", "0.0.0.0")  # noqa: S104 - a setting, not a socket
    assert cli.main(["alive"]) == 0


def test_alive_names_where_nobody_answers(
    unused_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, and one line that says where it looked."""
    monkeypatch.setenv("GPT2GIGA_PORT", str(unused_port))
    assert cli.main(["alive"]) == 1
    assert f"127.0.0.1:{unused_port}" in capsys.readouterr().err


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 OK\r\n\r\n", b"\x15\x03\x01\x00\x02\x02F\n"])
def test_alive_names_what_is_no_gateway(
    answer: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another program listens there and speaks no HTTP: 1 and one line, no traceback."""
    with answering(answer) as port:
        monkeypatch.setenv("GPT2GIGA_PORT", str(port))
        assert cli.main(["alive"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f"what answers on 127.0.0.1:{port} is no gateway")
    assert shown.count("\n") == 1
