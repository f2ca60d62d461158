"""The table of what models can do, with the operator's file (GPT2GIGA_MODELS_FILE)."""

from __future__ import annotations

import orjson

from app.config import Config
from app.errors import ConfigError
from app.translate.abilities import Abilities, overrides
from app.translate.models import bare


def read_abilities(config: Config) -> Abilities:
    """The shipped table with the operator's rows in place of its own. Raises ConfigError when the file is unusable."""
    vision = bare(config.vision_model)
    if config.models_file is None:
        return Abilities(vision=vision)
    try:
        return Abilities(overrides(orjson.loads(config.models_file.read_bytes())), vision)
    except (OSError, ValueError) as fault:
        raise ConfigError([f"GPT2GIGA_MODELS_FILE ({config.models_file}): {fault}"]) from fault
