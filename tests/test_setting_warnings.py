"""Warnings about settings: which line of the file they name. What they say is tested in `test_config`."""

from __future__ import annotations

from pathlib import Path

from app import setting_warnings


def test_a_line_of_the_file_is_named_unless_the_environment_wins(tmp_path: Path) -> None:
    """An operator finds the line; what the environment set is not looked for in the file."""
    path = tmp_path / ".env"
    path.write_text("\nGPT2GIGA_PORT=x\nGPT2GIGA_HOST=y\n")
    told = setting_warnings.add_lines(["GPT2GIGA_PORT: a", "GPT2GIGA_HOST: b", "all: c"], path, {"GPT2GIGA_HOST"})
    assert told == [f"{path}, line 2: GPT2GIGA_PORT: a", "GPT2GIGA_HOST: b", "all: c"]


def test_an_unknown_name_is_told_with_the_nearest_known_one() -> None:
    """A slip of the pen must not go unnoticed."""
    assert setting_warnings.describe_unknown(["GPT2GIGA_PROT"], {"GPT2GIGA_PORT"}) == [
        "GPT2GIGA_PROT is unknown and has no effect: did you mean GPT2GIGA_PORT?"
    ]
