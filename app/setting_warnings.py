"""What an operator is told about settings that do not stop the start: names without an effect, and doubtful values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app import exposure, gpt2giga_env, redaction, setting_files

PREFIXES = ("GIGACHAT_", "GPT2GIGA_")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")


def describe_unknown(names: Iterable[str], known: set[str]) -> list[str]:
    """A sentence for each variable that no setting reads. `known`: the names that settings read."""
    return [gpt2giga_env.describe_ineffective(name) or _describe_name(name, known) for name in sorted(names)]


def find_doubtful(chosen: Mapping[str, Any]) -> list[str]:
    """A sentence for each doubt about the values, which are given by the names of `Config`'s fields."""
    warnings = []
    if len(chosen["credentials"]) > 1:
        warnings.append("GIGACHAT_CREDENTIALS holds several keys: only the first is used so far")
    warnings += exposure.warn_of_open_port(chosen["host"], key=bool(chosen["api_key"]))
    warnings += exposure.warn_of_plain_http(GIGACHAT_BASE_URL=chosen["base_url"], GIGACHAT_AUTH_URL=chosen["auth_url"])
    if chosen["max_body_bytes"] > chosen["max_bodies_bytes"]:
        warnings.append("GPT2GIGA_MAX_BODIES_BYTES is less than one body may have (GPT2GIGA_MAX_BODY_BYTES)")
    if not chosen["verify_ssl_certs"]:
        warnings.append("GIGACHAT_VERIFY_SSL_CERTS is off: anyone on the way can read keys and prompts")
    return warnings


def add_lines(sentences: Sequence[str], path: Path, inherited: Collection[str]) -> list[str]:
    """The sentences, each with the line of the file that sets the variable with which it begins."""
    if not sentences:
        return []
    lines = {name: line for name, line in setting_files.find_lines(path).items() if name not in inherited}

    def add_line(sentence: str) -> str:
        begin = _VARIABLE.match(sentence)
        name = begin[0] if begin is not None else ""
        line = lines.get(name) or lines.get(f"{name}_FILE")
        return sentence if line is None else f"{path}, line {line}: {sentence}"

    return [add_line(sentence) for sentence in sentences]


def _describe_name(name: str, known: set[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1)
    prefix = next(prefix for prefix in PREFIXES if name.startswith(prefix))
    shown = redaction.mask_variable(name) or f"a name of {prefix} and {len(name) - len(prefix)} more characters"
    return f"{shown} is unknown and has no effect" + (f": did you mean {similar[0]}?" if similar else "")
