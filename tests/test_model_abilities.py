"""The table of models with the operator's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import Config
from app.errors import ConfigError
from app.model_abilities import read_abilities


@pytest.mark.parametrize("content", ["{bad", "[]", None])
def test_a_file_that_is_no_table_is_a_fault_of_the_settings(tmp_path: Path, content: str | None) -> None:
    """The sentence names the setting and the file."""
    path = tmp_path / "models.json"
    path.write_text("{}")
    config = Config.load({"GPT2GIGA_MODELS_FILE": str(path)}, dotenv=None)
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ConfigError) as raised:
        read_abilities(config)
    assert raised.value.faults[0].startswith(f"GPT2GIGA_MODELS_FILE ({path}): ")
