"""People who bring gpt2giga's `.env`: what means the same works, what would do harm stops, the rest is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from app import gpt2giga_env
from app.config import Config
from app.errors import ConfigError
from app.sandbox.state import SandboxSettings
from app.translate.models import ModelNames
from tests.running import ProcessStarter, wait_ready

SECRET = "s3cretkey"


def load(**environ: str) -> Config:
    """The settings of this environment."""
    return Config.load(environ, None)


def faults(**environ: str) -> list[str]:
    """Why these settings stop the start."""
    with pytest.raises(ConfigError) as caught:
        load(**environ)
    return caught.value.faults


# gpt2giga's settings -> a field and its value
SAME: list[tuple[dict[str, str], str, Any]] = [
    ({"GPT2GIGA_CORS_ALLOW_ORIGINS": '["*"]'}, "cors_origins", ("*",)),
    ({"GPT2GIGA_CORS_ALLOW_ORIGINS": ' ["https://a", "https://b:1"]'}, "cors_origins", ("https://a", "https://b:1")),
    ({"GPT2GIGA_CORS_ALLOW_ORIGINS": "[]"}, "cors_origins", ()),
    ({"GPT2GIGA_CORS_ALLOW_ORIGINS": "https://a"}, "cors_origins", ("https://a",)),
    ({"GPT2GIGA_EMBEDDINGS": "EmbeddingsGigaR"}, "embeddings_model", "EmbeddingsGigaR"),
    ({"GPT2GIGA_MAX_REQUEST_BODY_BYTES": "10485760"}, "max_body_bytes", 10485760),
    ({"GPT2GIGA_STRUCTURED_OUTPUT_MODE": "function_call"}, "structured_output", "function"),
    ({"GPT2GIGA_STRUCTURED_OUTPUT_MODE": " Native"}, "structured_output", "native"),
    ({"GPT2GIGA_METRICS_ENABLED": "True"}, "metrics_port", None),
    ({"GPT2GIGA_PASS_MODEL": "True"}, "model_aliases", ()),
    ({"GPT2GIGA_PASS_TOKEN": "False"}, "api_key", ""),
    ({"GPT2GIGA_ENABLE_API_KEY_AUTH": "True", "GPT2GIGA_API_KEY": "k"}, "api_key", "k"),
    ({"GPT2GIGA_ENABLE_API_KEY_AUTH": "False"}, "api_key", ""),
    ({"GPT2GIGA_ENABLE_API_KEY_AUTH": " ", "GPT2GIGA_API_KEY": "k"}, "api_key", "k"),
    ({"GPT2GIGA_LOG_LEVEL": "WARNING"}, "log_level", "warning"),
    ({"GPT2GIGA_LOG_LEVEL": "CRITICAL"}, "log_level", "error"),
]


@pytest.mark.parametrize(("environ", "field", "value"), SAME)
def test_what_means_the_same_works_without_a_word(environ: dict[str, str], field: str, value: Any) -> None:
    """Their names and values, this gateway's fields."""
    config = load(**environ)
    assert getattr(config, field) == value
    assert config.warnings == ()


def test_this_gateways_own_name_wins() -> None:
    """Both set: the old one is told."""
    config = load(GPT2GIGA_EMBEDDINGS="old", GPT2GIGA_EMBEDDINGS_MODEL="new")
    assert config.embeddings_model == "new"
    assert config.warnings == ("GPT2GIGA_EMBEDDINGS has no effect: GPT2GIGA_EMBEDDINGS_MODEL is set",)


@pytest.mark.parametrize(
    ("environ", "chat", "embeddings"),
    [
        ({}, "GigaChat", "Embeddings"),
        (
            {"GIGACHAT_MODEL": "GigaChat-2-Max", "GPT2GIGA_EMBEDDINGS": "EmbeddingsGigaR"},
            "GigaChat-2-Max",
            "EmbeddingsGigaR",
        ),
    ],
)
def test_a_model_that_is_not_passed_on(environ: dict[str, str], chat: str, embeddings: str) -> None:
    """`PASS_MODEL=False`: whatever a client names, the configured model answers; embeddings stay embeddings."""
    config = load(GPT2GIGA_PASS_MODEL="False", GPT2GIGA_MODEL_ALIASES="mine=GigaChat-2-Pro", **environ)
    names = ModelNames(config.model, config.embeddings_model, config.model_aliases)
    for asked in ("gpt-4o", "GigaChat-2-Lite", "anything"):
        assert names.resolve(asked)[0] == chat
    for asked in ("text-embedding-3-small", "Embeddings", "EmbeddingsGigaR"):
        assert names.resolve(asked)[0] == embeddings
    assert names.resolve("mine")[0] == "GigaChat-2-Pro"
    assert config.warnings == ()


@pytest.mark.parametrize("value", ["True", "1", "yes", "whatever"])
def test_a_token_that_clients_bring_stops_the_start(value: str) -> None:
    """Ignoring it would move their traffic to another account."""
    assert faults(GPT2GIGA_PASS_TOKEN=value)[0].startswith("GPT2GIGA_PASS_TOKEN is not supported")


# environment -> the beginning of the one fault
STOPS: list[tuple[dict[str, str], str]] = [
    ({"GPT2GIGA_ENABLE_API_KEY_AUTH": "True"}, "GPT2GIGA_ENABLE_API_KEY_AUTH is on, but GPT2GIGA_API_KEY is empty"),
    ({"GPT2GIGA_ENABLE_API_KEY_AUTH": "maybe"}, "GPT2GIGA_ENABLE_API_KEY_AUTH: 'maybe' is neither"),
    ({"GPT2GIGA_CORS_ALLOW_ORIGINS": "[1"}, "GPT2GIGA_CORS_ALLOW_ORIGINS is no list of origins"),
    ({"GPT2GIGA_CORS_ALLOW_ORIGINS": "[1]"}, "GPT2GIGA_CORS_ALLOW_ORIGINS is no list of origins"),
    ({"GPT2GIGA_STRUCTURED_OUTPUT_MODE": "x"}, "GPT2GIGA_STRUCTURED_OUTPUT: 'x' is none of"),
]


@pytest.mark.parametrize(("environ", "fault"), STOPS)
def test_what_cannot_be_meant_stops_the_start(environ: dict[str, str], fault: str) -> None:
    """Told with all other faults."""
    found = faults(GPT2GIGA_PORT="x", **environ)
    assert len(found) == 2
    assert any(one.startswith(fault) for one in found)


@pytest.mark.parametrize("mode", ["", "DEV", "prod"])
def test_a_key_that_nobody_is_asked_for(mode: str, tmp_path: Path) -> None:
    """Switched off in so many words, the key counts for nothing, and that is told; with MODE=PROD it counted there."""
    path = tmp_path / "key"
    path.write_text(SECRET)
    for key in ({"GPT2GIGA_API_KEY": SECRET}, {"GPT2GIGA_API_KEY_FILE": str(path)}):
        config = load(GPT2GIGA_ENABLE_API_KEY_AUTH="False", GPT2GIGA_MODE=mode, **key)
        assert config.api_key == (SECRET if mode == "prod" else "")
        assert any("asked of nobody" in warning for warning in config.warnings) is (mode != "prod")
        assert SECRET not in str(config.warnings)


def test_everything_else_is_named() -> None:
    """One sentence each, with what to do instead; nothing is taken for a misspelt name of this gateway's."""
    config = load(
        GPT2GIGA_MODE="PROD",
        GPT2GIGA_LOG_FILENAME="x",
        GPT2GIGA_TRAFFIC_LOG_POSTGRES_DSN=SECRET,
        GIGACHAT_PROFANITY_CHECK="False",
        GIGACHAT_MAX_CONNECTIONS="10",
        GIGACHAT_MAX_RETRIES="3",
        GPT2GIGA_METRICS_ENABLED="False",
        GPT2GIGA_CONFIG="profiles.yml",
        GPT2GIGA_PROT="1",
        GIGACHAT_API_KEY=SECRET,
        GIGACHAT_API_BASE="https://api.giga.chat/v1",
    )
    assert config.warnings == (
        "GPT2GIGA_METRICS_ENABLED has no effect: metrics are always on",
        "GIGACHAT_API_BASE is LiteLLM's and has no effect here: set GIGACHAT_BASE_URL",
        "GIGACHAT_API_KEY is LiteLLM's and has no effect here: set GIGACHAT_CREDENTIALS",
        (
            "GIGACHAT_MAX_CONNECTIONS is gpt2giga's and has no effect here: "
            "GIGACHAT_MAX_CONCURRENCY says how many requests GigaChat has at a time"
        ),
        (
            "GIGACHAT_MAX_RETRIES is gpt2giga's and has no effect here: "
            "failures before the first word are always tried again, a 429 while a request may wait"
        ),
        "GIGACHAT_PROFANITY_CHECK is gpt2giga's and has no effect here: a request may carry profanity_check itself",
        "GPT2GIGA_CONFIG is gpt2giga's and has no effect here: GigaChat's models alone are served",
        "GPT2GIGA_LOG_FILENAME is gpt2giga's and has no effect here: the log goes to the standard error",
        "GPT2GIGA_MODE is gpt2giga's and has no effect here: a key is asked for as soon as GPT2GIGA_API_KEY is set",
        "GPT2GIGA_PROT is unknown and has no effect: did you mean GPT2GIGA_PORT?",
        "GPT2GIGA_TRAFFIC_LOG_POSTGRES_DSN is gpt2giga's and has no effect here",
    )
    assert gpt2giga_env.describe_ineffective("GPT2GIGA_PROT") is None


TYPICAL = """\
# as gpt2giga's users have it
GPT2GIGA_MODE=DEV
GPT2GIGA_HOST=0.0.0.0
GPT2GIGA_PORT=8090
GPT2GIGA_LOG_LEVEL=INFO
GPT2GIGA_ENABLE_API_KEY_AUTH=True
GPT2GIGA_API_KEY="a-strong-secret"
GPT2GIGA_ENABLE_REASONING=False
GPT2GIGA_PASS_MODEL=False
GPT2GIGA_EMBEDDINGS=EmbeddingsGigaR
GPT2GIGA_CORS_ALLOW_ORIGINS=["https://app.example.com"]
GPT2GIGA_CORS_ALLOW_METHODS=["GET","POST","OPTIONS"]
GPT2GIGA_MAX_REQUEST_BODY_BYTES=10485760
GPT2GIGA_METRICS_ENABLED=True

GIGACHAT_SCOPE=GIGACHAT_API_PERS
GIGACHAT_CREDENTIALS="{key}"
#GIGACHAT_USER=
#GIGACHAT_PASSWORD=
GIGACHAT_PROFANITY_CHECK=False
GIGACHAT_MODEL=GigaChat-2-Max
GIGACHAT_VERIFY_SSL_CERTS=False
GIGACHAT_TIMEOUT=70000
GIGACHAT_BASE_URL={url}/v1
GIGACHAT_AUTH_URL={url}/api/v2/oauth
"""


def test_its_typical_file_starts_this_gateway(
    sandbox_process: str, start_process: ProcessStarter, tmp_path: Path
) -> None:
    """The gateway answers under the same key with the configured model, and its log says what it did not heed."""
    (tmp_path / ".env").write_text(TYPICAL.format(key=SandboxSettings().key, url=sandbox_process), "utf-8")
    gateway = start_process()
    url = gateway.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - asked, not bound
    wait_ready(url)
    client = OpenAI(base_url=f"{url}/v1", api_key="a-strong-secret", max_retries=0)
    answer = client.chat.completions.create(model="any-name", messages=[{"role": "user", "content": "Привет"}])
    assert answer.model.startswith("GigaChat-2-Max")
    client.close()
    told = [line["event"] for line in gateway.lines() if line["level"] == "warning"]
    for name in (
        "GPT2GIGA_MODE",
        "GPT2GIGA_ENABLE_REASONING",
        "GPT2GIGA_CORS_ALLOW_METHODS",
        "GIGACHAT_PROFANITY_CHECK",
    ):
        assert any(f": {name} is gpt2giga's and has no effect" in one for one in told), name
    assert gateway.event("listening")["settings"]["GPT2GIGA_EMBEDDINGS_MODEL"] == "EmbeddingsGigaR"
