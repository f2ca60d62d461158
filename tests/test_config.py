"""All settings together: where they come from, their defaults, their faults, and that no secret shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from app.config import Config
from app.credentials import Credential
from app.errors import ConfigError
from app.settings import base_url

SECRET = "s3cretkey"
ANYWHERE = "0.0.0.0"  # noqa: S104 - what is warned of

# name, field, default as the table of settings says it
DEFAULTS: list[tuple[str, str, Any]] = [
    ("GIGACHAT_CREDENTIALS", "credentials", ()),
    ("GIGACHAT_ACCESS_TOKEN", "access_token", ""),
    ("GIGACHAT_SCOPE", "scope", "GIGACHAT_API_PERS"),
    ("GIGACHAT_MODEL", "model", "GigaChat"),
    ("GIGACHAT_BASE_URL", "base_url", base_url("https://api.giga.chat/v1")),
    ("GIGACHAT_AUTH_URL", "auth_url", "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"),
    ("GIGACHAT_USER", "user", ""),
    ("GIGACHAT_PASSWORD", "password", ""),
    ("GIGACHAT_VERIFY_SSL_CERTS", "verify_ssl_certs", True),
    ("GIGACHAT_CA_BUNDLE_FILE", "ca_bundle_file", None),
    ("GIGACHAT_CERT_FILE", "cert_file", None),
    ("GIGACHAT_KEY_FILE", "key_file", None),
    ("GIGACHAT_KEY_FILE_PASSWORD", "key_file_password", ""),
    ("GIGACHAT_TIMEOUT", "timeout", 600),
    ("GPT2GIGA_HOST", "host", "127.0.0.1"),
    ("GPT2GIGA_PORT", "port", 8090),
    ("GPT2GIGA_API_KEY", "api_key", ""),
    ("GPT2GIGA_MODEL_ALIASES", "model_aliases", ()),
    ("GPT2GIGA_EMBEDDINGS_MODEL", "embeddings_model", "Embeddings"),
    ("GPT2GIGA_STRICT", "strict", False),
    ("GPT2GIGA_CORS_ORIGINS", "cors_origins", ()),
    ("GPT2GIGA_LOG_LEVEL", "log_level", "info"),
    ("GPT2GIGA_LOG_FORMAT", "log_format", "auto"),
    ("GPT2GIGA_METRICS_PORT", "metrics_port", None),
    ("GPT2GIGA_CONNECT_SECONDS", "connect_seconds", 5),
    ("GPT2GIGA_FIRST_BYTE_SECONDS", "first_byte_seconds", 120),
    ("GPT2GIGA_COMMIT_SECONDS", "commit_seconds", 40),
    ("GPT2GIGA_KEEPALIVE_SECONDS", "keepalive_seconds", 10),
    ("GPT2GIGA_KEEPALIVE", "keepalive", "comment"),
    ("GPT2GIGA_CACHED_TOKENS", "cached_tokens", "added"),
    ("GPT2GIGA_HOSTS", "hosts", ()),
    ("GPT2GIGA_BODY_SECONDS", "body_seconds", 30),
    ("GPT2GIGA_IDLE_SECONDS", "idle_seconds", 75),
    ("GPT2GIGA_MAX_CONNECTIONS", "max_connections", None),
    ("GPT2GIGA_MAX_BODY_BYTES", "max_body_bytes", 64 * 1024**2),
    ("GPT2GIGA_MAX_BODIES_BYTES", "max_bodies_bytes", 256 * 1024**2),
    ("GPT2GIGA_SHUTDOWN_SECONDS", "shutdown_seconds", 30),
    ("GPT2GIGA_UPSTREAM_PROXY", "upstream_proxy", ""),
    ("GPT2GIGA_STATE_DIR", "state_dir", None),
]
SECRETS = {
    "GIGACHAT_CREDENTIALS": "credentials",
    "GIGACHAT_ACCESS_TOKEN": "access_token",
    "GIGACHAT_PASSWORD": "password",
    "GIGACHAT_KEY_FILE_PASSWORD": "key_file_password",
    "GPT2GIGA_API_KEY": "api_key",
    "GPT2GIGA_UPSTREAM_PROXY": "upstream_proxy",
}


def load(dotenv: Path | None = None, /, **environ: str) -> Config:
    """The settings of this environment and this file."""
    return Config.load(environ, dotenv)


def faults(dotenv: Path | None = None, /, **environ: str) -> list[str]:
    """Why these settings stop the start."""
    with pytest.raises(ConfigError) as caught:
        load(dotenv, **environ)
    return caught.value.faults


@pytest.mark.parametrize(("name", "field", "default"), DEFAULTS)
def test_defaults(name: str, field: str, default: Any) -> None:
    """Nothing set, set to nothing, or to blanks: the same default."""
    assert getattr(load(), field) == default
    assert load(**{name: ""}) == load(**{name: " \n"}) == load()


def test_secrets_have_a_twin_that_names_a_file(tmp_path: Path) -> None:
    """Docker's secrets: each secret may come from a file, line end and all."""
    path = tmp_path / "secret"
    path.write_text(f"http://{SECRET}\n")
    for name, field in SECRETS.items():
        user = {"GIGACHAT_USER": "u"} if name == "GIGACHAT_PASSWORD" else {}
        value = getattr(load(**{f"{name}_FILE": str(path)}, **user), field)
        assert value == (
            (Credential("default", f"http://{SECRET}", None),) if field == "credentials" else f"http://{SECRET}"
        )
    assert load(GIGACHAT_ACCESS_TOKEN_FILE=str(path)).access_token_file == path


def test_a_twin_of_no_secret_is_unknown() -> None:
    """Only secrets have twins."""
    assert any("GPT2GIGA_HOST_FILE is unknown" in warning for warning in load(GPT2GIGA_HOST_FILE="/x").warnings)


def test_an_empty_twin_stops_the_start(tmp_path: Path) -> None:
    """An empty key would let everybody in unseen; a ready token may be written later."""
    path = tmp_path / "empty"
    path.write_text(" \n")
    for name in ("GPT2GIGA_API_KEY", "GIGACHAT_CREDENTIALS"):
        assert faults(**{f"{name}_FILE": str(path)}) == [
            f"{name}_FILE names an empty file: fill it, or leave {name}_FILE out"
        ]
    assert load(GIGACHAT_ACCESS_TOKEN_FILE=str(path)).access_token == ""


def test_a_twin_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """Both set, no file, no text: a fault that does not quote what stood there, for it may be the secret itself."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path in (str(binary), f"/no/{SECRET}", f"~{SECRET}/x", str(tmp_path), SECRET * 1000, "a\x00b"):
        (fault,) = faults(GPT2GIGA_API_KEY_FILE=path)
        assert fault.startswith("GPT2GIGA_API_KEY_FILE names a file that")
        assert SECRET not in fault
        assert len(faults(GIGACHAT_ACCESS_TOKEN_FILE=path)) == 1
    assert faults(GPT2GIGA_API_KEY_FILE=str(binary), GPT2GIGA_API_KEY=SECRET) == [
        "GPT2GIGA_API_KEY and GPT2GIGA_API_KEY_FILE are both set: keep one of them"
    ]


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    """`.env` fills what the environment leaves empty; nothing is interpolated; a BOM hides no name."""
    path = tmp_path / ".env"
    path.write_text(
        "\ufeffGPT2GIGA_PORT=1\nGPT2GIGA_HOST=a\n# GIGACHAT_MODEL=x\nGPT2GIGA_API_KEY='a${HOME}b'\n", "utf-8"
    )
    config = load(path, GPT2GIGA_HOST="b", GPT2GIGA_PORT=" ")
    assert (config.port, config.host, config.model, config.api_key) == (1, "b", "GigaChat", "a${HOME}b")
    assert load(tmp_path / "missing") == load()


def test_a_file_that_is_no_text_stops_the_start(tmp_path: Path) -> None:
    """One sentence, no traceback."""
    path = tmp_path / ".env"
    path.write_bytes(b"\xff\xfe\x00")
    assert faults(path)[0].startswith(f"{path} is UTF-16: save it as UTF-8")


def test_a_directory_in_its_place_stops_the_start(tmp_path: Path) -> None:
    """Docker makes one where the file that it should mount is missing: none of the settings would hold."""
    path = tmp_path / ".env"
    path.mkdir()
    (fault,) = faults(path)
    assert fault.startswith(f"{path} is a directory")
    assert "remove it" in fault


def test_a_file_behind_a_closed_door_stops_the_start(tmp_path: Path) -> None:
    """A link into a directory that this user may not enter: it can't even be told whether there is a file."""
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "env").write_text("GPT2GIGA_PORT=1\n")
    path = tmp_path / ".env"
    path.symlink_to(closed / "env")
    closed.chmod(0)
    root = os.geteuid() == 0  # whom no door stops
    if root:
        os.seteuid(65_534)
    try:
        assert faults(path)[0].startswith(f"{path} cannot be read: Permission denied: let the user")
    finally:
        if root:
            os.seteuid(0)
        closed.chmod(0o700)


def test_a_link_to_nothing_is_no_file(tmp_path: Path) -> None:
    """As none at all; a link to itself is told."""
    path = tmp_path / ".env"
    path.symlink_to(tmp_path / "missing")
    assert load(path) == load()
    path.unlink()
    path.symlink_to(path)
    assert faults(path)[0].startswith(f"{path} cannot be read: ")


def test_all_faults_come_together_and_tell_no_secret() -> None:
    """One start shows every mistake."""
    found = faults(
        GIGACHAT_CREDENTIALS=f"{SECRET} {SECRET}",
        GIGACHAT_ACCESS_TOKEN=f"{SECRET}\nx",
        GIGACHAT_PASSWORD=SECRET,
        GIGACHAT_KEY_FILE=__file__,
        GIGACHAT_BASE_URL="api.giga.chat",
        GPT2GIGA_PORT="99999",
        GPT2GIGA_STRICT="maybe",
        GPT2GIGA_UPSTREAM_PROXY=f"http://u:{SECRET}/@proxy",
        GPT2GIGA_MAX_BODY_BYTES="much",
        HTTPS_PROXY=f"socks5://{SECRET}@proxy",
    )
    names = [fault.partition(":")[0].partition(" ")[0] for fault in found]
    assert sorted(names) == [
        "GIGACHAT_ACCESS_TOKEN",
        "GIGACHAT_BASE_URL",
        "GIGACHAT_CREDENTIALS",
        "GIGACHAT_KEY_FILE",
        "GIGACHAT_USER",
        "GPT2GIGA_MAX_BODY_BYTES",
        "GPT2GIGA_PORT",
        "GPT2GIGA_STRICT",
        "GPT2GIGA_UPSTREAM_PROXY",
        "HTTPS_PROXY",
    ]
    assert SECRET not in str(found)


def test_no_secret_shows() -> None:
    """Neither in the repr nor in what the start logs."""
    values = dict.fromkeys(SECRETS, SECRET) | {"GPT2GIGA_UPSTREAM_PROXY": f"http://u:{SECRET}@p", "GIGACHAT_USER": "u"}
    config = load(**values)
    effective = config.changed_settings()
    assert SECRET not in str(effective)
    assert all(effective[name] == "set" for name in SECRETS)
    assert SECRET not in repr(config)


@pytest.mark.parametrize("name", ["GIGACHAT_BASE_URL", "GIGACHAT_AUTH_URL"])
def test_a_url_of_gigachats_holds_no_password(name: str) -> None:
    """Nobody would use it, and it would show: it is refused, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        load(**{name: f"https://u:{SECRET}@host/v1"})
    assert name in str(caught.value)
    assert SECRET not in str(caught.value)


def test_only_what_differs_is_effective() -> None:
    """A start says what was changed and nothing else."""
    assert load().changed_settings() == {}
    assert load(GPT2GIGA_PORT="8090", GPT2GIGA_HOST="::1").changed_settings() == {"GPT2GIGA_HOST": "::1"}


def test_the_fingerprint_tells_settings_apart() -> None:
    """The same settings have the same, in any order; another value another; of a secret only whether it is set."""
    same = [load(GPT2GIGA_PORT="1", GPT2GIGA_HOST="::1"), load(GPT2GIGA_HOST="::1", GPT2GIGA_PORT="1")]
    assert len({config.fingerprint() for config in same}) == 1
    assert load(GPT2GIGA_PORT="2").fingerprint() != load().fingerprint()
    keys = [load(GPT2GIGA_API_KEY=key).fingerprint() for key in ("a", "b")]
    assert keys[0] == keys[1] != load().fingerprint()


# environment -> a part of the one warning
WARNED: list[tuple[dict[str, str], str]] = [
    ({"GPT2GIGA_PROT": "1"}, "GPT2GIGA_PROT is unknown and has no effect: did you mean GPT2GIGA_PORT?"),
    ({"GIGACHAT_CREDENTIAL": "x"}, "did you mean GIGACHAT_CREDENTIALS?"),
    ({"GPT2GIGA_XQZW\udcff": "x"}, "GPT2GIGA_XQZW? is unknown"),
    ({"GIGACHAT_CREDENTIALS": "a,b"}, "several keys"),
    ({"GPT2GIGA_HOST": ANYWHERE}, "without GPT2GIGA_API_KEY"),
    ({"GPT2GIGA_HOST": "::"}, "without GPT2GIGA_API_KEY"),
    ({"GIGACHAT_VERIFY_SSL_CERTS": "off"}, "GIGACHAT_VERIFY_SSL_CERTS is off"),
]


@pytest.mark.parametrize(("environ", "part"), WARNED)
def test_what_is_odd_is_warned_of(environ: dict[str, str], part: str) -> None:
    """Names with the nearest known one, and what is dangerous; no value is repeated, and it can be logged."""
    (warning,) = Config.load(environ, None).warnings
    assert part in warning
    warning.encode()


def test_what_is_fine_is_not_warned_of() -> None:
    """Other programs' names, known names, twins and the proxy of the environment."""
    config = load(PATH="x", GPT2GIGA_HOST=ANYWHERE, GPT2GIGA_API_KEY="k", HTTPS_PROXY="http://p:1", gpt2giga_port="1")
    assert config.warnings == ()
    assert config.upstream_proxy == "http://p:1"
    assert load(https_proxy="http://p:1", GPT2GIGA_UPSTREAM_PROXY="http://q").upstream_proxy == "http://q"


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without arguments: os.environ, and `.env` of the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("GPT2GIGA_HOST=from-file\n")
    monkeypatch.setenv("GPT2GIGA_PORT", "7")
    config = Config.load()
    assert (config.host, config.port) == ("from-file", 7)


def test_pairs_belong_together(tmp_path: Path) -> None:
    """A user without password, or a key without its certificate, can't work."""
    path = tmp_path / "x.pem"
    path.touch()
    assert faults(GIGACHAT_USER="u")[0].startswith("GIGACHAT_USER and GIGACHAT_PASSWORD")
    assert faults(GIGACHAT_KEY_FILE=str(path)) == ["GIGACHAT_KEY_FILE needs GIGACHAT_CERT_FILE beside it"]
    assert load(GIGACHAT_KEY_FILE=str(path), GIGACHAT_CERT_FILE=str(path)).changed_settings()[
        "GIGACHAT_KEY_FILE"
    ] == str(path)
