"""Strict mode's advice: one row for each rule that drops or adapts, found in the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from app.translate import lost_files
from app.translate.advice import ADVICE, LEAVE_OUT, find_advice
from app.translate.call_arguments import KEPT_RAW, REPAIRED
from app.translate.openai.parameters import DROPPABLE
from app.translate.schemas.repair_rules import RULES

APP = Path(__file__).parents[2] / "app"
# Calls that tell a rule -> the place of the rule among their arguments, and that of the effect, if they have one.
TELLING = {"Note": (1, 0), "note": (1, 0), "leave_out": (1, None), "drop": (0, None)}
# What stands for a value in a rule that is put together.
STAND_IN = "x"
# Rules that are no text where they are told; the names of `dropped` parameters are leaving out and nothing else.
OTHERS = {
    *(rule.name for rule in RULES.values() if rule.kind != "equivalent"),
    *(lost_files.RULE, KEPT_RAW, REPAIRED, "schema=text->object", "surrogate->U+FFFD", "image.first_frame"),
    *("max_tokens", "max_output_tokens", "messages.tool_calls", "messages.function_call"),
}


def written_rules() -> Iterator[tuple[str, str]]:
    """Each rule that is dropped or adapted, as the code writes it, with the file that does."""
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            at, effect = TELLING.get(name, (9, None))
            if len(node.args) <= at:
                continue
            if effect is not None and ast.unparse(node.args[effect]) == "'equivalent'":
                continue
            yield from ((rule, path.name) for rule in texts(node.args[at]))


def texts(node: ast.expr) -> Iterator[str]:
    """The text of an expression, if it is one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else STAND_IN for one in node.values)


# `messages.x` is one of two rules that are told elsewhere by their names.
FOUND = sorted({(rule, file) for rule, file in written_rules() if rule != "messages.x"})


def test_the_code_was_read() -> None:
    """The rules of all rooms are found."""
    rules = {rule for rule, _ in FOUND}
    assert {"system->user", "unknown", "messages.name", "x=required->auto", "call.no_result", "x->vision"} <= rules
    assert len(rules) > 35


@pytest.mark.parametrize("rule", sorted({rule for rule, _ in FOUND} | OTHERS))
def test_each_rule_has_its_advice(rule: str) -> None:
    """A new rule needs a row, unless it bears the name of a parameter that GigaChat has nothing like."""
    assert any(fnmatchcase(rule, pattern) for pattern, _ in ADVICE), f"a row of app/translate/advice.py for {rule!r}"


@pytest.mark.parametrize("name", DROPPABLE)
def test_a_parameter_is_left_out(name: str) -> None:
    """There is nothing else to do about one that GigaChat lacks."""
    assert find_advice(name) == LEAVE_OUT


def test_no_row_is_idle() -> None:
    """Each row is for a rule of the code, and is the first that fits it."""
    rules = {rule for rule, _ in FOUND} | OTHERS
    used = {find_advice(rule) for rule in rules}
    assert {advice for _, advice in ADVICE} == used


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("messages.role->user", "role"),
        ("max_tokens=0->unlimited", "no limit"),
        ("file->words", "bytes"),
        ("arguments->_raw", "JSON object"),
        ("tool_choice=required->auto", "Name the one function"),
        ("schema.cycle", "schema"),
        ("tools.unknown", "Leave it out"),
        ("max_completion_tokens->clamped", "limit"),
        ("response_format->function", "another"),
    ],
)
def test_the_advice_is_about_the_rule(rule: str, word: str) -> None:
    """Leaving out is said only of what can be left out."""
    assert word in find_advice(rule)
