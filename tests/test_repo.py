"""The house's own rules: what a reader may rely on in every file, and what README and settings must agree on."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from app.config import Config
from app.translate.openai.parameters import PARAMETERS
from tests import russian

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "app").rglob("*.py"))
PROGRAM = [path for path in MODULES if path.name != "__init__.py"]
ALL = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]


def name(path: Path) -> str:
    """A path as a person names it."""
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, nested ones too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(path: Path) -> set[str]:
    """Every name that a module imports, dotted: `aiohttp.web` for `from aiohttp import web`."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def test_modules_are_short_and_say_what_they_are() -> None:
    """A docstring at the top, at most 300 lines, no function of more than 60."""
    assert [name(path) for path in ALL if not ast.get_docstring(tree(path))] == []
    assert [name(path) for path in ALL if path.read_text("utf-8").count("\n") > 300] == []
    long = [
        f"{name(path)}: {function.name}"
        for path in ALL
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= 60
    ]
    assert long == []


def test_every_module_has_its_test_file() -> None:
    """`app/x/y.py` is tested in `tests/x/test_y.py`."""
    places = {path: path.relative_to(ROOT / "app") for path in PROGRAM}
    tests = {path: ROOT / "tests" / at.parent / f"test_{at.stem.strip('_')}.py" for path, at in places.items()}
    assert [name(path) for path, test in tests.items() if not test.is_file()] == []


def test_only_one_module_frames_events() -> None:
    """`data:` is spelled in sse.py and nowhere else."""

    def framed(path: Path) -> bool:
        values = [node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)]
        return any(isinstance(value, str | bytes) and "data: " in str(value) for value in values)

    assert [name(path) for path in MODULES if path.name != "sse.py" and framed(path)] == []


def test_lower_rooms_know_no_web_server() -> None:
    """`aiohttp.web` belongs to the server: upstream and exchange only ask."""
    lower = [path for path in PROGRAM if {"upstream", "exchange", "media"} & {*path.relative_to(ROOT).parts}]
    assert lower
    assert [name(path) for path in lower if any(one.startswith("aiohttp.web") for one in imports(path))] == []


def test_rooms_are_named_by_nouns() -> None:
    """No room for what has no home."""
    forbidden = {"common", "utils", "util", "helpers", "helper", "core", "base", "misc"}
    assert not forbidden & {part for path in MODULES for part in (*path.parts[:-1], path.stem)}


def ours(path: Path) -> Iterator[str]:
    """The private names that a module of the program gives: to functions, classes, variables and attributes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.FunctionDef(name=given) | ast.AsyncFunctionDef(name=given) | ast.ClassDef(name=given):
                yield given
            case ast.Name(id=given, ctx=ast.Store()) | ast.Attribute(attr=given, ctx=ast.Store()):
                yield given


def touched(path: Path) -> Iterator[str]:
    """Every name that a test reads of another object, or patches there."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=given) | ast.alias(name=given):
                yield given
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=[_, ast.Constant(value=str(given)), *_]):
                yield given
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=[ast.Constant(value=str(given)), *_]):
                yield given.rpartition(".")[2]


def is_private(given: str) -> bool:
    """Whether a name is its module's or its class's own."""
    return given.startswith("_") and not given.startswith("__")


PRIVATE = {given for path in MODULES for given in ours(path) if is_private(given)}
# Tests that still name what is private to the program, and why.
UNSEAMED: dict[str, str] = {
    "tests/clients/test_langchain_embeddings.py": "langchain's own, whose open connections nothing public closes",
    "tests/exchange/test_stream.py": "the connections of GigaChat's session are the client's",
}


def test_tests_name_nothing_private() -> None:
    """What a test sets or reads has a public name or is an argument: what is private may change with no test."""
    naming = {
        name(path): sorted(PRIVATE & {given for given in touched(path) if is_private(given)})
        for path in ALL
        if path not in MODULES and name(path) not in UNSEAMED
    }
    assert {path: names for path, names in naming.items() if names} == {}


def test_every_package_is_in_the_wheel() -> None:
    """A room that setup.cfg forgets would be missing where the wheel is installed."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in MODULES}
    assert listed == found | {"app.certs"}


def settings() -> dict[str, str]:
    """Every setting with its default, as a person would write it."""
    shown = {}
    for item in fields(Config):
        if "name" in item.metadata:
            default = item.default
            text = "" if default in (None, (), "") else str(default)
            if isinstance(default, bool):
                text = text.lower()
            elif isinstance(default, float):
                text = f"{default:g}"
            elif item.name.endswith("_bytes"):
                text = f"{int(text) // 2**20}MiB"
            shown[item.metadata["name"]] = text
    # The version at the end is how people know the URL; with and without it means the same.
    shown["GIGACHAT_BASE_URL"] += "/v1"
    return shown


def test_the_example_names_every_setting_with_its_default() -> None:
    """`.env.example` has each setting once, and nothing else."""
    text = (ROOT / ".env.example").read_text("utf-8")
    written = dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    assert written == settings()


@pytest.mark.parametrize("readme", ["README.md", "README.ru.md"])
def test_the_readmes_name_every_setting_with_its_default(readme: str) -> None:
    """The table of settings has each with its default, in both languages."""
    text = (ROOT / readme).read_text("utf-8")
    rows = re.findall(r"^\| `((?:GIGACHAT|GPT2GIGA)_[A-Z_]+)` \| (?:`(.*?)`)? ?\|", text, re.MULTILINE)
    assert dict(rows) == settings()


def test_the_readmes_are_equal() -> None:
    """Both languages have the same commands, headings' levels and tables' sizes."""
    texts = [(ROOT / readme).read_text("utf-8") for readme in ("README.md", "README.ru.md")]

    def shape(text: str) -> tuple[list[str], list[str], int]:
        blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
        commands = [re.sub(r"\s*#.*", "", line) for block in blocks for line in block.splitlines()]
        return commands, re.findall(r"^(#+) ", text, re.MULTILINE), len(re.findall(r"^\|", text, re.MULTILINE))

    assert shape(texts[0]) == shape(texts[1])


def test_the_certificates_are_pinned() -> None:
    """What lies in certs/ is in the table of pins."""
    from app.upstream import trust

    found, strangers = trust.find_certificates(None)
    assert found
    assert not strangers


FATES = {
    "README.md": {"carried": "carried", "passed": "passed on", "identity": "not sent", "dropped": "dropped, told"},
    "README.ru.md": {
        "carried": "передаётся",
        "passed": "передаётся как есть",
        "identity": "не отправляется",
        "dropped": "отбрасывается, о чём сообщается",
    },
}


@pytest.mark.parametrize("readme", FATES)
def test_the_table_of_parameters_is_the_codes(readme: str) -> None:
    """Each parameter of the code's table stands in the README's, in its order, with what becomes of it."""
    text = (ROOT / readme).read_text("utf-8")
    table = text.partition("<!-- parameters -->\n")[2].partition("<!-- end of parameters -->")[0]
    words = russian.PARAMETERS if readme == "README.ru.md" else {row.what: row.what for row in PARAMETERS.values()}
    rows = [f"| `{row.name}` | {FATES[readme][row.fate]} | {words[row.what]} |" for row in PARAMETERS.values()]
    assert table.splitlines()[2:] == rows, "the table should be:\n" + "\n".join(rows)
