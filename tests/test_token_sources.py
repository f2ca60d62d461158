"""Which of the settings gives first-level tokens."""

from __future__ import annotations

import aiohttp
import pytest

from app.config import Config
from app.token_sources import choose_token_source


@pytest.mark.parametrize(
    ("given", "source"),
    [
        pytest.param({"GIGACHAT_CREDENTIALS": "YTpi"}, "oauth", id="key"),
        pytest.param({"GIGACHAT_USER": "u", "GIGACHAT_PASSWORD": "p"}, "password", id="login"),
        pytest.param(
            {"GIGACHAT_CREDENTIALS": "YTpi", "GIGACHAT_USER": "u", "GIGACHAT_PASSWORD": "p"}, "oauth", id="key first"
        ),
        pytest.param({"GIGACHAT_CERT_FILE": __file__}, "mtls", id="certificate alone"),
        pytest.param({"GIGACHAT_CERT_FILE": __file__, "GIGACHAT_ACCESS_TOKEN": "t"}, "none", id="certificate, token"),
        pytest.param({"GIGACHAT_ACCESS_TOKEN": "t"}, "none", id="ready token alone"),
        pytest.param({}, "none", id="nothing"),
    ],
)
async def test_where_tokens_of_the_first_level_come_from(given: dict[str, str], source: str) -> None:
    """The key, else the login, else the certificate itself; a ready token is the second level only."""
    async with aiohttp.ClientSession() as session:
        fetch, found = choose_token_source(Config.load(given, dotenv=None), session)
    assert found == source
    assert (fetch is not None) is (source in {"oauth", "password"})
