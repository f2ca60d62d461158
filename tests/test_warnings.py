"""Which warnings fail a test: all that are about our own code, none that packages raise about each other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PASSES, FAILS = "passed", "failed"

# A package as it is installed, and one whose name begins like ours.
STRANGER = r"""
import threading
import warnings

def old(level=2):
    warnings.warn("old() is deprecated", DeprecationWarning, stacklevel=level)

def calls_its_own_old():
    old()

async def coroutine():
    pass

def forgets_to_await():
    coroutine()

def forgets_to_close():
    open(__file__)

def thread():
    ends = threading.Thread(target=lambda: 1 / 0)
    ends.start()
    ends.join()
"""
FILES = {
    "lib/site-packages/stranger/__init__.py": STRANGER,
    "lib/site-packages/stranger/app.py": "from stranger import old\n\ndef call():\n    old()\n",
    "lib/site-packages/stranger/escapes.py": 'PATTERN = "\\d"\n',
    "lib/site-packages/newer.py": "import warnings\n\nwarnings.warn('renamed', DeprecationWarning)\n",
    "lib/site-packages/app_store.py": "from stranger import old\n\ndef call():\n    old()\n",
    "app/__init__.py": "import stranger\n\ndef call(level):\n    stranger.old(level)\n",
    "app/escapes.py": 'PATTERN = "\\d"\n',
    "deploy/thing.py": "import stranger\n\ndef call():\n    stranger.old()\n",
}
# name -> what a test does, and how it ends
CASES = {
    "a_package_warns_at_its_import": ("import newer", PASSES),
    "a_package_warns_itself": ("import app; app.call(level=1)", PASSES),
    "a_package_calls_its_own_deprecated_function": ("import stranger; stranger.calls_its_own_old()", PASSES),
    "a_packages_module_named_like_ours": ("import stranger.app; stranger.app.call()", PASSES),
    "a_package_named_almost_like_ours": ("import app_store; app_store.call()", PASSES),
    "a_package_is_compiled_with_a_warning": ("import stranger.escapes", PASSES),
    "the_program_calls_a_deprecated_function": ("import app; app.call(level=2)", FAILS),
    "the_program_is_compiled_with_a_warning": ("import app.escapes", FAILS),
    "deploy_calls_a_deprecated_function": ("import deploy.thing; deploy.thing.call()", FAILS),
    "a_test_calls_a_deprecated_function": ("import stranger; stranger.old()", FAILS),
    "a_test_warns": ("import warnings; warnings.warn('ours')", FAILS),
    "a_coroutine_is_not_awaited_anywhere": ("import stranger, gc; stranger.forgets_to_await(); gc.collect()", FAILS),
    "a_file_is_not_closed_anywhere": ("import stranger, gc; stranger.forgets_to_close(); gc.collect()", FAILS),
    "a_test_returns_something": ("return 1", FAILS),
    "a_thread_dies_anywhere": ("import stranger; stranger.thread()", FAILS),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each case ends under this project's own settings of pytest."""
    folder = tmp_path_factory.mktemp("warnings")
    tests = "\n".join(f"def test_{name}():\n    {body}\n" for name, (body, _) in CASES.items())
    for name, text in {**FILES, "tests/test_cases.py": tests}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    path = os.pathsep.join([str(folder), str(folder / "lib" / "site-packages")])
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "COV"))}
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "setup.cfg"), "--rootdir", str(folder), "-rA"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env=clean | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.findall(r"^(PASSED|FAILED) .*::test_(\w+)", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return {name: outcome.lower() for outcome, name in found}


@pytest.mark.parametrize("name", CASES)
def test_a_warning(name: str, outcomes: dict[str, str]) -> None:
    """Ours fails, wherever the function is that warns; what lies between two others passes."""
    assert outcomes[name] == CASES[name][1]
