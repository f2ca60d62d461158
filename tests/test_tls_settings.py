"""The TLS context by the settings. What it trusts over real connections is in `upstream/test_trust.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import Config
from app.errors import ConfigError
from app.tls_settings import make_context


@pytest.mark.parametrize("name", ["GIGACHAT_CA_BUNDLE_FILE", "GIGACHAT_CERT_FILE"])
def test_a_file_that_tls_cannot_use_is_a_fault_of_the_settings(tmp_path: Path, name: str) -> None:
    """The sentence names the setting and the file, whatever OpenSSL calls it."""
    path = tmp_path / "file.pem"
    path.write_text("not a certificate")
    with pytest.raises(ConfigError) as raised:
        make_context(Config.load({name: str(path)}, dotenv=None), [])
    assert raised.value.faults[0].startswith(f"{name} ({path}): ")
